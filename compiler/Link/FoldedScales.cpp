//===- FoldedScales.cpp - a source whose two levels of scales become one --===//
#include "compiler/Link/FoldedScales.h"

#include <bit>
#include <memory>

using nibble::lowbit::Planes;

namespace nibble {

/// Bits of float · integer for each integer, of which `perFloat` share a float.
static std::vector<uint32_t> products(FloatKind kind, const std::vector<uint32_t> &floats,
                                      const std::vector<int16_t> &integers, int64_t perFloat, float sign) {
  std::vector<uint32_t> folded(integers.size());
  for (size_t group = 0; group < integers.size(); ++group) {
    uint8_t bytes[4];
    std::memcpy(bytes, &floats[group / perFloat], sizeof bytes); // the low bytes come first
    folded[group] = std::bit_cast<uint32_t>(sign * (toFloat(kind, bytes) * float(integers[group])));
  }
  return folded;
}

PackSource foldScales(PackSource source, lowbit::BlockType stored, int64_t columns) {
  auto rows = std::make_shared<Planes>();
  PackSource result;
  result.rows = source.rows;
  result.readParts = [=](int64_t first, int64_t count) -> llvm::Expected<const Planes *> {
    if (source.readParts) {
      llvm::Expected<const Planes *> parts = source.readParts(first, count);
      if (!parts)
        return parts.takeError();
      *rows = **parts;
    } else {
      llvm::Expected<llvm::ArrayRef<uint8_t>> bytes = source.readRows(first, count);
      if (!bytes)
        return bytes.takeError();
      unpackBlocks(*source.format, *bytes, count * columns / source.format->blockElements, *rows);
    }
    const lowbit::ScaleKind &scale = stored.getScale();
    int64_t perFloat = scale.superGroup / stored.getGroup();
    rows->scale = products(scale.floatKind, rows->scale, rows->subScale, perFloat, 1);
    rows->min = products(scale.floatKind, rows->min, rows->subMin, perFloat, -1);
    rows->subScale.clear(), rows->subMin.clear();
    return rows.get();
  };
  return result;
}

} // namespace nibble
