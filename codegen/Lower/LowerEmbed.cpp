//===- LowerEmbed.cpp - lm.embed → kernel ---------------------------------===//
//
// Rows of a packed table as f32, bit for bit the numbers that the format defines.
// The table may be interleaved for a matrix product (an output head that shares
// the weight); a row is then a strided walk through its panel: runs of kr codes,
// a scale here and there. It is one row a token, so the walk need not be fast.
//
// Work split: (token, unit of columns) items.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/PanelReader.h"
#include "codegen/Lower/RowBuffer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <numeric>

using namespace mlir;

namespace nibble {
namespace {

class EmbedKernel {
public:
  EmbedKernel(KernelBuilder &k, mpgemm::LayoutAttr layout)
      : k(k), reader(k, layout, /*lanes=*/1, /*row=*/nullptr), panel(reader.layout()),
        block(dyn_cast<lowbit::BlockType>(layout.getElement())) {}

  /// Columns of an item of work.
  static int64_t span(const mpgemm::PanelLayout &panel) {
    return panel.isFloat() ? std::gcd(panel.k, int64_t(32)) : panel.unitSpan();
  }
  void emitItem(Value table, Value token, Value item, Value y);

private:
  void emitUnit(Value panelPointer, Value r, Value item, Value y);
  void emitGroup(Value record, const PanelUnit &unit, int64_t group, Value y);

  KernelBuilder &k;
  PanelReader reader;
  const mpgemm::PanelLayout &panel;
  lowbit::BlockType block;
};

void EmbedKernel::emitItem(Value table, Value token, Value item, Value y) {
  Value r = k.remu(token, panel.nr);
  Value panelPointer = k.offset(table, k.mul(k.divu(token, panel.nr), panel.panelBytes()));
  if (!panel.isFloat())
    return emitUnit(panelPointer, r, item, y);
  Value low = k.mul(item, span(panel));
  Value columns = k.offset(panelPointer, k.mul(r, panel.elementOffset(0, 1)));
  k.loop(low, k.add(low, span(panel)), 1, [&](Value column) {
    Value value = reader.element(k.offset(columns, k.mul(column, panel.elementOffset(1, 0))), 0, 0);
    k.store(value, k.at(y, k.f32(), column));
  });
}

void EmbedKernel::emitUnit(Value panelPointer, Value r, Value item, Value y) {
  int64_t units = panel.unitsPerRecord();
  Value index = k.remu(item, units);
  Value book = panel.bookPerRow ? k.offset(panelPointer, k.mul(r, panel.bookEntryBytes)) : panelPointer;
  reader.openPanel(book);
  Value start =
      k.offset(k.offset(panelPointer, panel.recordOffset(0)), k.mul(k.divu(item, units), panel.recordBytes()));
  // The reader sees one row: pointers are moved to row r first.
  Value record = k.offset(start, k.mul(r, panel.scaleOffset(0, 1)));
  PanelUnit unit = reader.unitAt(start, index);
  unit.codes = k.offset(unit.codes, k.mul(r, panel.kr));
  for (Value *sub : {&unit.subScales, &unit.subMinima})
    if (*sub)
      *sub = k.offset(*sub, r);
  Value columns = k.at(y, k.f32(), k.mul(item, panel.unitSpan()));
  for (int64_t group = 0; group < panel.runsPerUnit(); ++group)
    emitGroup(record, unit, group, columns);
}

/// One group in runs of kr columns, in the arithmetic of lowbit.decode.
void EmbedKernel::emitGroup(Value record, const PanelUnit &unit, int64_t group, Value y) {
  auto ofAll = [&](Value row) { return k.splat(k.extract(row, 0), panel.kr); };
  Value scale = ofAll(reader.groupScale(record, unit.subScales, group, 0)), minimum;
  if (panel.hasMin)
    minimum = ofAll(reader.groupMinimum(record, unit.subMinima, group, 0));
  for (int64_t column = group * panel.runSpan(); column < (group + 1) * panel.runSpan(); column += panel.kr)
    k.store(reader.decode(reader.numbers(unit.codes, column / panel.kr, 0), scale, minimum),
            k.at(y, k.f32(), column));
}

/// Multiplies the columns of an item, which the thread has just written.
void scaleItem(KernelBuilder &k, Value columns, int64_t count, double scale) {
  forEachPiece(k, count, [&](Value offset, int64_t lanes) {
    Value place = k.at(columns, k.f32(), offset);
    Value value = k.load(k.vec(k.f32(), lanes), place);
    k.store(k.mulf(value, k.constant(value.getType(), scale)), place);
  });
}

} // namespace

LogicalResult lowerEmbed(Operation *op, KernelLibrary &library) {
  auto embed = cast<lm::EmbedOp>(op);
  auto layout = dyn_cast_or_null<mpgemm::LayoutAttr>(embed.getLayout().value_or(Attribute()));
  if (!layout)
    return op->emitOpError("reads a table without an #mpgemm.layout");
  if (layout.getLookup())
    return op->emitOpError("reads a table whose codes lie as indices; rows can be read from codes only");
  if (embed.getOuts().size() != 1)
    return op->emitOpError("has no buffer to fill; kernels are emitted for the buffer form");
  FailureOr<RowBuffer> y = RowBuffer::get(op, embed.getOuts().front(), "result");
  if (failed(y) || failed(requireContiguous(op, embed.getTokens(), "tokens")) ||
      failed(requireContiguous(op, embed.getTable(), "table")))
    return failure();
  if (y->width != layout.getK())
    return op->emitOpError() << "fills rows of " << y->width << " columns from a table of " << layout.getK();

  std::string element;
  llvm::raw_string_ostream(element) << layout.getElement();
  for (char &c : element)
    c = llvm::isAlnum(c) ? c : '_';
  std::string name = llvm::formatv("embed_{0}_n{1}_k{2}_nr{3}_kr{4}_b{5}_y{6}", element, layout.getN(), layout.getK(),
                                   layout.getNr(), layout.getKr(), layout.getBias(), y->stride);
  mpgemm::PanelLayout panel = layout.getPanelLayout();
  int64_t span = EmbedKernel::span(panel), items = panel.k / span;
  if (embed.getScale())
    name += "_s" + floatName(embed.getScale()->convertToDouble());
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    auto [low, high] = k.share(k.mul(scalars[0], items), tid, nthreads);
    k.loop(low, high, 1, [&](Value item) {
      Value m = k.divu(item, items);
      Value token = k.zext(k.load(k.i32(), k.at(pointers[0], k.i32(), m)), k.i64());
      Value unit = k.remu(item, items), row = y->row(k, pointers[2], m);
      EmbedKernel(k, layout).emitItem(pointers[1], token, unit, row);
      if (embed.getScale())
        scaleItem(k, k.at(row, k.f32(), k.mul(unit, span)), span, embed.getScale()->convertToDouble());
    });
  };
  return library.call(op, name, {embed.getTokens(), embed.getTable(), embed.getOuts().front()}, {embed.getN()}, body);
}

} // namespace nibble
