//===- Weights.cpp - random weights of a format, packed and plain ---------===//
//
// See Weights.h.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/Weights.h"

#include "codegen/Intrinsics/JoinedHalves.h"
#include "dialects/LowBit/LowBit.h"
#include "test/LowBit/TestBlocks.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace nibble::test {

using lowbit::Format;

/// Scales that models have, and the odd ones: zero, denormal, negative.
static uint32_t randomScale(FloatKind kind, std::mt19937 &random) {
  float value = std::uniform_real_distribution<float>(-0.05f, 0.05f)(random);
  int odd = random() % 16;
  switch (kind) {
  case FloatKind::F16:
    return odd == 0 ? 0 : odd == 1 ? random() % 0x400 : floatToHalf(value);
  case FloatKind::BF16:
    return std::bit_cast<uint32_t>(odd == 0 ? 0 : value) >> 16;
  case FloatKind::F32:
    return std::bit_cast<uint32_t>(odd == 0 ? 0 : value);
  case FloatKind::E8M0: // with the ends of the range, but no sum that overflows
    return odd < 3 ? odd : 110 + random() % 20;
  case FloatKind::UE4M3:
    return random() % 256;
  }
  return 0;
}

static constexpr lowbit::IntegerKind u(unsigned width) { return {width, false}; }

llvm::ArrayRef<Format> ownFormats() {
  static const Format table[] = {
      {.name = "nf4_64", .blockElements = 64, .blockBytes = 34, .group = 64,
       .codes = {u(4), {{16, 4, {{64, 4}}}}}, .codebook = "nf4", .scale = {{0, 16}}},
      {.name = "e2m3_bf16", .blockElements = 32, .blockBytes = 26, .floatKind = FloatKind::BF16, .group = 32,
       .codes = {u(6), {{16, 6, {{32, 6}}}}}, .codebook = "e2m3", .scale = {{0, 16}}},
      {.name = "e3m2_16", .blockElements = 16, .blockBytes = 14, .group = 16,
       .codes = {u(6), {{16, 6, {{16, 6}}}}}, .codebook = "e3m2", .scale = {{0, 16}}},
      {.name = "e5m2_f32", .blockElements = 128, .blockBytes = 132, .floatKind = FloatKind::F32, .group = 128,
       .codes = {u(8), {{32, 8, {{128, 8}}}}}, .codebook = "e5m2", .scale = {{0, 32}}},
      {.name = "u1_min", .blockElements = 32, .blockBytes = 8, .group = 32,
       .codes = {u(1), {{32, 1, {{32, 1}}}}}, .scale = {{0, 16}}, .min = {{16, 16}}},
      {.name = "u1_long", .blockElements = 256, .blockBytes = 34, .group = 256,
       .codes = {u(1), {{16, 1, {{256, 1}}}}}, .zeroPoint = 1, .scale = {{0, 16}}},
      {.name = "u2_96", .blockElements = 96, .blockBytes = 26, .group = 96,
       .codes = {u(2), {{16, 2, {{96, 2}}}}}, .zeroPoint = 2, .scale = {{0, 16}}},
      {.name = "u4_160", .blockElements = 160, .blockBytes = 82, .group = 160,
       .codes = {u(4), {{16, 4, {{160, 4}}}}}, .zeroPoint = 8, .scale = {{0, 16}}},
      {.name = "u3_long", .blockElements = 576, .blockBytes = 217, .floatKind = FloatKind::E8M0, .group = 576,
       .codes = {u(3), {{8, 3, {{576, 3}}}}}, .zeroPoint = 4, .scale = {{0, 8}}},
      {.name = "i7_min", .blockElements = 64, .blockBytes = 60, .group = 64,
       .codes = {{7, true}, {{32, 7, {{64, 7}}}}}, .scale = {{0, 16}}, .min = {{16, 16}}},
      {.name = "u6_min", .blockElements = 32, .blockBytes = 28, .group = 32,
       .codes = {u(6), {{32, 6, {{32, 6}}}}}, .scale = {{0, 16}}, .min = {{16, 16}}},
      {.name = "u8_min", .blockElements = 32, .blockBytes = 36, .group = 32,
       .codes = {u(8), {{32, 8, {{32, 8}}}}}, .scale = {{0, 16}}, .min = {{16, 16}}},
      // What two levels are folded into: Q3_K's and Q4_K's.
      {.name = "i3_16_f32", .blockElements = 16, .blockBytes = 10, .floatKind = FloatKind::F32, .group = 16,
       .codes = {{3, true}, {{32, 3, {{16, 3}}}}}, .scale = {{0, 32}}},
      {.name = "u4_f32_min", .blockElements = 32, .blockBytes = 24, .floatKind = FloatKind::F32, .group = 32,
       .codes = {u(4), {{64, 4, {{32, 4}}}}}, .scale = {{0, 32}}, .min = {{32, 32}}},
      // Numbers and integer scales whose products are bytes (codegen/Lower/PanelUnpacker.h).
      {.name = "u3_sub", .blockElements = 128, .blockBytes = 55, .group = 16,
       .codes = {u(3), {{56, 3, {{128, 3}}}}}, .zeroPoint = 4,
       .subScales = {u(5), {{16, 5, {{8, 5}}}}}, .scale = {{0, 16}}},
      // A group of three units of 32 columns: each has the group's integer scale.
      {.name = "u4_96_sub", .blockElements = 192, .blockBytes = 100, .group = 96,
       .codes = {u(4), {{32, 4, {{192, 4}}}}}, .zeroPoint = 8,
       .subScales = {u(5), {{16, 5, {{2, 5}}}}}, .scale = {{0, 16}}},
      {.name = "nf4_min", .blockElements = 32, .blockBytes = 20, .group = 32,
       .codes = {u(4), {{32, 4, {{32, 4}}}}}, .codebook = "nf4", .scale = {{0, 16}}, .min = {{16, 16}}},
  };
  return table;
}

Weight::Weight(const Format &format, lowbit::CodeKind stored, int64_t n, int64_t k, std::mt19937 &random)
    : Weight(format, n, k, random) {
  kind = stored;
  int64_t size = int64_t(1) << kind.width;
  for (int64_t i = 0; i < (kind.stored == lowbit::CodeKind::Row ? n : 1) * size; ++i) {
    float number = std::uniform_real_distribution<float>(-2, 2)(random);
    book.push_back(kind.entry == lowbit::CodeKind::I8    ? float(int8_t(random()))
                   : kind.entry == lowbit::CodeKind::F16 ? halfToFloat(floatToHalf(number))
                                                         : number);
  }
  for (int64_t at = 0; at < n * k; ++at)
    values[at] = number(at / k, at % k) * scale(at / k, at % k);
}

Weight::Weight(const Format &format, int64_t n, int64_t k, std::mt19937 &random)
    : format(&format), n(n), k(k), file(n * k / format.blockElements * format.blockBytes), values(n * k) {
  if (format.isFloat && format.plain != Format::Same) {
    for (int64_t i = 0; i < n * k; ++i)
      if (double value = int(random() % 256) - 128; format.plain == Format::I8)
        file[i] = uint8_t(int8_t(value));
      else
        std::memcpy(&file[8 * i], &value, 8);
  } else if (format.isFloat) {
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
    // Infinities and NaN, which are the codes with the highest exponent, would make every sum NaN.
    if (lowbit::CodeKind code = format.codeKind(); code.book && !std::isfinite(code.book->levels.back()))
      for (uint8_t &byte : file)
        byte &= 0xbf;
    for (size_t block = 0; block < file.size(); block += format.blockBytes)
      for (unsigned scale = 0; scale < format.scalesPerBlock(); ++scale) {
        storeFloat(format.scale, &file[block], scale, randomScale(format.floatKind, random));
        storeFloat(format.min, &file[block], scale, randomScale(format.floatKind, random));
      }
    lowbit::unpackBlocks(format, file, n * k / format.blockElements, planes);
    kind = format.codeKind();
    kind.grid = nullptr;
  }
  lowbit::decodeBlocks(format, file, n * k / format.blockElements, values.data());
}

float Weight::number(int64_t row, int64_t column) const {
  unsigned code = planes.codes[row * k + column];
  if (!book.empty())
    return book[(kind.stored == lowbit::CodeKind::Row ? row << kind.width : 0) + code];
  return kind.number(code) - float(format->zeroPoint);
}

float Weight::floatScale(int64_t row, int64_t column) const {
  return toFloat(format->floatKind, planes.scale[(row * k + column) / format->scaleSpan()], kind.unit());
}

int Weight::subScale(int64_t row, int64_t column) const { return planes.subScale[(row * k + column) / format->group]; }

float Weight::scale(int64_t row, int64_t column) const {
  float d = floatScale(row, column);
  return format->isTwoLevel() ? d * float(subScale(row, column)) : d;
}

float Weight::minimum(int64_t row, int64_t column) const {
  size_t at = row * k + column;
  float m = toFloat(format->floatKind, planes.min[at / format->scaleSpan()]);
  return format->isTwoLevel() ? -(m * float(planes.subMin[at / format->group])) : m;
}

mpgemm::PanelLayout Weight::layout(int64_t nr, int64_t kr, unsigned bias, bool lookup) const {
  mpgemm::PanelLayout layout;
  layout.n = n, layout.k = k, layout.nr = nr, layout.kr = kr, layout.bias = bias;
  layout.lookup = lookup;
  if (format->isFloat) {
    layout.element = format->floatKind;
    return layout;
  }
  layout.codeBits = kind.width;
  layout.codeSigned = kind.isSigned;
  if (!book.empty()) {
    layout.bookEntryBytes = kind.entry == lowbit::CodeKind::I8 ? 1 : kind.entry == lowbit::CodeKind::F16 ? 2 : 4;
    layout.bookPerRow = kind.stored == lowbit::CodeKind::Row;
  }
  layout.scaleKind = format->floatKind;
  layout.group = format->group;
  layout.superGroup = format->isTwoLevel() ? format->blockElements : 0;
  layout.hasMin = format->hasMin();
  return layout;
}

/// Of the weight's codes.
static mlir::Type elementType(mlir::MLIRContext &context, const Weight &weight) {
  context.loadDialect<lowbit::LowBitDialect>();
  mlir::Type type = lowbit::elementType(&context, *weight.format);
  if (auto block = mlir::dyn_cast<lowbit::BlockType>(type))
    type = lowbit::BlockType::get(&context, weight.kind, block.getGroup(), block.getScale(), block.getZero());
  return type;
}

mpgemm::ActivationLayout Weight::activationLayout(const InstructionRow &row, int64_t m) const {
  mlir::MLIRContext context;
  auto block = mlir::dyn_cast<lowbit::BlockType>(elementType(context, *this));
  return {k, mpgemm::ActivationLayout::blockOf(m, row.isInteger() ? row.strip : 1, row.tile),
          block && joinsHalves(block, row, m)};
}

std::string Weight::elementText() const {
  mlir::MLIRContext context;
  std::string text;
  llvm::raw_string_ostream(text) << elementType(context, *this);
  return text;
}

unsigned Weight::biasFor(const InstructionRow &row) const {
  return isLowBit() && kind.isInteger() ? row.storageBias(kind.width, kind.isSigned) : 0;
}

std::string Weight::layoutText(int64_t nr, int64_t kr, unsigned bias, bool lookup) const {
  auto number = [](const char *name, int64_t value) {
    return std::string(", ") + name + " = " + std::to_string(value);
  };
  return "#mpgemm.layout<element = " + elementText() + number("n", n) + number("k", k) + number("nr", nr) +
         number("kr", kr) + number("bias", bias) + (lookup ? ", lookup = true>" : ">");
}

Bytes Weight::pack(int64_t nr, int64_t kr, unsigned bias, bool lookup) const {
  mpgemm::PanelLayout l = layout(nr, kr, bias, lookup);
  Bytes packed(l.totalBytes());
  auto putFloat = [&](int64_t offset, uint32_t bits) {
    std::memcpy(&packed[offset], &bits, byteWidth(format->floatKind));
  };
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < k; ++column) {
      int64_t panel = l.panelOffset(row / nr), r = row % nr, at = row * k + column;
      if (format->isFloat) {
        const void *from = format->plain == Format::Same ? static_cast<const void *>(&file[at * format->blockBytes])
                                                         : &values[at];
        std::memcpy(&packed[panel + l.elementOffset(column, r)], from, byteWidth(format->floatKind));
        continue;
      }
      if (column == 0)
        for (int64_t code = 0; !book.empty() && code < int64_t(1) << kind.width; ++code) {
          float number = book[(l.bookPerRow ? row << kind.width : 0) + code];
          uint32_t bits = kind.entry == lowbit::CodeKind::I8    ? uint8_t(int8_t(number))
                          : kind.entry == lowbit::CodeKind::F16 ? floatToHalf(number)
                                                                : std::bit_cast<uint32_t>(number);
          std::memcpy(&packed[panel + l.bookOffset(code, r)], &bits, l.bookEntryBytes);
        }
      int64_t record = panel + l.recordOffset(column / l.recordSpan()), inner = column % l.recordSpan();
      putFloat(record + l.scaleOffset(inner / l.scaleSpan(), r), planes.scale[at / format->scaleSpan()]);
      if (l.hasMin)
        putFloat(record + l.minOffset(inner / l.scaleSpan(), r), planes.min[at / format->scaleSpan()]);
      if (l.isTwoLevel())
        packed[record + l.subScaleOffset(inner / l.runSpan(), r)] = uint8_t(planes.subScale[at / l.group]);
      if (l.isTwoLevel() && l.hasMin)
        packed[record + l.subMinOffset(inner / l.runSpan(), r)] = uint8_t(planes.subMin[at / l.group]);
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
