//===- PackedScales.cpp - Scales of a packed weight -----------------------===//
//
// The scales of PackedRows.h: as a method stores them, or computed of what it stores.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/PackedRows.h"
#include "compiler/Import/PackedSource.h"
#include "compiler/Import/SplitScales.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace nibble;
using llvm::Error;

static float asFloat(uint32_t bits) { return std::bit_cast<float>(bits); }
static uint32_t asBits(float value) { return std::bit_cast<uint32_t>(value); }

/// Scales that are themselves quantized (QLoRA's double quantization): f32 in the
/// order of bitsandbytes, level · outer scale, then + offset.
Error PackedRows::readLevels(lm::PackingAttr packing) {
  uint64_t count = scales.size(), group = packing.getOuterGroup();
  auto codes = readBytes(packing.getScales());
  if (!codes)
    return codes.takeError();
  if (codes->size() != count || group == 0)
    return packingError("{0} bytes are not {1} scales", codes->size(), count);
  auto levels = readFloats(packing.getLevels(), FloatKind::F32, 256);
  if (!levels)
    return levels.takeError();
  auto outer = readFloats(packing.getOuterScales(), FloatKind::F32, (count + group - 1) / group);
  if (!outer)
    return outer.takeError();
  auto offset = static_cast<float>(packing.getOuterOffset().getValueAsDouble());
  for (uint64_t i = 0; i < count; ++i) {
    float scale = asFloat((*levels)[(*codes)[i]]) * asFloat((*outer)[i / group]);
    scales[i] = asBits(scale + offset);
  }
  return Error::success();
}

/// Of scales of whole rows the bytes are kept; left are the floats of the super blocks.
Error PackedRows::splitInPlace(std::vector<float> &stored) {
  size_t together = groups / spans, at = bytes.size();
  bytes.resize(at + stored.size());
  std::vector<float> units;
  for (llvm::ArrayRef<float> left(stored); !left.empty(); left = left.drop_front(together), at += together) {
    std::optional<float> unit = splitScales(left.take_front(together), &bytes[at]);
    if (!unit)
      return packingError("scales of a super block of rows {0} to {1} are no bytes times a power of two", begin, end);
    units.push_back(*unit);
  }
  stored = std::move(units);
  return Error::success();
}

/// Those of the blocks, each the nearest float to its product with the factor; of two levels, with exact ones.
Error PackedRows::readBlockScales(lm::PackingAttr packing) {
  FloatKind kind = type.getScale().floatKind;
  if (kind != FloatKind::F32 && (packing.getFactor() || !type.isTwoLevel()))
    return packingError("scales that are computed are f32, found {0}", spelling(kind));
  double factor = packing.getFactor() ? packing.getFactor().getValueAsDouble() : 1;
  std::vector<float> stored;
  for (int64_t row = 0; row < matrix.rows; row = end) {
    if (Error error = fill(row))
      return error;
    stored.clear();
    for (uint32_t bits : unpacked.scale)
      stored.push_back(toFloat(blocks->floatKind, bits));
    if (type.isTwoLevel())
      if (Error error = splitInPlace(stored))
        return error;
    for (float scale : stored) {
      scales.push_back(bitsOfNearest(kind, static_cast<float>(factor * scale)));
      if (type.isTwoLevel() && toFloat(kind, scales.back()) != factor * scale)
        return packingError("the product of {0} and the power of two {1} is no {2}", factor, scale, spelling(kind));
    }
  }
  return Error::success();
}

Error PackedRows::readScales(lm::PackingAttr packing) {
  if (blocks)
    return readBlockScales(packing);
  FloatKind kind = type.getScale().floatKind;
  int64_t rowBlocks = (matrix.rows + scaleRows - 1) / scaleRows;
  scales.assign(rowBlocks * groups, bitsOfNearest(kind, 1));
  lm::SourceAttr source = packing.getScales();
  if (!source)
    return Error::success();
  bool isComputed = packing.getLevels() || packing.getFactor() || packing.getInverse() || packing.getZeros();
  if (isComputed && kind != FloatKind::F32)
    return packingError("scales that are computed are f32, found {0}", spelling(kind));
  if (packing.getLevels())
    return readLevels(packing);
  std::optional<FloatKind> stored = floatKindOf(source.getFormat()); // none of integers
  if (!stored || (*stored != kind && kind != FloatKind::F32))
    return packingError("scales of {0} are no {1}", source.getFormat(), spelling(kind));
  auto bits = readFloats(source, *stored, scales.size());
  if (!bits)
    return bits.takeError();
  // In f64, so that a factor that is a quotient gives the nearest f32.
  double factor = packing.getFactor() ? packing.getFactor().getValueAsDouble() : 1;
  for (int64_t block = 0; block < rowBlocks; ++block)
    for (int64_t group = 0; group < groups; ++group) {
      uint32_t number = (*bits)[packing.getByGroup() ? group * rowBlocks + block : block * groups + group];
      if (kind == FloatKind::F32) {
        double scale = toFloat(*stored, number);
        number = asBits(static_cast<float>(packing.getInverse() ? factor / scale : factor * scale));
      }
      scales[block * groups + group] = number;
    }
  return Error::success();
}

/// An infinity would make numbers that aren't of all rows; a scale of 0 that is
/// divided by is one.
Error PackedRows::checkScales(lm::SourceAttr source) const {
  FloatKind kind = type.getScale().floatKind;
  for (auto [number, bits] : llvm::enumerate(scales))
    if (float scale = toFloat(kind, bits); !std::isfinite(scale))
      return packingError("{0}: scale {1} of the weight at byte {2}: expected a "
                          "finite number, found {3}",
                          source.getFile(), number, source.getOffset(), std::isnan(scale) ? "none" : "an infinity");
  return Error::success();
}
