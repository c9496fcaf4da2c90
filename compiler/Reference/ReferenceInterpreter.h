//===- ReferenceInterpreter.h - the oracle -------------------------------===//
//
// What: executes a module of lm operations (phases import and simplify, and
// legalize) in double precision.
// Why: every program that Nibble emits is tested against it.
// Contract: the weights are the numbers of the model file; what is stored in a
// state (cached keys and values, the hidden rows that @prefill leaves to @head)
// is rounded to the state's element type, and nothing else is rounded unless
// asked for (Activations::Int8). The result depends neither on threads nor on
// how the tokens are cut into chunks. What it does not know is a located error,
// never a guess.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_REFERENCE_REFERENCEINTERPRETER_H
#define NIBBLE_COMPILER_REFERENCE_REFERENCEINTERPRETER_H

#include "compiler/Reference/Operations.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

#include <functional>
#include <variant>

namespace nibble::reference {

/// What the operand of a linear is.
enum class Activations {
  Exact, ///< The value itself.
  /// Rounded to 8-bit codes as mpgemm.quantize does, for all linears with
  /// low-bit weights; after phase legalize, what it chose for each linear.
  Int8,
  Int8Row, ///< The same with a scale for a row.
  F16,     ///< Rounded to f16, for all linears.
  BF16,
};

/// How logitsOf() goes over the positions.
enum class Entry {
  Prefill, ///< @prefill, a chunk at a time, then @head for each row.
  Decode,  ///< @decode, a token at a time.
};

/// Sees what a linear is about to read: the name of its weight, rows, how many
/// of them are valid.
using LinearObserver =
    std::function<void(llvm::StringRef, const Rows &, int64_t)>;

struct ReferenceOptions {
  Activations activations = Activations::Exact;
  Entry entry = Entry::Prefill;
  unsigned threads = 2;
  LinearObserver observe; ///< Or none.
};

/// The value of an SSA value: an index, tokens, rows, a weight or a state.
using ReferenceValue =
    std::variant<int64_t, std::vector<int32_t>, Rows, const ReferenceWeight *,
                 State *>;
using ReferenceValues = llvm::SmallVector<ReferenceValue>;

class ReferenceInterpreter {
public:
  explicit ReferenceInterpreter(mlir::ModuleOp module,
                                ReferenceOptions options = {});

  /// The logits at every position, tokens × vocabulary. Starts from an empty
  /// cache.
  mlir::FailureOr<std::vector<std::vector<double>>>
  logitsOf(llvm::ArrayRef<int32_t> tokens);

  /// Runs @prefill on an empty cache, over a chunk of tokens at most.
  mlir::LogicalResult prefill(llvm::ArrayRef<int32_t> tokens);

  /// The results of one function.
  mlir::FailureOr<ReferenceValues> call(llvm::StringRef function,
                                        ReferenceValues arguments);

private:
  class Frame;

  mlir::LogicalResult checkTokens(llvm::ArrayRef<int32_t> tokens);
  mlir::LogicalResult resetStates();
  mlir::FailureOr<int64_t> chunkOf(llvm::StringRef function);
  int64_t positionsOf(const State &cache);
  mlir::FailureOr<std::vector<double>> rowOf(llvm::StringRef function,
                                             ReferenceValues arguments);
  mlir::FailureOr<const ReferenceWeight *> weightOf(mlir::Operation *user,
                                                    llvm::StringRef name);
  llvm::StringRef nameOf(const ReferenceWeight &weight) const;

  mlir::ModuleOp module;
  ReferenceOptions options;
  llvm::StringMap<std::unique_ptr<ReferenceWeight>> weights;
  llvm::StringMap<State> states;
};

} // namespace nibble::reference

#endif // NIBBLE_COMPILER_REFERENCE_REFERENCEINTERPRETER_H
