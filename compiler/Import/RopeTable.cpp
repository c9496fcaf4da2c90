//===- RopeTable.cpp - Values of lm.rope_table ----------------------------===//
//
// The frequencies of rotary position embedding and their scalings for longer
// contexts. Sources:
//   none     RoFormer, arXiv 2104.09864, section 3.2.2: θ_i = base^(-2i/d)
//   linear   position interpolation, arXiv 2306.15595: θ_i / factor
//   yarn     arXiv 2309.00071, section 3.2 ("NTK-by-parts"): long wavelengths
//            are interpolated, short ones are not, with a linear ramp between
//   llama3   model card of Llama 3.1: the same idea, with the ramp in terms of
//            the number of periods in the original context
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/RopeTable.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace nibble;

static double getValue(mlir::FloatAttr attribute, double fallback) {
  return attribute ? attribute.getValueAsDouble() : fallback;
}

/// llama3: `frequency` scaled by the number of its periods in the context that
/// the model was first trained for.
static double scaleLlama3(lm::RopeTableAttr table, double frequency) {
  double factor = getValue(table.getFactor(), 1);
  double low = getValue(table.getLowFrequencyFactor(), 1);
  double high = getValue(table.getHighFrequencyFactor(), 4);
  double context = getValue(table.getOriginalContext(), 8192);
  double periods = context * frequency / (2 * std::numbers::pi);
  if (periods < low)
    return frequency / factor;
  if (periods > high)
    return frequency;
  double smooth = (periods - low) / (high - low);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}

/// yarn: how far pair `index` is interpolated, 0 (not at all) to 1.
static double getYarnRamp(lm::RopeTableAttr table, double index) {
  double dims = static_cast<double>(table.getDims());
  double context = getValue(table.getOriginalContext(), 0);
  double base = table.getBase().getValueAsDouble();
  // The pair that makes `turns` turns in the original context: d(r) of the
  // paper's section 3.2, inverted.
  auto pairOfTurns = [&](double turns) {
    return dims * std::log(context / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(base));
  };
  double fast = getValue(table.getBetaFast(), 32);
  double slow = getValue(table.getBetaSlow(), 1);
  double low = std::max(0.0, std::floor(pairOfTurns(fast)));
  double high = std::min(dims - 1, std::ceil(pairOfTurns(slow)));
  // A ramp of no width would divide by zero; 0.001 makes it a step.
  double ramp = (index - low) / std::max(0.001, high - low);
  return std::clamp(ramp, 0.0, 1.0);
}

std::vector<double>
nibble::computeRopeFrequencies(lm::RopeTableAttr table) {
  double base = table.getBase().getValueAsDouble();
  double factor = getValue(table.getFactor(), 1);
  double extrapolation = getValue(table.getExtrapolationFactor(), 1);
  uint64_t pairs = table.getDims() / 2;
  std::vector<double> frequencies;
  frequencies.reserve(pairs);
  for (uint64_t i = 0; i < pairs; ++i) {
    double frequency = std::pow(base, -2.0 * static_cast<double>(i) /
                                          static_cast<double>(table.getDims()));
    if (mlir::DenseF32ArrayAttr factors = table.getFactors())
      frequency /= factors[i];
    llvm::StringRef scaling = table.getScaling();
    if (scaling == "linear") {
      frequency /= factor;
    } else if (scaling == "llama3") {
      frequency = scaleLlama3(table, frequency);
    } else if (scaling == "yarn") {
      double kept = (1 - getYarnRamp(table, static_cast<double>(i))) *
                    extrapolation;
      frequency = (1 - kept) * frequency / factor + kept * frequency;
    }
    frequencies.push_back(frequency);
  }
  return frequencies;
}

std::vector<float> nibble::computeRopeTable(lm::RopeTableAttr table,
                                            int64_t rows) {
  std::vector<double> frequencies = computeRopeFrequencies(table);
  double attention = getValue(table.getAttentionFactor(), 1);
  std::vector<float> values;
  values.reserve(static_cast<size_t>(rows) * frequencies.size() * 2);
  for (int64_t row = 0; row < rows; ++row) {
    bool isFine = row < lm::kRopeFineRows;
    int64_t position =
        isFine ? row : (row - lm::kRopeFineRows) * lm::kRopeFineRows;
    double scale = isFine ? attention : 1;
    for (double frequency : frequencies) {
      double angle = static_cast<double>(position) * frequency;
      values.push_back(static_cast<float>(scale * std::cos(angle)));
      values.push_back(static_cast<float>(scale * std::sin(angle)));
    }
  }
  return values;
}
