//===- Passes.td - phase lower ---------------------------------*- tablegen -*-===//
#ifndef NIBBLE_CODEGEN_LOWER_PASSES
#define NIBBLE_CODEGEN_LOWER_PASSES

include "mlir/Pass/PassBase.td"

def LowerKernels : Pass<"lower-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn operations in buffer form into calls of generated kernels.";
  let description = [{
    Equal operations of equal shape share one kernel, a private function on pointers; each call passes the thread's
    number and the size of the team. The target comes from the module's `mpgemm.target`.

    ```mlir
    lm.state_write %x, %n into %hidden : memref<4x64xf32>, memref<4x64xf32>
    ```
    becomes a `func.call` of a function that this pass adds, whose name spells out the shape.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def EmitEntryPoints : Pass<"emit-entry-points", "::mlir::ModuleOp"> {
  let summary = "Add the C functions of the ABI around the entry points.";
  let description = [{
    Runs on the llvm dialect. `nibble_decode`, `nibble_prefill` and `nibble_head` take a `nibble_step`
    (runtime/include/nibble/abi.h), read its fields and call @decode, @prefill and @head, which become internal.
    Also defines `nibble_abi_version_of_model`.

    ```mlir
    module {
      llvm.func @head(%arena: !llvm.ptr, %state: !llvm.ptr, %weights: !llvm.ptr, %row: i64, %logits: !llvm.ptr,
                      %team: !llvm.ptr, %tid: i64, %nthreads: i64) { llvm.return }
    }
    ```
    gets `nibble_head(step, tid, nthreads)`, which calls it.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif
