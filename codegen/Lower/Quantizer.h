//===- Quantizer.h - rows of numbers → codes, scales and sums --*- C++ -*-===//
//
// What the kernels share that quantize activations, whether they read the numbers from
// memory or compute them on the way: the definition of mpgemm.quantize as code. Numbers
// of more than a few groups never go through memory.
//
// Contract: the bits of the result depend on the numbers only. Work is split over
// (row, block) items, where a block holds whole groups of both kinds; over rows, if a row
// has one scale.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_QUANTIZER_H
#define NIBBLE_CODEGEN_LOWER_QUANTIZER_H

#include "codegen/Lower/KernelBuilder.h"
#include "dialects/MPGEMM/ActivationLayout.h"

#include <functional>
#include <string>

namespace nibble {

/// Gives `lanes` numbers of an open row from a column on, as a vector of f32. Memory of its own that they may pass
/// through holds them until the next ones are asked for.
using RowNumbers = std::function<mlir::Value(mlir::Value column, int64_t lanes)>;

/// Opens a row: emits what it needs once.
using RowSource = std::function<RowNumbers(mlir::Value row)>;

/// A quantization, as far as a kernel is specialised on it.
struct Quantization {
  int64_t width, group, sumGroup;
  mpgemm::ActivationLayout out;

  /// Of an operation that fills `outs` (codes, scales, sums) from rows of `width` numbers; a diagnostic at `op` if no
  /// kernel can.
  static mlir::FailureOr<Quantization> get(mlir::Operation *op, int64_t width, int64_t group, int64_t sumGroup,
                                           bool joinsHalves, mlir::ValueRange outs);
  bool hasRowScale() const;
  /// Numbers that are asked for at once at most.
  int64_t mostTogether() const;
  /// As part of a kernel's name.
  std::string name() const;
};

/// Emits this thread's part of the first `n` rows. `outs`: pointers to codes, scales and sums.
void emitQuantization(KernelBuilder &k, const Quantization &shape, const RowSource &source, mlir::ValueRange outs,
                      mlir::Value n, mlir::Value tid, mlir::Value nthreads);

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_QUANTIZER_H
