//===- KernelBuilder.cpp - Writing kernels as IR --------------------------===//
//
// Each method builds the one operation of arith, vector, scf or llvm that its
// name says; see KernelBuilder.h for the contract.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/KernelBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <numeric>

using namespace mlir;

namespace nibble {

static Type elementOf(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.getElementType() : type;
}

//===--- types -------------------------------------------------------------===//

Type KernelBuilder::ptr() { return LLVM::LLVMPointerType::get(b.getContext()); }

Type KernelBuilder::withElement(Type shape, Type element) {
  auto vector = dyn_cast<VectorType>(shape);
  return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
}

int64_t KernelBuilder::lanes(Value v) {
  auto vector = dyn_cast<VectorType>(v.getType());
  return vector ? vector.getNumElements() : 1;
}

//===--- constants ---------------------------------------------------------===//

Value KernelBuilder::constant(Type type, int64_t value) {
  Type element = elementOf(type);
  if (isa<FloatType>(element))
    return constant(type, static_cast<double>(value));
  // Wrap to the width, so that 255 and -1 are the same i8.
  APInt bits(element.getIntOrFloatBitWidth(), static_cast<uint64_t>(value), /*isSigned=*/false,
             /*implicitTrunc=*/true);
  TypedAttr scalar = IntegerAttr::get(element, bits);
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, scalar));
  return arith::ConstantOp::create(b, loc, scalar);
}

Value KernelBuilder::constant(Type type, double value) {
  TypedAttr scalar = FloatAttr::get(elementOf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, scalar));
  return arith::ConstantOp::create(b, loc, scalar);
}

Value KernelBuilder::zero(Type type) {
  return arith::ConstantOp::create(b, loc, cast<TypedAttr>(b.getZeroAttr(type)));
}

Value KernelBuilder::vectorI32(ArrayRef<int32_t> values) {
  auto type = vec(i32(), static_cast<int64_t>(values.size()));
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, values));
}

Value KernelBuilder::vectorI8(ArrayRef<int8_t> values) {
  auto type = vec(i8(), static_cast<int64_t>(values.size()));
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, values));
}

//===--- arithmetic --------------------------------------------------------===//

Value KernelBuilder::add(Value a, Value c) { return arith::AddIOp::create(b, loc, a, c); }
Value KernelBuilder::sub(Value a, Value c) { return arith::SubIOp::create(b, loc, a, c); }
Value KernelBuilder::mul(Value a, Value c) { return arith::MulIOp::create(b, loc, a, c); }
Value KernelBuilder::divs(Value a, Value c) { return arith::DivSIOp::create(b, loc, a, c); }
Value KernelBuilder::divu(Value a, Value c) { return arith::DivUIOp::create(b, loc, a, c); }
Value KernelBuilder::rems(Value a, Value c) { return arith::RemSIOp::create(b, loc, a, c); }
Value KernelBuilder::remu(Value a, Value c) { return arith::RemUIOp::create(b, loc, a, c); }
Value KernelBuilder::mins(Value a, Value c) { return arith::MinSIOp::create(b, loc, a, c); }
Value KernelBuilder::maxs(Value a, Value c) { return arith::MaxSIOp::create(b, loc, a, c); }
Value KernelBuilder::bitAnd(Value a, Value c) { return arith::AndIOp::create(b, loc, a, c); }
Value KernelBuilder::bitOr(Value a, Value c) { return arith::OrIOp::create(b, loc, a, c); }
Value KernelBuilder::bitXor(Value a, Value c) { return arith::XOrIOp::create(b, loc, a, c); }
Value KernelBuilder::shl(Value a, Value c) { return arith::ShLIOp::create(b, loc, a, c); }
Value KernelBuilder::shrs(Value a, Value c) { return arith::ShRSIOp::create(b, loc, a, c); }
Value KernelBuilder::shru(Value a, Value c) { return arith::ShRUIOp::create(b, loc, a, c); }

Value KernelBuilder::addf(Value a, Value c) { return arith::AddFOp::create(b, loc, a, c); }
Value KernelBuilder::subf(Value a, Value c) { return arith::SubFOp::create(b, loc, a, c); }
Value KernelBuilder::mulf(Value a, Value c) { return arith::MulFOp::create(b, loc, a, c); }
Value KernelBuilder::divf(Value a, Value c) { return arith::DivFOp::create(b, loc, a, c); }
Value KernelBuilder::negf(Value a) { return arith::NegFOp::create(b, loc, a); }
Value KernelBuilder::absf(Value a) { return math::AbsFOp::create(b, loc, a); }
Value KernelBuilder::maxf(Value a, Value c) { return arith::MaxNumFOp::create(b, loc, a, c); }
Value KernelBuilder::minf(Value a, Value c) { return arith::MinNumFOp::create(b, loc, a, c); }
Value KernelBuilder::fma(Value a, Value c, Value d) {
  return LLVM::FMulAddOp::create(b, loc, a.getType(), a, c, d);
}
Value KernelBuilder::sqrt(Value a) { return math::SqrtOp::create(b, loc, a); }
Value KernelBuilder::roundEven(Value a) {
  if (roundsFloats)
    return LLVM::RoundEvenOp::create(b, loc, a.getType(), a);
  // At 1.5·2^23 a float's last bit is worth 1, so the addition rounds, halves to even, and the subtraction is exact.
  // The rounding instruction itself is not in every baseline, and the library call for it is not in the runtime.
  Value magic = constant(a.getType(), 12582912.0);
  return subf(addf(a, magic), magic);
}

//===--- comparison and choice ---------------------------------------------===//

Value KernelBuilder::cmp(ICmp predicate, Value a, Value c) {
  return arith::CmpIOp::create(b, loc, predicate, a, c);
}
Value KernelBuilder::cmp(FCmp predicate, Value a, Value c) {
  return arith::CmpFOp::create(b, loc, predicate, a, c);
}
Value KernelBuilder::select(Value condition, Value a, Value c) {
  return arith::SelectOp::create(b, loc, condition, a, c);
}

//===--- conversions -------------------------------------------------------===//

Value KernelBuilder::sext(Value v, Type element) {
  Type type = withElement(v.getType(), element);
  return type == v.getType() ? v : arith::ExtSIOp::create(b, loc, type, v).getResult();
}
Value KernelBuilder::zext(Value v, Type element) {
  Type type = withElement(v.getType(), element);
  return type == v.getType() ? v : arith::ExtUIOp::create(b, loc, type, v).getResult();
}
Value KernelBuilder::trunc(Value v, Type element) {
  Type type = withElement(v.getType(), element);
  return type == v.getType() ? v : arith::TruncIOp::create(b, loc, type, v).getResult();
}
Value KernelBuilder::toFloat(Value v, Type element) {
  Type type = withElement(v.getType(), element);
  unsigned from = elementOf(v.getType()).getIntOrFloatBitWidth(), to = element.getIntOrFloatBitWidth();
  if (type == v.getType())
    return v;
  if (from < to)
    return arith::ExtFOp::create(b, loc, type, v);
  return arith::TruncFOp::create(b, loc, type, v);
}
Value KernelBuilder::intToFloat(Value v, Type element) {
  return arith::SIToFPOp::create(b, loc, withElement(v.getType(), element), v);
}
Value KernelBuilder::uintToFloat(Value v, Type element) {
  return arith::UIToFPOp::create(b, loc, withElement(v.getType(), element), v);
}
Value KernelBuilder::floatToInt(Value v, Type element) {
  return arith::FPToSIOp::create(b, loc, withElement(v.getType(), element), v);
}
Value KernelBuilder::roundToInt(Value v, Type element) {
  // In the default rounding mode, which generated programs never leave.
  return LLVM::LrintOp::create(b, loc, withElement(v.getType(), element), v);
}
Value KernelBuilder::bitcast(Value v, Type type) {
  return type == v.getType() ? v : LLVM::BitcastOp::create(b, loc, type, v).getResult();
}

//===--- vectors -----------------------------------------------------------===//

Value KernelBuilder::splat(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(b, loc, vec(scalar.getType(), lanes), scalar);
}
Value KernelBuilder::extract(Value vector, int64_t lane) {
  return vector::ExtractOp::create(b, loc, vector, lane);
}
Value KernelBuilder::insert(Value scalar, Value vector, int64_t lane) {
  return vector::InsertOp::create(b, loc, scalar, vector, lane);
}
Value KernelBuilder::shuffle(Value a, Value c, ArrayRef<int64_t> mask) {
  return vector::ShuffleOp::create(b, loc, a, c, mask);
}
Value KernelBuilder::slice(Value vector, int64_t first, int64_t count) {
  if (first == 0 && count == lanes(vector))
    return vector;
  SmallVector<int64_t> mask(count);
  std::iota(mask.begin(), mask.end(), first);
  return shuffle(vector, vector, mask);
}
Value KernelBuilder::concat(Value low, Value high) {
  SmallVector<int64_t> mask(lanes(low) + lanes(high));
  std::iota(mask.begin(), mask.end(), 0);
  return shuffle(low, high, mask);
}
Value KernelBuilder::reduceAdd(Value vector) {
  return vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, vector);
}
Value KernelBuilder::reduceMins(Value vector) {
  return vector::ReductionOp::create(b, loc, vector::CombiningKind::MINSI, vector);
}
Value KernelBuilder::reduceMaxs(Value vector) {
  return vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXSI, vector);
}

/// Halves a vector until one lane is left; a power of two lanes.
static Value reduceTree(KernelBuilder &k, Value vector, function_ref<Value(Value, Value)> combine) {
  for (int64_t half = KernelBuilder::lanes(vector) / 2; half > 0; half /= 2)
    vector = combine(k.slice(vector, 0, half), k.slice(vector, half, half));
  return k.extract(vector, 0);
}
Value KernelBuilder::reduceAddf(Value vector) {
  return reduceTree(*this, vector, [&](Value a, Value c) { return addf(a, c); });
}
Value KernelBuilder::reduceMaxf(Value vector) {
  return reduceTree(*this, vector, [&](Value a, Value c) { return maxf(a, c); });
}

//===--- memory ------------------------------------------------------------===//

Value KernelBuilder::at(Value pointer, Type element, Value index) {
  return LLVM::GEPOp::create(b, loc, ptr(), element, pointer, ValueRange{index});
}
Value KernelBuilder::at(Value pointer, Type element, int64_t index) {
  return index == 0 ? pointer : at(pointer, element, i64(index));
}

Value KernelBuilder::stack(Type element, int64_t count) {
  return LLVM::AllocaOp::create(b, loc, ptr(), element, i64(count), /*alignment=*/64);
}

static unsigned alignmentOf(Type type, unsigned align) {
  if (align)
    return align;
  Type element = elementOf(type);
  return isa<LLVM::LLVMPointerType>(element) ? 8 : std::max(1u, element.getIntOrFloatBitWidth() / 8);
}
Value KernelBuilder::load(Type type, Value pointer, unsigned align) {
  return LLVM::LoadOp::create(b, loc, type, pointer, alignmentOf(type, align));
}
Value KernelBuilder::loadAgain(Type type, Value pointer, unsigned align) {
  return LLVM::LoadOp::create(b, loc, type, pointer, align, /*isVolatile=*/true);
}
void KernelBuilder::store(Value value, Value pointer, unsigned align) {
  LLVM::StoreOp::create(b, loc, value, pointer, alignmentOf(value.getType(), align));
}
void KernelBuilder::prefetch(Value pointer, int locality) {
  // llvm.prefetch(address, 0 = read, locality, 1 = data cache)
  LLVM::Prefetch::create(b, loc, pointer, /*rw=*/0, /*hint=*/locality, /*cache=*/1);
}

//===--- control -----------------------------------------------------------===//

void KernelBuilder::loop(Value low, Value high, int64_t step, function_ref<void(Value)> body) {
  loop(low, high, step, {}, [&](Value iv, ValueRange) {
    body(iv);
    return Values();
  });
}

KernelBuilder::Values KernelBuilder::loop(Value low, Value high, int64_t step, ValueRange inits,
                                          function_ref<Values(Value, ValueRange)> body) {
  OpBuilder::InsertionGuard guard(b);
  auto loop = scf::ForOp::create(b, loc, low, high, i64(step), inits);
  // Without carried values the builder has made the terminator already.
  if (inits.empty()) {
    b.setInsertionPoint(loop.getBody()->getTerminator());
    body(loop.getInductionVar(), {});
    return {};
  }
  b.setInsertionPointToEnd(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(b, loc, next);
  return Values(loop.getResults().begin(), loop.getResults().end());
}

void KernelBuilder::repeat(ValueRange inits, function_ref<std::pair<Value, Values>(ValueRange)> body) {
  OpBuilder::InsertionGuard guard(b);
  // In the module before its body is built: a body may look for symbols.
  auto loop = scf::WhileOp::create(b, loc, inits.getTypes(), inits);
  SmallVector<Location> locations(inits.size(), loc);
  Block *before = b.createBlock(&loop.getBefore(), {}, inits.getTypes(), locations);
  auto [goOn, next] = body(before->getArguments());
  scf::ConditionOp::create(b, loc, goOn, next);
  Block *after = b.createBlock(&loop.getAfter(), {}, inits.getTypes(), locations);
  scf::YieldOp::create(b, loc, after->getArguments());
}

void KernelBuilder::ifThen(Value condition, function_ref<void()> body) {
  OpBuilder::InsertionGuard guard(b);
  auto branch = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  body();
}

void KernelBuilder::ifElse(Value condition, function_ref<void()> then, function_ref<void()> otherwise) {
  OpBuilder::InsertionGuard guard(b);
  auto branch = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/true);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  then();
  b.setInsertionPoint(branch.elseBlock()->getTerminator());
  otherwise();
}

KernelBuilder::Values KernelBuilder::ifElse(Value condition, TypeRange results, function_ref<Values()> then,
                                            function_ref<Values()> otherwise) {
  OpBuilder::InsertionGuard guard(b);
  auto branch = scf::IfOp::create(b, loc, results, condition, /*addThenBlock=*/true, /*addElseBlock=*/true);
  b.setInsertionPointToEnd(branch.thenBlock());
  scf::YieldOp::create(b, loc, then());
  b.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(b, loc, otherwise());
  return Values(branch.getResults().begin(), branch.getResults().end());
}

std::pair<Value, Value> KernelBuilder::share(Value items, Value tid, Value nthreads) {
  return {divs(mul(items, tid), nthreads), divs(mul(items, add(tid, 1)), nthreads)};
}

Value KernelBuilder::intrinsic(StringRef name, Type result, ValueRange arguments) {
  return LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name), arguments).getResults();
}

} // namespace nibble
