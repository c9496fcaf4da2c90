//===- DotEmitter.h - how a row's instruction is emitted -------*- C++ -*-===//
//
// The part of a dot-product kernel that differs between instructions. A kernel
// (codegen/Lower) unpacks codes into vectors of lanes × 4 bytes and feeds them,
// with activations, to the emitter of its row; everything else about the kernel
// is the same for all rows. One file per instruction in codegen/Targets/<ISA>.
//
// Contract: after multiply() was called for the quads of one run of columns,
// sum() is the exact Σ weight·activation of each lane in i32. Activations lie
// in [-127, 127] (mpgemm.quantize), which several emitters rely on; a run has at
// most 32 columns.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_DOTEMITTER_H
#define NIBBLE_CODEGEN_TARGETS_DOTEMITTER_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "codegen/Lower/KernelBuilder.h"

namespace nibble {

/// The largest magnitude of an activation code.
inline constexpr int64_t kMaxActivation = 127;

/// What is known of the bytes of a weight vector.
struct WeightCodes {
  unsigned bits = 8;     ///< 1 … 8
  bool isSigned = false; ///< only with 8 bits
};

/// A sum on its way. `wide` is i32 × lanes; `narrow` is what an instruction with a
/// narrower accumulator has not yet added to it, in units of `pending` quads.
struct DotSum {
  mlir::Value wide;
  mlir::Value narrow;
  int64_t pending = 0;
};

class DotEmitter {
public:
  virtual ~DotEmitter() = default;

  /// Each quad of activations at `pointer` (4 · `quads` bytes), repeated in all lanes.
  virtual KernelBuilder::Values loadActivations(KernelBuilder &k, int64_t lanes, mlir::Value pointer,
                                                int64_t quads) const;
  /// Adds the products of two vectors of lanes × 4 bytes.
  virtual void multiply(KernelBuilder &k, DotSum &sum, mlir::Value weights, mlir::Value activations,
                        WeightCodes codes) const = 0;
  virtual mlir::Value sum(KernelBuilder &k, DotSum &sum) const { return sum.wide; }
};

/// The emitter of a row of kind Dot4.
const DotEmitter &dotEmitter(const InstructionRow &row);

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_DOTEMITTER_H
