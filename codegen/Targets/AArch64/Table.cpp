//===- Table.cpp - tbl ----------------------------------------------------===//
//
// See Table.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/AArch64/Table.h"

#include "codegen/Targets/AArch64/ByteShuffle.h"

using namespace mlir;

namespace nibble {

Value AArch64Table::lookUp(KernelBuilder &k, Value table, Value indices) const {
  return emitAArch64Shuffle(k, table, indices);
}

} // namespace nibble
