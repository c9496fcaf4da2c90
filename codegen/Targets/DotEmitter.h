//===- DotEmitter.h - how a row's instruction is emitted -------*- C++ -*-===//
//
// The part of a dot-product kernel that differs between instructions. A kernel
// (codegen/Lower) unpacks codes into vectors of lanes × 4 bytes and feeds them,
// with activations, to the emitter of its row; everything else about the kernel
// is the same for all rows. One file per instruction in codegen/Targets/<ISA>.
//
// Contract: start() with the quads of one run of columns, multiply() once for each
// of them, finish(): the exact Σ weight·activation of each lane in i32. Activations
// lie in [-127, 127] (mpgemm.quantize), which several emitters rely on; a run has
// at most 32 columns.
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

class DotEmitter {
public:
  virtual ~DotEmitter() = default;

  /// Each quad of activations at `pointer` (4 · `quads` bytes), repeated in all lanes.
  virtual KernelBuilder::Values loadActivations(KernelBuilder &k, int64_t lanes, mlir::Value pointer,
                                                int64_t quads) const;
  /// A sum of no products yet, for at most `quads` quads. Its type is the emitter's business.
  virtual mlir::Value start(KernelBuilder &k, int64_t lanes, int64_t quads, WeightCodes codes) const;
  /// Adds the products of vectors of lanes × 4 bytes, pair by pair, to a sum.
  virtual mlir::Value multiply(KernelBuilder &k, mlir::Value sum, mlir::ValueRange weights,
                               mlir::ValueRange activations, WeightCodes codes) const = 0;
  /// The sum as i32 × lanes.
  virtual mlir::Value finish(KernelBuilder &k, mlir::Value sum) const { return sum; }
  /// Whether a tile should walk the quads of a run in a loop. LLVM reassociates integer additions in straight code,
  /// which undoes the order that keeps the tile in registers; an accumulating instruction is not taken apart.
  virtual bool walksInLoop() const { return false; }
};

/// The emitter of a row of kind Dot4.
const DotEmitter &dotEmitter(const InstructionRow &row);

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_DOTEMITTER_H
