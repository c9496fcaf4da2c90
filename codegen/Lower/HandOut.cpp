//===- HandOut.cpp - dividing a product's panels among threads ------------===//
//
// Memory is read best in long runs, and neighbouring panels write neighbouring
// lines, so that the first panels are equal shares; the others are claimed.
//
//   panels   0 ──────────── fixed ──────────────────── panels
//            │ share of t0 │ share of t1 │ piece 0 │ 1 │ 2 … │
//
// Measured on Zen 3, 135M weights in Q4_1, 2 threads, tokens/s, against equal shares only
// (931 prefill, 314 decode): prefill with all panels claimed 1087, with half of them
// 1100; decode with half of them claimed 250, with an eighth of them 315.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/HandOut.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace nibble {
namespace {

constexpr StringLiteral kClaimName = "nibble_claim";

/// Rows from which on a panel takes microseconds, some hundred times a claim. Half of the panels are claimed then, one
/// at a time: a core may be three times as slow as the others before its fixed share is too much for it.
constexpr int64_t kManyRows = 32;

/// With fewer rows an eighth of the panels is claimed, in this many pieces for each thread.
constexpr int64_t kPiecesPerThread = 2;

} // namespace

/// The next number of 0 … count-1, or one that is not less than count.
static Value claim(KernelBuilder &k, ClaimSource source, Value tid, Value count) {
  OpBuilder &b = k.builder();
  Type i32 = k.i32(), i64 = k.i64();
  auto module = b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(kClaimName)) {
    OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
    FunctionType type = b.getFunctionType({k.ptr(), i32, i32, i64}, {i64});
    func::FuncOp::create(top, k.location(), kClaimName, type).setPrivate();
  }
  SmallVector<Value> arguments = {source.team, k.trunc(tid, i32), k.trunc(source.slot, i32), count};
  return func::CallOp::create(b, k.location(), kClaimName, TypeRange(i64), arguments).getResult(0);
}

void handOutPanels(KernelBuilder &k, int64_t panels, Value rows, ClaimSource source, Value tid, Value nthreads,
                   function_ref<void(Value)> body) {
  if (!source.team) {
    auto [low, high] = k.share(k.i64(panels), tid, nthreads);
    return k.loop(low, high, 1, body);
  }
  Value all = k.i64(panels), one = k.i64(1);
  Value many = k.sge(rows, k.i64(kManyRows));
  Value fixed = k.select(many, k.i64(panels / 2), k.i64(panels - panels / 8));
  Value open = k.sub(all, fixed);
  Value parts = k.mul(nthreads, kPiecesPerThread);
  Value piece = k.select(many, one, k.add(k.divs(open, parts), one));
  Value pieces = k.divs(k.sub(k.add(open, piece), one), piece);
  auto [low, high] = k.share(fixed, tid, nthreads);
  k.repeat({low, high}, [&](ValueRange range) -> std::pair<Value, KernelBuilder::Values> {
    k.loop(range[0], range[1], 1, body);
    Value next = k.add(fixed, k.mul(claim(k, source, tid, pieces), piece));
    return {k.slt(next, all), {next, k.mins(k.add(next, piece), all)}};
  });
}

void handOutItems(KernelBuilder &k, Value items, ClaimSource source, Value tid, Value nthreads,
                  function_ref<void(Value)> body) {
  if (!source.team) {
    auto [low, high] = k.share(items, tid, nthreads);
    return k.loop(low, high, 1, body);
  }
  // A thread claims until it gets a number that is too large, and not once more.
  k.repeat({claim(k, source, tid, items)}, [&](ValueRange number) -> std::pair<Value, KernelBuilder::Values> {
    Value isItem = k.slt(number[0], items);
    KernelBuilder::Values next = k.ifElse(
        isItem, TypeRange(k.i64()),
        [&] {
          body(number[0]);
          return KernelBuilder::Values{claim(k, source, tid, items)};
        },
        [&] { return KernelBuilder::Values{number[0]}; });
    return {k.slt(next[0], items), next};
  });
}

LogicalResult addClaimSource(Operation *op, std::optional<uint64_t> slot, KernelLibrary &library,
                             SmallVectorImpl<Value> &buffers, SmallVectorImpl<Value> &scalars) {
  if (!slot)
    return success();
  FailureOr<Value> team = library.team(op);
  if (failed(team))
    return failure();
  OpBuilder builder(op);
  buffers.push_back(*team);
  scalars.push_back(arith::ConstantIndexOp::create(builder, op->getLoc(), *slot));
  return success();
}

ClaimSource claimSourceOf(bool added, ValueRange pointers, ValueRange scalars) {
  return added ? ClaimSource{pointers.back(), scalars.back()} : ClaimSource();
}

} // namespace nibble
