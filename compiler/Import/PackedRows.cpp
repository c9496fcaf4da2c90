//===- PackedRows.cpp - Weights that a method of quantization packed ------===//
//
// See the header. What an attribute says is compared with the sizes of its
// sources before anything is read.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/PackedRows.h"

#include "compiler/Import/PackedSource.h"
#include "dialects/LowBit/Encoder.h"

#include "llvm/ADT/STLExtras.h"

#include <numeric>
#include <tuple>

using namespace nibble;
using llvm::Error;
using llvm::Expected;

/// Codes that are read at once: enough rows that words which lie apart are read
/// in pieces of kilobytes.
static constexpr int64_t codesAtOnce = 1 << 20;

//===----------------------------------------------------------------------===//
// Zero points and the order of columns
//===----------------------------------------------------------------------===//

Error PackedRows::readZeros(lm::PackingAttr packing) {
  lm::SourceAttr source = packing.getZeros();
  if (!source)
    return Error::success();
  if (!type.hasMin())
    return packingError("zero points need a type with minima, found {0}", type);
  PackedMatrix places = {lowbit::findPacking(source.getFormat()), matrix.width, matrix.rows, groups,
                         source.getOffset()};
  if (!places.packing ||
      static_cast<uint64_t>(places.packing->bytesFor(places.rows, groups, places.width)) != source.getSize())
    return packingError("{0} bytes of '{1}' are not {2} x {3} zero points", source.getSize(), source.getFormat(),
                        matrix.rows, groups);
  auto opened = InputFile::open(source.getFile());
  if (!opened)
    return opened.takeError();
  std::vector<uint8_t> codes(matrix.rows * groups);
  if (Error error = readCodes(**opened, places, 0, matrix.rows, codes.data()))
    return error;
  lowbit::IntegerKind kind = type.getCode();
  auto plus = static_cast<int32_t>(packing.getZeroPlus());
  for (uint8_t code : codes)
    zeros.push_back(kind.decode(code) + plus);
  return Error::success();
}

Expected<std::vector<int32_t>> nibble::readColumnOrder(lm::SourceAttr groups) {
  auto bytes = readBytes(groups);
  if (!bytes)
    return bytes.takeError();
  if (bytes->size() % sizeof(int32_t) != 0)
    return packingError("{0} bytes are no whole number of i32", bytes->size());
  std::vector<int32_t> numbers(bytes->size() / sizeof(int32_t));
  std::memcpy(numbers.data(), bytes->data(), bytes->size());
  std::vector<int32_t> order(numbers.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](int32_t a, int32_t b) { return std::tie(numbers[a], a) < std::tie(numbers[b], b); });
  return order;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// The type, the place of codes, and that their bytes are as many as rows and
/// columns ask for.
Error PackedRows::openCodes(lm::SourceAttr source) {
  lm::PackingAttr packing = source.getPacking();
  type = mlir::dyn_cast<lowbit::BlockType>(packing.getElement());
  const lowbit::Packing *places = lowbit::findPacking(source.getFormat());
  blocks = places ? nullptr : lowbit::findFormat(source.getFormat());
  bool isPlain = !blocks || (!blocks->isFloat && !blocks->grid && !blocks->isTwoLevel() && !blocks->hasMin());
  if (!type || (!places && !blocks) || !isPlain)
    return packingError("'{0}' is no packing of {1}", source.getFormat(), packing.getElement());
  bool isSplit = (blocks || packing.getScales()) && !type.hasMin() &&
                 type.getScale().sub == lowbit::IntegerKind{8, /*isSigned=*/false};
  if ((type.isTwoLevel() && !isSplit) || type.getCode().grid)
    return packingError("a packed weight has scales of one level, or small ones as u8, found {0}", type);
  int64_t columns = matrix.columns, group = type.getGroupIn(columns);
  matrix.packing = places;
  matrix.width = type.getCode().width;
  matrix.rows = static_cast<int64_t>(packing.getRows());
  matrix.offset = source.getOffset();
  uint64_t limit = uint64_t(1) << 40; // so that no product below overflows
  bool fits = packing.getRows() > 0 && packing.getRows() <= limit / columns && columns % group == 0;
  if (fits && type.isTwoLevel())
    fits = columns % type.getScaleSpan() == 0;
  if (fits && blocks)
    fits = columns % blocks->blockElements == 0 && group == blocks->group && type.getCode() == blocks->codeKind() &&
           !packing.getOrder() &&
           matrix.rows * columns / blocks->blockElements * blocks->blockBytes == static_cast<int64_t>(source.getSize());
  else if (fits)
    fits = static_cast<uint64_t>(places->bytesFor(matrix.rows, columns, matrix.width)) == source.getSize();
  if (!fits)
    return packingError("{0} bytes of '{1}' are not {2} x {3} codes of {4}", source.getSize(), source.getFormat(),
                        packing.getRows(), columns, type);
  groups = columns / group;
  spans = type.isTwoLevel() ? columns / type.getScaleSpan() : groups;
  scaleRows = std::max<int64_t>(packing.getScaleRows(), 1);
  auto opened = InputFile::open(source.getFile());
  if (!opened)
    return opened.takeError();
  file = std::move(*opened);
  return Error::success();
}

Expected<PackedRows> PackedRows::open(lm::SourceAttr source, int64_t columns) {
  PackedRows rows;
  lm::PackingAttr packing = source.getPacking();
  rows.matrix.columns = columns;
  if (Error error = rows.openCodes(source))
    return std::move(error);
  if (Error error = rows.readScales(packing))
    return std::move(error);
  if (Error error = rows.checkScales(source))
    return std::move(error);
  if (Error error = rows.readZeros(packing))
    return std::move(error);
  if (!packing.getOrder())
    return std::move(rows);
  auto order = readColumnOrder(packing.getOrder());
  if (!order)
    return order.takeError();
  rows.order = std::move(*order);
  if (static_cast<int64_t>(rows.order.size()) != columns)
    return packingError("{0} numbers of groups are not those of {1} columns", rows.order.size(), columns);
  return std::move(rows);
}

/// The bytes of the blocks of some rows, and how many these are.
Expected<size_t> PackedRows::readBlocks(int64_t first, int64_t count) {
  int64_t perRow = matrix.columns / blocks->blockElements;
  blockBytes.resize(count * perRow * blocks->blockBytes);
  if (Error error = file->readAt(matrix.offset + first * perRow * blocks->blockBytes, blockBytes))
    return std::move(error);
  return count * perRow;
}

int64_t PackedRows::rowsAtOnce(int64_t first) const {
  return std::min(rows() - first, std::max<int64_t>(32, codesAtOnce / matrix.columns));
}

/// Reads the codes from row `first` on.
Error PackedRows::fill(int64_t first) {
  begin = first;
  end = first + rowsAtOnce(first);
  if (blocks) {
    Expected<size_t> count = readBlocks(begin, end - begin);
    if (!count)
      return count.takeError();
    unpackBlocks(*blocks, blockBytes, *count, unpacked);
    ahead.swap(unpacked.codes);
    return Error::success();
  }
  ahead.resize((end - begin) * matrix.columns);
  if (order.empty())
    return readCodes(*file, matrix, begin, end - begin, ahead.data());
  unordered.resize(ahead.size());
  if (Error error = readCodes(*file, matrix, begin, end - begin, unordered.data()))
    return error;
  uint8_t *out = ahead.data();
  for (int64_t row = 0; row < end - begin; ++row)
    for (int32_t column : order)
      *out++ = unordered[row * matrix.columns + column];
  return Error::success();
}

/// The scale as a number; only asked for where it is an f32.
float PackedRows::scaleOf(int64_t row, int64_t group) const {
  return std::bit_cast<float>(scales[row / scaleRows * groups + group]);
}

Expected<const lowbit::Planes *> PackedRows::parts(int64_t first, int64_t count) {
  planes.codes.clear(), planes.subScale.clear(), planes.scale.clear(), planes.min.clear();
  for (int64_t row = first; row < first + count; ++row) {
    if (row < begin || row >= end)
      if (Error error = fill(row))
        return std::move(error);
    const uint8_t *codes = &ahead[(row - begin) * matrix.columns];
    planes.codes.insert(planes.codes.end(), codes, codes + matrix.columns);
    const uint32_t *shared = &scales[row / scaleRows * spans];
    planes.scale.insert(planes.scale.end(), shared, shared + spans);
    if (type.isTwoLevel())
      planes.subScale.insert(planes.subScale.end(), &bytes[row * groups], &bytes[(row + 1) * groups]);
    for (int64_t group = 0; type.hasMin() && group < groups; ++group) {
      float zero = zeros.empty() ? 0.0f : static_cast<float>(zeros[row * groups + group]);
      planes.min.push_back(std::bit_cast<uint32_t>(-(zero * scaleOf(row, group))));
    }
  }
  return &planes;
}

Error PackedRows::values(int64_t first, int64_t count, float *out) {
  auto found = parts(first, count);
  if (!found)
    return found.takeError();
  lowbit::decodePlanes(type, **found, count, matrix.columns, out);
  return Error::success();
}
