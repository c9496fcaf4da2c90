//===- ggml_compare.cpp - the decoder against a real ggml ----------------===//
//
// What: decodes blocks of every format with Nibble and with ggml's own
// dequantization and compares the bits of all values. Not part of the build,
// because it needs a ggml:
//
//   clang++-22 -std=c++20 -O2 -I. -I/usr/lib/llvm-22/include -IGGML/include \
//     test/LowBit/ggml_compare.cpp \
//     dialects/LowBit/{Codebook,Grids,Formats,UnpackBlocks,DecodeBlocks}.cpp \
//     -LLIB -lggml-base -Wl,-rpath,LIB -L/usr/lib/llvm-22/lib -lLLVM-22 -o compare
//
//   ./compare              compares 4096 blocks with random scales, and 8 with odd ones,
//                          of each format; exit code 1 if any value differs
//   ./compare --vectors    prints the rows of FormatsTest.cpp, computed by ggml
//
// The sign of a NaN is counted apart: IEEE 754 does not say what it is after an
// operation, and machines differ.
//
//===----------------------------------------------------------------------===//

#include "test/LowBit/TestBlocks.h"

#include "ggml.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <random>

using namespace nibble;
using lowbit::Format;

/// Of an activation format, which ggml's table of types leaves out.
extern "C" void dequantize_row_q8_K(const void *blocks, float *values,
                                    int64_t count);

static ggml_to_float_t ggmlDecoder(const Format &format) {
  if (ggml_type(format.ggufId) == GGML_TYPE_Q8_K)
    return dequantize_row_q8_K;
  return ggml_get_type_traits(ggml_type(format.ggufId))->to_float;
}

static std::vector<float> decodeWithGgml(const Format &format,
                                         const std::vector<uint8_t> &bytes) {
  int64_t count = int64_t(bytes.size()) / format.blockBytes *
                  format.blockElements;
  std::vector<float> values(count);
  ggmlDecoder(format)(bytes.data(), values.data(), count);
  return values;
}

/// Random bytes; scales are mostly random bit patterns, too.
static std::vector<uint8_t> randomBlocks(const Format &format, size_t blocks) {
  std::mt19937 random(format.ggufId);
  std::vector<uint8_t> bytes(blocks * format.blockBytes);
  for (uint8_t &byte : bytes)
    byte = uint8_t(random());
  return bytes;
}

struct Difference {
  size_t values = 0, nanSigns = 0;
};

static Difference compare(const Format &format,
                          const std::vector<uint8_t> &bytes) {
  std::vector<float> theirs = decodeWithGgml(format, bytes);
  std::vector<float> ours(theirs.size());
  decodeBlocks(format, bytes, bytes.size() / format.blockBytes, ours.data());
  Difference difference;
  for (size_t index = 0; index < ours.size(); ++index) {
    uint32_t a = std::bit_cast<uint32_t>(ours[index]);
    uint32_t b = std::bit_cast<uint32_t>(theirs[index]);
    if (a == b)
      continue;
    bool isNanSign = std::isnan(ours[index]) && (a ^ b) == 0x80000000u;
    ++(isNanSign ? difference.nanSigns : difference.values);
  }
  return difference;
}

static void printVector(const Format &format) {
  std::vector<float> values =
      decodeWithGgml(format, test::testBlocks(format, 8, format.ggufId));
  std::printf("    {\"%s\", %u, 0x%016" PRIx64 ", {%af, %af, %af}},\n",
              format.name, format.ggufId, test::hashOf(values), values[0],
              values[17], values[31]);
}

int main(int argc, char **argv) {
  bool vectors = argc > 1 && !std::strcmp(argv[1], "--vectors");
  bool wrong = false;
  for (const Format &format : lowbit::formats()) {
    auto type = ggml_type(format.ggufId);
    if (ggml_type_size(type) != format.blockBytes ||
        ggml_blck_size(type) != format.blockElements) {
      std::printf("%-8s has blocks of another size\n", format.name);
      wrong = true;
    } else if (!ggmlDecoder(format)) {
      if (!vectors)
        std::printf("%-8s ggml has no dequantization\n", format.name);
    } else if (vectors) {
      if (!format.isFloat)
        printVector(format);
    } else {
      size_t blocks = 4096;
      Difference random = compare(format, randomBlocks(format, blocks));
      Difference odd = compare(format, test::testBlocks(format, 8, 1));
      std::printf("%-8s %7zu values, %zu differ, %zu NaN signs differ\n",
                  format.name, (blocks + 8) * format.blockElements,
                  random.values + odd.values, random.nanSigns + odd.nanSigns);
      wrong |= random.values + odd.values != 0;
    }
  }
  return wrong;
}
