//===- Encoder.cpp - numbers into low-bit codes --------------------------===//
//
// What: rows are encoded side by side (RowEncoder.h), with what all of them share,
// or with a codebook of their own.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Encoder.h"

#include "dialects/LowBit/LearnedBook.h"
#include "dialects/LowBit/RowEncoder.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Parallel.h"

#include <algorithm>
#include <cmath>

#pragma STDC FP_CONTRACT OFF

using namespace nibble;
using namespace nibble::lowbit;

const char *lowbit::whyNotEncodable(BlockType type, int64_t columns) {
  if (type.getCode().grid)
    return "vectors of a grid have no encoder";
  if (type.getGroup() == kTensorGroup && type.getCode().stored == CodeKind::Row)
    return "a row's own codebook needs a scale of the row's own";
  if (columns % spanOf(type, columns) != 0)
    return "its rows are no multiple of the columns that share a scale";
  return nullptr;
}

static llvm::Error checkFinite(const float *values, int64_t rows,
                               int64_t columns) {
  for (int64_t index = 0; index < rows * columns; ++index)
    if (!std::isfinite(values[index]))
      return llvm::createStringError(
          llvm::formatv("cannot round {0} at row {1}, column {2} to low bits",
                        values[index], index / columns, index % columns));
  return llvm::Error::success();
}

/// What the rows share, if they are all that the tensor has.
static SharedParts findShared(BlockType type, const float *values, int64_t rows,
                              int64_t columns) {
  if (!SharedSearch::isNeeded(type))
    return {};
  SharedSearch search(type, rows, columns);
  for (int64_t row = 0; row < rows; ++row)
    if (search.wants(row))
      search.add(values + row * columns);
  return search.find();
}

/// The levels of one row: those of the type, or of a codebook.
static Levels levelsOfRow(BlockType type, const uint8_t *book) {
  return book ? Levels(numbersOfBook(type.getCode(), book)) : Levels::of(type);
}

llvm::Error lowbit::encodeRows(BlockType type, const float *values,
                               int64_t rows, int64_t columns, Planes &planes,
                               const SharedParts *given,
                               const Compensation *compensation) {
  if (const char *reason = whyNotEncodable(type, columns))
    return llvm::createStringError(reason);
  if (llvm::Error error = checkFinite(values, rows, columns))
    return error;
  SharedParts shared =
      given ? *given : findShared(type, values, rows, columns);
  int64_t scales = columns / spanOf(type, columns);
  int64_t subs = type.isTwoLevel() ? columns / type.getGroup() : 0;
  int64_t mins = type.hasMin() ? 1 : 0;
  bool learns = type.getCode().stored == CodeKind::Row;
  size_t bookBytes = learns ? bytesOfBook(type.getCode()) : 0;
  planes.codes.resize(rows * columns);
  planes.scale.resize(rows * scales);
  planes.min.resize(rows * scales * mins);
  planes.subScale.resize(rows * subs);
  planes.subMin.resize(rows * subs * mins);
  planes.books = shared.book;
  planes.books.resize(learns ? rows * bookBytes : shared.book.size());
  const uint8_t *common = shared.book.empty() ? nullptr : shared.book.data();
  const std::optional<Levels> levels =
      learns ? std::nullopt : std::optional(levelsOfRow(type, common));
  auto encodeRow = [&](int64_t row) {
    const float *from = values + row * columns;
    std::optional<Levels> own;
    if (learns) {
      PaddedGroups groups(from, columns, type.getGroupIn(columns));
      std::vector<uint8_t> book = learnBook(type, groups.samples());
      own = levelsOfRow(type, book.data());
      std::copy(book.begin(), book.end(), &planes.books[row * bookBytes]);
    }
    RowEncoder(type, learns ? *own : *levels, columns, shared, compensation)
        .encode(from, {planes.codes.data() + row * columns,
                       planes.subScale.data() + row * subs,
                       planes.subMin.data() + row * subs * mins,
                       planes.scale.data() + row * scales,
                       planes.min.data() + row * scales * mins});
  };
  llvm::parallelFor(0, rows, [&](size_t row) { encodeRow(int64_t(row)); });
  return llvm::Error::success();
}

llvm::Error lowbit::roundRows(mlir::Type element, int64_t rows, int64_t columns,
                              float *values) {
  if (auto block = mlir::dyn_cast<BlockType>(element)) {
    Planes planes;
    if (llvm::Error error = encodeRows(block, values, rows, columns, planes))
      return error;
    decodePlanes(block, planes, rows, columns, values);
    return llvm::Error::success();
  }
  FloatKind kind = element.isF16()    ? FloatKind::F16
                   : element.isBF16() ? FloatKind::BF16
                                      : FloatKind::F32;
  for (int64_t index = 0; index < rows * columns; ++index)
    values[index] = toFloat(kind, bitsOfNearest(kind, values[index]));
  return llvm::Error::success();
}

void lowbit::decodePlanes(BlockType type, const Planes &planes, int64_t rows,
                          int64_t columns, float *out) {
  CodeKind code = type.getCode();
  bool isStored = code.stored != CodeKind::None;
  std::vector<float> number;
  if (!isStored)
    number = valuesOfCodes(type);
  FloatKind kind = type.getScale().floatKind;
  int64_t group = type.getGroupIn(columns), span = spanOf(type, columns);
  for (int64_t first = 0; first < rows * columns; first += group) {
    if (isStored && first % columns == 0)
      number = numbersOfBook(code, planes.books.data() +
                                       (code.stored == CodeKind::Row ? first / columns * bytesOfBook(code) : 0));
    int64_t s = first / span, g = first / group;
    float scale = toFloat(kind, planes.scale[s]);
    float min = type.hasMin() ? toFloat(kind, planes.min[s]) : 0.0f;
    if (type.isTwoLevel()) {
      scale = float(planes.subScale[g]) * scale;
      if (type.hasMin())
        min = float(planes.subMin[g]) * min;
    }
    for (int64_t i = first; i < first + group; ++i) {
      float value = number[planes.codes[i]] * scale;
      if (type.hasMin())
        value = type.isTwoLevel() ? value - min : value + min;
      out[i] = value;
    }
  }
}
