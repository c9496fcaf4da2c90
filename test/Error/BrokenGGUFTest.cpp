//===- BrokenGGUFTest.cpp - What is said of damaged model files -----------===//
//
// The kinds of damage are those of make_tiny_gguf.py, what is said of each is in
// BrokenGGUF.def.
//
//===----------------------------------------------------------------------===//

#include "test/Error/BrokenModels.h"

using namespace nibble;
using namespace nibble::test;

namespace {

const Expectation expectations[] = {
#define BROKEN(kind, exitCode, message) {kind, exitCode, message},
#include "test/Error/BrokenGGUF.def"
#undef BROKEN
};

using BrokenGGUFTest = TinyModel;

TEST_F(BrokenGGUFTest, EveryKindIsRefusedWithItsReason) {
  make("--break all");
  expectRefusals(directory, expectations, /*pathFirst=*/true,
                 [](const std::string &path) { return GGUFFile::open(path); });
}

} // namespace
