//===- VectorMath.h - Elementary functions as IR ---------------*- C++ -*-===//
//
// The functions that the row kernels need and that no instruction computes. Each is
// a short polynomial in plain arithmetic, so that no generated code calls libm and a
// result is the same for a scalar, for any vector length and in any lane.
//
// Contract
//  * Every function takes an f32 or a vector of f32 and returns the same type.
//  * Errors are measured over every float of the stated range against the double
//    function of libm; test/Kernels/RowKernelMathTest.cpp repeats a dense part of it.
//  * A NaN argument gives a NaN.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_VECTORMATH_H
#define NIBBLE_CODEGEN_LOWER_VECTORMATH_H

#include "codegen/Lower/KernelBuilder.h"

namespace nibble {

struct TargetInfo;

/// exp(x). At most 1.01 ulp where the result is a normal number (with fused and with separate multiply-add),
/// 0.76 units of the last place where it is subnormal; exp(-inf) = 0, and +inf above 88.73.
mlir::Value emitExp(KernelBuilder &k, mlir::Value x);

/// exp(x) of a number that is at most 0, with two thirds of the instructions: as emitExp from -87 on, and 0 below,
/// where the result is less than 2^-125.
mlir::Value emitExpOfNegative(KernelBuilder &k, mlir::Value x);

/// tanh(x), within 2 ulp.
mlir::Value emitTanh(KernelBuilder &k, mlir::Value x);

/// 1 / (1 + exp(-x)), within 4 ulp for every x from -87 on, and 0 below: exp(-|x|) cannot overflow.
mlir::Value emitSigmoid(KernelBuilder &k, mlir::Value x);

/// x · sigmoid(x).
mlir::Value emitSiLU(KernelBuilder &k, mlir::Value x);

/// The tanh form of GELU, x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))), as x · sigmoid of twice tanh's argument.
mlir::Value emitGELU(KernelBuilder &k, mlir::Value x);

/// x · Φ(x), Φ of the normal distribution within 4e-7.
mlir::Value emitGELUErf(KernelBuilder &k, mlir::Value x);

/// The greater operand; the second if either is NaN. One instruction everywhere, unlike IEEE's maximumNumber.
mlir::Value emitGreater(KernelBuilder &k, mlir::Value a, mlir::Value c);

/// Loads `count` consecutive elements (f32, f16 or bf16) as a vector of f32. Without the target's own conversion
/// of f16, the bits are converted with integer arithmetic: LLVM would call a library function.
mlir::Value loadAsF32(KernelBuilder &k, const TargetInfo &target, mlir::Type element, int64_t count,
                      mlir::Value pointer);

/// A vector of f16 as f32, likewise.
mlir::Value halfAsF32(KernelBuilder &k, const TargetInfo &target, mlir::Value half);

/// f32 (scalar or vector) to `element` (f32 or f16), rounding to nearest, halves to even.
mlir::Value roundTo(KernelBuilder &k, const TargetInfo &target, mlir::Value x, mlir::Type element);

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_VECTORMATH_H
