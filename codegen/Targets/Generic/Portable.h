//===- Portable.h - dot products without an instruction --------*- C++ -*-===//
//
// What every target can do: widen to i32, multiply, add. LLVM picks the
// instructions. Slow, exact, and the yardstick of the other rows.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_GENERIC_PORTABLE_H
#define NIBBLE_CODEGEN_TARGETS_GENERIC_PORTABLE_H

#include "codegen/Targets/DotEmitter.h"

namespace nibble {

class Portable : public DotEmitter {
public:
  mlir::Value multiply(KernelBuilder &k, const DotRun &run, mlir::Value sum, mlir::ValueRange weights,
                       mlir::ValueRange activations) const override;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_GENERIC_PORTABLE_H
