//===- NarrowEmitter.cpp - from a row to its emitter ----------------------===//
//
// The emitters by the names that InstructionTable.def gives them.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/NarrowEmitter.h"

#include "codegen/Targets/AArch64/NarrowFloats.h"
#include "codegen/Targets/X86/BFloatDot.h"
#include "llvm/Support/ErrorHandling.h"

namespace nibble {

mlir::Value NarrowEmitter::multiplyTile(KernelBuilder &, mlir::Value, mlir::Value, mlir::Value) const {
  llvm_unreachable("only of rows with strips of two");
}

const NarrowEmitter &narrowEmitter(const InstructionRow &row) {
#define NIBBLE_NARROW_ROW(rowName, emitter, isa, operand, strip, depth, lanes, vectors, tile, features)                \
  if (row.name == #rowName) {                                                                                          \
    static const emitter instance;                                                                                     \
    return instance;                                                                                                   \
  }
#include "codegen/Intrinsics/InstructionTable.def"
  llvm::report_fatal_error("the instruction row " + row.name + " has no emitter for narrow floats");
}

} // namespace nibble
