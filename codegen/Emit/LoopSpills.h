//===- LoopSpills.h - which loops spill, and in which order they do not -*- C++ -*-===//
//
// Kernels are written to fit the registers, but what fits is known when registers are allocated. So the
// code generator runs, and says of every innermost loop how often it goes to the stack (the remark
// LoopSpillReloadCopies). Functions with such loops are generated again with these loops in other orders
// (LoopOrder.h), and each loop keeps the one that is best, unless together they make another loop worse.
// Functions without such loops are left as they are.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/IR/DiagnosticHandler.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace nibble {

/// Counts, while the code generator runs in a context, what innermost loops spill.
class LoopSpills : public llvm::DiagnosticHandler {
public:
  /// A function's name and the number of the loop's first block.
  using Loop = std::pair<std::string, int>;
  using Counts = llvm::MapVector<Loop, unsigned, std::map<Loop, unsigned>>;

  /// The context's handler of diagnostics from now on, which it owns.
  static LoopSpills &watch(llvm::LLVMContext &context);

  /// What was counted since the last call: spills and reloads of each loop that has some.
  Counts take() { return std::exchange(counts, {}); }
  /// Whether all that is said is for this alone.
  void keepQuiet(bool quiet) { isQuiet = quiet; }

  bool isMissedOptRemarkEnabled(llvm::StringRef pass) const override;
  bool isAnyRemarkEnabled() const override { return true; }
  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override;

private:
  Counts counts;
  bool isQuiet = false;
};

/// A copy of the module that was generated, as it was before.
using Load = llvm::function_ref<std::unique_ptr<llvm::Module>()>;
using Generate = llvm::function_ref<void(llvm::Module &)>;

/// After code generation: the module with orders for loops that spilled, in which they spill less; null if there are
/// none.
std::unique_ptr<llvm::Module> orderLoops(Load load, LoopSpills &spills, Generate generate);

} // namespace nibble
