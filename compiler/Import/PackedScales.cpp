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
      return packingError("the scales of a super block are no bytes times a power of two");
    units.push_back(*unit);
  }
  stored = std::move(units);
  return Error::success();
}

/// Scales of whole rows, or what they are split into, each the nearest float to its product with the factor.
Error PackedRows::addScales(llvm::ArrayRef<uint32_t> bits, FloatKind stored, lm::PackingAttr packing) {
  std::vector<float> floats;
  for (uint32_t each : bits)
    floats.push_back(toFloat(stored, each));
  if (type.isTwoLevel())
    if (Error error = splitInPlace(floats))
      return error;
  double factor = packing.getFactor() ? packing.getFactor().getValueAsDouble() : 1;
  FloatKind kind = type.getScale().floatKind;
  for (float each : floats) {
    scales.push_back(bitsOfNearest(kind, static_cast<float>(factor * each)));
    if (kind != FloatKind::F32 && toFloat(kind, scales.back()) != factor * each)
      return packingError("scales that are computed are f32, found {0}", spelling(kind));
  }
  return Error::success();
}

Error PackedRows::readBlockScales(lm::PackingAttr packing) {
  scales.clear();
  for (int64_t row = 0; row < matrix.rows; row += rowsAtOnce(row)) {
    auto count = readBlocks(row, rowsAtOnce(row));
    if (!count)
      return count.takeError();
    unpackScales(*blocks, blockBytes, *count, unpacked);
    if (Error error = addScales(unpacked.scale, blocks->floatKind, packing))
      return error;
  }
  return Error::success();
}

/// Those beside the codes, which are split.
Error PackedRows::readSmallScales(lm::PackingAttr packing) {
  std::optional<FloatKind> stored = floatKindOf(packing.getScales().getFormat());
  if (!stored || packing.getLevels() || packing.getInverse() || packing.getZeros() || packing.getByGroup() ||
      packing.getOrder() || scaleRows != 1)
    return packingError("scales of this packing cannot become {0}", type);
  auto bits = readFloats(packing.getScales(), *stored, matrix.rows * groups);
  if (!bits)
    return bits.takeError();
  return addScales(*bits, *stored, packing);
}

Error PackedRows::readScales(lm::PackingAttr packing) {
  if (blocks)
    return readBlockScales(packing);
  if (type.isTwoLevel())
    return readSmallScales(packing);
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
