//===- Formats.h - how a file stores low-bit numbers ---------------------===//
//
// What: the table of storage formats and the one decoder that reads its rows.
// Why: a format is data. The importer, the oracle, the packer, the tests and the
// documentation all come from the row in Formats.def; there is no function per
// format anywhere.
// Contract: unpackBlocks() moves bits and does no arithmetic. decodeBlocks()
// gives, bit for bit, the floats that ggml's dequantization defines: f32
// operations in the order of !lowbit.block's description, none contracted.
//
// Every integer of a block, be it a code, a sub-scale, an index or the bits of a
// scale, is put together from bit fields. A BitField places `width` bits of
// n0 · n1 · n2 integers on an affine map:
//
//   integer first + i0 + n0·(i1 + n1·i2)      0 <= ik < nk
//     has its bits toBit … toBit+width-1
//     from bit at + b0·i0 + b1·i1 + b2·i2 of the block on
//
// Bit b of a block is bit b % 8 of byte b / 8. Examples, as at {n0, b0} …:
//
//   Q4_0 nibbles     16 {16, 8} {2, 4}          byte 2+j holds codes j and j+16
//   Q6_K high bits   1024 {32, 8} {4, 2} {2, 256}   of every 128 codes, byte j
//                                               of 32 holds j, j+32, j+64, j+96
//   Q5_0 fifth bits  16 {32, 1}                 one after the other
//
// A field with `trits` holds ternary digits instead: the byte at bit at + b0·i0
// holds digits t_0 … of integers first + i0, first + i0 + n0, …; digit n is the
// integer part of 3 · frac(byte · 3^n / 256).
//
// A lattice format has no codes but indices of vectors of a grid (Grids.h), one
// for `grid.dimension` elements, and flags: per element, or one for a run. With
// evenFlags the highest flag of eight is not stored: their number is even.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_FORMATS_H
#define NIBBLE_DIALECTS_LOWBIT_FORMATS_H

#include "dialects/LowBit/BlockParameters.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <vector>

namespace mlir {
class MLIRContext;
class Type;
} // namespace mlir

namespace nibble::lowbit {

/// `count` integers at a distance of `bits` from each other.
struct Step {
  uint16_t count = 1;
  uint16_t bits = 0;
};

struct BitField {
  uint16_t at = 0;    ///< First bit, from the start of the block.
  uint8_t width = 0;  ///< At most 32; 0 = no field.
  Step steps[3] = {}; ///< Innermost first.
  uint8_t toBit = 0;  ///< Where the bits go in the integer.
  uint16_t first = 0; ///< First integer.
  uint8_t trits = 0;  ///< Ternary digits of a byte, instead of bits.

  constexpr unsigned count() const {
    return steps[0].count * steps[1].count * steps[2].count *
           (trits ? trits : 1u);
  }
};

/// A list of integers of one kind in a block.
struct IntegerList {
  IntegerKind kind = {};
  BitField fields[4] = {};
  unsigned flip = 0; ///< Stored bits xor flip are the integer's bits.
  /// The integer is twice the stored one plus one. ggml's sub-scales that count
  /// halves are this, with half the scale.
  bool isOdd = false;
};

/// A row of the table. Offsets and sizes in bytes.
struct Format {
  /// What a file holds of a plain value: the value, or a number that is made an
  /// f32 (exactly: one that is no f32 is an error where it is read).
  enum Plain : uint8_t { Same, F64, I8 };

  const char *name = "";
  uint32_t ggufId = 0;
  unsigned blockElements = 1;
  unsigned blockBytes = 0;

  /// Floats: plain values of `floatKind` (f16, bf16, f32), nothing below.
  bool isFloat = false;
  FloatKind floatKind = FloatKind::F16; ///< Of values, or of scales.
  Plain plain = Same;

  unsigned group = 0; ///< Elements that share the innermost scale.
  IntegerList codes = {};
  int zeroPoint = 0;
  const char *codebook = nullptr; ///< What codes stand for (Codebooks.def).
  const char *grid = nullptr;     ///< Instead of codes (Grids.def).
  IntegerList vectors = {};       ///< Indices into the grid.
  IntegerList flags = {};         ///< 7 or 8 bits for 8 elements, or 1 for a run.
  bool evenFlags = false;
  IntegerList subScales = {}; ///< One per group; width 0 with one level.
  IntegerList subMins = {};   ///< One per group.
  BitField scale[4] = {};     ///< Bits of d, one per scaleSpan().
  BitField min[1] = {};       ///< Bits of m or dmin; no field = none.

  bool isTwoLevel() const { return subScales.kind.width != 0; }
  bool hasMin() const { return min[0].width != 0; }
  unsigned groupsPerBlock() const { return blockElements / group; }
  /// Elements that share a float scale.
  unsigned scaleSpan() const { return isTwoLevel() ? blockElements : group; }
  unsigned scalesPerBlock() const { return blockElements / scaleSpan(); }
  /// What a code of Planes::codes stands for; of a lattice format, with its grid.
  CodeKind codeKind() const;
};

/// All rows, in the order of Formats.def.
llvm::ArrayRef<Format> formats();

/// By the lower-case ggml name ("q4_k"), or null.
const Format *findFormat(llvm::StringRef name);

/// By the number that GGUF files use, or null.
const Format *findFormatByGGUFId(uint32_t id);

/// The element type that a tensor stored in this format has.
mlir::Type elementType(mlir::MLIRContext *context, const Format &format);

/// The parts of some consecutive blocks.
struct Planes {
  /// One per element: the code's bits (two's complement for signed ones). Of a
  /// lattice format, the code in the grid's codebook.
  std::vector<uint8_t> codes;
  /// One per group; empty with one level.
  std::vector<int16_t> subScale, subMin;
  /// One per scale span: the float's bits; `min` is empty if there is none.
  std::vector<uint32_t> scale, min;
  /// Of a stored codebook: 2^width numbers of its type for each row, or once for
  /// all. Empty if there is none.
  std::vector<uint8_t> books;
};

/// Splits `blocks` blocks into their parts. `format` must not be a float;
/// `bytes` must hold blocks · blockBytes bytes. Reuses the vectors' memory.
void unpackBlocks(const Format &format, llvm::ArrayRef<uint8_t> bytes,
                  size_t blocks, Planes &planes);

/// Their scales and minima alone: the codes of `planes` stay as they are.
void unpackScales(const Format &format, llvm::ArrayRef<uint8_t> bytes,
                  size_t blocks, Planes &planes);

/// The value of every element; `out` has blocks · blockElements of them.
void decodeBlocks(const Format &format, llvm::ArrayRef<uint8_t> bytes,
                  size_t blocks, float *out);

/// Index of the first plain value that no f32 holds, or -1.
int64_t findInexact(const Format &format, llvm::ArrayRef<uint8_t> bytes);

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_FORMATS_H
