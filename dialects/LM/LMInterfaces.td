//===- LMInterfaces.td - what later phases look at -------------*- tablegen -*-===//
#ifndef NIBBLE_DIALECTS_LM_LMINTERFACES_TD
#define NIBBLE_DIALECTS_LM_LMINTERFACES_TD

include "mlir/IR/OpBase.td"

def LM_LinearLike : OpInterface<"LinearLike"> {
  let cppNamespace = "::nibble::lm";
  let description = [{
    A product of activations with a weight matrix: y[m,n] = Σ_k x[m,k]·w[n,k] (+ bias[n]). It is all that the phases
    legalize and tile look at.
  }];
  let methods = [
    InterfaceMethod<"Activations, a tensor of shape (M × K).", "::mlir::Value", "getActivations">,
    InterfaceMethod<"Weights, a tensor of shape (N × K).", "::mlir::Value", "getWeights">,
    InterfaceMethod<"Bias of N values, or null.", "::mlir::Value", "getBiasOrNull">,
    InterfaceMethod<"The number of valid rows of the activations.", "::mlir::Value", "getValidRows">,
    InterfaceMethod<"How many matrices stand one after another in the weight, of which a row is multiplied with one.",
                    "int64_t", "getMatrices", (ins), [{}], [{ return 1; }]>
  ];
}

def LM_TeamOp : OpInterface<"TeamOp"> {
  let cppNamespace = "::nibble::lm";
  let description = [{
    An operation with a value form (tensors, results) and a buffer form (memrefs, no results, filled buffers last).
    `bufferize` turns the first into the second and places barriers by the partition of the work.
  }];
  let methods = [
    InterfaceMethod<"The buffers that the buffer form fills; empty in the value form.",
                    "::mlir::OperandRange", "getFilledBuffers", (ins), [{}], [{ return $_op.getOuts(); }]>,
    InterfaceMethod<[{
      How the team splits the work over an operand, as a name with its unit: two operations that name the same
      partition of a buffer touch, thread by thread, the same part of it, and need no barrier between them. The kernels
      split items [items·tid/threads, items·(tid+1)/threads), so a name holds what an item is and how many a row has.
      The empty string: any thread may touch any part.
    }], "std::string", "getPartition", (ins "::mlir::OpOperand &":$operand), [{}], [{ return std::string(); }]>,
    InterfaceMethod<[{
      The same of the first result, in either form: what reads it and splits it alike needs no barrier, so that nothing
      which the operation reads may be overwritten before.
    }], "std::string", "getResultPartition", (ins), [{}], [{ return std::string(); }]>,
    InterfaceMethod<"Whether each thread makes the whole result for itself, in memory of its own.",
                    "bool", "isReplicated", (ins), [{}], [{ return false; }]>
  ];
}

#endif
