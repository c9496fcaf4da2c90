//===- PlaceBarriers.cpp - pass place-barriers -----------------------------===//
//
// Every thread of the team runs the whole function and does its share of each operation. Two operations need a barrier
// between them if one thread's share of the second may touch what another thread's share of the first wrote (or writes
// what it read). Places are ranges of bytes of the arena, the state or a function argument.
//
//===----------------------------------------------------------------------===//
#include "compiler/Bufferize/Passes.h"
#include "dialects/LM/CacheLayout.h"
#include "dialects/MPGEMM/MPGEMM.h"
#include "nibble/abi.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_PLACEBARRIERS
#include "compiler/Bufferize/Passes.h.inc"

namespace {

/// One operation's access to one buffer since the last barrier.
struct Access {
  Value root;               ///< the argument that the buffer is a part of
  int64_t begin, end;       ///< bytes of the root
  int64_t column, columns;  ///< columns of a slice of rows; all columns: 0 and -1
  bool write;
  bool known;               ///< false: which part of the range is touched is unknown
  std::string partition;    ///< see TeamOp::getPartition; empty: unknown

  bool samePlace(const Access &other) const {
    return known && other.known && begin == other.begin && end == other.end && column == other.column &&
           columns == other.columns;
  }
  bool overlaps(const Access &other) const {
    if (root != other.root || begin >= other.end || other.begin >= end)
      return false;
    bool slices = columns >= 0 && other.columns >= 0 && begin == other.begin && end == other.end;
    return !slices || (column < other.column + other.columns && other.column < column + columns);
  }
  bool conflictsWith(const Access &other) const {
    if ((!write && !other.write) || !overlaps(other))
      return false;
    return partition.empty() || partition != other.partition || !samePlace(other);
  }
};

/// Whether a slice takes some adjacent columns of all rows.
bool takesColumns(memref::SubViewOp slice) {
  ArrayRef<int64_t> offsets = slice.getStaticOffsets(), sizes = slice.getStaticSizes();
  return llvm::all_of(slice.getStaticStrides(), [](int64_t stride) { return stride == 1; }) &&
         !ShapedType::isDynamic(offsets.back()) && !ShapedType::isDynamic(sizes.back()) &&
         llvm::all_of(offsets.drop_back(), [](int64_t offset) { return offset == 0; }) &&
         sizes.drop_back() == slice.getSourceType().getShape().drop_back();
}

/// What a buffer is called of which each thread has one (TeamOp::isReplicated).
constexpr StringLiteral kOwn = "own";

/// Completes the access to a view of memory: at a constant place, or at one for each thread, base + tid · stride.
void placeView(memref::ViewOp view, Access &access) {
  APInt base, stride;
  access.root = view.getSource();
  if (matchPattern(view.getByteShift(), m_ConstantInt(&base))) {
    access.begin += base.getSExtValue();
    access.end += base.getSExtValue();
    return;
  }
  auto sum = view.getByteShift().getDefiningOp<arith::AddIOp>();
  auto mine = sum ? sum.getLhs().getDefiningOp<arith::MulIOp>() : arith::MulIOp();
  auto func = view->getParentOfType<func::FuncOp>();
  if (mine && mine.getLhs() == func.getArguments().take_back(2).front() &&
      matchPattern(mine.getRhs(), m_ConstantInt(&stride)) && matchPattern(sum.getRhs(), m_ConstantInt(&base))) {
    access.begin = base.getSExtValue();
    access.end = access.begin + stride.getSExtValue() * NIBBLE_MAX_THREADS;
    access.partition = kOwn;
    return;
  }
  access.end = lm::bytesOfState(cast<MemRefType>(view.getSource().getType()));
  access.known = false;
}

/// The place of a buffer: through slices and views down to a function argument.
Access placeOf(Value buffer) {
  Access access = {buffer, 0, lm::bytesOfState(cast<MemRefType>(buffer.getType())), 0, -1, false, true, ""};
  while (auto slice = buffer.getDefiningOp<memref::SubViewOp>()) {
    // A slice keeps the place of the whole and remembers its columns: as many as the innermost has, from the sum of
    // all offsets on.
    access.known &= takesColumns(slice);
    if (access.known) {
      access.column += slice.getStaticOffsets().back();
      access.columns = access.columns < 0 ? slice.getStaticSizes().back() : access.columns;
    }
    buffer = slice.getSource();
    access.root = buffer;
    access.end = lm::bytesOfState(cast<MemRefType>(buffer.getType()));
  }
  if (!access.known)
    access.columns = -1;
  if (auto view = buffer.getDefiningOp<memref::ViewOp>())
    placeView(view, access);
  return access;
}

struct PlaceBarriers : impl::PlaceBarriersBase<PlaceBarriers> {
  void runOnOperation() override {
    for (func::FuncOp func : getOperation().getOps<func::FuncOp>())
      if (!func.isExternal() && func.getNumArguments() >= 6)
        placeIn(func);
  }

private:
  void placeIn(func::FuncOp func);
  void barrier(Operation *before, func::FuncOp func);
  SmallVector<Access> accessesOf(lm::TeamOp op, Value weights);
};

void PlaceBarriers::barrier(Operation *before, func::FuncOp func) {
  OpBuilder builder(before);
  Value team = func.getArguments().take_back(3).front(), tid = func.getArguments().take_back(2).front();
  if (!getOperation().lookupSymbol(kBarrierName)) {
    OpBuilder top = OpBuilder::atBlockBegin(getOperation().getBody());
    auto type = builder.getFunctionType({team.getType(), builder.getI32Type()}, {});
    func::FuncOp::create(top, func.getLoc(), kBarrierName, type).setPrivate();
  }
  Value number =
      arith::IndexCastOp::create(builder, before->getLoc(), builder.getI32Type(), tid); // the C ABI's int32_t
  func::CallOp::create(builder, before->getLoc(), kBarrierName, TypeRange(), ValueRange{team, number});
}

SmallVector<Access> PlaceBarriers::accessesOf(lm::TeamOp op, Value weights) {
  SmallVector<Access> accesses;
  SmallVector<SideEffects::EffectInstance<MemoryEffects::Effect>> effects;
  cast<MemoryEffectOpInterface>(op.getOperation()).getEffects(effects);
  for (auto &effect : effects) {
    OpOperand *operand = effect.getEffectValue<OpOperand *>();
    Access access = placeOf(operand->get());
    if (access.root == weights)
      continue; // never written
    access.write = isa<MemoryEffects::Write>(effect.getEffect());
    if (access.partition.empty())
      access.partition = op.getPartition(*operand);
    accesses.push_back(std::move(access));
  }
  return accesses;
}

void PlaceBarriers::placeIn(func::FuncOp func) {
  Value weights = func.getArgument(2);
  SmallVector<Access> pending;
  for (Operation &op : llvm::make_early_inc_range(func.getBody().front())) {
    if (auto call = dyn_cast<func::CallOp>(op)) {
      if (!pending.empty())
        barrier(call, func);
      pending.clear(); // the callee settles its own
      continue;
    }
    if (isa<func::ReturnOp>(op) && func.isPrivate() && !pending.empty())
      barrier(&op, func);
    auto team = dyn_cast<lm::TeamOp>(op);
    if (!team)
      continue;
    SmallVector<Access> accesses = accessesOf(team, weights);
    bool conflict = llvm::any_of(accesses, [&](const Access &access) {
      return llvm::any_of(pending, [&](const Access &earlier) { return access.conflictsWith(earlier); });
    });
    if (conflict) {
      barrier(&op, func);
      pending.clear();
    }
    llvm::append_range(pending, accesses);
  }
}

} // namespace
} // namespace nibble
