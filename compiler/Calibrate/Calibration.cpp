//===- Calibration.cpp - what the linears of a model read -----------------===//
#include "compiler/Calibrate/Calibration.h"

#include "llvm/Support/Parallel.h"

using namespace mlir;
using namespace nibble::reference;

namespace nibble {

/// The source of a weight that is one tensor of its file.
static lm::SourceAttr onlySource(ModuleOp module, StringRef name) {
  auto weight = module.lookupSymbol<lm::WeightOp>(name);
  if (!weight || weight.getSources().size() != 1)
    return {};
  return dyn_cast<lm::SourceAttr>(weight.getSources()[0]);
}

/// Adds `factor` · x·xᵀ of the first n rows.
static void addMoments(const Rows &x, int64_t n, float factor, InputMoments::Matrix &sums) {
  int64_t columns = x.width;
  sums.resize(columns * columns);
  std::vector<float> values(x.values.begin(), x.values.begin() + n * columns);
  llvm::parallelFor(0, columns, [&](size_t i) {
    for (int64_t row = 0; row < n; ++row) {
      const float *from = &values[row * columns];
      float *to = &sums[i * columns], scaled = factor * from[i];
      for (int64_t j = int64_t(i); j < columns; ++j)
        to[j] += scaled * from[j];
    }
  });
}

llvm::Expected<InputMoments> calibrate(ModuleOp module, ArrayRef<std::vector<int32_t>> texts) {
  InputMoments moments;
  float factor = 0;
  ReferenceOptions options;
  options.observe = [&](StringRef weight, const Rows &x, int64_t n) {
    if (lm::SourceAttr source = onlySource(module, weight))
      addMoments(x, n, factor, moments[source]);
  };
  ReferenceInterpreter interpreter(module, options);
  for (const std::vector<int32_t> &text : texts) {
    // A text's vector is the mean of its rows, and the next token is that of one row: a row of a short text counts
    // more.
    factor = 1 / float(text.size());
    if (failed(interpreter.prefill(text)))
      return llvm::createStringError("a made-up text cannot be computed");
  }
  return std::move(moments);
}

} // namespace nibble
