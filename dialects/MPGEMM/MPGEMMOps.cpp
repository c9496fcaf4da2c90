//===- MPGEMMOps.cpp - layouts, verifiers and registration of mpgemm ------===//
#include "dialects/MPGEMM/MPGEMM.h"
#include "dialects/MPGEMM/ActivationLayout.h"
#include "dialects/MPGEMM/AveragedSums.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialects/MPGEMM/MPGEMMDialect.cpp.inc"
#include "dialects/MPGEMM/MPGEMMEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/MPGEMM/MPGEMMAttrs.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/MPGEMM/MPGEMMOps.cpp.inc"

using namespace mlir;

namespace nibble::mpgemm {

void MPGEMMDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/MPGEMM/MPGEMMAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/MPGEMM/MPGEMMOps.cpp.inc"
      >();
}

//===-- Layout -------------------------------------------------------------===//

/// The layout that the parameters describe, unchecked.
static PanelLayout makePanelLayout(Type element, int64_t n, int64_t k, int64_t nr, int64_t kr, int64_t bias,
                                   bool lookup) {
  PanelLayout layout;
  layout.n = n, layout.k = k, layout.nr = nr, layout.kr = kr;
  layout.bias = static_cast<unsigned>(bias);
  layout.lookup = lookup;
  if (auto block = dyn_cast<lowbit::BlockType>(element)) {
    const lowbit::CodeKind &code = block.getCode();
    layout.codeBits = code.width;
    layout.codeSigned = code.isSigned;
    if (code.stored != lowbit::CodeKind::None) {
      layout.bookEntryBytes = code.entry == lowbit::CodeKind::I8 ? 1 : code.entry == lowbit::CodeKind::F16 ? 2 : 4;
      layout.bookPerRow = code.stored == lowbit::CodeKind::Row;
    }
    layout.group = block.getGroupIn(k);
    layout.superGroup = block.isTwoLevel() ? block.getScale().superGroup : 0;
    layout.hasMin = block.hasMin();
    layout.scaleKind = block.getScale().floatKind;
  } else {
    layout.element = element.isF16() ? FloatKind::F16 : element.isBF16() ? FloatKind::BF16 : FloatKind::F32;
  }
  return layout;
}

LogicalResult LayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError, Type element, int64_t n, int64_t k,
                                 int64_t nr, int64_t kr, int64_t bias, bool lookup) {
  if (!isa<lowbit::BlockType>(element) && !element.isF32() && !element.isF16() && !element.isBF16())
    return emitError() << "a layout's element is a !lowbit.block, f32, f16 or bf16, but is " << element;
  auto block = dyn_cast<lowbit::BlockType>(element);
  if (block && block.getCode().grid)
    return emitError() << "a layout holds each element's own code, but vectors are stored of " << element
                       << "; run reencode-grids first";
  if (block && !block.getCode().isInteger() && bias != 0)
    return emitError() << "codes that are no integers have no bias, but " << element << " has " << bias;
  if (const char *wrong = makePanelLayout(element, n, k, nr, kr, bias, lookup).check())
    return emitError() << "wrong layout: " << wrong;
  return success();
}

PanelLayout LayoutAttr::getPanelLayout() const {
  return makePanelLayout(getElement(), getN(), getK(), getNr(), getKr(), getBias(), getLookup());
}

RankedTensorType LayoutAttr::getPackedType() const {
  return RankedTensorType::get({getPanelLayout().totalBytes()}, IntegerType::get(getContext(), 8), *this);
}

//===-- Operations ---------------------------------------------------------===//

static ArrayRef<int64_t> shapeOf(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

LogicalResult PackOp::verify() {
  auto from = cast<RankedTensorType>(getWeight().getType()), to = cast<RankedTensorType>(getResult().getType());
  auto layout = dyn_cast_or_null<LayoutAttr>(to.getEncoding());
  if (!layout)
    return emitOpError() << "gives a byte tensor with an #mpgemm.layout, but the result is " << to;
  if (to != layout.getPackedType())
    return emitOpError() << "must give " << layout.getPackedType() << ", but gives " << to;
  if (from.getShape() != ArrayRef<int64_t>{layout.getN(), layout.getK()} ||
      from.getElementType() != layout.getElement())
    return emitOpError() << "packs " << from << " with the layout of a " << layout.getN() << "x" << layout.getK()
                         << " matrix of " << layout.getElement();
  return success();
}

/// Rows of a block of codes, which its number of columns tells; 1 where that is no multiple of a row's.
static int64_t interleavedRows(Value codes, int64_t columns) {
  ArrayRef<int64_t> shape = shapeOf(codes);
  return shape.size() == 2 && columns > 0 && shape[1] % columns == 0 ? std::max<int64_t>(1, shape[1] / columns) : 1;
}

void QuantizeOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  lm::addTeamOpEffects(*this, getOuts(), effects);
}

void RoundOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  lm::addTeamOpEffects(*this, getOuts(), effects);
}

LogicalResult RoundOp::verify() {
  if (failed(lm::verifyForm(*this, getOuts())))
    return failure();
  if (!getType().isF16() && !getType().isBF16())
    return emitOpError() << "rounds to f16 or bf16, not to " << getType();
  Value y = getOuts().empty() ? Value(getResult()) : Value(getOuts().front());
  if (shapeOf(getX()) != shapeOf(y))
    return emitOpError() << "gives the shape that it takes, but takes " << getX().getType() << " and gives "
                         << y.getType();
  return success();
}

void LutBuildOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  lm::addTeamOpEffects(*this, getOuts(), effects);
}

std::string LutBuildOp::getPartition(OpOperand &operand) {
  return operand.get() == getCodes() ? lm::blocksPartition(getCodes()) : std::string();
}

LogicalResult LutBuildOp::verify() {
  if (failed(lm::verifyForm(*this, getOuts())))
    return failure();
  SmallVector<Value> produced(getResults().begin(), getResults().end());
  if (!getOuts().empty())
    produced.assign(getOuts().begin(), getOuts().end());
  if (produced.size() != 2)
    return emitOpError() << "gives tables and bases, but has " << produced.size() << " of them";
  if (shapeOf(getCodes()).size() != 2)
    return emitOpError() << "takes a matrix of codes, but has " << getCodes().getType();
  int64_t group = getSumGroup(), m = shapeOf(getCodes())[0], k = shapeOf(getCodes())[1];
  if (group <= 0 || group % kQuadColumns != 0 || kActivationGroup % group != 0 || k % kActivationGroup != 0)
    return emitOpError() << "needs a sum_group of 4, 8, 16 or 32 columns and a width that is a multiple of "
                         << kActivationGroup << ", but has " << group << " and " << k;
  bool averaged = shapeOf(produced[0]).back() == averagedTableBytes(k);
  const std::pair<StringRef, int64_t> columns[] = {{"tables", averaged ? averagedTableBytes(k) : tableBytes(k)},
                                                   {"bases", k / group}};
  for (auto [value, expected] : llvm::zip(produced, columns))
    if (shapeOf(value) != ArrayRef<int64_t>{m, expected.second})
      return emitOpError() << expected.first << " must be " << m << "x" << expected.second << ", but are "
                           << value.getType();
  return success();
}

void MmaOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  lm::addTeamOpEffects(*this, getOuts(), effects);
}

void ExpertMmaOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  lm::addTeamOpEffects(*this, getOuts(), effects);
}

void NormQuantizeOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  lm::addTeamOpEffects(*this, getOuts(), effects);
}

void GluQuantizeOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  lm::addTeamOpEffects(*this, getOuts(), effects);
}

/// The partition of what is quantized, with the columns of `x`, and of its codes. A whole row's scale needs the whole
/// row.
template <typename OpTy> static std::string quantizedPartition(OpTy op, Value x) {
  return std::max(op.getGroup(), op.getSumGroup()) == kActivationGroup ? lm::blocksPartition(x) : std::string();
}
template <typename OpTy> static bool isCodesOf(OpTy op, OpOperand &operand, Value x) {
  return !op.getOuts().empty() && operand.get() == op.getOuts().front() && shapeOf(operand.get()) == shapeOf(x);
}

std::string QuantizeOp::getPartition(OpOperand &operand) {
  bool isSplit = operand.get() == getX() || isCodesOf(*this, operand, getX());
  return isSplit ? quantizedPartition(*this, getX()) : std::string();
}

std::string NormQuantizeOp::getPartition(OpOperand &operand) { // the row is added up by every thread
  return isCodesOf(*this, operand, getX()) && !getReplicated() ? quantizedPartition(*this, getX()) : std::string();
}

std::string GluQuantizeOp::getPartition(OpOperand &operand) {
  bool isSplit = operand.get() == getGate() || operand.get() == getUp() || isCodesOf(*this, operand, getGate());
  return isSplit ? quantizedPartition(*this, getGate()) : std::string();
}

/// What quantizations have in common: `x` is what is quantized, or has its shape.
template <typename OpTy> static LogicalResult verifyQuantization(OpTy op, Value x, StringRef name) {
  if (failed(lm::verifyForm(op, op.getOuts())))
    return failure();
  SmallVector<Value> produced(op.getResults().begin(), op.getResults().end());
  if (!op.getOuts().empty())
    produced.assign(op.getOuts().begin(), op.getOuts().end());
  if (produced.size() != 3)
    return op.emitOpError() << "gives codes, scales and sums, but has " << produced.size() << " of them";
  if (shapeOf(x).size() != 2)
    return op.emitOpError() << "takes a matrix, but " << name << " is " << x.getType();
  int64_t group = op.getGroup(), sumGroup = op.getSumGroup(), m = shapeOf(x)[0], k = shapeOf(x)[1];
  if (group <= 0 || sumGroup <= 0 || k % group != 0 || k % sumGroup != 0)
    return op.emitOpError() << "the groups (" << group << " and " << sumGroup << ") must divide the width " << k;
  ActivationLayout layout{k, interleavedRows(produced[0], k)};
  if (!llvm::isPowerOf2_64(layout.interleaved) || (layout.isInterleaved() && k % ActivationLayout::kSpan != 0))
    return op.emitOpError() << "codes must have " << k << " columns, or those of 2, 4, 8, … interleaved rows, but are "
                            << produced[0].getType();
  if (op.getJoinsHalves() && (layout.isInterleaved() || k % ActivationLayout::kSpan != 0 ||
                              group % ActivationLayout::kSpan != 0))
    return op.emitOpError() << "joins the halves of " << ActivationLayout::kSpan
                            << " columns with one scale, of rows that are not interleaved";
  int64_t blocks = layout.blocks(m);
  const std::pair<StringRef, int64_t> columns[] = {{"codes", layout.codesOfBlock()},
                                                   {"scales", layout.numbersOfBlock(group)},
                                                   {"sums", layout.numbersOfBlock(sumGroup)}};
  for (auto [value, expected] : llvm::zip(produced, columns))
    if (shapeOf(value) != ArrayRef<int64_t>{blocks, expected.second})
      return op.emitOpError() << expected.first << " must be " << blocks << "x" << expected.second << ", but are "
                              << value.getType();
  return success();
}

LogicalResult QuantizeOp::verify() { return verifyQuantization(*this, getX(), "x"); }

LogicalResult NormQuantizeOp::verify() {
  if (failed(verifyQuantization(*this, getX(), "x")))
    return failure();
  ArrayRef<int64_t> width = shapeOf(getX()).drop_front();
  if (shapeOf(getWeight()) != width)
    return emitOpError() << "weight must hold the " << width.front() << " values of a row, but is "
                         << getWeight().getType();
  if (getBias() && shapeOf(getBias()) != width)
    return emitOpError() << "bias must hold the " << width.front() << " values of a row, but is "
                         << getBias().getType();
  if (getBias() && !getCentred())
    return emitOpError("has a bias, which only the norm that is centred has");
  return success();
}

LogicalResult GluQuantizeOp::verify() {
  if (failed(verifyQuantization(*this, getGate(), "gate")))
    return failure();
  if (shapeOf(getGate()) != shapeOf(getUp()))
    return emitOpError() << "gate and up must have one shape, but have " << getGate().getType() << " and "
                         << getUp().getType();
  if (getGroup() > kActivationGroup)
    return emitOpError() << "quantizes groups of at most " << kActivationGroup << " columns, but has " << getGroup();
  return success();
}

/// What the products have in common: the form, the packed weight and the number of operands.
template <typename OpTy> static LogicalResult verifyProduct(OpTy op) {
  if (failed(lm::verifyForm(op, op.getOuts())))
    return failure();
  LayoutAttr layout = op.getLayout();
  if (auto type = dyn_cast<RankedTensorType>(op.getWeight().getType()))
    if (type != layout.getPackedType())
      return op.emitOpError() << "the weight must be " << layout.getPackedType() << ", but is " << type;
  if (shapeOf(op.getWeight()) != layout.getPackedType().getShape())
    return op.emitOpError() << "the weight must hold " << layout.getPackedType().getShape()[0] << " bytes";
  size_t expected = layout.getLookup() ? 4 : op.getActivations().size() == 1 ? 1 : 3;
  if (op.getActivations().size() != expected)
    return op.emitOpError(layout.getLookup() ? "takes tables, scales, sums and bases for a weight that is looked up"
                                             : "takes one f32 matrix, or codes, scales and sums");
  return success();
}

/// The activations must be so many rows, with numbers for all of their columns. Those of codes may be interleaved;
/// tables and floats are not.
template <typename OpTy> static LogicalResult verifyActivations(OpTy op, int64_t count) {
  LayoutAttr layout = op.getLayout();
  Value x = op.getActivations().front();
  int64_t columns = layout.getLookup() ? tableBytes(layout.getK()) : layout.getK();
  if (int64_t averaged = averagedTableBytes(layout.getK());
      layout.getLookup() && !shapeOf(x).empty() && shapeOf(x).back() == averaged)
    columns = averaged;
  ActivationLayout rows{columns, op.getActivations().size() == 3 ? interleavedRows(x, columns) : 1};
  if (ArrayRef<int64_t> shape = shapeOf(x);
      shape.size() != 2 || shape[1] != rows.codesOfBlock() || shape[0] != rows.blocks(count))
    return op.emitOpError() << "activations must be " << count << " rows of " << columns << " columns, but are "
                            << x.getType();
  if (op.getActivations().size() == 1)
    return success();
  // What belongs to groups of columns: scales, sums and for look-ups bases. How large groups are is the kernel's
  // matter.
  ActivationLayout groups{layout.getK(), rows.interleaved};
  const char *names[] = {"scales", "sums", "bases"};
  for (auto [name, value] : llvm::zip(names, llvm::drop_begin(op.getActivations()))) {
    ArrayRef<int64_t> shape = shapeOf(value);
    bool isWhole = shape.size() == 2 && shape[0] == rows.blocks(count) && shape[1] > 0;
    int64_t each = isWhole ? groups.numbersOfBlock(layout.getK()) : 1; // numbers of one group of all rows
    if (!isWhole || shape[1] % each != 0 || layout.getK() % (shape[1] / each) != 0)
      return op.emitOpError() << name << " must be " << rows.blocks(count)
                              << " rows with a number for each group of the " << layout.getK() << " columns, but are "
                              << value.getType();
  }
  return success();
}

LogicalResult ExpertMmaOp::verify() {
  // Rows of experts are not interleaved, so that there are as many blocks of them.
  if (failed(verifyProduct(*this)) || failed(verifyActivations(*this, shapeOf(getActivations().front()).front())))
    return failure();
  LayoutAttr layout = getLayout();
  int64_t experts = getExperts(), n = layout.getN() / experts;
  if (layout.getN() % (experts * layout.getNr()) != 0)
    return emitOpError() << "the " << layout.getN() << " rows of the weight are not whole panels of " << layout.getNr()
                         << " rows for each of " << experts << " experts";
  Value y = getOuts().empty() ? Value(getResult()) : Value(getOuts().front());
  int64_t rows = shapeOf(getActivations().front())[0];
  auto chosen = cast<ShapedType>(getChosen().getType());
  if (!chosen.getElementType().isInteger(32) || chosen.getNumElements() % rows != 0)
    return emitOpError() << "needs as many i32 for each of the " << rows << " rows of activations, but chosen is "
                         << chosen;
  if (shapeOf(y) != ArrayRef<int64_t>{chosen.getNumElements(), n})
    return emitOpError() << "result must be " << chosen.getNumElements() << "x" << n << ", but is " << y.getType();
  return success();
}

LogicalResult MmaOp::verify() {
  if (failed(verifyProduct(*this)))
    return failure();
  LayoutAttr layout = getLayout();
  Value y = getOuts().empty() ? Value(getResult()) : Value(getOuts().front());
  if (shapeOf(y).size() != 2 || shapeOf(y)[1] != layout.getN())
    return emitOpError() << "result must have " << layout.getN() << " columns, but is " << y.getType();
  if (failed(verifyActivations(*this, shapeOf(y)[0])))
    return failure();
  if (getBias() && shapeOf(getBias()) != ArrayRef<int64_t>{layout.getN()})
    return emitOpError() << "bias must hold " << layout.getN() << " values, but is " << getBias().getType();
  if (getResidual() && shapeOf(getResidual()) != shapeOf(y))
    return emitOpError("the residual must have the shape of the result");
  Operation *source = getActivations().front().getDefiningOp();
  if (isa_and_present<QuantizeOp, NormQuantizeOp, GluQuantizeOp>(source) &&
      source->hasAttr(getJoinsHalvesAttrName()) != getJoinsHalves())
    return emitOpError() << (getJoinsHalves() ? "joins" : "does not join") << " halves of columns, unlike the '"
                         << source->getName() << "' that gives its codes";
  return success();
}

} // namespace nibble::mpgemm
