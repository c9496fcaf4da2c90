//===- Formats.cpp - the decoder of all storage formats ------------------===//
//
// What: reads blocks as their row of Formats.def describes them.
// Why it looks like this: the packer runs this over every byte of a model. The
// loops are specialised by the shape of a bit field (its width and run), never
// by format, and go over many blocks, so each is a straight run of byte
// operations that the compiler vectorises.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Formats.h"
#include "dialects/LowBit/LowBit.h"

#include <type_traits>

// ggml's dequantization is defined by its C source: a product and a sum are two
// roundings.
#pragma STDC FP_CONTRACT OFF

using namespace nibble;
using namespace nibble::lowbit;

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

static constexpr IntegerKind u(unsigned width) { return {width, false}; }
static constexpr IntegerKind i(unsigned width) { return {width, true}; }

static constexpr Format table[] = {
#define NIBBLE_FORMAT(name_, ...) Format{.name = #name_, __VA_ARGS__},
#include "dialects/LowBit/Formats.def"
#undef NIBBLE_FORMAT
};

llvm::ArrayRef<Format> lowbit::formats() { return table; }

const Format *lowbit::findFormat(llvm::StringRef name) {
  for (const Format &format : table)
    if (name == format.name)
      return &format;
  return nullptr;
}

const Format *lowbit::findFormatByGGUFId(uint32_t id) {
  for (const Format &format : table)
    if (id == format.ggufId)
      return &format;
  return nullptr;
}

static mlir::Type floatType(mlir::MLIRContext *context, FloatKind kind) {
  switch (kind) {
  case FloatKind::F16:
    return mlir::Float16Type::get(context);
  case FloatKind::BF16:
    return mlir::BFloat16Type::get(context);
  case FloatKind::F32:
    return mlir::Float32Type::get(context);
  case FloatKind::E8M0:
  case FloatKind::UE4M3:
    break; // kinds of scales, not of values
  }
  return {};
}

mlir::Type lowbit::elementType(mlir::MLIRContext *context,
                               const Format &format) {
  if (format.isFloat)
    return floatType(context, format.floatKind);
  int64_t superGroup = format.isTwoLevel() ? format.blockElements : 0;
  ScaleKind scale{format.floatKind, format.subScales.kind, superGroup};
  ZeroKind zero;
  if (format.hasMin())
    zero = {.form = ZeroKind::Min,
            .min = {format.floatKind, format.subMins.kind, superGroup}};
  else if (format.zeroPoint)
    zero = {.form = ZeroKind::Point, .point = format.zeroPoint};
  return BlockType::get(context, CodeKind(format.codes.kind), format.group, scale,
                        zero);
}

//===----------------------------------------------------------------------===//
// Bit fields of bytes: codes
//===----------------------------------------------------------------------===//

namespace {
/// Consecutive blocks and the integers that come out of them.
struct BlockRange {
  const uint8_t *bytes;
  size_t blockBytes;
  uint8_t *out;
  size_t blockElements;
  size_t blocks;
};
} // namespace

/// Adds a field's bits to the codes of all blocks. `Width` and `Run` are either
/// integral constants (the loops unroll) or plain numbers.
template <typename Width, typename Run>
static void addField(const BitField &field, Width width, Run run,
                     const BlockRange &range) {
  const uint8_t mask = uint8_t((1u << width) - 1);
  const unsigned lanes = 8 / width, toBit = field.toBit;
  for (size_t block = 0; block < range.blocks; ++block) {
    const uint8_t *in = range.bytes + block * range.blockBytes + field.offset;
    uint8_t *out = range.out + block * range.blockElements;
    for (unsigned done = 0; done < field.count; done += run * lanes, in += run)
      for (unsigned lane = 0; lane < lanes; ++lane)
        for (unsigned index = 0; index < run; ++index) {
          uint8_t bits = uint8_t(in[index] >> (lane * width)) & mask;
          uint8_t *code = out + done + lane * run + index;
          *code = uint8_t(toBit ? *code | bits << toBit : bits);
        }
  }
}

template <unsigned Value>
using Constant = std::integral_constant<unsigned, Value>;

template <typename Width>
static void addFieldOfWidth(const BitField &field, Width width,
                            const BlockRange &range) {
  switch (field.run) {
  case 1:
    return addField(field, width, Constant<1>(), range);
  case 16:
    return addField(field, width, Constant<16>(), range);
  case 32:
    return addField(field, width, Constant<32>(), range);
  case 64:
    return addField(field, width, Constant<64>(), range);
  default:
    return addField(field, width, unsigned(field.run), range);
  }
}

/// A code field starts at integer 0 with shift 0 and fills whole bytes (a test
/// holds every row to that), so that the fields' order of bits is the order of
/// toBit: the first one overwrites, the others add.
static void addCodeField(const BitField &field, const BlockRange &range) {
  switch (field.width) {
  case 1:
    return addFieldOfWidth(field, Constant<1>(), range);
  case 2:
    return addFieldOfWidth(field, Constant<2>(), range);
  case 4:
    return addFieldOfWidth(field, Constant<4>(), range);
  default:
    return addFieldOfWidth(field, Constant<8>(), range);
  }
}

static void unpackCodes(const Format &format, const uint8_t *bytes,
                        size_t blocks, uint8_t *out) {
  for (const BitField &field : format.codes.fields)
    if (field.count)
      addCodeField(field, {bytes, format.blockBytes, out, format.blockElements,
                           blocks});
  if (unsigned flip = format.codes.flip)
    for (size_t index = 0; index < blocks * format.blockElements; ++index)
      out[index] ^= uint8_t(flip);
}

//===----------------------------------------------------------------------===//
// Sub-scales, sub-minima and floats
//===----------------------------------------------------------------------===//

/// The integers of one block, `count` of them, as the fields say.
static void unpackIntegers(const IntegerList &list, const uint8_t *block,
                           unsigned count, int16_t *out) {
  for (unsigned index = 0; index < count; ++index)
    out[index] = 0;
  for (const BitField &field : list.fields) {
    if (!field.count)
      continue;
    unsigned mask = (1u << field.width) - 1, lanes = field.lanes();
    for (unsigned index = 0; index < field.count; ++index) {
      unsigned lane = index / field.run % lanes;
      unsigned byte = block[field.offset +
                            index / (field.run * lanes) * field.run +
                            index % field.run];
      unsigned bits = byte >> (field.shift + lane * field.width) & mask;
      out[field.first + index] |= int16_t(bits << field.toBit);
    }
  }
  for (unsigned index = 0; index < count; ++index)
    out[index] = int16_t(list.kind.decode(unsigned(out[index]) ^ list.flip));
}

static uint16_t loadBits(const uint8_t *bytes) {
  uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return bits;
}

static void unpackScales(const Format &format, const uint8_t *bytes,
                         size_t blocks, Planes &planes) {
  size_t groups = format.isTwoLevel() ? format.groupsPerBlock() : 0;
  planes.subScale.resize(blocks * groups);
  planes.subMin.resize(format.hasMin() ? blocks * groups : 0);
  planes.scale.resize(blocks);
  planes.min.resize(format.hasMin() ? blocks : 0);
  for (size_t block = 0; block < blocks; ++block, bytes += format.blockBytes) {
    planes.scale[block] = loadBits(bytes + format.scaleOffset);
    if (format.hasMin())
      planes.min[block] = loadBits(bytes + format.minOffset);
    if (!groups)
      continue;
    unpackIntegers(format.subScales, bytes, groups,
                   &planes.subScale[block * groups]);
    if (format.hasMin())
      unpackIntegers(format.subMins, bytes, groups,
                     &planes.subMin[block * groups]);
  }
}

void lowbit::unpackBlocks(const Format &format, llvm::ArrayRef<uint8_t> bytes,
                          size_t blocks, Planes &planes) {
  planes.codes.resize(blocks * format.blockElements);
  unpackCodes(format, bytes.data(), blocks, planes.codes.data());
  unpackScales(format, bytes.data(), blocks, planes);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static float scaleValue(FloatKind kind, uint16_t bits) {
  return kind == FloatKind::F16 ? halfToFloat(bits) : bfloatToFloat(bits);
}

/// The values of one group: q·d, q·d + m or q·d - m.
static void decodeGroup(const Format &format, const uint8_t *codes, float scale,
                        float min, float *out) {
  int sign = format.codes.kind.isSigned ? 1 << (format.codes.kind.width - 1) : 0;
  int subtract = sign + format.zeroPoint; // (q ^ sign) - sign = signed value
  for (unsigned index = 0; index < format.group; ++index)
    out[index] = float((codes[index] ^ sign) - subtract) * scale;
  if (!format.hasMin())
    return;
  if (format.isTwoLevel()) // a difference, so that NaN signs are ggml's, too
    for (unsigned index = 0; index < format.group; ++index)
      out[index] = out[index] - min;
  else
    for (unsigned index = 0; index < format.group; ++index)
      out[index] = out[index] + min;
}

static void decodeFloats(const Format &format, const uint8_t *bytes,
                         size_t count, float *out) {
  if (format.floatKind == FloatKind::F32) {
    std::memcpy(out, bytes, count * sizeof(float));
    return;
  }
  for (size_t index = 0; index < count; ++index)
    out[index] = toFloat(format.floatKind, bytes + 2 * index);
}

void lowbit::decodeBlocks(const Format &format, llvm::ArrayRef<uint8_t> bytes,
                          size_t blocks, float *out) {
  if (format.isFloat)
    return decodeFloats(format, bytes.data(), blocks, out);
  // As many blocks at a time as keep the parts in the first-level cache.
  const size_t step = std::max<size_t>(1, 4096 / format.blockElements);
  Planes planes;
  for (size_t first = 0; first < blocks; first += step) {
    size_t count = std::min(step, blocks - first);
    unpackBlocks(format, bytes.slice(first * format.blockBytes,
                                     count * format.blockBytes),
                 count, planes);
    size_t groups = format.groupsPerBlock();
    for (size_t group = 0; group < count * groups; ++group) {
      size_t block = group / groups;
      float scale = scaleValue(format.floatKind, planes.scale[block]);
      float min = format.hasMin()
                      ? scaleValue(format.floatKind, planes.min[block])
                      : 0.0f;
      if (format.isTwoLevel()) {
        scale = scale * float(planes.subScale[group]);
        if (format.hasMin())
          min = min * float(planes.subMin[group]);
      }
      decodeGroup(format, &planes.codes[group * format.group], scale, min,
                  out + first * format.blockElements + group * format.group);
    }
  }
}
