//===- DotEmitter.cpp - from a row to its emitter -------------------------===//
//
// The emitters by the names that InstructionTable.def gives them.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/DotEmitter.h"

#include "codegen/Targets/AArch64/DotProduct.h"
#include "codegen/Targets/Generic/Portable.h"
#include "codegen/Targets/X86/AVX2.h"
#include "codegen/Targets/X86/VNNI.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;

namespace nibble {

KernelBuilder::Values DotEmitter::loadActivations(KernelBuilder &k, int64_t lanes, Value pointer,
                                                  int64_t quads) const {
  KernelBuilder::Values splats;
  for (int64_t quad = 0; quad < quads; ++quad) {
    Value four = k.load(k.i32(), k.offset(pointer, 4 * quad), 1);
    splats.push_back(k.bitcast(k.splat(four, lanes), k.vec(k.i8(), 4 * lanes)));
  }
  return splats;
}

Value DotEmitter::start(KernelBuilder &k, int64_t lanes, int64_t quads, WeightCodes codes) const {
  return k.zero(k.vec(k.i32(), lanes));
}

const DotEmitter &dotEmitter(const InstructionRow &row) {
#define NIBBLE_DOT_ROW(rowName, emitter, isa, lanes, vectors, tile, unsignedBits, signedBytes, features)               \
  if (row.name == #rowName) {                                                                                          \
    static const emitter instance;                                                                                     \
    return instance;                                                                                                   \
  }
#include "codegen/Intrinsics/InstructionTable.def"
  llvm::report_fatal_error("the instruction row " + row.name + " has no emitter");
}

} // namespace nibble
