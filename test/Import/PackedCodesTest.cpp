//===- PackedCodesTest.cpp - Codes out of the words of a file -------------===//
//
// Every row of Packings.def, for every width that fits: a matrix that is packed by
// the table alone is read back, in one piece and in any other. That the table is
// right is what the checkpoints of test/Models/packed show.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ImportError.h"
#include "compiler/Import/PackedCodes.h"
#include "test/Import/TinyModel.h"

#include <fstream>
#include <random>

using namespace nibble;
using namespace nibble::test;
using lowbit::CodePlace;
using lowbit::Packing;

namespace {

constexpr uint64_t kOffset = 24; // what stands before the matrix in the file

struct Case {
  PackedMatrix matrix;
  std::vector<uint8_t> codes, bytes;
};

/// Random codes, and the bytes that the table puts them into.
Case pack(const Packing &packing, unsigned width, int64_t rows, int64_t columns,
          std::mt19937 &engine) {
  Case result;
  result.matrix = {&packing, width, rows, columns, kOffset};
  result.bytes.resize(kOffset + packing.bytesFor(rows, columns, width));
  bool inRows = packing.along == Packing::Columns;
  int64_t along = inRows ? columns : rows, across = inRows ? rows : columns;
  int64_t words = packing.wordsFor(along, width);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      unsigned code = engine() & ((1u << width) - 1);
      result.codes.push_back(static_cast<uint8_t>(code));
      CodePlace place =
          packing.placeOf(inRows ? column : row, along, width);
      int64_t other = inRows ? row : column;
      for (unsigned bit = 0; bit < width; ++bit) {
        int64_t at = place.shift + bit, word = place.word + at / packing.wordBits;
        int64_t index = packing.wordsOutermost ? word * across + other
                                               : other * words + word;
        at = index * packing.wordBits + at % packing.wordBits;
        uint8_t &byte = result.bytes[kOffset + at / 8];
        EXPECT_EQ(byte >> at % 8 & 1, 0) << "a bit of two codes";
        byte |= static_cast<uint8_t>((code >> bit & 1) << at % 8);
      }
    }
  return result;
}

class PackedCodesTest : public TinyModel {
protected:
  std::unique_ptr<InputFile> write(const std::vector<uint8_t> &bytes) {
    std::string path = pathOf("codes");
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char *>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return take(InputFile::open(path));
  }
};

TEST_F(PackedCodesTest, AllPackingsReadBackInAnyPieces) {
  std::mt19937 engine(1907);
  for (const Packing &packing : lowbit::packings())
    for (unsigned width = 1; width <= 8; ++width) {
      if (packing.wordBits == 8 && 8 % width != 0)
        continue; // such codes have a byte each
      if (packing.order == Packing::EvenFirst && width != 4)
        continue;
      SCOPED_TRACE(std::string(packing.name) + ", " + std::to_string(width) +
                   " bits");
      Case one = pack(packing, width, 64, 96, engine);
      auto file = write(one.bytes);
      for (auto [first, count] : {std::pair(0, 64), {0, 1}, {5, 9}, {63, 1},
                                  {31, 33}}) {
        std::vector<uint8_t> found(count * 96);
        llvm::Error error =
            readCodes(*file, one.matrix, first, count, found.data());
        ASSERT_FALSE(error) << llvm::toString(std::move(error));
        EXPECT_TRUE(std::equal(found.begin(), found.end(),
                               one.codes.begin() + first * 96))
            << first << ", " << count;
      }
    }
}

/// Past the end of the file nothing is read.
TEST_F(PackedCodesTest, FileThatEndsEarly) {
  std::mt19937 engine(1908);
  for (const Packing &packing : lowbit::packings()) {
    Case one = pack(packing, 4, 64, 32, engine);
    one.bytes.pop_back();
    auto file = write(one.bytes);
    std::vector<uint8_t> found(64 * 32);
    llvm::Error error = readCodes(*file, one.matrix, 0, 64, found.data());
    std::string message;
    EXPECT_EQ(takeImportError(std::move(error), message), 3) << packing.name;
    EXPECT_NE(message.find("found the end of the file"), std::string::npos);
  }
}

} // namespace
