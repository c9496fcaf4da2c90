//===- PackBench.cpp - how fast weights are packed -----------------------===//
//
// Not a test: prints, for each format, the megabytes of file that one core packs
// in a second of its time (the best of five runs over random blocks).
//
//===----------------------------------------------------------------------===//

#include "compiler/Link/Packer.h"

#include <cstdio>
#include <ctime>
#include <random>

using namespace nibble;

static double secondsToPack(const mpgemm::PanelLayout &layout,
                            const PackSource &source) {
  std::clock_t start = std::clock();
  llvm::Error error = packWeight(layout, source, [](llvm::ArrayRef<uint8_t>) {
    return llvm::Error::success();
  });
  if (error) {
    std::printf("%s\n", llvm::toString(std::move(error)).c_str());
    return 1e9;
  }
  return double(std::clock() - start) / CLOCKS_PER_SEC;
}

int main() {
  const int64_t n = 2048, k = 2048;
  std::mt19937 random(1);
  for (const lowbit::Format &format : lowbit::formats()) {
    if (format.isFloat)
      continue;
    lowbit::CodeKind code = format.codeKind();
    mpgemm::PanelLayout layout{
        .n = n, .k = k, .nr = 16, .kr = 4, .codeBits = code.width,
        .codeSigned = code.isSigned, .group = format.group,
        .superGroup = format.isTwoLevel() ? format.blockElements : 0,
        .hasMin = format.hasMin(), .scaleKind = format.floatKind};
    int64_t rowBytes = k / format.blockElements * format.blockBytes;
    std::vector<uint8_t> bytes(n * rowBytes);
    for (uint8_t &byte : bytes)
      byte = uint8_t(random());
    auto read = [&](int64_t first,
                    int64_t count) -> llvm::Expected<llvm::ArrayRef<uint8_t>> {
      return llvm::ArrayRef(bytes).slice(first * rowBytes, count * rowBytes);
    };
    double best = 1e9;
    for (int run = 0; run < 5; ++run)
      best = std::min(best, secondsToPack(layout, {&format, n, read}));
    std::printf("%-8s %7.0f MB/s, %7.0f million weights/s\n", format.name,
                double(bytes.size()) / best / 1e6, double(n * k) / best / 1e6);
  }
  return 0;
}
