//===- PackedCodes.cpp - codes out of the words of a file -----------------===//
//
// See the header. Of the four ways in which words can lie, each has a function
// that reads what it needs in as few pieces as there are.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/PackedCodes.h"

#include <cstring>

using namespace nibble;
using llvm::Error;
using lowbit::CodePlace;
using lowbit::Packing;

namespace {

class CodeReader {
public:
  CodeReader(const InputFile &file, const PackedMatrix &matrix)
      : file(file), matrix(matrix), packing(*matrix.packing),
        words(packing.wordsFor(packing.along == Packing::Columns
                                   ? matrix.columns
                                   : matrix.rows,
                               matrix.width)) {}

  Error read(int64_t first, int64_t count, uint8_t *out);

private:
  /// Fills `buffer` with `count` words from word `first` of the matrix on.
  Error readWords(int64_t first, int64_t count);
  uint64_t wordAt(int64_t index) const;
  uint8_t codeAt(int64_t firstWord, CodePlace place) const;

  Error readRows(int64_t first, int64_t count, uint8_t *out);
  Error readStripes(int64_t first, int64_t count, uint8_t *out);
  Error readColumns(int64_t first, int64_t count, uint8_t *out);
  Error readRowsOfWords(int64_t first, int64_t count, uint8_t *out);

  /// `count` rows, whose words stand in the buffer.
  void unpackRows(int64_t count, uint8_t *out) const;

  const InputFile &file;
  const PackedMatrix &matrix;
  const Packing &packing;
  int64_t words; ///< Of a row, or of a column.
  std::vector<uint8_t> buffer;
};

Error CodeReader::readWords(int64_t first, int64_t count) {
  buffer.resize(count * packing.wordBytes());
  return file.readAt(matrix.offset + first * packing.wordBytes(), buffer);
}

uint64_t CodeReader::wordAt(int64_t index) const {
  if (packing.wordBits == 8)
    return buffer[index];
  uint32_t word;
  std::memcpy(&word, &buffer[index * sizeof word], sizeof word);
  return word;
}

/// The words of a row (or column) stand in the buffer from `firstWord` on.
uint8_t CodeReader::codeAt(int64_t firstWord, CodePlace place) const {
  uint64_t bits = wordAt(firstWord + place.word) >> place.shift;
  if (place.shift + matrix.width > packing.wordBits)
    bits |= wordAt(firstWord + place.word + 1)
            << (packing.wordBits - place.shift);
  return static_cast<uint8_t>(bits & ((1u << matrix.width) - 1));
}

void CodeReader::unpackRows(int64_t count, uint8_t *out) const {
  std::vector<CodePlace> places;
  for (int64_t column = 0; column < matrix.columns; ++column)
    places.push_back(packing.placeOf(column, matrix.columns, matrix.width));
  for (int64_t row = 0; row < count; ++row)
    for (CodePlace place : places)
      *out++ = codeAt(row * words, place);
}

/// All words of a row lie together.
Error CodeReader::readRows(int64_t first, int64_t count, uint8_t *out) {
  if (Error error = readWords(first * words, count * words))
    return error;
  unpackRows(count, out);
  return Error::success();
}

/// Word w of all rows lies together: a stripe of each, brought together first.
Error CodeReader::readStripes(int64_t first, int64_t count, uint8_t *out) {
  const unsigned bytes = packing.wordBytes();
  std::vector<uint8_t> gathered(count * words * bytes);
  for (int64_t word = 0; word < words; ++word) {
    if (Error error = readWords(word * matrix.rows + first, count))
      return error;
    for (int64_t row = 0; row < count; ++row)
      std::memcpy(&gathered[(row * words + word) * bytes],
                  &buffer[row * bytes], bytes);
  }
  buffer = std::move(gathered);
  unpackRows(count, out);
  return Error::success();
}

/// All words of a column lie together, of which these rows need some.
Error CodeReader::readColumns(int64_t first, int64_t count, uint8_t *out) {
  std::vector<CodePlace> places;
  for (int64_t row = first; row < first + count; ++row)
    places.push_back(packing.placeOf(row, matrix.rows, matrix.width));
  int64_t low = places.front().word, high = low;
  for (CodePlace &place : places) {
    bool spans = place.shift + matrix.width > packing.wordBits;
    low = std::min(low, place.word);
    high = std::max(high, place.word + (spans ? 1 : 0));
  }
  for (int64_t column = 0; column < matrix.columns; ++column) {
    if (Error error = readWords(column * words + low, high - low + 1))
      return error;
    for (int64_t row = 0; row < count; ++row)
      out[row * matrix.columns + column] = codeAt(-low, places[row]);
  }
  return Error::success();
}

/// Word w of all columns lies together and holds neighbours of each column.
Error CodeReader::readRowsOfWords(int64_t first, int64_t count, uint8_t *out) {
  for (int64_t row = first; row < first + count; ++row) {
    CodePlace place = packing.placeOf(row, matrix.rows, matrix.width);
    if (Error error = readWords(place.word * matrix.columns, matrix.columns))
      return error;
    for (int64_t column = 0; column < matrix.columns; ++column)
      *out++ = codeAt(column, {0, place.shift});
  }
  return Error::success();
}

Error CodeReader::read(int64_t first, int64_t count, uint8_t *out) {
  if (count == 0)
    return Error::success();
  if (packing.along == Packing::Columns)
    return packing.wordsOutermost ? readStripes(first, count, out)
                                  : readRows(first, count, out);
  return packing.wordsOutermost ? readRowsOfWords(first, count, out)
                                : readColumns(first, count, out);
}

} // namespace

Error nibble::readCodes(const InputFile &file, const PackedMatrix &matrix,
                        int64_t first, int64_t count, uint8_t *out) {
  return CodeReader(file, matrix).read(first, count, out);
}
