//===- BrokenGGUFTest.cpp - What is said of damaged model files -----------===//
//
// BrokenGGUF.def has one row for each kind of damage: the exit code and the
// words that tell the user what is wrong. A kind without a row, or a row without a kind, fails.
//
//===----------------------------------------------------------------------===//

#include "test/Import/TinyModel.h"

#include "compiler/Import/Inspect.h"

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
#include "test/Error/BrokenGGUF.def"
#undef BROKEN
};

using BrokenGGUFTest = TinyModel;

TEST_F(BrokenGGUFTest, EveryKindIsRefusedWithItsReason) {
  make("--break all");
  std::map<std::string, const Expectation *> rows;
  for (const Expectation &expectation : expectations)
    EXPECT_TRUE(rows.emplace(expectation.kind, &expectation).second)
        << expectation.kind;

  size_t files = 0;
  for (const auto &entry : std::filesystem::directory_iterator(directory)) {
    std::string kind = entry.path().stem().string();
    SCOPED_TRACE(kind);
    ++files;
    auto row = rows.find(kind);
    if (row == rows.end()) {
      ADD_FAILURE() << "no expectation for this kind of damage";
      continue;
    }
    std::string message;
    int exitCode = 0;
    auto file = GGUFFile::open(entry.path().string());
    if (!file) {
      exitCode = takeImportError(file.takeError(), message);
    } else {
      Inspection inspection = inspectModel(**file);
      exitCode = inspection.exitCode;
      message = inspection.problem;
    }
    EXPECT_EQ(exitCode, row->second->exitCode) << message;
    EXPECT_NE(message.find(row->second->message), std::string::npos)
        << message;
    // Every message starts with the file; nothing of it drives a terminal.
    EXPECT_EQ(message.rfind(entry.path().string() + ": ", 0), 0u) << message;
    EXPECT_EQ(message.find('\x1b'), std::string::npos);
  }
  EXPECT_EQ(files, rows.size());
}

} // namespace
