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

/// A run of so few quads is straight code: a sum is done before the next one starts. (6-bit codes in groups of 16,
/// 64 rows, AVX2: 49 G multiply-adds/s in a loop.)
constexpr int64_t kStraightQuads = 4;

class DotPanel {
public:
  DotPanel(KernelBuilder &k, const MmaOperands &mma, int64_t tokens)
      : k(k), mma(mma), reader(k, mma.layout, mma.row->lanes), panel(reader.layout()), emitter(dotEmitter(*mma.row)),
        tokens(tokens), lanes(mma.row->lanes), vectors(mma.row->vectors),
        run(std::min<int64_t>(panel.group, mpgemm::kActivationGroup)),
        codes{reader.range().bits, reader.range().isSigned} {}

  PanelSums emit(Value panelPointer, Value row0);

private:
  /// Where a unit's operands lie.
  struct Unit {
    Value codes, subScales, subMinima; ///< sub… are null with one level
    Value x, scales, sums;             ///< at the unit's first column, row 0 of the tile
  };

  PanelSums emitRecord(Value panelPointer, Value row0, Value record, ValueRange sums);
  PanelSums emitUnit(Value record, const Unit &unit, PanelSums sums);
  PanelSums emitRun(Value record, const Unit &unit, int64_t column, PanelSums sums);
  SmallVector<Value> multiplyRun(const Unit &unit, int64_t column);
  SmallVector<Value> multiplyInLoop(const Unit &unit, int64_t column, SmallVector<Value> dots);
  void addRun(const Unit &unit, int64_t column, Value dw, Value mw, int64_t v, ArrayRef<Value> dots,
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
  WeightCodes codes;
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
                     k.add(k.mul(row0, mma.scales.stride), k.divu(column, mma.activationGroup)));
  unit.sums = k.at(mma.sums.pointer, k.i32(), k.add(k.mul(row0, mma.sums.stride), k.divu(column, mma.sumGroup)));
  return unit;
}

/// Runs that lie in one bit field of all planes and in one group are a loop, so that code does not grow with the group.
PanelSums DotPanel::emitUnit(Value record, const Unit &unit, PanelSums sums) {
  int64_t field = panel.group / run;
  for (mpgemm::BitPlane plane : panel.planes())
    field = std::min(field, panel.vectorsOf(plane) * panel.kr / run);
  if (field <= 1) {
    for (int64_t column = 0; column < panel.unitSpan(); column += run)
      sums = emitRun(record, unit, column, sums);
    return sums;
  }
  for (int64_t column = 0; column < panel.unitSpan(); column += field * run)
    sums = k.loop(k.i64(0), k.i64(field), 1, sums, [&](Value index, ValueRange carried) {
      Unit moved = unit;
      moved.codes = k.offset(unit.codes, k.mul(index, run / panel.kr * panel.vectorBytes()));
      moved.x = k.offset(unit.x, k.mul(index, run));
      if (mma.activationGroup == mpgemm::kActivationGroup)
        moved.scales = k.at(unit.scales, k.f32(), k.mul(index, run / mpgemm::kActivationGroup));
      moved.sums = k.at(unit.sums, k.i32(), k.mul(index, run / mma.sumGroup));
      return emitRun(record, moved, column, PanelSums(carried.begin(), carried.end()));
    });
  return sums;
}

PanelSums DotPanel::emitRun(Value record, const Unit &unit, int64_t column, PanelSums sums) {
  SmallVector<Value> dots = multiplyRun(unit, column);
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
  return sums;
}

/// Integer sums of a run, token-major like the f32 ones.
SmallVector<Value> DotPanel::multiplyRun(const Unit &unit, int64_t column) {
  int64_t quads = run / panel.kr;
  SmallVector<Value> dots(tokens * vectors, emitter.start(k, lanes, quads, codes));
  if (emitter.walksInLoop() && tokens > 1 && quads > kStraightQuads)
    return multiplyInLoop(unit, column, dots);
  SmallVector<KernelBuilder::Values> x;
  for (int64_t token = 0; token < tokens; ++token)
    x.push_back(emitter.loadActivations(k, lanes, k.offset(unit.x, token * mma.x.stride + column), quads));
  // An accumulating instruction takes quad by quad, so that a quad's weights are done with all rows at once.
  int64_t step = emitter.walksInLoop() ? quads : 1;
  for (int64_t first = 0; first < quads; first += step) {
    SmallVector<SmallVector<Value>> w(vectors);
    for (int64_t v = 0; v < vectors; ++v)
      for (int64_t quad = first; quad < first + step; ++quad)
        w[v].push_back(reader.quad(unit.codes, column / panel.kr + quad, v));
    for (int64_t token = 0; token < tokens; ++token)
      for (int64_t v = 0; v < vectors; ++v) {
        Value &dot = dots[token * vectors + v];
        dot = emitter.multiply(k, dot, w[v], ArrayRef<Value>(x[token]).slice(first, step), codes);
      }
  }
  return dots;
}

/// The same as a loop. A step takes the quads that lie in the bit fields of one vector of the narrowest plane.
SmallVector<Value> DotPanel::multiplyInLoop(const Unit &unit, int64_t column, SmallVector<Value> dots) {
  int64_t quads = run / panel.kr, first = column / panel.kr, steps = quads;
  for (mpgemm::BitPlane plane : panel.planes())
    steps = std::min(steps, panel.vectorsOf(plane));
  return k.loop(k.i64(0), k.i64(steps), 1, dots, [&](Value step, ValueRange carried) {
    Value codesAt = k.offset(unit.codes, k.mul(step, panel.vectorBytes()));
    Value x = k.offset(unit.x, k.mul(step, panel.kr));
    SmallVector<SmallVector<Value>> w(vectors);
    for (int64_t v = 0; v < vectors; ++v)
      for (int64_t quad = 0; quad < quads; quad += steps)
        w[v].push_back(reader.quad(codesAt, first + quad, v));
    SmallVector<Value> next(carried.begin(), carried.end());
    for (int64_t token = 0; token < tokens; ++token) {
      SmallVector<Value> a;
      for (int64_t quad = 0; quad < quads; quad += steps)
        a.append(emitter.loadActivations(k, lanes, k.offset(x, token * mma.x.stride + column + quad * panel.kr), 1));
      for (int64_t v = 0; v < vectors; ++v) {
        Value &dot = next[token * vectors + v];
        dot = emitter.multiply(k, dot, w[v], a, codes);
      }
    }
    return next;
  });
}

Value DotPanel::activationScale(const Unit &unit, int64_t column, int64_t token) {
  return k.load(k.f32(), k.at(unit.scales, k.f32(), token * mma.scales.stride + column / mma.activationGroup));
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
                      ArrayRef<Value> dots, PanelSums &sums) {
  int64_t offset = reader.range().offset;
  for (int64_t token = 0; token < tokens; ++token) {
    Value &acc = sums[token * vectors + v];
    Value dot = emitter.finish(k, dots[token * vectors + v]);
    // Splat first: a splat of a loaded number costs nothing, a scalar conversion does.
    Value da = k.splat(activationScale(unit, column, token), lanes);
    Value codeSums = offset || mw ? k.splat(codeSum(unit, column, token), lanes) : Value();
    if (offset)
      dot = k.sub(dot, k.mul(codeSums, offset));
    acc = k.fma(k.mulf(dw, da), k.intToFloat(dot, k.f32()), acc);
    if (mw)
      acc = k.fma(mw, k.mulf(da, k.intToFloat(codeSums, k.f32())), acc);
  }
}

} // namespace

PanelSums accumulateDot(KernelBuilder &k, const MmaOperands &mma, Value panel, Value row0, int64_t tokens) {
  return DotPanel(k, mma, tokens).emit(panel, row0);
}

} // namespace nibble
