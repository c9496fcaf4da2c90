//===- LegalizeLinears.cpp - pass legalize-linears ------------------------===//
//
// Ladder's idea (OSDI '24) on a CPU: a number type is stored as the file has it and computed as the machine can.
// The machine is the instruction table; this pass asks it which row takes the weight's codes as an operand.
//
//===----------------------------------------------------------------------===//
#include "codegen/Intrinsics/InstructionTable.h"
#include "compiler/Legalize/Passes.h"
#include "compiler/Legalize/Strategy.h"
#include "compiler/Target/TargetInfo.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_LEGALIZELINEARS
#include "compiler/Legalize/Passes.h.inc"

namespace {

struct LegalizeLinears : impl::LegalizeLinearsBase<LegalizeLinears> {
  using LegalizeLinearsBase::LegalizeLinearsBase;
  void runOnOperation() override;

private:
  LinearWishes wishes;
  llvm::DenseSet<StringRef> tables;
  const InstructionRow *choose(lm::LinearLike op, Type element, const TargetInfo &target);
  Type activationType(const InstructionRow &row);
  LogicalResult reportRow(lm::LinearLike op, const InstructionRow &row, const TargetInfo &target);
};

/// The number type that reaches the multiplier: where the row wants bytes of the other signedness, codes move by 128
/// and the zero point with them, so that the numbers stay.
Type multipliedType(Type element, const InstructionRow &row) {
  auto block = dyn_cast<lowbit::BlockType>(element);
  if (row.kind == RowKind::Float || !block)
    return block ? Type(Float32Type::get(element.getContext())) : element;
  bool isSigned = block.getCode().isSigned;
  if (!block.getCode().isInteger() || row.storageBias(block.getCode().width, isSigned) == 0 || block.hasMin())
    return element;
  lowbit::ZeroKind zero;
  zero.point = block.getZeroPoint() + (isSigned ? 128 : -128);
  zero.form = zero.point == 0 ? lowbit::ZeroKind::None : lowbit::ZeroKind::Point;
  return lowbit::BlockType::get(element.getContext(), lowbit::CodeKind(block.getCode().width, !isSigned),
                                block.getGroup(), block.getScale(), zero);
}

/// The row for a linear, or null with a diagnostic.
const InstructionRow *LegalizeLinears::choose(lm::LinearLike op, Type element, const TargetInfo &target) {
  auto shape = cast<RankedTensorType>(op.getWeights().getType()).getShape();
  SmallVector<Candidate, 3> candidates = candidatesFor(weightOf(op, element, wishes, tables), target);
  if (strategy == "dot" && isa<lowbit::BlockType>(element) && !candidates[0].wrong.empty()) {
    op->emitError() << "cannot be an integer dot product: " << candidates[0].wrong;
    return nullptr;
  }
  const Candidate &chosen = chooseFrom(candidates, wishes.way());
  if (!chosen.wrong.empty() && op.getMatrices() > 1) {
    op->emitError() << "cannot be computed: " << chosen.wrong;
    return nullptr;
  }
  if (!isa<lowbit::BlockType>(element))
    return chosen.row; // floats are multiplied as they are
  if (chosen.strategy == "float" && strategy != "float" && !wishes.takesFloats())
    op->emitRemark() << "computed in float: " << candidates[0].wrong;
  InFlightDiagnostic remark = op->emitRemark();
  remark << shape[0] << " x " << shape[1] << " " << element << " is computed by " << chosen.strategy << ", row '"
         << chosen.row->name << "': " << describeCost(chosen);
  for (const Candidate &other : candidates)
    if (&other != &chosen)
      remark << "; " << other.strategy << (other.wrong.empty() ? ", row '" + other.row->name.str() + "'" : "") << ": "
             << describeCost(other);
  return chosen.row;
}

/// The number type of the other operand: i8 with a scale for every activation group, codes that a row's scale is shared
/// by, or a float type that values are rounded to.
Type LegalizeLinears::activationType(const InstructionRow &row) {
  Builder b(&getContext());
  if (row.kind == RowKind::Float)
    return activations == "f16" ? Type(b.getF16Type()) : activations == "bf16" ? Type(b.getBF16Type()) : b.getF32Type();
  if (activations == "int8")
    return b.getI8Type();
  return lowbit::BlockType::get(&getContext(), lowbit::CodeKind(8, true), lowbit::kRowGroup, {FloatKind::F32},
                                lowbit::ZeroKind());
}

/// Says when a linear runs on a generic row, and what would make it faster.
LogicalResult LegalizeLinears::reportRow(lm::LinearLike op, const InstructionRow &row, const TargetInfo &target) {
  if (!row.features.empty())
    return success();
  // Rows for narrow floats are no other way of doing the same: they take weights of their type only.
  auto couldDo = [&](const InstructionRow *other) {
    return other->kind == row.kind && other->narrow == row.narrow && !other->features.empty();
  };
  SmallVector<std::string> wanted;
  for (const InstructionRow *other : rowsFor(target.triple, [](StringRef) { return true; }))
    if (couldDo(other))
      wanted.push_back(other->features.str());
  auto has = [&](StringRef feature) { return target.has(feature); };
  bool isRagged = op.getMatrices() > 1 && llvm::any_of(rowsFor(target.triple, has), couldDo);
  std::string text =
      "runs on the generic row '" + row.name.str() + "', because " +
      (isRagged ? "its experts have no whole panels of the others"
                : "the CPU " + target.cpu + " has none of the feature sets: " + llvm::join(wanted, "; "));
  if (requireNative)
    return op->emitError(text);
  op->emitRemark(text);
  return success();
}

void LegalizeLinears::runOnOperation() {
  wishes = {strategy, activations};
  if (!llvm::is_contained({"auto", "dot", "lut", "lut-fast", "float"}, strategy)) {
    getOperation().emitError() << "unknown strategy '" << strategy
                               << "'; the strategies are auto, dot, lut, lut-fast and float";
    return signalPassFailure();
  }
  if (!wishes.takesFloats() && activations != "int8" && activations != "int8:row") {
    getOperation().emitError() << "unknown activations '" << activations
                               << "'; they are int8, int8:row, f16, bf16 and f32";
    return signalPassFailure();
  }
  if (wishes.takesFloats() && (strategy == "dot" || StringRef(strategy).starts_with("lut"))) {
    getOperation().emitError() << "activations of " << activations << " are no operands of an integer "
                               << (strategy == "dot" ? "dot product" : "look-up");
    return signalPassFailure();
  }
  FailureOr<TargetInfo> target = TargetInfo::fromModule(getOperation());
  if (failed(target))
    return signalPassFailure();
  MLIRContext *context = &getContext();
  tables = findTables(getOperation());
  WalkResult result = getOperation().walk([&](lm::LinearLike op) {
    Type element = cast<RankedTensorType>(op.getWeights().getType()).getElementType();
    const InstructionRow *row = choose(op, element, *target);
    if (!row || failed(reportRow(op, *row, *target)))
      return WalkResult::interrupt();
    bool integer = row->isInteger();
    Type real = Float32Type::get(context);
    op->setAttr("compute", mpgemm::ComputeAttr::get(context, multipliedType(element, *row),
                                                    activationType(*row),
                                                    integer ? IntegerType::get(context, 32) : real, row->name));
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    signalPassFailure();
}

} // namespace
} // namespace nibble
