//===- LookupEmitter.cpp - from a look-up row to its emitter --------------===//
//
// The emitters by the names that InstructionTable.def gives them, and the portable
// way to put sums together.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/LookupEmitter.h"

#include "codegen/Targets/AArch64/Table.h"
#include "codegen/Targets/Generic/PortableTable.h"
#include "codegen/Targets/X86/ShuffleBytes.h"
#include "dialects/MPGEMM/LookupLayout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;

namespace nibble {

Value LookupEmitter::combine(KernelBuilder &k, ArrayRef<LookupSums> bits) const {
  Value words;
  for (auto [bit, sums] : llvm::enumerate(bits)) {
    Value low = k.shl(k.zext(sums.low, k.i16()), int64_t(bit));
    Value high = k.shl(k.zext(sums.high, k.i16()), int64_t(bit) + mpgemm::kLowEntryBits);
    words = words ? k.add(k.add(words, low), high) : k.add(low, high);
  }
  Value total;
  for (int64_t quad = 0; quad < KernelBuilder::lanes(words) / mpgemm::kCellRows; ++quad) {
    Value part = k.slice(words, quad * mpgemm::kCellRows, mpgemm::kCellRows);
    total = total ? k.add(total, part) : part;
  }
  return total;
}

const LookupEmitter &lookupEmitter(const InstructionRow &row) {
#define NIBBLE_LOOKUP_ROW(rowName, emitter, isa, lanes, features)                                                      \
  if (row.name == #rowName) {                                                                                          \
    static const emitter instance;                                                                                     \
    return instance;                                                                                                   \
  }
#define NIBBLE_AVERAGE_ROW(rowName, emitter, isa, lanes, features)                                                     \
  NIBBLE_LOOKUP_ROW(rowName, emitter, isa, lanes, features)
#include "codegen/Intrinsics/InstructionTable.def"
  llvm::report_fatal_error("the instruction row " + row.name + " looks nothing up");
}

} // namespace nibble
