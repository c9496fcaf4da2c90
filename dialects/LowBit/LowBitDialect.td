//===- LowBitDialect.td - what numbers a low-bit tensor holds ------------===//
//
// The dialect carries one invariant that no upstream type can: a tensor's
// elements are integer codes that share scales in blocks. Where the bytes lie
// is not its business (a file's format is in Formats.def, a kernel's layout in
// dialects/MPGEMM).
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_LOWBITDIALECT_TD
#define NIBBLE_DIALECTS_LOWBIT_LOWBITDIALECT_TD

include "mlir/IR/OpBase.td"

def LowBit_Dialect : Dialect {
  let name = "lowbit";
  let cppNamespace = "::nibble::lowbit";
  let summary = "Which numbers a block-quantized tensor holds";
  let description = [{
    One element type, `!lowbit.block`, says how integer codes and their shared
    scales, zero points and minima make numbers. It is legal in tensors and not
    in memrefs: memory has a layout, and layouts belong to `mpgemm`. So the type
    system itself sees to it that these types are gone before Bufferize.

    ```mlir
    // A weight of 576 x 576 four-bit codes with a half-precision scale for
    // every 32 of them.
    func.func private @weight() -> tensor<576x576x!lowbit.block<u4, 32, f16, zp = 8>>
    ```
  }];
  let useDefaultTypePrinterParser = 1;
}

#endif // NIBBLE_DIALECTS_LOWBIT_LOWBITDIALECT_TD
