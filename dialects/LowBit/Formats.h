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
// Every integer of a block, be it a code, a sub-scale or a sub-minimum, is put
// together from bit fields. A BitField places `width` bits of `count` integers:
//
//   integer first+i  has bits toBit … toBit+width-1
//     from byte   offset + (i / (run·lanes))·run + i % run
//     at bit      shift + ((i / run) % lanes)·width       lanes = (8-shift)/width
//
// That is: `run` integers lie in the lowest lane of `run` consecutive bytes, the
// next `run` in the next lane of the same bytes, and when the lanes are used up
// it goes on with the next `run` bytes. Examples:
//
//   Q4_0 nibbles     run 16, width 4:  byte j holds codes j and j + 16
//   Q6_K high bits   run 32, width 2:  byte j holds codes j, j+32, j+64, j+96
//   Q5_0 fifth bits  run  1, width 1:  byte j holds codes 8j … 8j+7
//   Q8_0 bytes       run 32, width 8:  byte j holds code j
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

struct BitField {
  uint16_t first = 0;  ///< First integer.
  uint16_t count = 0;  ///< Number of integers; 0 = no field.
  uint16_t offset = 0; ///< First byte, from the start of the block.
  uint16_t run = 1;
  uint8_t shift = 0; ///< Lowest bit of the first lane.
  uint8_t width = 0;
  uint8_t toBit = 0; ///< Where the bits go in the integer.

  constexpr unsigned lanes() const { return (8u - shift) / width; }
};

/// A list of integers of one kind in a block.
struct IntegerList {
  IntegerKind kind = {};
  BitField fields[3] = {};
  unsigned flip = 0; ///< Stored bits xor flip are the integer's bits.
};

/// A row of the table. Offsets and sizes in bytes.
struct Format {
  const char *name = "";
  uint32_t ggufId = 0;
  unsigned blockElements = 1;
  unsigned blockBytes = 0;

  /// Floats (f16, bf16, f32): plain values of `floatKind`, nothing below.
  bool isFloat = false;
  FloatKind floatKind = FloatKind::F16; ///< Of values, or of scales.

  unsigned group = 0; ///< Elements that share the innermost scale.
  IntegerList codes = {};
  int zeroPoint = 0;
  IntegerList subScales = {}; ///< One per group; width 0 with one level.
  IntegerList subMins = {};   ///< One per group.
  int scaleOffset = -1;       ///< d, one per block.
  int minOffset = -1;         ///< m or dmin, one per block; -1 = none.

  bool isTwoLevel() const { return subScales.kind.width != 0; }
  bool hasMin() const { return minOffset >= 0; }
  unsigned groupsPerBlock() const { return blockElements / group; }
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
  /// One per element: the code's bits (two's complement for signed ones).
  std::vector<uint8_t> codes;
  /// One per group; empty with one level.
  std::vector<int16_t> subScale, subMin;
  /// One per block: the float's bits; `min` is empty if the format has none.
  std::vector<uint16_t> scale, min;
};

/// Splits `blocks` blocks into their parts. `format` must not be a float;
/// `bytes` must hold blocks · blockBytes bytes. Reuses the vectors' memory.
void unpackBlocks(const Format &format, llvm::ArrayRef<uint8_t> bytes,
                  size_t blocks, Planes &planes);

/// The value of every element; `out` has blocks · blockElements of them.
void decodeBlocks(const Format &format, llvm::ArrayRef<uint8_t> bytes,
                  size_t blocks, float *out);

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_FORMATS_H
