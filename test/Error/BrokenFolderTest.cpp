//===- BrokenFolderTest.cpp - What is said of damaged folders -------------===//
//
// The kinds of damage are those of folder_breaks.py, what is said of each is in
// BrokenFolder.def.
//
//===----------------------------------------------------------------------===//

#include "test/Error/BrokenModels.h"

#include "compiler/Import/OpenModel.h"

using namespace nibble;
using namespace nibble::test;

namespace {

const Expectation expectations[] = {
#define BROKEN(kind, exitCode, message) {kind, exitCode, message},
#include "test/Error/BrokenFolder.def"
#undef BROKEN
};

using BrokenFolderTest = TinyModel;

TEST_F(BrokenFolderTest, EveryKindIsRefusedWithItsReason) {
  std::string command = std::string(NIBBLE_PYTHON) + " '" +
                        NIBBLE_TEST_SOURCE_DIR +
                        "/test/Inputs/make_tiny_folder.py' --break all "
                        "--out-dir '" +
                        directory.string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  expectRefusals(directory, expectations, /*pathFirst=*/false,
                 [](const std::string &path) { return openModel(path); });
}

} // namespace
