//===- BrokenFolderTest.cpp - What is said of damaged folders -------------===//
//
// BrokenFolder.def has one row for each kind of damage: the exit code and the
// words that tell the user what is wrong. A kind without a row, or a row without
// a kind, fails.
//
//===----------------------------------------------------------------------===//

#include "test/Import/TinyModel.h"

#include "compiler/Import/Inspect.h"
#include "compiler/Import/OpenModel.h"

#include <map>

using namespace nibble;
using namespace nibble::test;

namespace {

struct Expectation {
  const char *kind;
  int exitCode;
  const char *message;
};

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
  std::map<std::string, const Expectation *> rows;
  for (const Expectation &expectation : expectations)
    EXPECT_TRUE(rows.emplace(expectation.kind, &expectation).second)
        << expectation.kind;

  size_t folders = 0;
  for (const auto &entry : std::filesystem::directory_iterator(directory)) {
    std::string kind = entry.path().filename().string();
    SCOPED_TRACE(kind);
    ++folders;
    auto row = rows.find(kind);
    if (row == rows.end()) {
      ADD_FAILURE() << "no expectation for this kind of damage";
      continue;
    }
    std::string message;
    int exitCode = 0;
    auto model = openModel(entry.path().string());
    if (!model) {
      exitCode = takeImportError(model.takeError(), message);
    } else {
      Inspection inspection = inspectModel(**model);
      exitCode = inspection.exitCode;
      message = inspection.problem;
    }
    EXPECT_EQ(exitCode, row->second->exitCode) << message;
    EXPECT_NE(message.find(row->second->message), std::string::npos) << message;
    EXPECT_EQ(message.find('\x1b'), std::string::npos);
  }
  EXPECT_EQ(folders, rows.size());
}

} // namespace
