//===- TestModule.h - modules with weights for the oracle's tests --------===//
//
// What: a file of chosen bytes, and the parsing of modules whose weights lie in
// it.
// Why: the oracle reads weights from files only, as it does in use.
// Contract: the file lives as long as the object.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_TEST_REFERENCE_TESTMODULE_H
#define NIBBLE_TEST_REFERENCE_TESTMODULE_H

#include "compiler/Reference/ReferenceInterpreter.h"

#include "dialects/LowBit/LowBit.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

namespace nibble::reference {

class TestModule {
public:
  TestModule() {
    context.loadDialect<mlir::arith::ArithDialect, mlir::func::FuncDialect,
                        mlir::tensor::TensorDialect, lm::LMDialect,
                        lowbit::LowBitDialect, mpgemm::MPGEMMDialect>();
    int fd;
    llvm::SmallString<128> name;
    EXPECT_FALSE(llvm::sys::fs::createTemporaryFile("reference", "bin", fd,
                                                    name));
    path = name.str().str();
    out.emplace(fd, /*shouldClose=*/true);
  }
  ~TestModule() {
    out.reset();
    llvm::sys::fs::remove(path);
  }

  /// Appends bytes, and gives the attribute that names them.
  std::string bytes(llvm::ArrayRef<uint8_t> data, const char *format) {
    uint64_t offset = out->tell();
    out->write(reinterpret_cast<const char *>(data.data()), data.size());
    out->flush();
    return "#lm.source<\"" + path + "\", " + std::to_string(offset) + ", " +
           std::to_string(data.size()) + ", \"" + format + "\">";
  }
  std::string floats(llvm::ArrayRef<float> values) {
    return bytes({reinterpret_cast<const uint8_t *>(values.data()),
                  values.size() * sizeof(float)},
                 "f32");
  }

  /// Parses a module; its diagnostics from then on go to `messages`.
  mlir::ModuleOp parse(const std::string &text) {
    handler.emplace(&context, [this](mlir::Diagnostic &diagnostic) {
      messages += diagnostic.str() + "\n";
      return mlir::success();
    });
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << messages;
    return *module;
  }

  /// The one weight of a module.
  std::unique_ptr<ReferenceWeight> weight(const std::string &type,
                                          const std::string &sources) {
    mlir::ModuleOp parsed =
        parse("lm.weight @w : " + type + " from [" + sources + "]");
    auto op = *parsed.getOps<lm::WeightOp>().begin();
    auto loaded = ReferenceWeight::load(op);
    if (loaded)
      return std::move(*loaded);
    messages += llvm::toString(loaded.takeError());
    return nullptr;
  }

  std::string messages, path;

private:
  mlir::MLIRContext context;
  std::optional<mlir::ScopedDiagnosticHandler> handler;
  std::optional<llvm::raw_fd_ostream> out;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace nibble::reference

#endif // NIBBLE_TEST_REFERENCE_TESTMODULE_H
