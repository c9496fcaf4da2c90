//===- MPGEMMDialect.td - mixed-precision products on tiles ----*- tablegen -*-===//
//
// How a product of int8 or float activations with a packed low-bit weight is done. Invariant that no upstream
// dialect carries: a byte tensor's layout (`#mpgemm.layout`) is part of its type.
//
//===----------------------------------------------------------------------===//
#ifndef NIBBLE_DIALECTS_MPGEMM_MPGEMMDIALECT_TD
#define NIBBLE_DIALECTS_MPGEMM_MPGEMMDIALECT_TD

include "mlir/IR/OpBase.td"

def MPGEMM_Dialect : Dialect {
  let name = "mpgemm";
  let cppNamespace = "::nibble::mpgemm";
  let summary = "How a mixed-precision matrix product is done on tiles.";
  let description = [{
    Weights are byte tensors whose encoding (`#mpgemm.layout`) says where each code, scale and minimum lies
    (dialects/MPGEMM/PanelLayout.h). Activations are either f32 or, after `mpgemm.quantize`, int8 codes with a scale
    and a sum a group. `mpgemm.mma` multiplies the two with one row of the instruction table.

    As in `lm`, operations have a value form on tensors and a buffer form on memrefs.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::nibble::lm::LMDialect", "::nibble::lowbit::LowBitDialect"];
}

#endif
