//===- ActivationPlace.cpp - addresses of quantized activations -----------===//
//
// See ActivationPlace.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/ActivationPlace.h"

using namespace mlir;

namespace nibble {

Value placeOfCodes(KernelBuilder &k, const mpgemm::ActivationLayout &layout, Value base, Value row, Value column) {
  if (!layout.isInterleaved())
    return k.offset(base, k.add(k.mul(row, layout.columns), column));
  Value block = k.mul(k.divu(row, layout.interleaved), layout.codesOfBlock());
  Value inBlock = k.remu(row, layout.interleaved);
  Value pair = k.mul(k.divu(inBlock, 2), layout.rowOffset(2)), ofPair = k.mul(k.remu(inBlock, 2), layout.rowOffset(1));
  return k.offset(base, k.add(k.add(block, k.add(pair, ofPair)), k.mul(column, layout.interleaved)));
}

Value placeOfNumber(KernelBuilder &k, const mpgemm::ActivationLayout &layout, Value base, Type type, Value row,
                    Value index, int64_t group, int64_t stride) {
  if (!layout.isInterleaved())
    return k.at(base, type, k.add(k.mul(row, stride), index));
  Value block = k.mul(k.divu(row, layout.interleaved), layout.numbersOfBlock(group));
  Value inBlock = k.mul(k.remu(row, layout.interleaved), layout.numberOffset(1, 0));
  return k.at(base, type, k.add(k.add(block, inBlock), k.mul(index, layout.numbersOfGroup())));
}

} // namespace nibble
