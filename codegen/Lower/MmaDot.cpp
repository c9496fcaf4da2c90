//===- MmaDot.cpp - integer dot products of a panel -----------------------===//
//
// Sums up a panel with 8-bit activations. Three nested steps, each with the
// same accumulators:
//
//   record   float scales of the rows are loaded
//   unit     a loop if the record has several (K-quants), else straight code
//   run      min(group, 32) columns under one weight scale and one activation
//            scale: each quad of codes is unpacked once and multiplied with all
//            rows of the tile; then the exact integer sums meet the scales.
//
// Within a run the accumulators are the instruction's; the f32 sums are touched
// once a run, and may live in memory meanwhile.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/MmaKernel.h"
#include "codegen/Targets/DotEmitter.h"

using namespace mlir;

namespace nibble {
namespace {

class DotPanel {
public:
  DotPanel(KernelBuilder &k, const MmaOperands &mma, int64_t tokens)
      : k(k), mma(mma), reader(k, mma.layout, mma.row->lanes), panel(reader.layout()), emitter(dotEmitter(*mma.row)),
        tokens(tokens), lanes(mma.row->lanes), vectors(mma.row->vectors),
        run(std::min<int64_t>(panel.group, mpgemm::kActivationGroup)) {}

  PanelSums emit(Value panelPointer, Value row0);

private:
  /// Where a unit's operands lie.
  struct Unit {
    Value codes, subScales, subMinima; ///< sub… are null with one level
    Value x, scales, sums;             ///< at the unit's first column, row 0 of the tile
  };

  PanelSums emitRecord(Value panelPointer, Value row0, Value record, ValueRange sums);
  PanelSums emitUnit(Value record, const Unit &unit, PanelSums sums);
  SmallVector<DotSum> multiplyRun(const Unit &unit, int64_t column);
  void addRun(const Unit &unit, int64_t column, Value dw, Value mw, int64_t v, MutableArrayRef<DotSum> dots,
              PanelSums &sums);
  Value activationScale(const Unit &unit, int64_t column, int64_t token);
  Value codeSum(const Unit &unit, int64_t column, int64_t token);
  Unit unitAt(Value record, Value unitIndex, Value column, Value row0);

  KernelBuilder &k;
  const MmaOperands &mma;
  PanelReader reader;
  const mpgemm::PanelLayout &panel;
  const DotEmitter &emitter;
  int64_t tokens, lanes, vectors, run;
};

PanelSums DotPanel::emit(Value panelPointer, Value row0) {
  PanelSums zeros(tokens * vectors, k.zero(k.vec(k.f32(), lanes)));
  return k.loop(k.i64(0), k.i64(panel.records()), 1, zeros,
                [&](Value record, ValueRange sums) { return emitRecord(panelPointer, row0, record, sums); });
}

PanelSums DotPanel::emitRecord(Value panelPointer, Value row0, Value index, ValueRange sums) {
  Value record = k.offset(panelPointer, k.mul(index, panel.recordBytes()));
  Value column = k.mul(index, panel.recordSpan());
  PanelSums carried(sums.begin(), sums.end());
  if (panel.unitsPerRecord() == 1)
    return emitUnit(record, unitAt(record, k.i64(0), column, row0), carried);
  return k.loop(k.i64(0), k.i64(panel.unitsPerRecord()), 1, carried, [&](Value unit, ValueRange inner) {
    Value first = k.add(column, k.mul(unit, panel.unitSpan()));
    return emitUnit(record, unitAt(record, unit, first, row0), PanelSums(inner.begin(), inner.end()));
  });
}

DotPanel::Unit DotPanel::unitAt(Value record, Value index, Value column, Value row0) {
  Unit unit;
  unit.codes = k.offset(k.offset(record, panel.codesOffset()), k.mul(index, panel.unitBytes()));
  if (panel.isTwoLevel()) {
    Value group = k.mul(index, panel.groupsPerUnit() * panel.nr);
    unit.subScales = k.offset(k.offset(record, panel.subScaleOffset()), group);
    if (panel.hasMin)
      unit.subMinima = k.offset(k.offset(record, panel.subMinOffset()), group);
  }
  unit.x = k.offset(mma.x.pointer, k.add(k.mul(row0, mma.x.stride), column));
  unit.scales = k.at(mma.scales.pointer, k.f32(),
                     k.add(k.mul(row0, mma.scales.stride), k.divu(column, mpgemm::kActivationGroup)));
  unit.sums = k.at(mma.sums.pointer, k.i32(), k.add(k.mul(row0, mma.sums.stride), k.divu(column, mma.sumGroup)));
  return unit;
}

PanelSums DotPanel::emitUnit(Value record, const Unit &unit, PanelSums sums) {
  for (int64_t column = 0; column < panel.unitSpan(); column += run) {
    SmallVector<DotSum> dots = multiplyRun(unit, column);
    int64_t group = column / panel.group;
    for (int64_t v = 0; v < vectors; ++v) {
      // With one level a unit is a record, and its groups have their own float scale.
      int64_t s = panel.isTwoLevel() ? 0 : group;
      Value dw = reader.scale(record, s, v), mw;
      if (panel.isTwoLevel())
        dw = k.mulf(dw, reader.subScale(unit.subScales, group, v));
      if (panel.hasMin)
        mw = reader.minimum(record, s, v);
      if (panel.hasMin && panel.isTwoLevel())
        mw = k.negf(k.mulf(mw, reader.subMinimum(unit.subMinima, group, v)));
      addRun(unit, column, dw, mw, v, dots, sums);
    }
  }
  return sums;
}

/// Integer sums of a run, token-major like the f32 ones.
SmallVector<DotSum> DotPanel::multiplyRun(const Unit &unit, int64_t column) {
  SmallVector<DotSum> dots(tokens * vectors);
  WeightCodes codes{reader.range().bits, reader.range().isSigned};
  SmallVector<KernelBuilder::Values> x;
  for (int64_t token = 0; token < tokens; ++token)
    x.push_back(emitter.loadActivations(k, lanes, k.offset(unit.x, token * mma.x.stride + column), run / panel.kr));
  for (int64_t quad = 0; quad < run / panel.kr; ++quad) {
    SmallVector<Value> w;
    for (int64_t v = 0; v < vectors; ++v)
      w.push_back(reader.quad(unit.codes, column / panel.kr + quad, v));
    for (int64_t token = 0; token < tokens; ++token)
      for (int64_t v = 0; v < vectors; ++v)
        emitter.multiply(k, dots[token * vectors + v], w[v], x[token][quad], codes);
  }
  return dots;
}

Value DotPanel::activationScale(const Unit &unit, int64_t column, int64_t token) {
  return k.load(k.f32(), k.at(unit.scales, k.f32(), token * mma.scales.stride + column / mpgemm::kActivationGroup));
}

/// Sum of the activation codes of a run, i32.
Value DotPanel::codeSum(const Unit &unit, int64_t column, int64_t token) {
  Value total;
  for (int64_t part = 0; part < run / mma.sumGroup; ++part) {
    int64_t index = token * mma.sums.stride + column / mma.sumGroup + part;
    Value value = k.load(k.i32(), k.at(unit.sums, k.i32(), index));
    total = total ? k.add(total, value) : value;
  }
  return total;
}

void DotPanel::addRun(const Unit &unit, int64_t column, Value dw, Value mw, int64_t v,
                      MutableArrayRef<DotSum> dots, PanelSums &sums) {
  int64_t offset = reader.range().offset;
  for (int64_t token = 0; token < tokens; ++token) {
    Value &acc = sums[token * vectors + v];
    Value dot = emitter.sum(k, dots[token * vectors + v]);
    Value da = activationScale(unit, column, token);
    Value codes = offset || mw ? codeSum(unit, column, token) : Value();
    if (offset)
      dot = k.sub(dot, k.splat(k.mul(codes, offset), lanes));
    acc = k.fma(k.mulf(dw, k.splat(da, lanes)), k.intToFloat(dot, k.f32()), acc);
    if (mw)
      acc = k.fma(mw, k.splat(k.mulf(da, k.intToFloat(codes, k.f32())), lanes), acc);
  }
}

} // namespace

PanelSums accumulateDot(KernelBuilder &k, const MmaOperands &mma, Value panel, Value row0, int64_t tokens) {
  return DotPanel(k, mma, tokens).emit(panel, row0);
}

} // namespace nibble
