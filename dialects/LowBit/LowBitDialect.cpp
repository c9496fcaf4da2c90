//===- LowBitDialect.cpp - registration ----------------------------------===//
//
// What: makes the dialect's type and ops known to MLIR.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/LowBit.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nibble::lowbit;

#include "dialects/LowBit/LowBitDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/LowBit/LowBitTypes.cpp.inc"

void LowBitDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/LowBit/LowBitTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/LowBit/LowBitOps.cpp.inc"
      >();
}
