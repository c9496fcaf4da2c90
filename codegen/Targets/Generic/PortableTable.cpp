//===- PortableTable.cpp - look-ups without an instruction ----------------===//
//
// See PortableTable.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/Generic/PortableTable.h"

using namespace mlir;

namespace nibble {

/// Sixteen candidates, halved by each bit of the index: 15 choices of 16 bytes.
Value PortableTable::lookUp(KernelBuilder &k, Value table, Value indices) const {
  int64_t lanes = KernelBuilder::lanes(indices);
  SmallVector<Value> candidates;
  for (int64_t entry = 0; entry < lanes; ++entry)
    candidates.push_back(k.splat(k.extract(table, entry), lanes));
  for (int64_t bit = 1; candidates.size() > 1; bit *= 2) {
    Value isSet = k.cmp(KernelBuilder::ICmp::ne, k.bitAnd(indices, bit), k.zero(indices.getType()));
    SmallVector<Value> left;
    for (size_t pair = 0; pair < candidates.size(); pair += 2)
      left.push_back(k.select(isSet, candidates[pair + 1], candidates[pair]));
    candidates = left;
  }
  return candidates.front();
}

} // namespace nibble
