//===- PackedRows.h - Weights that a method of quantization packed --------===//
//
// The rows of a source with a #lm.packing: their codes, scales and minima as the
// element type of the packing has them, or their values. The linker and the
// oracle read them through here, so both see one reading.
//
// A packing without sources of scales is that of blocks of a file's format, whose
// own scales are multiplied with the factor (compiler/Import/GGUFScales.h). Scales
// of small groups may be split into two levels (compiler/Import/SplitScales.h).
//
// Contract: scales and zero points are held in memory, a fraction of the weight;
// codes are read some rows at a time. Rows may be asked for in any order, and are
// cheap in ascending order. Zero points that are subtracted become minima, in
// f32: -(zero · scale), exact for scales of f16 and bf16.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_PACKEDROWS_H
#define NIBBLE_COMPILER_IMPORT_PACKEDROWS_H

#include "compiler/Import/PackedCodes.h"
#include "dialects/LM/LM.h"
#include "dialects/LowBit/Formats.h"
#include "dialects/LowBit/LowBit.h"

namespace nibble {

class PackedRows {
public:
  /// `source` has a packing, whose rows have `columns` values.
  static llvm::Expected<PackedRows> open(lm::SourceAttr source, int64_t columns);

  lowbit::BlockType getType() const { return type; }
  int64_t rows() const { return matrix.rows; }

  /// The parts of some rows; they stay valid until the next call.
  llvm::Expected<const lowbit::Planes *> parts(int64_t first, int64_t count);
  /// The values of some rows, as f32.
  llvm::Error values(int64_t first, int64_t count, float *out);

private:
  PackedRows() = default;

  llvm::Error openCodes(lm::SourceAttr source);
  llvm::Expected<size_t> readBlocks(int64_t first, int64_t count);
  int64_t rowsAtOnce(int64_t first) const;
  llvm::Error readScales(lm::PackingAttr packing);
  llvm::Error readBlockScales(lm::PackingAttr packing);
  llvm::Error splitInPlace(std::vector<float> &stored);
  llvm::Error addScales(llvm::ArrayRef<uint32_t> bits, FloatKind stored, lm::PackingAttr packing);
  llvm::Error readSmallScales(lm::PackingAttr packing);
  llvm::Error readLevels(lm::PackingAttr packing);
  llvm::Error checkScales(lm::SourceAttr source) const;
  llvm::Error readZeros(lm::PackingAttr packing);
  llvm::Error fill(int64_t first);
  float scaleOf(int64_t row, int64_t group) const;

  std::unique_ptr<InputFile> file;
  PackedMatrix matrix;
  const lowbit::Format *blocks = nullptr; ///< Instead of a packing.
  lowbit::BlockType type;
  int64_t groups = 1;           ///< Of a row.
  int64_t scaleRows = 1;        ///< Rows that share a scale.
  int64_t spans = 1;            ///< Float scales of a row: as many as groups, or super blocks.
  std::vector<uint32_t> scales; ///< Bits, rows / scaleRows × spans.
  std::vector<int16_t> bytes;   ///< Of two levels, rows × groups, or empty.
  std::vector<int32_t> zeros;   ///< rows × groups, or empty.
  std::vector<int32_t> order;   ///< Of columns, or empty.
  int64_t begin = 0, end = 0;   ///< Rows in `ahead`.
  std::vector<uint8_t> ahead, unordered, blockBytes;
  lowbit::Planes planes, unpacked;
};

/// The places of the numbers when they are sorted, equal ones in their order:
/// #lm.column_order. `groups` is a source of i32.
llvm::Expected<std::vector<int32_t>> readColumnOrder(lm::SourceAttr groups);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_PACKEDROWS_H
