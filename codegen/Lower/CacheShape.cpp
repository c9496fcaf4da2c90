//===- CacheShape.cpp - a cache of keys and values, as kernels see it ------===//
//
// See CacheShape.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/CacheShape.h"

#include "codegen/Lower/CacheCodec.h"
#include "codegen/Lower/RowBuffer.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

FailureOr<CacheShape> CacheShape::get(Operation *op, Value keys, Value values) {
  if (failed(requireContiguous(op, keys, "keys")) || failed(requireContiguous(op, values, "values")))
    return failure();
  auto type = cast<MemRefType>(keys.getType());
  return CacheShape{type.getDimSize(1), type.getDimSize(2), type.getDimSize(3), *lm::CacheLayout::get(type),
                    *lm::CacheLayout::get(cast<MemRefType>(values.getType()))};
}

std::string CacheShape::name() const {
  return llvm::formatv("{0}x{1}x{2}_{3}_{4}", kvHeads, positions, headDim, cacheName(keys), cacheName(values));
}

Value CacheShape::headOf(KernelBuilder &k, const lm::CacheLayout &of, Value base, Value layer, Value kvHead) const {
  Value head = k.add(k.mul(layer, kvHeads), kvHead);
  return k.offset(base, k.mul(head, positions / lm::kKeyBlock * of.blockBytes()));
}

Value CacheShape::blockOf(KernelBuilder &k, const lm::CacheLayout &of, Value head, Value position) const {
  return k.offset(head, k.mul(k.divu(k.remu(position, positions), lm::kKeyBlock), of.blockBytes()));
}

} // namespace nibble
