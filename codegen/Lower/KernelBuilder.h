//===- KernelBuilder.h - Writing kernels as IR -----------------*- C++ -*-===//
//
// A kernel is a function on raw pointers and fixed vectors. Written with plain
// OpBuilder calls, one line of arithmetic takes three lines of C++, and the
// kernel can no longer be read. KernelBuilder gives each operation a short name.
//
// Contract
//  * Pointers are !llvm.ptr. Counts, indices and loop variables are i64.
//  * Vectors have a fixed length and may be longer than a machine register:
//    LLVM splits them. f32 work uses 16 lanes unless a kernel says otherwise.
//  * Every binary operation takes scalars or vectors of equal type; a second
//    operand given as a number becomes a constant of the first one's type.
//  * fma() is llvm.intr.fmuladd: one rounding where the target has the
//    instruction, two where it has not; never a call into libm.
//  * Nothing here reassociates: the order of float operations is the order in
//    which the kernel asks for them.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_KERNELBUILDER_H
#define NIBBLE_CODEGEN_LOWER_KERNELBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <utility>

namespace nibble {

class KernelBuilder {
public:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;

  /// `roundsFloats`: the target rounds vectors of floats to integers by an instruction.
  KernelBuilder(mlir::OpBuilder &builder, mlir::Location loc, bool roundsFloats = false)
      : b(builder), loc(loc), roundsFloats(roundsFloats) {}

  mlir::OpBuilder &builder() { return b; }
  mlir::Location location() const { return loc; }

  //===--- types ----------------------------------------------------------===//
  mlir::Type i1() { return b.getI1Type(); }
  mlir::Type i8() { return b.getI8Type(); }
  mlir::Type i16() { return b.getI16Type(); }
  mlir::Type i32() { return b.getI32Type(); }
  mlir::Type i64() { return b.getI64Type(); }
  mlir::Type f16() { return b.getF16Type(); }
  mlir::Type bf16() { return b.getBF16Type(); }
  mlir::Type f32() { return b.getF32Type(); }
  mlir::Type ptr();
  mlir::VectorType vec(mlir::Type element, int64_t lanes) { return mlir::VectorType::get({lanes}, element); }
  /// `shape`'s lanes with another element type; a scalar stays a scalar.
  static mlir::Type withElement(mlir::Type shape, mlir::Type element);
  static int64_t lanes(Value v);

  //===--- constants ------------------------------------------------------===//
  Value i64(int64_t value) { return constant(i64(), value); }
  Value i32(int32_t value) { return constant(i32(), static_cast<int64_t>(value)); }
  Value f32(float value) { return constant(f32(), static_cast<double>(value)); }
  /// Scalar or splat of an integer or float type.
  Value constant(mlir::Type type, int64_t value);
  Value constant(mlir::Type type, double value);
  Value zero(mlir::Type type);
  /// Vector constant from its lanes (i32 elements).
  Value vectorI32(llvm::ArrayRef<int32_t> values);
  /// The same of i8 elements.
  Value vectorI8(llvm::ArrayRef<int8_t> values);

  //===--- integers (wrap-around) -----------------------------------------===//
  Value add(Value a, Value c);
  Value sub(Value a, Value c);
  Value mul(Value a, Value c);
  Value divs(Value a, Value c);
  Value divu(Value a, Value c);
  Value rems(Value a, Value c);
  Value remu(Value a, Value c);
  Value mins(Value a, Value c);
  Value maxs(Value a, Value c);
  Value bitAnd(Value a, Value c);
  Value bitOr(Value a, Value c);
  Value bitXor(Value a, Value c);
  Value shl(Value a, Value c);
  Value shrs(Value a, Value c);
  Value shru(Value a, Value c);
  Value add(Value a, int64_t c) { return c == 0 ? a : add(a, constant(a.getType(), c)); }
  Value sub(Value a, int64_t c) { return c == 0 ? a : sub(a, constant(a.getType(), c)); }
  Value mul(Value a, int64_t c) { return c == 1 ? a : mul(a, constant(a.getType(), c)); }
  Value divs(Value a, int64_t c) { return c == 1 ? a : divs(a, constant(a.getType(), c)); }
  Value divu(Value a, int64_t c) { return c == 1 ? a : divu(a, constant(a.getType(), c)); }
  Value rems(Value a, int64_t c) { return rems(a, constant(a.getType(), c)); }
  Value remu(Value a, int64_t c) { return remu(a, constant(a.getType(), c)); }
  Value mins(Value a, int64_t c) { return mins(a, constant(a.getType(), c)); }
  Value maxs(Value a, int64_t c) { return maxs(a, constant(a.getType(), c)); }
  Value bitAnd(Value a, int64_t c) { return bitAnd(a, constant(a.getType(), c)); }
  Value bitOr(Value a, int64_t c) { return bitOr(a, constant(a.getType(), c)); }
  Value bitXor(Value a, int64_t c) { return bitXor(a, constant(a.getType(), c)); }
  Value shl(Value a, int64_t c) { return c == 0 ? a : shl(a, constant(a.getType(), c)); }
  Value shrs(Value a, int64_t c) { return c == 0 ? a : shrs(a, constant(a.getType(), c)); }
  Value shru(Value a, int64_t c) { return c == 0 ? a : shru(a, constant(a.getType(), c)); }

  //===--- floats ---------------------------------------------------------===//
  Value addf(Value a, Value c);
  Value subf(Value a, Value c);
  Value mulf(Value a, Value c);
  Value divf(Value a, Value c);
  Value negf(Value a);
  Value absf(Value a);
  /// IEEE maximumNumber / minimumNumber: a NaN operand loses.
  Value maxf(Value a, Value c);
  Value minf(Value a, Value c);
  /// a·c + d.
  Value fma(Value a, Value c, Value d);
  Value sqrt(Value a);
  /// Round to the nearest integer, halves to even; |a| < 2^22. A zero may have either sign.
  Value roundEven(Value a);

  //===--- comparison and choice ------------------------------------------===//
  using ICmp = mlir::arith::CmpIPredicate;
  using FCmp = mlir::arith::CmpFPredicate;
  Value cmp(ICmp predicate, Value a, Value c);
  Value cmp(FCmp predicate, Value a, Value c);
  Value slt(Value a, Value c) { return cmp(ICmp::slt, a, c); }
  Value sge(Value a, Value c) { return cmp(ICmp::sge, a, c); }
  Value eq(Value a, Value c) { return cmp(ICmp::eq, a, c); }
  Value select(Value condition, Value a, Value c);

  //===--- conversions (element-wise; a conversion to the same type is free) ===//
  Value sext(Value v, mlir::Type element);
  Value zext(Value v, mlir::Type element);
  Value trunc(Value v, mlir::Type element);
  /// Between float types, widening or narrowing (round to nearest even).
  Value toFloat(Value v, mlir::Type element);
  Value intToFloat(Value v, mlir::Type element);
  Value uintToFloat(Value v, mlir::Type element);
  Value floatToInt(Value v, mlir::Type element);
  /// To the nearest integer, halves to even; some integer if there is none near (NaN, too large).
  Value roundToInt(Value v, mlir::Type element);
  /// Same bits, another type (scalar or vector of equal total width).
  Value bitcast(Value v, mlir::Type type);

  //===--- vectors --------------------------------------------------------===//
  Value splat(Value scalar, int64_t lanes);
  Value extract(Value vector, int64_t lane);
  Value insert(Value scalar, Value vector, int64_t lane);
  /// LLVM's shufflevector.
  Value shuffle(Value a, Value c, llvm::ArrayRef<int64_t> mask);
  /// Lanes [first, first + count) of a vector.
  Value slice(Value vector, int64_t first, int64_t count);
  Value concat(Value low, Value high);
  /// Integer sum, least and greatest signed number of all lanes.
  Value reduceAdd(Value vector);
  Value reduceMins(Value vector);
  Value reduceMaxs(Value vector);
  /// Float reductions as a fixed tree: lane i with lane i + n/2, then n/4, …, so that
  /// the result does not depend on the target's register width.
  Value reduceAddf(Value vector);
  Value reduceMaxf(Value vector);

  //===--- memory ---------------------------------------------------------===//
  /// pointer + index · sizeof(element)
  Value at(Value pointer, mlir::Type element, Value index);
  Value at(Value pointer, mlir::Type element, int64_t index);
  /// pointer + bytes
  Value offset(Value pointer, Value bytes) { return at(pointer, i8(), bytes); }
  Value offset(Value pointer, int64_t bytes) { return at(pointer, i8(), bytes); }
  /// Memory of the kernel's stack frame, on a line of its own. To be called in the entry block: elsewhere the frame
  /// would grow at run time.
  Value stack(mlir::Type element, int64_t count);
  /// `align` in bytes; 0 means the size of one element.
  Value load(mlir::Type type, Value pointer, unsigned align = 0);
  /// The same each time it is wanted (volatile): what was loaded is not kept, and so not spilled.
  Value loadAgain(mlir::Type type, Value pointer, unsigned align);
  void store(Value value, Value pointer, unsigned align = 0);
  /// Prefetch for reading, to keep in all cache levels (locality 3) or to stream (0).
  void prefetch(Value pointer, int locality = 3);

  //===--- control --------------------------------------------------------===//
  /// for (iv = low; iv < high; iv += step), without carried values.
  void loop(Value low, Value high, int64_t step, llvm::function_ref<void(Value iv)> body);
  /// The same with carried values; `body` returns their next values.
  Values loop(Value low, Value high, int64_t step, mlir::ValueRange inits,
              llvm::function_ref<Values(Value iv, mlir::ValueRange carried)> body);
  /// do … while: `body` returns whether to go on and the next carried values.
  void repeat(mlir::ValueRange inits, llvm::function_ref<std::pair<Value, Values>(mlir::ValueRange carried)> body);
  void ifThen(Value condition, llvm::function_ref<void()> body);
  void ifElse(Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise);
  Values ifElse(Value condition, mlir::TypeRange results, llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise);
  /// Items [items·tid/nthreads, items·(tid+1)/nthreads): the one way in which work is
  /// split over threads.
  std::pair<Value, Value> share(Value items, Value tid, Value nthreads);
  /// Calls an LLVM intrinsic by its name ("llvm.x86.avx2.pmadd.ub.sw").
  Value intrinsic(llvm::StringRef name, mlir::Type result, mlir::ValueRange arguments);

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
  bool roundsFloats;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_KERNELBUILDER_H
