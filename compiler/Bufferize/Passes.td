//===- Passes.td - phase bufferize -----------------------------*- tablegen -*-===//
#ifndef NIBBLE_COMPILER_BUFFERIZE_PASSES
#define NIBBLE_COMPILER_BUFFERIZE_PASSES

include "mlir/Pass/PassBase.td"

def PlanArena : Pass<"plan-arena", "::mlir::ModuleOp"> {
  let summary = "Give every tensor a static place in one arena, every weight and state one in its section.";
  let description = [{
    Functions are straight lines, so the life of a value is an interval of operations; values whose intervals overlap
    get disjoint ranges of the arena, others share. Where an operation may write over an operand that nobody reads any
    more (a residual, a gate), the result takes over its buffer; a called function does the same with an argument, and
    then has one buffer for both. What a function needs that one other calls lies inside the caller's part, beside what
    lives during the calls. Entry points run one at a time and share the arena. Of a replicated result each thread has
    one, thread `tid` at the range's offset and tid times its size.

    Functions change to the signature of the thread team: (arena, state, weights, the old arguments as memrefs, the
    old results as memrefs to fill, team, tid, nthreads). `lm.model` gets `lm.arena_bytes`, `lm.state_bytes` and
    `lm.weights_bytes`, and as `lm.arena_bound` the largest sum of bytes (in lines of 64) that live at once, below which
    no plan can be; weights and states get their `offset`.

    ```mlir
    %y = lm.glu %g, %u, %n {activation = #lm.activation<silu>}
       : (tensor<1x64xf32>, tensor<1x64xf32>, index) -> tensor<1x64xf32>
    ```
    becomes a `memref.view` of the arena at a constant offset, and `lm.glu %g, %u, %n into` that view.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect"];
}

def PlaceBarriers : Pass<"place-barriers", "::mlir::ModuleOp"> {
  let summary = "Put a barrier of the thread team wherever one thread may need what another makes.";
  let description = [{
    Walks each function and keeps the accesses since the last barrier. An operation that reads or writes what an
    earlier one wrote, or writes what an earlier one read, gets a barrier in front, unless both name the same partition
    of the same buffer (`TeamOp::getPartition`), or it is a buffer of which each thread has its own. A function that is
    called ends with all its accesses settled.

    ```mlir
    lm.glu %g, %u, %n into %x {activation = #lm.activation<silu>}
       : (memref<4x64xf32>, memref<4x64xf32>, index, memref<4x64xf32>) -> ()
    lm.state_write %x, %n into %hidden : memref<4x64xf32>, memref<4x64xf32>
    ```
    gets a call of `nibble_barrier(team, tid)` between the two.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect"];
}

def HandOutWork : Pass<"hand-out-work", "::mlir::func::FuncOp"> {
  let summary = "Give each product and each attention a counter from which threads claim its work.";
  let description = [{
    Runs after `place-barriers`. Products between two barriers get the numbers 0, 1, … as `slot`: the counter of the
    thread team (`nibble_claim`, runtime/include/nibble/abi.h) that hands out their panels. So do `lm.attention` and
    `lm.attention_partials`, whose heads and tiles of rows, or chunks, are handed out. What has no slot is cut into
    equal shares.

    ```mlir
    func.func @decode(%w: memref<2048xi8>, %x: memref<1x32xf32>, %y: memref<1x16xf32>, %n: index, %team: !llvm.ptr,
       %tid: index, %nt: index) {
      mpgemm.mma %w, (%x) rows %n into %y
         {row = "generic_base_1x4x1_f32f32f32", layout = #mpgemm.layout<element = f32, n = 16, k = 32, nr = 16,
         kr = 1, bias = 0>}
        : (memref<2048xi8>, memref<1x32xf32>, index, memref<1x16xf32>) -> ()
      return
    }
    ```
    gives the product `slot = 0 : i64`.
  }];
}

def InstrumentProfile : Pass<"instrument-profile", "::mlir::ModuleOp"> {
  let summary = "Call the runtime behind each operation and barrier, so that the program can measure itself.";
  let description = [{
    Only with `--profile`. Behind each operation and each barrier stands a call of `nibble_profile(team, tid, op,
    event)` (runtime/include/nibble/abi.h), at the beginning of an entry point one that starts a step. `op` is the
    operation's number in the attribute `lm.profile` of the model, which says for each what a call moves and computes:
    once, for each row, for each position of the context, and for each pair of a row and a position.

    ```mlir
    lm.glu %g, %u, %n into %x {activation = #lm.activation<silu>}
       : (memref<4x64xf32>, memref<4x64xf32>, index, memref<4x64xf32>) -> ()
    ```
    is followed by a call with its number and the event 1.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect"];
}

#endif
