//===- UnpackBlocks.cpp - from stored blocks to their parts --------------===//
//
// What: unpackBlocks(), which reads blocks as their row of Formats.def says.
// Why it looks like this: the packer runs this over every byte of a model. The
// loops are specialised by the shape of a bit field, never by format: where
// consecutive integers lie in consecutive bytes, eight of them are moved at
// once, and the compiler makes vectors of that.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Formats.h"

#include <array>
#include <bit>
#include <cstring>

using namespace nibble;
using namespace nibble::lowbit;

//===----------------------------------------------------------------------===//
// Bit fields
//===----------------------------------------------------------------------===//

static constexpr uint64_t kEveryByte = 0x0101010101010101;

/// Bit i of a byte as byte i.
static constexpr std::array<uint64_t, 256> spreadBits = [] {
  std::array<uint64_t, 256> table = {};
  for (unsigned byte = 0; byte < 256; ++byte)
    for (unsigned bit = 0; bit < 8; ++bit)
      table[byte] |= uint64_t(byte >> bit & 1) << (8 * bit);
  return table;
}();

static uint64_t load8(const uint8_t *bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/// At most 32 bits from bit `at` on.
static uint32_t extractBits(const uint8_t *block, unsigned at, unsigned width) {
  const uint8_t *bytes = block + at / 8;
  unsigned shift = at % 8, end = shift + width;
  uint64_t word = bytes[0];
  for (unsigned byte = 1; 8 * byte < end; ++byte)
    word |= uint64_t(bytes[byte]) << (8 * byte);
  return uint32_t(word >> shift & ((uint64_t(1) << width) - 1));
}

/// Calls use(integer, bits) for each integer of a field without trits.
template <typename Use>
static void forEachInteger(const BitField &field, const uint8_t *block,
                           Use use) {
  unsigned index = field.first, outer = field.at;
  for (unsigned i2 = 0; i2 < field.steps[2].count; ++i2) {
    unsigned middle = outer;
    for (unsigned i1 = 0; i1 < field.steps[1].count; ++i1) {
      unsigned at = middle;
      for (unsigned i0 = 0; i0 < field.steps[0].count; ++i0) {
        use(index++, extractBits(block, at, field.width));
        at += field.steps[0].bits;
      }
      middle += field.steps[1].bits;
    }
    outer += field.steps[2].bits;
  }
}

namespace {
/// How the integers of a field become codes of one byte each.
enum class Shape {
  Bytes,  ///< Neighbours lie in neighbouring bytes, in multiples of eight.
  Bits,   ///< One-bit fields one after the other, in whole bytes.
  Pairs,  ///< The same of two bits.
  Trits,  ///< Ternary digits.
  General ///< Anything else.
};
} // namespace

static Shape shapeOf(const BitField &field) {
  const Step &inner = field.steps[0];
  if (field.trits)
    return Shape::Trits;
  if (inner.bits == 8 && inner.count % 8 == 0 &&
      field.at % 8 + field.width <= 8)
    return Shape::Bytes;
  if (field.width <= 2 && inner.bits == field.width && inner.count % 8 == 0 &&
      field.at % 8 == 0)
    return field.width == 1 ? Shape::Bits : Shape::Pairs;
  return Shape::General;
}

/// Fields are in the order of toBit, so the first one overwrites what was there.
template <bool First>
static void put8(uint8_t *codes, uint64_t bits, unsigned toBit) {
  bits = First ? bits : bits << toBit | load8(codes);
  std::memcpy(codes, &bits, sizeof bits);
}

template <bool First>
static void addBytes(const BitField &field, const uint8_t *block,
                     uint8_t *codes) {
  const uint64_t mask = kEveryByte * ((1u << field.width) - 1);
  for (unsigned i2 = 0; i2 < field.steps[2].count; ++i2)
    for (unsigned i1 = 0; i1 < field.steps[1].count; ++i1) {
      unsigned at = field.at + i1 * field.steps[1].bits +
                    i2 * field.steps[2].bits;
      const uint8_t *bytes = block + at / 8;
      const unsigned shift = at % 8;
      for (unsigned i0 = 0; i0 < field.steps[0].count; i0 += 8)
        put8<First>(codes + i0, load8(bytes + i0) >> shift & mask, field.toBit);
      codes += field.steps[0].count;
    }
}

template <bool First>
static void addBits(const BitField &field, const uint8_t *block,
                    uint8_t *codes) {
  const uint8_t *bytes = block + field.at / 8;
  for (unsigned i0 = 0; i0 < field.steps[0].count; i0 += 8)
    put8<First>(codes + i0, spreadBits[bytes[i0 / 8]], field.toBit);
}

/// The four pairs of bits of a byte as bytes.
static uint64_t spreadPairs(uint64_t byte) {
  byte = (byte | byte << 12) & 0x000f000f;
  return (byte | byte << 6) & 0x03030303;
}

template <bool First>
static void addPairs(const BitField &field, const uint8_t *block,
                     uint8_t *codes) {
  const uint8_t *bytes = block + field.at / 8;
  for (unsigned i0 = 0; i0 < field.steps[0].count; i0 += 8, bytes += 2)
    put8<First>(codes + i0, spreadPairs(bytes[0]) | spreadPairs(bytes[1]) << 32,
                field.toBit);
}

static void addTrits(const BitField &field, const uint8_t *block,
                     uint8_t *codes) {
  const uint8_t *bytes = block + field.at / 8;
  const unsigned count = field.steps[0].count;
  uint8_t *out = codes + field.first;
  unsigned power = 1;
  for (unsigned digit = 0; digit < field.trits; ++digit, power *= 3)
    for (unsigned index = 0; index < count; ++index)
      *out++ = uint8_t(uint8_t(bytes[index] * power) * 3u >> 8);
}

template <bool First>
static void addField(const BitField &field, const uint8_t *block,
                     uint8_t *codes) {
  switch (shapeOf(field)) {
  case Shape::Bytes:
    return addBytes<First>(field, block, codes);
  case Shape::Bits:
    return addBits<First>(field, block, codes);
  case Shape::Pairs:
    return addPairs<First>(field, block, codes);
  case Shape::Trits:
    return addTrits(field, block, codes);
  case Shape::General:
    forEachInteger(field, block, [&](unsigned index, unsigned bits) {
      codes[index] = uint8_t(First ? bits : bits << field.toBit | codes[index]);
    });
  }
}

//===----------------------------------------------------------------------===//
// Codes
//===----------------------------------------------------------------------===//

static void unpackCodes(const Format &format, const uint8_t *block,
                        size_t blocks, uint8_t *out) {
  const size_t count = blocks * format.blockElements;
  for (size_t index = 0; index < count;
       index += format.blockElements, block += format.blockBytes)
    for (const BitField &field : format.codes.fields) {
      if (!field.width)
        break;
      field.toBit ? addField<false>(field, block, out + index)
                  : addField<true>(field, block, out + index);
    }
  if (unsigned flip = format.codes.flip)
    for (size_t index = 0; index < count; ++index)
      out[index] ^= uint8_t(flip);
}

/// The integers of one block as the fields say, as they are stored.
template <typename Integer>
static void gatherIntegers(const IntegerList &list, const uint8_t *block,
                           Integer *out) {
  for (const BitField &field : list.fields) {
    if (!field.width)
      break;
    forEachInteger(field, block, [&](unsigned index, unsigned bits) {
      out[index] = field.toBit ? Integer(out[index] | bits << field.toBit)
                               : Integer(bits);
    });
  }
}

namespace {
/// The vectors of a lattice format.
class VectorDecoder {
public:
  explicit VectorDecoder(const Format &format);
  void unpack(const uint8_t *block, uint8_t *codes);

private:
  uint64_t flagsOf(unsigned stored) const;

  const Format &format;
  const Grid &grid;
  std::vector<uint64_t> vectors; ///< Of the grid, one digit a byte.
  std::vector<uint16_t> indices, flags; ///< Of a block.
  unsigned flagSpan = 0; ///< Elements of a stored flag word.
};
} // namespace

static unsigned countOf(const IntegerList &list) {
  unsigned end = 0;
  for (const BitField &field : list.fields)
    if (field.width)
      end = std::max(end, field.first + field.count());
  return end;
}

VectorDecoder::VectorDecoder(const Format &format)
    : format(format), grid(*findGrid(format.grid)),
      indices(countOf(format.vectors)), flags(countOf(format.flags)),
      flagSpan(format.blockElements / unsigned(flags.size())) {
  for (unsigned index = 0; index < grid.vectors.size(); ++index)
    vectors.push_back(grid.spread(index));
}

/// The flags of eight elements, one a byte, in the bit above the digit.
uint64_t VectorDecoder::flagsOf(unsigned stored) const {
  if (format.flags.kind.width == 1)
    return stored ? kEveryByte << grid.digitBits : 0;
  if (format.evenFlags)
    stored |= unsigned(std::popcount(stored) & 1) << 7;
  return spreadBits[stored] << grid.digitBits;
}

void VectorDecoder::unpack(const uint8_t *block, uint8_t *codes) {
  gatherIntegers(format.vectors, block, indices.data());
  gatherIntegers(format.flags, block, flags.data());
  for (unsigned first = 0; first < format.blockElements; first += 8) {
    uint64_t bytes = vectors[indices[first / grid.dimension]];
    if (grid.dimension == 4)
      bytes |= vectors[indices[first / 4 + 1]] << 32;
    bytes |= flagsOf(flags[first / flagSpan]);
    std::memcpy(codes + first, &bytes, sizeof bytes);
  }
}

static void unpackVectors(const Format &format, const uint8_t *block,
                          size_t blocks, uint8_t *out) {
  VectorDecoder decoder(format);
  for (size_t index = 0; index < blocks; ++index) {
    decoder.unpack(block, out);
    block += format.blockBytes;
    out += format.blockElements;
  }
}

//===----------------------------------------------------------------------===//
// Sub-scales, sub-minima and floats
//===----------------------------------------------------------------------===//

static void unpackIntegers(const IntegerList &list, const uint8_t *block,
                           unsigned count, int16_t *out) {
  gatherIntegers(list, block, out);
  for (unsigned index = 0; index < count; ++index) {
    unsigned bits = list.isOdd ? 2u * unsigned(out[index]) + 1u
                               : unsigned(out[index]) ^ list.flip;
    out[index] = int16_t(list.kind.decode(bits));
  }
}

/// The bits of all floats of some blocks, `perBlock` of each.
static void unpackFloats(llvm::ArrayRef<BitField> fields, const Format &format,
                         const uint8_t *block, size_t blocks, size_t perBlock,
                         std::vector<uint32_t> &out) {
  out.assign(blocks * perBlock, 0);
  for (size_t index = 0; index < blocks * perBlock;
       index += perBlock, block += format.blockBytes)
    for (const BitField &field : fields) {
      if (!field.width)
        break;
      forEachInteger(field, block, [&](unsigned scale, uint32_t bits) {
        out[index + scale] |= bits << field.toBit;
      });
    }
}

void lowbit::unpackScales(const Format &format, llvm::ArrayRef<uint8_t> bytes,
                          size_t blocks, Planes &planes) {
  size_t groups = format.isTwoLevel() ? format.groupsPerBlock() : 0;
  size_t scales = format.scalesPerBlock();
  const uint8_t *block = bytes.data();
  unpackFloats(format.scale, format, block, blocks, scales, planes.scale);
  unpackFloats(format.min, format, block, blocks,
               format.hasMin() ? scales : 0, planes.min);
  planes.subScale.resize(blocks * groups);
  planes.subMin.resize(format.hasMin() ? blocks * groups : 0);
  if (!groups)
    return;
  for (size_t first = 0; first < blocks * groups;
       first += groups, block += format.blockBytes) {
    unpackIntegers(format.subScales, block, groups, &planes.subScale[first]);
    if (format.hasMin())
      unpackIntegers(format.subMins, block, groups, &planes.subMin[first]);
  }
}

void lowbit::unpackBlocks(const Format &format, llvm::ArrayRef<uint8_t> bytes,
                          size_t blocks, Planes &planes) {
  planes.codes.resize(blocks * format.blockElements);
  if (format.grid)
    unpackVectors(format, bytes.data(), blocks, planes.codes.data());
  else
    unpackCodes(format, bytes.data(), blocks, planes.codes.data());
  unpackScales(format, bytes, blocks, planes);
}
