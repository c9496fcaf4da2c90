//===- LoopSpills.h - which loops spill, and in which order they do not -*- C++ -*-===//
//
// Kernels are written to fit the registers, but what fits is known when registers are allocated. So the
// code generator runs, and says of every innermost loop how often it goes to the stack (the remark
// LoopSpillReloadCopies). Functions with such loops are generated again with these loops in other orders
// (LoopOrder.h), and each loop keeps the one in which it spills least, of these the shortest. Another loop that these
// make worse gets one, too; where that does not help, the function is left as it was.
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
  /// A function's name and the number of the loop's first block in LLVM IR.
  using Loop = std::pair<std::string, unsigned>;
  struct Counts {
    llvm::MapVector<Loop, unsigned, std::map<Loop, unsigned>> accesses; ///< spills and reloads of loops with some
    std::map<Loop, unsigned> sizes;                                     ///< instructions of all blocks

    std::pair<unsigned, unsigned> costOf(const Loop &loop) { return {accesses.lookup(loop), sizes[loop]}; }
  };

  /// The context's handler of diagnostics from now on, which it owns.
  static LoopSpills &watch(llvm::LLVMContext &context);

  /// What was counted since the last call.
  Counts take() { return std::exchange(counts, {}); }
  /// Whether all that is said is for this alone.
  void keepQuiet(bool quiet) { isQuiet = quiet; }

  bool isMissedOptRemarkEnabled(llvm::StringRef pass) const override;
  bool isAnalysisRemarkEnabled(llvm::StringRef pass) const override;
  bool isAnyRemarkEnabled() const override { return true; }
  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override;

private:
  Counts counts;
  bool isQuiet = false;
};

/// A copy of the module that was generated, as it was before.
using Load = llvm::function_ref<std::unique_ptr<llvm::Module>()>;
using Generate = llvm::function_ref<void(llvm::Module &)>;

/// The orders of loops that spilled when code was generated, in which they spill less.
class LoopChoices {
public:
  /// Tries them, each by generating code of a part of the module, now and in mendWorse().
  LoopChoices(Load load, LoopSpills &spills, Generate generate);

  bool hasOrders() const;
  /// Writes the orders to the attributes of a module's functions.
  void setOrders(llvm::Module &module) const;
  /// Registers are allocated to a whole function. Loops that spill more beside the others' orders than without get one
  /// of their own, each once; where a loop still does then, its function loses all orders. Returns whether there was
  /// such a loop.
  bool mendWorse(const LoopSpills::Counts &counts);

private:
  /// What is known of a loop.
  struct Choice {
    /// Accesses to the stack, and then instructions.
    using Cost = std::pair<unsigned, unsigned>;
    Cost usual, best;      ///< in LLVM's order, and in the best
    llvm::StringRef order; ///< empty: LLVM's
    bool isMended = false; ///< was tried beside the others' orders
    /// No access, and else no more instructions.
    bool isGood() const { return !best.first && best.second + usual.first <= usual.second; }
  };
  using Choices = llvm::MapVector<LoopSpills::Loop, Choice, std::map<LoopSpills::Loop, unsigned>>;
  static void setOrders(llvm::Module &module, const Choices &choices);
  LoopSpills::Counts countsOf(const Choices &orders);
  void tryOrder(llvm::StringRef order, bool isFirst);
  void mend(llvm::ArrayRef<LoopSpills::Loop> loops);

  Load load;
  LoopSpills &spills;
  Generate generate;
  Choices choices;
};

} // namespace nibble
