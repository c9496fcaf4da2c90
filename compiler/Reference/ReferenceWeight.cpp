//===- ReferenceWeight.cpp - the values of a weight ----------------------===//

#include "compiler/Reference/ReferenceWeight.h"

#include "compiler/Import/BoundedReader.h"
#include "compiler/Import/PackedRows.h"
#include "compiler/Import/RopeTable.h"
#include "compiler/Import/SourceChanges.h"
#include "dialects/LowBit/Encoder.h"

#include "llvm/Support/FormatVariadic.h"

using namespace nibble;
using namespace nibble::reference;

/// A source of codes, scales and zero points that lie apart, as values.
llvm::Error ReferenceWeight::loadPacked(lm::SourceAttr source,
                                        mlir::Type elementType) {
  auto packed = PackedRows::open(source, columnCount);
  if (!packed)
    return packed.takeError();
  bool holdsType = packed->getType() == elementType;
  if (!holdsType && !source.getRequantized())
    return llvm::createStringError(llvm::formatv(
        "a source of {0} does not hold the elements of the weight's type",
        packed->getType()));
  int64_t rowBytes = columnCount * sizeof(float);
  std::vector<float> values(packed->rows() * columnCount);
  if (llvm::Error error = packed->values(0, packed->rows(), values.data()))
    return error;
  std::vector<uint8_t> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  pieces.push_back({lowbit::findFormat("f32"), packed->rows(), rowBytes,
                    std::move(bytes)});
  if (source.isChanged())
    if (llvm::Error error = changePiece(source))
      return error;
  return source.getRequantized() ? roundPiece(elementType)
                                 : llvm::Error::success();
}

/// Integers, which are numbers like others here.
llvm::Error ReferenceWeight::loadColumnOrder(lm::ColumnOrderAttr columns) {
  auto order = readColumnOrder(columns.getGroups());
  if (!order)
    return order.takeError();
  std::vector<float> values(order->begin(), order->end());
  std::vector<uint8_t> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  pieces.push_back({lowbit::findFormat("f32"), int64_t(values.size()),
                    sizeof(float), std::move(bytes)});
  return llvm::Error::success();
}

llvm::Error ReferenceWeight::loadSource(lm::SourceAttr source,
                                        mlir::Type elementType) {
  if (source.getPacking())
    return loadPacked(source, elementType);
  const lowbit::Format *format = lowbit::findFormat(source.getFormat());
  if (!format)
    return llvm::createStringError(
        llvm::formatv("the format table has no row '{0}'", source.getFormat()));
  bool holdsType =
      lowbit::elementType(source.getContext(), *format) == elementType;
  bool isWidened = format->isFloat && elementType.isF32();
  if (!holdsType && !source.getRequantized() && !isWidened)
    return llvm::createStringError(llvm::formatv(
        "a source in {0} does not hold the elements of the weight's type",
        format->name));
  int64_t rowBytes = columnCount / format->blockElements * format->blockBytes;
  if (columnCount % format->blockElements != 0 || rowBytes == 0 ||
      source.getSize() % rowBytes != 0)
    return llvm::createStringError(llvm::formatv(
        "{0} bytes of {1} are not whole rows of {2} values", source.getSize(),
        format->name, columnCount));
  auto file = InputFile::open(source.getFile());
  if (!file)
    return file.takeError();
  if (source.getOffset() > (*file)->getSize() ||
      source.getSize() > (*file)->getSize() - source.getOffset())
    return llvm::createStringError(llvm::formatv(
        "{0}: bytes {1} to {2} are past the end of the file at {3}",
        source.getFile(), source.getOffset(),
        source.getOffset() + source.getSize(), (*file)->getSize()));
  std::vector<uint8_t> bytes(source.getSize());
  if (llvm::Error error = (*file)->readAt(source.getOffset(), bytes))
    return error;
  pieces.push_back({format, int64_t(bytes.size()) / rowBytes, rowBytes,
                    std::move(bytes)});
  if (source.isChanged())
    if (llvm::Error error = changePiece(source))
      return error;
  return pieces.back().format == format && holdsType ? llvm::Error::success()
                                                     : roundPiece(elementType);
}

/// Replaces the values of the last piece by what the source makes of them.
llvm::Error ReferenceWeight::changePiece(lm::SourceAttr source) {
  Piece &piece = pieces.back();
  auto changes = SourceChanges::open(source, piece.rows, columnCount);
  if (!changes)
    return changes.takeError();
  std::vector<float> values(piece.rows * columnCount);
  decodeBlocks(*piece.format, piece.bytes,
               values.size() / piece.format->blockElements, values.data());
  changes->apply(0, piece.rows, values.data());
  piece.format = lowbit::findFormat("f32");
  piece.rowBytes = columnCount * sizeof(float);
  piece.bytes.resize(values.size() * sizeof(float));
  std::memcpy(piece.bytes.data(), values.data(), piece.bytes.size());
  return llvm::Error::success();
}

/// Replaces the values of the last piece by what the type keeps of them.
llvm::Error ReferenceWeight::roundPiece(mlir::Type elementType) {
  Piece &piece = pieces.back();
  std::vector<float> values(piece.rows * columnCount);
  decodeBlocks(*piece.format, piece.bytes,
               values.size() / piece.format->blockElements, values.data());
  if (llvm::Error error = lowbit::roundRows(elementType, piece.rows,
                                            columnCount, values.data()))
    return error;
  piece.format = lowbit::findFormat("f32");
  piece.rowBytes = columnCount * sizeof(float);
  piece.bytes.resize(values.size() * sizeof(float));
  std::memcpy(piece.bytes.data(), values.data(), piece.bytes.size());
  return llvm::Error::success();
}

llvm::Error ReferenceWeight::loadRopeTable(lm::RopeTableAttr table) {
  if (columnCount != int64_t(table.getDims()))
    return llvm::createStringError(llvm::formatv(
        "a table of {0} rotated dimensions has no rows of {1} values",
        table.getDims(), columnCount));
  std::vector<float> values = computeRopeTable(table, rowCount);
  int64_t rowBytes = columnCount * sizeof(float);
  std::vector<uint8_t> bytes(rowCount * rowBytes);
  std::memcpy(bytes.data(), values.data(), bytes.size());
  pieces.push_back(
      {lowbit::findFormat("f32"), rowCount, rowBytes, std::move(bytes)});
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<ReferenceWeight>>
ReferenceWeight::load(lm::WeightOp weight) {
  auto type = mlir::cast<mlir::RankedTensorType>(weight.getType());
  if (type.getEncoding() || type.getRank() == 0)
    return llvm::createStringError(
        "the reference interpreter reads weights as they are stored, not in "
        "a packed layout: run it on a module from before phase tile");
  auto result = std::make_unique<ReferenceWeight>();
  result->rowCount = type.getDimSize(0);
  result->columnCount = type.getNumElements() / result->rowCount;
  int64_t found = 0;
  for (mlir::Attribute attribute : weight.getSources()) {
    llvm::Error error = llvm::Error::success();
    if (auto source = mlir::dyn_cast<lm::SourceAttr>(attribute))
      error = result->loadSource(source, type.getElementType());
    else if (auto columns = mlir::dyn_cast<lm::ColumnOrderAttr>(attribute))
      error = result->loadColumnOrder(columns);
    else
      error = result->loadRopeTable(mlir::cast<lm::RopeTableAttr>(attribute));
    if (error)
      return std::move(error);
    found += result->pieces.back().rows;
  }
  if (found != result->rowCount)
    return llvm::createStringError(
        llvm::formatv("the sources hold {0} rows, the weight has {1}", found,
                      result->rowCount));
  return result;
}

void ReferenceWeight::decodeRow(int64_t row, double *out) const {
  const Piece *piece = pieces.data();
  for (; row >= piece->rows; ++piece)
    row -= piece->rows;
  std::vector<float> values(columnCount);
  llvm::ArrayRef<uint8_t> bytes(piece->bytes.data() + row * piece->rowBytes,
                                piece->rowBytes);
  decodeBlocks(*piece->format, bytes,
               columnCount / piece->format->blockElements, values.data());
  std::copy(values.begin(), values.end(), out);
}

std::vector<double> ReferenceWeight::decodeAll() const {
  std::vector<double> values(rowCount * columnCount);
  for (int64_t row = 0; row < rowCount; ++row)
    decodeRow(row, &values[row * columnCount]);
  return values;
}
