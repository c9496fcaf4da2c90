//===- KernelLibrary.h - One function per kernel shape ---------*- C++ -*-===//
//
// The kernels of a module. Equal operations of equal shape share one function,
// so that code size and compile time follow the number of different shapes, not
// the number of layers. A kernel's name spells out everything it was specialised
// on (operation, shape, strides, attributes); the name is the key.
//
// Contract
//  * call() emits a call of the kernel in front of `op` and leaves `op` alone.
//  * A kernel sees the data pointer of each buffer (offset included), each scalar
//    as i64, then tid and nthreads, the last two arguments of the function that
//    encloses `op` (index). It is given by a builder, run at the first use only.
//  * The kernels are private functions that keep their own body ("noinline"): one
//    entry calls the same kernel for several linears.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_KERNELLIBRARY_H
#define NIBBLE_CODEGEN_LOWER_KERNELLIBRARY_H

#include "codegen/Lower/KernelBuilder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace nibble {

struct TargetInfo;

class KernelLibrary {
public:
  /// Builds a kernel's body; the builder stands in its entry block.
  using Body = llvm::function_ref<void(KernelBuilder &k, mlir::ValueRange pointers, mlir::ValueRange scalars,
                                       mlir::Value tid, mlir::Value nthreads)>;

  KernelLibrary(mlir::ModuleOp module, const TargetInfo &target) : module(module), targetInfo(target) {}

  const TargetInfo &target() const { return targetInfo; }

  /// The thread team, an !llvm.ptr: the argument before tid and nthreads of the function that encloses `op`.
  mlir::FailureOr<mlir::Value> team(mlir::Operation *op);

  /// `buffers`: memrefs, contiguous in their inner dimension, or pointers, which are passed on. `scalars`: index, i32
  /// or i64. `scalableBits`: the length of scalable vectors that the kernel relies on, or 0. Fails, with a diagnostic
  /// at `op`, if the enclosing function lacks (tid, nthreads).
  mlir::LogicalResult call(mlir::Operation *op, llvm::StringRef name, mlir::ValueRange buffers,
                           mlir::ValueRange scalars, Body body, int64_t scalableBits = 0);

private:
  mlir::func::FuncOp build(mlir::Location loc, llvm::StringRef name, size_t pointers, size_t scalars, Body body);

  mlir::ModuleOp module;
  const TargetInfo &targetInfo;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_KERNELLIBRARY_H
