//===- CpuModel.h - what a core does in a cycle and reads in a second -----===//
//
// The machine's side of the choice between kernels. CpuModel.def is the table.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Intrinsics/RowCost.h"
#include "compiler/Target/TargetInfo.h"

namespace nibble {

/// See CpuModel.def for units and sources.
struct CpuModel {
  llvm::StringLiteral names;
  double clock, instructions, products, lookups, bandwidth;
  std::optional<int64_t> ahead;

  /// Cycles of a weight: of the unit that is busiest.
  double cyclesFor(const RowCost &cost) const;
  /// Seconds that one core takes for `weights` weights of that cost: by the unit that is busiest, or by memory.
  double secondsFor(const RowCost &cost, double weights) const;
};

/// All rows, in the order of the file.
llvm::ArrayRef<CpuModel> cpuModels();

/// The row of the target's CPU, or that of its architecture.
const CpuModel &cpuModelOf(const TargetInfo &target);

} // namespace nibble
