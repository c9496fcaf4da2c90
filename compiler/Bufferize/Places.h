//===- Places.h - which values share a buffer ------------------------------===//
//
// Before bytes are given out: how long each tensor of a function lives, which of them are written over an operand that
// nobody reads any more, and which lie in a buffer that the caller gives. What is left needs a range of the arena.
//
// A result takes over an operand's buffer where its kernel works element by element (a product adds its residual, a
// gated unit multiplies its gate) and nobody reads that buffer later. So does the result of a call: a transformer's
// layer reads its input for the last time where it writes the first part of its output, and all layers then work on one
// buffer.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Bufferize/ArenaPlan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"

#include <optional>

namespace nibble {

/// Where the tensors of one function lie. Operations are numbered from 1 in the order of the function.
struct FunctionPlaces {
  /// Values with a range of the arena of their own, in the order of the function.
  llvm::MapVector<mlir::Value, LiveRange> ranges;
  /// Values that lie in the buffer of this operand of their operation.
  llvm::DenseMap<mlir::Value, mlir::Value> takenOver;
  /// Values that lie in the buffer of a result of the function, by the result's number.
  llvm::DenseMap<mlir::Value, unsigned> results;
  /// For each result of the function the argument that it overwrites: the caller gives one buffer for both.
  llvm::SmallVector<std::optional<unsigned>> overwritten;
  /// Functions that are called, and the numbers of the calls.
  llvm::MapVector<mlir::func::FuncOp, llvm::SmallVector<int64_t, 1>> calls;
};

/// Callees before their callers.
using ModulePlaces = llvm::MapVector<mlir::func::FuncOp, FunctionPlaces>;

/// Finds the places of all functions with a body; says what stands in the way (several blocks, recursion, …).
mlir::FailureOr<ModulePlaces> findPlaces(mlir::ModuleOp module, mlir::SymbolTable &symbols);

/// Bytes of a tensor or buffer without gaps.
int64_t bytesOf(mlir::ShapedType type);

/// Bytes from one thread's copy of a value to the next one's, where each has one (TeamOp::isReplicated); else 0.
int64_t bytesOfThread(mlir::Value value);

} // namespace nibble
