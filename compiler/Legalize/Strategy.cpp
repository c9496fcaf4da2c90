//===- Strategy.cpp - the ways in which a linear can be computed ----------===//
#include "compiler/Legalize/Strategy.h"

#include "dialects/LowBit/Casts.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

/// Tables take eight bytes of memory a column and time to build, which the cost of a weight leaves out; and rows are
/// looked up one by one, so that a prompt gains nothing from being read at once.
static constexpr double kLookupMustWinBy = 1.25;

llvm::DenseSet<StringRef> findTables(ModuleOp module) {
  llvm::DenseSet<StringRef> tables;
  module.walk([&](lm::EmbedOp embed) {
    if (auto ref = lowbit::throughCasts(embed.getTable()).getDefiningOp<lm::WeightRefOp>())
      tables.insert(ref.getWeight());
  });
  return tables;
}

WeightShape weightOf(lm::LinearLike op, Type element, const LinearWishes &wishes,
                     const llvm::DenseSet<StringRef> &tables) {
  auto ref = lowbit::throughCasts(op.getWeights()).getDefiningOp<lm::WeightRefOp>();
  FloatKind rounded = wishes.activations == "f16"    ? FloatKind::F16
                      : wishes.activations == "bf16" ? FloatKind::BF16
                                                     : FloatKind::F32;
  return {element,           cast<RankedTensorType>(op.getWeights().getType()).getShape(),
          ref && tables.contains(ref.getWeight()), op.getMatrices(), rounded,
          /*averages=*/wishes.strategy == "lut-fast"};
}

/// Layout of a weight for a row; null with a sentence in `wrong` where the row cannot take it.
static mpgemm::LayoutAttr layoutFor(const WeightShape &weight, const InstructionRow &row, std::string &wrong) {
  Type element = weight.element;
  ArrayRef<int64_t> shape = weight.shape;
  if (int64_t rows = shape[0] / weight.matrices; weight.matrices > 1 && rows % row.nr() != 0) {
    wrong = llvm::formatv("its experts have {0} rows each, which are no whole panels of {1}", rows, row.nr()).str();
    return nullptr;
  }
  auto block = dyn_cast<lowbit::BlockType>(element);
  if (row.isInteger() && !block) {
    wrong = "its weights are floats";
    return nullptr;
  }
  bool lookup = row.kind == RowKind::Lookup, integer = block && block.getCode().isInteger();
  if (row.isInteger() && !block.hasIntegers()) {
    wrong = "the numbers of its codebook are no integers of a byte";
    return nullptr;
  }
  if (lookup && !integer) {
    wrong = "its codes are places in a codebook, and sums are looked up by the bits of integers";
    return nullptr;
  }
  MLIRContext *context = element.getContext();
  auto refuse = [&]() { return emitError(UnknownLoc::get(context)); };
  // The verifier's sentence is the reason here, not a diagnostic of the module.
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    wrong = diagnostic.str();
    return success();
  });
  int64_t bias = integer ? row.storageBias(block.getCode().width, block.getCode().isSigned) : 0;
  auto layout = mpgemm::LayoutAttr::getChecked(refuse, context, element, shape[0], shape[1], row.nr(), row.kr(), bias,
                                               lookup);
  StringRef reason = wrong;
  if (reason.consume_front("wrong layout: "))
    wrong = reason.str();
  if (layout && row.isInteger() && shape[1] % mpgemm::kActivationGroup != 0)
    wrong = "its width is no multiple of the 32 columns of an activation group";
  return wrong.empty() ? layout : nullptr;
}

/// A row of narrow operands takes weights and activations of its type as they are; experts are multiplied by the
/// others.
static bool suits(const InstructionRow &row, const WeightShape &weight) {
  if (!row.narrow || weight.matrices > 1)
    return !row.narrow;
  Type element = weight.element;
  FloatKind stored = element.isF16() ? FloatKind::F16 : element.isBF16() ? FloatKind::BF16 : FloatKind::F32;
  return *row.narrow == stored && *row.narrow == weight.activations;
}

/// Rows of narrow operands first, then best first.
static SmallVector<const InstructionRow *> rowsInOrder(const TargetInfo &target) {
  SmallVector<const InstructionRow *> ordered, others;
  for (const InstructionRow *row : rowsFor(target.triple, [&](StringRef feature) { return target.has(feature); }))
    (row->narrow ? ordered : others).push_back(row);
  llvm::append_range(ordered, others);
  return ordered;
}

SmallVector<Candidate, 3> candidatesFor(const WeightShape &weight, const TargetInfo &target) {
  const CpuModel &model = cpuModelOf(target);
  SmallVector<Candidate, 3> candidates;
  const std::pair<llvm::StringLiteral, RowKind> kinds[] = {
      {"dot", RowKind::Dot}, {"lut", RowKind::Lookup}, {"float", RowKind::Float}};
  for (auto [strategy, kind] : kinds) {
    // The best row whose panels can hold the weight; a generic one only where there is no other, or where experts have
    // no whole panels of the others.
    Candidate candidate{strategy, nullptr, "", {}, 0, 0};
    mpgemm::LayoutAttr layout;
    for (const InstructionRow *row : rowsInOrder(target)) {
      bool isLast = candidate.row && row->features.empty() && weight.matrices == 1;
      bool averages = kind == RowKind::Lookup && weight.averages;
      if (row->kind != kind || row->averages != averages || layout || !suits(*row, weight) || isLast)
        continue;
      std::string wrong;
      layout = layoutFor(weight, *row, wrong);
      if (layout || !candidate.row)
        candidate.row = row, candidate.wrong = wrong;
    }
    if (kind == RowKind::Lookup && candidate.wrong.empty() && weight.readAsRows)
      candidate.wrong = "an embedding reads its rows";
    if (candidate.wrong.empty()) {
      candidate.cost = costOf(*candidate.row, layout.getPanelLayout());
      candidate.cycles = model.cyclesFor(candidate.cost);
      candidate.seconds = model.secondsFor(
          candidate.cost, double(weight.shape[0] / weight.matrices) * double(weight.shape[1]));
    }
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

const Candidate &chooseFrom(ArrayRef<Candidate> candidates, StringRef strategy) {
  const Candidate &dot = candidates[0], &lut = candidates[1], &real = candidates[2];
  for (const Candidate &candidate : candidates)
    if (candidate.strategy == strategy && candidate.wrong.empty())
      return candidate;
  if (!dot.wrong.empty())
    return lut.wrong.empty() ? lut : real;
  // Floats are exact where integers round activations: a choice of numbers, never made for speed. Both others read the
  // same bytes, so fewer cycles are faster, or, where memory is what one waits for, cooler.
  return lut.wrong.empty() && lut.cycles * kLookupMustWinBy < dot.cycles ? lut : dot;
}

std::string describeCost(const Candidate &candidate) {
  if (!candidate.wrong.empty())
    return "not possible, " + candidate.wrong;
  return llvm::formatv("{0:f3} instructions and {1:f3} bytes a weight, {2:f1} us a row", candidate.cost.instructions,
                       candidate.cost.bytes, candidate.seconds * 1e6);
}

} // namespace nibble
