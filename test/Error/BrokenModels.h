//===- BrokenModels.h - What must be said of damaged models -----*- C++ -*-===//
//
// A table of expectations has one row for each kind of damage that a generator
// made: the exit code and the words that tell the user what is wrong. A kind
// without a row, or a row without a kind, fails.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_TEST_ERROR_BROKENMODELS_H
#define NIBBLE_TEST_ERROR_BROKENMODELS_H

#include "compiler/Import/Inspect.h"
#include "test/Import/TinyModel.h"

#include <map>

namespace nibble::test {

struct Expectation {
  const char *kind;
  int exitCode;
  const char *message;
};

/// Opens every model of `directory`, each named after its kind, and inspects the
/// ones that open. `pathFirst`: every message must start with the model's path.
template <typename Open>
void expectRefusals(const std::filesystem::path &directory,
                    llvm::ArrayRef<Expectation> expectations, bool pathFirst,
                    Open open) {
  std::map<std::string, const Expectation *> rows;
  for (const Expectation &expectation : expectations)
    EXPECT_TRUE(rows.emplace(expectation.kind, &expectation).second)
        << expectation.kind;
  size_t models = 0;
  for (const auto &entry : std::filesystem::directory_iterator(directory)) {
    std::string path = entry.path().string(), message;
    std::string kind = entry.path().stem().string();
    SCOPED_TRACE(kind);
    ++models;
    auto row = rows.find(kind);
    if (row == rows.end()) {
      ADD_FAILURE() << "no expectation for this kind of damage";
      continue;
    }
    int exitCode = 0;
    auto model = open(path);
    if (!model) {
      exitCode = takeImportError(model.takeError(), message);
    } else {
      Inspection inspection = inspectModel(**model);
      exitCode = inspection.exitCode;
      message = inspection.problem;
    }
    EXPECT_EQ(exitCode, row->second->exitCode) << message;
    EXPECT_NE(message.find(row->second->message), std::string::npos)
        << message;
    if (pathFirst)
      EXPECT_EQ(message.rfind(path + ": ", 0), 0u) << message;
    // Nothing of it drives a terminal.
    EXPECT_EQ(message.find('\x1b'), std::string::npos);
  }
  EXPECT_EQ(models, rows.size());
}

} // namespace nibble::test

#endif // NIBBLE_TEST_ERROR_BROKENMODELS_H
