//===- Weights.cpp - random weights of a format, packed and plain ---------===//
//
// See Weights.h.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/Weights.h"

#include "dialects/LowBit/LowBit.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace nibble::test {

using lowbit::Format;

/// Scales that models have, and the odd ones: zero, denormal, negative.
static uint16_t randomHalf(std::mt19937 &random) {
  switch (random() % 16) {
  case 0:
    return 0;
  case 1:
    return uint16_t(random() % 0x400);
  default:
    return floatToHalf(std::uniform_real_distribution<float>(-0.05f, 0.05f)(random));
  }
}

Weight::Weight(const Format &format, int64_t n, int64_t k, std::mt19937 &random)
    : format(&format), n(n), k(k), file(n * k / format.blockElements * format.blockBytes), values(n * k) {
  if (format.isFloat) {
    for (int64_t i = 0; i < n * k; ++i) {
      float value = std::uniform_real_distribution<float>(-2, 2)(random);
      uint32_t bits = std::bit_cast<uint32_t>(value);
      if (format.floatKind == FloatKind::F16)
        bits = floatToHalf(value);
      else if (format.floatKind == FloatKind::BF16)
        bits >>= 16;
      std::memcpy(&file[i * format.blockBytes], &bits, format.blockBytes);
    }
  } else {
    for (uint8_t &byte : file)
      byte = uint8_t(random());
    for (size_t block = 0; block < file.size() / format.blockBytes; ++block)
      for (int offset : {format.scaleOffset, format.minOffset})
        if (offset >= 0) {
          uint16_t half = randomHalf(random);
          std::memcpy(&file[block * format.blockBytes + offset], &half, 2);
        }
    lowbit::unpackBlocks(format, file, n * k / format.blockElements, planes);
  }
  lowbit::decodeBlocks(format, file, n * k / format.blockElements, values.data());
}

float Weight::floatScale(int64_t row, int64_t column) const {
  return halfToFloat(planes.scale[(row * k + column) / format->blockElements]);
}

int Weight::subScale(int64_t row, int64_t column) const { return planes.subScale[(row * k + column) / format->group]; }

float Weight::scale(int64_t row, int64_t column) const {
  float d = floatScale(row, column);
  return format->isTwoLevel() ? d * float(subScale(row, column)) : d;
}

float Weight::minimum(int64_t row, int64_t column) const {
  size_t at = row * k + column;
  float m = halfToFloat(planes.min[at / format->blockElements]);
  return format->isTwoLevel() ? -(m * float(planes.subMin[at / format->group])) : m;
}

mpgemm::PanelLayout Weight::layout(int64_t nr, int64_t kr, unsigned bias) const {
  mpgemm::PanelLayout layout;
  layout.n = n, layout.k = k, layout.nr = nr, layout.kr = kr, layout.bias = bias;
  if (format->isFloat) {
    layout.element = format->floatKind;
    return layout;
  }
  layout.codeBits = format->codes.kind.width;
  layout.codeSigned = format->codes.kind.isSigned;
  layout.group = format->group;
  layout.superGroup = format->isTwoLevel() ? format->blockElements : 0;
  layout.hasMin = format->hasMin();
  return layout;
}

std::string elementText(const Format &format) {
  mlir::MLIRContext context;
  context.loadDialect<lowbit::LowBitDialect>();
  std::string text;
  llvm::raw_string_ostream(text) << lowbit::elementType(&context, format);
  return text;
}

std::string Weight::layoutText(int64_t nr, int64_t kr, unsigned bias) const {
  auto number = [](const char *name, int64_t value) { return std::string(", ") + name + " = " + std::to_string(value); };
  return "#mpgemm.layout<element = " + elementText(*format) + number("n", n) + number("k", k) + number("nr", nr) +
         number("kr", kr) + number("bias", bias) + ">";
}

Bytes Weight::pack(int64_t nr, int64_t kr, unsigned bias) const {
  mpgemm::PanelLayout l = layout(nr, kr, bias);
  Bytes packed(l.totalBytes());
  auto put16 = [&](int64_t offset, uint16_t bits) { std::memcpy(&packed[offset], &bits, 2); };
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < k; ++column) {
      int64_t panel = l.panelOffset(row / nr), r = row % nr, at = row * k + column;
      if (format->isFloat) {
        std::memcpy(&packed[panel + l.elementOffset(column, r)], &file[at * format->blockBytes], format->blockBytes);
        continue;
      }
      int64_t record = panel + l.recordOffset(column / l.recordSpan()), inner = column % l.recordSpan();
      put16(record + l.scaleOffset(inner / l.scaleSpan(), r), planes.scale[at / format->blockElements]);
      if (l.hasMin)
        put16(record + l.minOffset(inner / l.scaleSpan(), r), planes.min[at / format->blockElements]);
      if (l.isTwoLevel())
        packed[record + l.subScaleOffset(inner / l.group, r)] = uint8_t(planes.subScale[at / l.group]);
      if (l.isTwoLevel() && l.hasMin)
        packed[record + l.subMinOffset(inner / l.group, r)] = uint8_t(planes.subMin[at / l.group]);
      for (mpgemm::BitPlane plane : l.planes()) {
        mpgemm::CodeLocation where = l.locate(plane, inner % l.unitSpan(), r);
        unsigned bits = ((planes.codes[at] ^ l.bias) >> plane.firstBit) & ((1u << plane.width) - 1);
        packed[record + l.unitOffset(inner / l.unitSpan()) + where.offset] |= uint8_t(bits << where.shift);
      }
    }
  return packed;
}

bool sameFloat(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

} // namespace nibble::test
