//===- ReferenceWeight.h - the values of a weight ------------------------===//
//
// What: an lm.weight as numbers, decoded row by row from the bytes of its
// sources by the format table, and rounded to the weight's type where a source
// is marked as requantized.
// Why: the oracle must see the numbers of the file, not of a packed copy.
// Contract: the stored bytes are held in memory, as long as the object lives;
// decodeRow() cannot fail and may be called from several threads.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_REFERENCE_REFERENCEWEIGHT_H
#define NIBBLE_COMPILER_REFERENCE_REFERENCEWEIGHT_H

#include "dialects/LM/LM.h"
#include "dialects/LowBit/Formats.h"

#include <memory>
#include <vector>

namespace nibble::reference {

class ReferenceWeight {
public:
  /// Reads the bytes of all sources, or computes the table of angles.
  static llvm::Expected<std::unique_ptr<ReferenceWeight>>
  load(lm::WeightOp weight);

  /// The size of the first dimension, and the product of the others.
  int64_t rows() const { return rowCount; }
  int64_t columns() const { return columnCount; }

  /// Writes columns() values.
  void decodeRow(int64_t row, double *out) const;
  /// All rows, one after the other.
  std::vector<double> decodeAll() const;

private:
  /// The rows that one source brings.
  struct Piece {
    const lowbit::Format *format;
    int64_t rows;
    int64_t rowBytes;
    std::vector<uint8_t> bytes;
  };

  llvm::Error loadSource(lm::SourceAttr source, mlir::Type elementType);
  llvm::Error loadPacked(lm::SourceAttr source, mlir::Type elementType);
  llvm::Error loadColumnOrder(lm::ColumnOrderAttr columns);
  llvm::Error roundPiece(mlir::Type elementType);
  llvm::Error changePiece(lm::SourceAttr source);
  llvm::Error loadRopeTable(lm::RopeTableAttr table);

  int64_t rowCount = 0, columnCount = 0;
  std::vector<Piece> pieces;
};

} // namespace nibble::reference

#endif // NIBBLE_COMPILER_REFERENCE_REFERENCEWEIGHT_H
