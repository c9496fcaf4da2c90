//===- KernelCost.h - how many vector operations a kernel takes -*- C++ -*-===//
//
// What: counts the vector operations of a generated kernel.
// Why: what a format costs on a machine is the unpacking, the products and the
// scales of its kernel; they are counted where they are generated, so the count
// cannot drift from the code.
// Contract: a model, not a measurement. Every operation on vectors counts as many
// as the registers its value fills, times the trips of the loops around it that
// have constant bounds; loops with other bounds (over panels and rows) count once,
// and so does what is the same in each trip. Address arithmetic, loop control,
// constants and changes of type count nothing.
// A machine may fuse some (a load into an operand) and split others (widening).
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_KERNELCOST_H
#define NIBBLE_CODEGEN_LOWER_KERNELCOST_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nibble {

/// Vector operations of one panel and one row of activations; `registerBits` is the width of a vector register.
double vectorOperations(mlir::func::FuncOp kernel, int64_t registerBits);

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_KERNELCOST_H
