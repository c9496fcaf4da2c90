//===- ProductCases.h - products with packed weights, and what they must be -===//
//
// Cases of one instruction row: functions of mpgemm.mma, calls of them with random
// operands, and the expected results by the definition in codegen/Lower/MmaKernel.h,
// written as plain loops. All of a row's cases are compiled and run as one program.
//
// What must hold: integer sums are exact and the order of the float operations is
// defined, so results are compared bit for bit. And they lie near the product in exact
// arithmetic: with u = 2^-24, a result is a sum of terms, each of which is rounded at
// most four times (d · sub, · da, the integer as f32, · in an unfused multiply-add) and
// then goes through one addition for each term behind it and two of the epilogue, so
// (Higham, Accuracy and Stability, lemma 3.1)
//
//      |y - exact| <= γ Σ |terms| + (n + Σ |integers|) 2^-148,   γ = n·u / (1 - n·u),   n = number of terms + 6
//
// where the last part is for what is rounded below the smallest normal number: 2^-150 of a sum, and of scales that are
// multiplied with the integers (dot products, sub-scales, sums of activations) afterwards.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "test/Kernels/KernelProgram.h"
#include "test/Kernels/Weights.h"

namespace nibble::test {

/// An instruction row on a machine that has it. `fused`: multiply-adds round once.
struct Machine {
  const char *row, *triple, *cpu;
  bool fused;
};

/// Every row of the table for integers, look-ups and f32 at least once.
llvm::ArrayRef<Machine> machines();

struct ProductShape {
  int64_t n, k;
  bool bias, residual;
};

/// Columns that a format's records need with that row: a multiple of it is legal.
int64_t columnsOf(const lowbit::Format &format, const InstructionRow &row);

/// Whether the format's numbers are integers of a byte.
bool hasIntegers(const lowbit::Format &format);

/// Valid rows of a call, and threads.
struct ProductRun {
  int64_t valid;
  int32_t threads;
};

class ProductCases {
public:
  explicit ProductCases(const Machine &machine);
  ~ProductCases();

  /// `stored`: the codes point into numbers that the weight brings (width 0: they don't). M = `m`.
  void add(const lowbit::Format &format, lowbit::CodeKind stored, const ProductShape &shape, int64_t m,
           llvm::ArrayRef<ProductRun> runs, std::mt19937 &random);
  /// Empty, or what went wrong.
  std::string compile(const TargetInfo &target) { return program.compile(target); }
  /// Runs all cases; empty, or the first result that is wrong.
  std::string check();
  size_t size() const { return calls.size(); }

private:
  struct Expected;

  const InstructionRow &row;
  bool fused;
  int functions = 0;
  KernelProgram program;
  std::vector<Call> calls;
  std::vector<Expected> expectations; ///< of each call
};

} // namespace nibble::test
