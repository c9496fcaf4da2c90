//===- RowKernelSession.h - Many calls of row kernels, one program ---------===//
//
// Collects functions of one operation each, calls of them and what is expected of the
// results; then compiles all of it once for a target, runs it once and checks. An
// emulated run costs a process, so that a test makes one of it.
//
// Contract: a function's operation names its buffers %b0, %b1, … and may use %layer,
// %pos and %n.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Lower/KernelLibrary.h"
#include "test/Kernels/KernelProgram.h"

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace nibble::test {

using Buffer = std::shared_ptr<Bytes>;

template <typename T> Buffer bufferOf(const std::vector<T> &values) {
  auto bytes = reinterpret_cast<const uint8_t *>(values.data());
  return std::make_shared<Bytes>(bytes, bytes + values.size() * sizeof(T));
}
template <typename T> T *as(const Buffer &buffer) { return reinterpret_cast<T *>(buffer->data()); }

/// What the elements that no kernel may write hold.
inline constexpr float kUntouched = -12345.5f;

/// Rows of `width` values, `stride` apart; the gaps hold kUntouched.
struct Matrix {
  int64_t rows, width, stride;
  Buffer data;

  Matrix(int64_t rows, int64_t width, int64_t stride);
  static Matrix random(int64_t rows, int64_t width, int64_t stride, std::mt19937 &engine, float spread = 1);

  std::string type() const;
  float *row(int64_t r) const { return as<float>(data) + r * stride; }
  std::vector<double> values(int64_t r, int64_t first = 0, int64_t count = -1) const;
  Matrix copy() const;
  /// One row as a matrix of its own, dense.
  Matrix only(int64_t r) const;
  bool sameRow(int64_t r, const Matrix &other, int64_t otherRow) const;
  /// Whether nothing but the first `valid` rows was written.
  bool untouchedAfter(int64_t valid) const;
};

/// Where a call stands.
struct Position {
  int64_t layer = 0, pos = 0, n = 0;
  int32_t threads = 1;
};

class Session {
public:
  /// A function of `op`; the same text gives the same function.
  std::string define(const std::vector<std::string> &bufferTypes, const std::string &op);
  /// A function of a kernel that the test writes itself; `buffers` pointers, n as scalar.
  void defineKernel(const std::string &name, const TargetInfo &target, size_t buffers, KernelLibrary::Body body);
  void call(const std::string &function, std::vector<Buffer> buffers, Position position);
  void expect(std::function<void()> check) { checks.push_back(std::move(check)); }

  /// Compiles, looks for calls of library functions, runs, checks. Reports failures to GoogleTest.
  void run(const TargetInfo &target);

private:
  KernelProgram program;
  std::map<std::string, std::string> names; ///< text of the operation → name of its function
  std::vector<Call> calls;
  std::vector<std::function<void()>> checks;
};

/// This machine, a baseline x86-64, an AArch64 core; a test skips what it cannot run.
std::vector<TargetInfo> rowKernelTargets();

} // namespace nibble::test
