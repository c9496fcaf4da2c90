//===- KernelAssembly.cpp - the assembly of one product kernel ------------===//
//
//   KernelAssembly ROW TRIPLE CPU FORMAT N K M
//
// FORMAT is one of a file's (q4_0), one of test/Kernels/Weights.cpp, or integers of N bits in groups of 32 with scales
// of f16, around their middle (int6) or with minima (uint6), or with codes into N bits' numbers of each row (any6), as
// --weights makes them.
//
// CPU may have features behind its name (neoverse-v1+sve-512-bit). Prints what the compiler makes of a product of M
// rows with an N × K weight, for the tests of this directory to look for the promised instruction.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/KernelProgram.h"
#include "test/Kernels/Product.h"

#include <cstdio>
#include <cstdlib>

using namespace nibble;
using namespace nibble::test;

/// int2 to int7, uint2 to uint8; any2 to any7, whose codes are int2's to int7's.
static const lowbit::Format *integerFormat(llvm::StringRef name) {
  bool hasMin = name.consume_front("u"), isBook = !hasMin && name.consume_front("any");
  unsigned bits = 0;
  if (!(isBook || name.consume_front("int")) || name.getAsInteger(10, bits) || bits < 2 ||
      bits > (hasMin ? 8u : 7u))
    return nullptr;
  static lowbit::Format format;
  format = {.name = "integers", .blockElements = 32, .blockBytes = 4 + 4 * bits, .group = 32,
            .codes = {{bits, false}, {{32, uint8_t(bits), {{32, uint16_t(bits)}}}}}, .scale = {{0, 16}}};
  if (hasMin)
    format.min[0] = {16, 16};
  else if (!isBook)
    format.zeroPoint = 1 << (bits - 1);
  return &format;
}

int main(int argc, char **argv) {
  const InstructionRow *row = argc == 8 ? findRow(argv[1]) : nullptr;
  const lowbit::Format *format = row ? lowbit::findFormat(argv[4]) : nullptr;
  if (row && !format)
    format = integerFormat(argv[4]);
  for (const lowbit::Format &own : ownFormats())
    if (row && llvm::StringRef(own.name) == argv[4])
      format = &own;
  if (!format) {
    std::fprintf(stderr, "usage: KernelAssembly ROW TRIPLE CPU FORMAT N K M\n");
    return 2;
  }
  auto target = targetOf(argv[2], argv[3]);
  if (!target) {
    std::fprintf(stderr, "%s\n", llvm::toString(target.takeError()).c_str());
    return 2;
  }
  std::mt19937 random(1);
  int64_t n = std::atol(argv[5]), columns = std::atol(argv[6]);
  bool isStored = llvm::StringRef(argv[4]).starts_with("any");
  lowbit::CodeKind stored(format->codeKind().width, lowbit::CodeKind::I8, lowbit::CodeKind::Row);
  Weight w = isStored ? Weight(*format, stored, n, columns, random) : Weight(*format, n, columns, random);
  unsigned bias = w.biasFor(*row);
  KernelProgram program;
  program.add(productText(*row, w, std::atol(argv[7]), bias, w.isLowBit() ? std::min(32u, format->group) : 32));
  std::string errors, text = program.assembly(*target, errors);
  std::fputs(text.empty() ? errors.c_str() : text.c_str(), text.empty() ? stderr : stdout);
  return text.empty() ? 1 : 0;
}
