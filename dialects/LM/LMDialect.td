//===- LMDialect.td - what the model computes ------------------*- tablegen -*-===//
//
// The `lm` dialect: a transformer language model as symbols (weights, state) and some two dozen operations.
// Invariant that no upstream dialect carries: weights are names of byte ranges in files, never bytes in the IR.
//
//===----------------------------------------------------------------------===//
#ifndef NIBBLE_DIALECTS_LM_LMDIALECT_TD
#define NIBBLE_DIALECTS_LM_LMDIALECT_TD

include "mlir/IR/OpBase.td"

def LM_Dialect : Dialect {
  let name = "lm";
  let cppNamespace = "::nibble::lm";
  let summary = "What a transformer language model computes.";
  let description = [{
    A model is a module that holds one `lm.model` (its numbers), `lm.weight` and `lm.state` symbols and functions
    on tensors. A weight names where its bytes lie in the source file; the bytes themselves never enter the IR.

    Operations exist in two forms. The **value form** takes tensors and returns a tensor. The **buffer form**, made
    by the phase `bufferize`, takes memrefs, returns nothing, and ends its operand list with the buffers it fills
    (`into`). The meaning is the same; a buffer-form operation is executed by the whole thread team, each thread
    doing its share.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect", "::mlir::memref::MemRefDialect"];
}

#endif
