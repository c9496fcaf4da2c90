//===- Strategy.h - the ways in which a linear can be computed ------------===//
//
// Integer dot products, look-ups or floats: which are possible for a weight on a machine, and what each costs by
// codegen/Intrinsics/RowCost.h and compiler/Target/CpuModel.h. The cost is that of one activation row, the case that
// decoding lives on; weights are held once, in one layout, so a chunk of rows is computed in the same way.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Target/CpuModel.h"
#include "dialects/LM/LM.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "llvm/ADT/DenseSet.h"

#include <string>

namespace nibble {

/// One way to compute a linear.
struct Candidate {
  llvm::StringLiteral strategy;        ///< "dot", "lut" or "float"
  const InstructionRow *row = nullptr; ///< the best of its kind that the target has
  std::string wrong;                   ///< why it cannot be, or empty
  RowCost cost;                     ///< of a weight
  double cycles = 0;                   ///< of a weight
  double seconds = 0;                  ///< of a row of activations, one core
};

/// A weight that a linear multiplies with.
struct WeightShape {
  mlir::Type element;
  llvm::ArrayRef<int64_t> shape;
  bool readAsRows = false; ///< an embedding reads rows of it, too
  int64_t matrices = 1;    ///< of equal numbers of rows, one after another; each must have whole panels
  FloatKind activations = FloatKind::F32; ///< what float products round the other operand to
  bool averages = false;   ///< look-ups may be averaged, which is lossy
};

/// What a user asks of linears, in the words of --strategy and --activations.
struct LinearWishes {
  std::string strategy = "auto", activations = "int8";

  /// Whether the other operand is to be floats, so that every product is one.
  bool takesFloats() const { return activations == "f32" || activations == "f16" || activations == "bf16"; }
  /// What chooseFrom() is asked for.
  llvm::StringRef way() const {
    return takesFloats() ? "float" : strategy == "lut-fast" ? "lut" : llvm::StringRef(strategy);
  }
};

/// The weights that embeddings read rows of.
llvm::DenseSet<llvm::StringRef> findTables(mlir::ModuleOp module);

/// The weight of a linear, with elements of another type than it has.
WeightShape weightOf(lm::LinearLike op, mlir::Type element, const LinearWishes &wishes,
                     const llvm::DenseSet<llvm::StringRef> &tables);

/// dot, lut and float, in this order.
llvm::SmallVector<Candidate, 3> candidatesFor(const WeightShape &weight, const TargetInfo &target);

/// What `strategy` (auto, dot, lut or float) chooses: that one if it is possible, otherwise, or with auto, the
/// cheapest.
const Candidate &chooseFrom(llvm::ArrayRef<Candidate> candidates, llvm::StringRef strategy);

/// "0.18 instructions and 0.56 bytes a weight, 12.3 us a row".
std::string describeCost(const Candidate &candidate);

} // namespace nibble
