//===- InstrumentProfile.cpp - pass instrument-profile ---------------------===//
//
// Lets a program measure itself: a call of the runtime behind each operation and each barrier, and beside it a table of
// what each operation moves and computes, so that the program can hold its times against the machine's limits.
//
//===----------------------------------------------------------------------===//
#include "compiler/Bufferize/Passes.h"
#include "dialects/LM/CacheLayout.h"
#include "dialects/MPGEMM/MPGEMM.h"
#include "nibble/abi.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_INSTRUMENTPROFILE
#include "compiler/Bufferize/Passes.h.inc"

namespace {

int64_t bytesOf(MemRefType type) { return lm::bytesOfState(type); }

/// What a call of an operation moves and computes; see schema::ProfileOp.
struct Cost {
  int64_t bytes = 0, rowBytes = 0, positionBytes = 0, rowOperations = 0, rowPositionOperations = 0;
};

/// A division, a root, an exponential or tanh counts as what its vectorized form costs: about ten.
constexpr int64_t kFunction = 10;

/// Multiplications and additions for each element of the operation's widest row, where it is no product; none where it
/// only moves numbers.
int64_t operationsPerElement(Operation *op) {
  return TypeSwitch<Operation *, int64_t>(op)
      .Case([](lm::EmbedOp embed) { return embed.getScale() ? 2 : 1; }) // the code's scale
      .Case([](lm::AddPositionsOp) { return 2; })
      .Case([](lm::RMSNormOp norm) { return norm.getResidual() ? 5 : 4; }) // square, add, scale, weight
      .Case([](lm::LayerNormOp norm) { return norm.getBias() ? 7 : 6; })   // add, difference, and the same
      .Case([](lm::TopKOp top) { return kFunction + int64_t(top.getK()); })
      .Case([](lm::ExpertSumOp sum) { return 2 * cast<ShapedType>(sum.getWeights().getType()).getDimSize(1); })
      .Case([](lm::RopeOp) { return 3; }) // two products and a sum
      .Case([](lm::KVAppendOp append) { return append.getTable() ? 3 : 0; })
      .Case([](lm::GluOp) { return kFunction + 2; })
      .Case([](lm::ActivateOp) { return kFunction + 1; })
      .Case([](lm::PoolOp) { return 1; })
      .Case([](lm::ResidualOp) { return 2; })
      .Case([](lm::LogitsOp logits) { return (logits.getScale() ? 1 : 0) + (logits.getSoftcap() ? kFunction + 2 : 0); })
      .Case([](mpgemm::RoundOp) { return 2; })     // half a unit added, and a mask
      .Case([](mpgemm::LutBuildOp) { return 2; })  // an entry of two bytes: three sums and its parts
      .Case([](mpgemm::QuantizeOp) { return 22; }) // four candidates: scale, round, difference, square, add
      .Case([](mpgemm::NormQuantizeOp) { return 26; })
      .Case([](mpgemm::GluQuantizeOp) { return 34; })
      .Default([](Operation *) { return 0; });
}

/// What short convolutions compute of a row: b·x, its taps and c, for each channel.
int64_t operationsOfRow(lm::ShortConvOp op) {
  auto weight = cast<ShapedType>(op.getWeight().getType());
  return weight.getDimSize(0) * (2 * weight.getDimSize(1) + 2);
}

/// Experts that each row of activations is multiplied with.
int64_t chosenPerRow(mpgemm::ExpertMmaOp op) {
  return cast<ShapedType>(op.getChosen().getType()).getNumElements() /
         cast<ShapedType>(op.getActivations().front().getType()).getDimSize(0);
}

/// Rows that an operation has for each row of a step: in a mixture, one for each expert that it chose.
int64_t rowsForEach(Operation *op) {
  llvm::APInt factor;
  for (Value operand : op->getOperands())
    if (auto rows = operand.getDefiningOp<arith::MulIOp>())
      for (Value part : rows->getOperands())
        if (matchPattern(part, m_ConstantInt(&factor)))
          return factor.getSExtValue();
  return 1;
}

/// The table of angles that an operation rotates with, or null.
Value tableOf(Operation *op) {
  return TypeSwitch<Operation *, Value>(op)
      .Case<lm::RopeOp, lm::KVAppendOp, lm::AttentionOp, lm::AttentionPartialsOp>(
          [](auto rotating) { return rotating.getTable(); })
      .Default(Value());
}

class CostModel {
public:
  explicit CostModel(lm::ModelOp model) : model(model) {}
  Cost costOf(Operation *op);

private:
  void addOperand(Operation *op, Value value, bool written, Cost &cost);
  /// Bytes that one position of one layer takes: of a cache, or of records of chunks.
  int64_t bytesOfPosition(MemRefType type) {
    int64_t positions = type.getRank() == 4 ? type.getDimSize(0) * type.getDimSize(2)
                                            : type.getDimSize(0) * lm::kAttentionChunk;
    return bytesOf(type) / std::max<int64_t>(1, positions);
  }

  lm::ModelOp model;
};

void CostModel::addOperand(Operation *op, Value value, bool written, Cost &cost) {
  auto type = dyn_cast<MemRefType>(value.getType());
  if (!type)
    return;
  auto embed = dyn_cast<lm::EmbedOp>(op);
  Value rotations = tableOf(op);
  auto positions = dyn_cast<lm::AddPositionsOp>(op);
  auto experts = dyn_cast<mpgemm::ExpertMmaOp>(op);
  auto sum = dyn_cast<lm::ExpertSumOp>(op);
  if (embed && value == embed.getTable())
    cost.rowBytes += bytesOf(type) / model.getVocabulary();
  else if (rotations && value == rotations)
    cost.rowBytes += 2 * bytesOf(type) / type.getDimSize(0); // a coarse and a fine row
  else if (experts && value == experts.getWeight())
    cost.rowBytes += chosenPerRow(experts) * bytesOf(type) / int64_t(experts.getExperts());
  else if (sum && value == sum.getBranch()) // a row for each expert
    cost.rowBytes += cast<ShapedType>(sum.getWeights().getType()).getDimSize(1) * bytesOf(type) / type.getDimSize(0);
  else if (positions && value != positions.getX() && !written)
    cost.rowBytes += bytesOf(type) / type.getDimSize(0);
  else if (type.getRank() > 2)
    (written ? cost.rowBytes : cost.positionBytes) += bytesOfPosition(type);
  else if (type.getRank() == 2)
    cost.rowBytes += bytesOf(type) / type.getDimSize(0);
  else
    cost.bytes += bytesOf(type);
}

Cost CostModel::costOf(Operation *op) {
  Cost cost;
  SmallVector<SideEffects::EffectInstance<MemoryEffects::Effect>> effects;
  cast<MemoryEffectOpInterface>(op).getEffects(effects);
  int64_t widest = 0;
  for (auto &effect : effects) {
    OpOperand *operand = effect.getEffectValue<OpOperand *>();
    if (!operand)
      continue;
    addOperand(op, operand->get(), isa<MemoryEffects::Write>(effect.getEffect()), cost);
    auto type = dyn_cast<MemRefType>(operand->get().getType());
    if (type && type.getRank() == 2)
      widest = std::max(widest, type.getDimSize(1));
  }
  cost.rowOperations = operationsPerElement(op) * widest;
  if (auto mma = dyn_cast<mpgemm::MmaOp>(op))
    cost.rowOperations = 2 * int64_t(mma.getLayout().getN()) * mma.getLayout().getK();
  if (auto experts = dyn_cast<mpgemm::ExpertMmaOp>(op))
    cost.rowOperations = 2 * chosenPerRow(experts) * int64_t(experts.getLayout().getN() / experts.getExperts()) *
                         experts.getLayout().getK();
  if (auto convolution = dyn_cast<lm::ShortConvOp>(op))
    cost.rowOperations = operationsOfRow(convolution);
  // q · k and p · v: two multiply-adds for each number of a head and each position.
  if (auto attention = dyn_cast<lm::AttentionOp>(op))
    cost.rowPositionOperations = 4 * cast<MemRefType>(attention.getQ().getType()).getDimSize(1);
  if (auto partials = dyn_cast<lm::AttentionPartialsOp>(op))
    cost.rowPositionOperations = 4 * cast<MemRefType>(partials.getQ().getType()).getDimSize(1);
  // A multiply-add of each number of a record, one for a chunk of positions.
  if (auto combine = dyn_cast<lm::AttentionCombineOp>(op))
    cost.rowPositionOperations = 2 * widest / lm::kAttentionChunk;
  cost.rowBytes *= rowsForEach(op), cost.rowOperations *= rowsForEach(op);
  return cost;
}

/// What a reader needs to tell the operation from its neighbours.
std::string detailOf(Operation *op) {
  std::string text;
  llvm::raw_string_ostream out(text);
  if (auto mma = dyn_cast<mpgemm::MmaOp>(op))
    out << mma.getLayout().getN() << " x " << mma.getLayout().getK() << " " << mma.getLayout().getElement() << " by "
        << mma.getRow();
  else if (auto experts = dyn_cast<mpgemm::ExpertMmaOp>(op))
    out << chosenPerRow(experts) * rowsForEach(op) << " of " << experts.getExperts() << ", "
        << experts.getLayout().getN() / experts.getExperts() << " x " << experts.getLayout().getK() << " "
        << experts.getLayout().getElement() << " by " << experts.getRow();
  else
    for (Value operand : op->getOperands())
      if (auto type = dyn_cast<MemRefType>(operand.getType()); type && type.getRank() == 2) {
        out << type.getDimSize(1) << " " << type.getElementType();
        break;
      }
  return text;
}

struct InstrumentProfile : impl::InstrumentProfileBase<InstrumentProfile> {
  void runOnOperation() override;

private:
  void instrument(func::FuncOp func, CostModel model);
  void mark(OpBuilder &builder, func::FuncOp func, int64_t op, int32_t event);
  void describe(func::FuncOp func, Operation *op, const Cost &cost);

  SmallVector<Attribute> table;
};

void InstrumentProfile::describe(func::FuncOp func, Operation *op, const Cost &cost) {
  Builder b(&getContext());
  auto entry = [&](StringRef name, Attribute value) { return b.getNamedAttr(name, value); };
  table.push_back(b.getDictionaryAttr(
      {entry("function", b.getStringAttr(func.getName())), entry("name", b.getStringAttr(op->getName().stripDialect())),
       entry("detail", b.getStringAttr(detailOf(op))), entry("bytes", b.getI64IntegerAttr(cost.bytes)),
       entry("row_bytes", b.getI64IntegerAttr(cost.rowBytes)),
       entry("position_bytes", b.getI64IntegerAttr(cost.positionBytes)),
       entry("row_operations", b.getI64IntegerAttr(cost.rowOperations)),
       entry("row_position_operations", b.getI64IntegerAttr(cost.rowPositionOperations))}));
}

void InstrumentProfile::mark(OpBuilder &builder, func::FuncOp func, int64_t op, int32_t event) {
  Location loc = func.getLoc();
  Value team = func.getArguments().take_back(3).front(), tid = func.getArguments().take_back(2).front();
  if (!getOperation().lookupSymbol(kProfileName)) {
    OpBuilder top = OpBuilder::atBlockBegin(getOperation().getBody());
    Type i32 = builder.getI32Type();
    func::FuncOp::create(top, loc, kProfileName, builder.getFunctionType({team.getType(), i32, i32, i32}, {}))
        .setPrivate();
  }
  Value number = arith::IndexCastOp::create(builder, loc, builder.getI32Type(), tid);
  Value which = arith::ConstantIntOp::create(builder, loc, op, 32),
        what = arith::ConstantIntOp::create(builder, loc, event, 32);
  func::CallOp::create(builder, loc, kProfileName, TypeRange(), ValueRange{team, number, which, what});
}

void InstrumentProfile::instrument(func::FuncOp func, CostModel model) {
  OpBuilder builder(func.getContext());
  Block &block = func.getBody().front();
  if (!func.isPrivate()) { // an entry point: here a step begins
    builder.setInsertionPointToStart(&block);
    mark(builder, func, 0, NIBBLE_PROFILE_BEGIN);
  }
  int64_t last = table.size(); // callers settle their accesses, so no barrier stands before the first operation
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : ops) {
    builder.setInsertionPointAfter(op);
    auto call = dyn_cast<func::CallOp>(op);
    if (isa<lm::TeamOp>(op)) {
      last = table.size();
      describe(func, op, model.costOf(op));
      mark(builder, func, last, NIBBLE_PROFILE_WORKED);
    } else if (call && call.getCallee() == kBarrierName) {
      mark(builder, func, last, NIBBLE_PROFILE_WAITED);
    }
  }
}

void InstrumentProfile::runOnOperation() {
  table.clear();
  lm::ModelOp model = lm::getModel(getOperation());
  if (!model) {
    getOperation().emitError("the module has no lm.model");
    return signalPassFailure();
  }
  for (func::FuncOp func : getOperation().getOps<func::FuncOp>())
    if (!func.isExternal() && func.getNumArguments() >= 6)
      instrument(func, CostModel(model));
  model->setAttr(kProfile, ArrayAttr::get(&getContext(), table));
}

} // namespace
} // namespace nibble
