//===- TinyModel.h - Tiny GGUF files for tests ------------------*- C++ -*-===//
//
// Runs test/Inputs/make_tiny_gguf.py into a directory of the test's own, which
// is removed with it.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_TEST_IMPORT_TINYMODEL_H
#define NIBBLE_TEST_IMPORT_TINYMODEL_H

#include "compiler/Import/GGUF.h"
#include "compiler/Import/ImportError.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <unistd.h>

namespace nibble::test {

class TinyModel : public ::testing::Test {
protected:
  TinyModel() {
    static int count = 0;
    directory = std::filesystem::path(::testing::TempDir()) /
                ("nibble-" + std::to_string(::getpid()) + "-" +
                 std::to_string(count++));
    std::filesystem::create_directories(directory);
  }
  ~TinyModel() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }

  std::string pathOf(const std::string &name) const {
    return (directory / name).string();
  }

  /// Runs the generator with -o DIRECTORY/tiny.gguf and returns that path.
  std::string make(const std::string &arguments = "") {
    const char *source = std::getenv("NIBBLE_SOURCE_DIR");
    std::string script = std::string(source ? source : NIBBLE_TEST_SOURCE_DIR) +
                         "/test/Inputs/make_tiny_gguf.py";
    std::string path = pathOf("tiny.gguf");
    std::string command = std::string(NIBBLE_PYTHON) + " '" + script +
                          "' -o '" + path + "' --out-dir '" +
                          directory.string() + "' " + arguments;
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return path;
  }

  /// Opens a file that must be good.
  static std::unique_ptr<GGUFFile> open(const std::string &path) {
    auto file = GGUFFile::open(path);
    if (!file) {
      ADD_FAILURE() << llvm::toString(file.takeError());
      return nullptr;
    }
    return std::move(*file);
  }

  std::unique_ptr<GGUFFile> openTiny(const std::string &arguments = "") {
    return open(make(arguments));
  }

  std::filesystem::path directory;
};

/// The value, or a test failure with the error's text.
template <typename T> T take(llvm::Expected<T> value) {
  if (value)
    return std::move(*value);
  ADD_FAILURE() << llvm::toString(value.takeError());
  return T();
}

/// Exit code and text of an error that must be there.
struct Failure {
  int exitCode = 0;
  std::string message;
};

template <typename T> Failure failureOf(llvm::Expected<T> value) {
  Failure failure;
  if (value) {
    ADD_FAILURE() << "expected an error, found a value";
    return failure;
  }
  failure.exitCode = takeImportError(value.takeError(), failure.message);
  return failure;
}

} // namespace nibble::test

#endif // NIBBLE_TEST_IMPORT_TINYMODEL_H
