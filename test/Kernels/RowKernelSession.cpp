//===- RowKernelSession.cpp - Many calls of row kernels, one program -------===//
//
// See RowKernelSession.h.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/RowKernelSession.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

#include <gtest/gtest.h>

#include <cstring>

using llvm::formatv;

namespace nibble::test {

//===--- Matrix ------------------------------------------------------------===//

Matrix::Matrix(int64_t rows, int64_t width, int64_t stride)
    : rows(rows), width(width), stride(stride), data(bufferOf(std::vector<float>(rows * stride, kUntouched))) {}

Matrix Matrix::random(int64_t rows, int64_t width, int64_t stride, std::mt19937 &engine, float spread) {
  Matrix m(rows, width, stride);
  std::uniform_real_distribution<float> values(-spread, spread);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < width; ++c)
      m.row(r)[c] = values(engine);
  return m;
}

std::string Matrix::type() const { return formatv("memref<{0}x{1}xf32, strided<[{2}, 1]>>", rows, width, stride); }

std::vector<double> Matrix::values(int64_t r, int64_t first, int64_t count) const {
  const float *begin = row(r) + first;
  return {begin, begin + (count < 0 ? width : count)};
}

Matrix Matrix::copy() const {
  Matrix m = *this;
  m.data = std::make_shared<Bytes>(*data);
  return m;
}

Matrix Matrix::only(int64_t r) const {
  Matrix m(1, width, width);
  std::copy_n(row(r), width, m.row(0));
  return m;
}

bool Matrix::sameRow(int64_t r, const Matrix &other, int64_t otherRow) const {
  return memcmp(row(r), other.row(otherRow), width * sizeof(float)) == 0;
}

bool Matrix::untouchedAfter(int64_t valid) const {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = r < valid ? width : 0; c < stride; ++c)
      if (row(r)[c] != kUntouched)
        return false;
  return true;
}

//===--- Session -----------------------------------------------------------===//

std::string Session::define(const std::vector<std::string> &bufferTypes, const std::string &op) {
  std::string arguments;
  for (auto [i, type] : llvm::enumerate(bufferTypes))
    arguments += formatv("%b{0}: {1}, ", i, type);
  auto [entry, isNew] = names.try_emplace(arguments + op, "f" + std::to_string(names.size()));
  if (!isNew)
    return entry->second;
  // The driver's functions have one number, n; the others come from memory.
  program.add("func.func @" + entry->second + "(%at: memref<2xi64>, " + arguments +
              "%n: index, %tid: index, %nthreads: index) {\n"
              "  %zero = arith.constant 0 : index\n"
              "  %one = arith.constant 1 : index\n"
              "  %layer64 = memref.load %at[%zero] : memref<2xi64>\n"
              "  %layer = arith.index_cast %layer64 : i64 to index\n"
              "  %pos64 = memref.load %at[%one] : memref<2xi64>\n"
              "  %pos = arith.index_cast %pos64 : i64 to index\n  " +
              op + "\n  return\n}\n");
  return entry->second;
}

void Session::defineKernel(const std::string &name, const TargetInfo &target, size_t buffers,
                           KernelLibrary::Body body) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context
      .loadDialect<mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::LLVM::LLVMDialect, mlir::math::MathDialect,
                   mlir::memref::MemRefDialect, mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
  std::string text = "func.func @" + name + "(%at: memref<2xi64>, ";
  for (size_t i = 0; i < buffers; ++i)
    text += formatv("%b{0}: memref<1xf32>, ", i);
  text += "%n: index, %tid: index, %nthreads: index) { return }";
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  ASSERT_TRUE(module) << text;
  auto function = *module->getOps<mlir::func::FuncOp>().begin();
  KernelLibrary library(*module, target);
  mlir::ValueRange arguments(function.getArguments());
  ASSERT_TRUE(succeeded(library.call(function.front().getTerminator(), name + "_body", arguments.slice(1, buffers),
                                     arguments.slice(1 + buffers, 1), body)));
  std::string printed;
  llvm::raw_string_ostream stream(printed);
  for (mlir::Operation &op : *module->getBody()) {
    op.print(stream);
    stream << "\n";
  }
  program.add(printed);
}

void Session::call(const std::string &function, std::vector<Buffer> buffers, Position position) {
  buffers.insert(buffers.begin(), bufferOf(std::vector<int64_t>{position.layer, position.pos}));
  calls.push_back({function, std::move(buffers), position.n, position.threads});
}

void Session::run(const TargetInfo &target) {
  if (std::string reason = whyNotRunnable(target); !reason.empty())
    GTEST_SKIP() << reason;
  ASSERT_EQ(program.compile(target), "");
  for (const std::string &name : program.undefinedSymbols())
    EXPECT_TRUE(name == "memcpy" || name == "memmove" || name == "memset") << "generated code calls " << name;
  ASSERT_EQ(program.run(calls), "");
  for (const std::function<void()> &check : checks)
    check();
}

std::vector<TargetInfo> rowKernelTargets() {
  std::vector<TargetInfo> targets;
  for (auto [triple, cpu] :
       {std::pair("native", "native"), {"x86_64-linux-gnu", ""}, {"aarch64-linux-gnu", "cortex-a76"}})
    targets.push_back(llvm::cantFail(TargetInfo::get(triple, cpu)));
  return targets;
}

} // namespace nibble::test
