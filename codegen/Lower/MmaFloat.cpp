//===- MmaFloat.cpp - float products of a panel ---------------------------===//
//
// Sums up a panel with f32 activations: weights are loaded or decoded to f32,
// each exactly the number that its format defines, and multiplied column by
// column in ascending order.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/MmaKernel.h"

using namespace mlir;

namespace nibble {
namespace {

/// Columns of a float weight that are multiplied in straight code.
constexpr int64_t kUnroll = 8;

class FloatPanel {
public:
  FloatPanel(KernelBuilder &k, const MmaOperands &mma, int64_t tokens)
      : k(k), mma(mma), reader(k, mma.layout, mma.row->lanes), panel(reader.layout()), tokens(tokens),
        lanes(mma.row->lanes), vectors(mma.row->vectors) {}

  PanelSums emit(Value panelPointer, Value row0);

private:
  PanelSums emitElements(Value panelPointer, Value row0, PanelSums sums);
  PanelSums emitUnit(Value record, Value unitIndex, Value x, PanelSums sums);
  /// acc += x[column] · w for all rows of the tile.
  void addColumn(Value x, int64_t column, ArrayRef<Value> w, PanelSums &sums);

  KernelBuilder &k;
  const MmaOperands &mma;
  PanelReader reader;
  const mpgemm::PanelLayout &panel;
  int64_t tokens, lanes, vectors;
};

PanelSums FloatPanel::emit(Value panelPointer, Value row0) {
  PanelSums zeros(tokens * vectors, k.zero(k.vec(k.f32(), lanes)));
  if (panel.isFloat())
    return emitElements(panelPointer, row0, zeros);
  int64_t units = panel.unitsPerRecord();
  // All units of all records, in order: one loop.
  return k.loop(k.i64(0), k.i64(panel.records() * units), 1, zeros, [&](Value unit, ValueRange sums) {
    Value record = k.offset(panelPointer, k.mul(k.divu(unit, units), panel.recordBytes()));
    Value column = k.mul(unit, panel.unitSpan());
    Value x = k.at(mma.x.pointer, k.f32(), k.add(k.mul(row0, mma.x.stride), column));
    return emitUnit(record, k.remu(unit, units), x, PanelSums(sums.begin(), sums.end()));
  });
}

void FloatPanel::addColumn(Value x, int64_t column, ArrayRef<Value> w, PanelSums &sums) {
  for (int64_t token = 0; token < tokens; ++token) {
    Value one = k.load(k.f32(), k.at(x, k.f32(), token * mma.x.stride + column));
    Value all = k.splat(one, lanes);
    for (int64_t v = 0; v < vectors; ++v)
      sums[token * vectors + v] = k.fma(all, w[v], sums[token * vectors + v]);
  }
}

PanelSums FloatPanel::emitElements(Value panelPointer, Value row0, PanelSums sums) {
  Value rowX = k.at(mma.x.pointer, k.f32(), k.mul(row0, mma.x.stride));
  auto columns = [&](int64_t count) {
    return [&, count](Value column, ValueRange carried) {
      Value w0 = k.offset(panelPointer, k.mul(column, panel.elementOffset(1, 0)));
      Value x = k.at(rowX, k.f32(), column);
      PanelSums next(carried.begin(), carried.end());
      for (int64_t i = 0; i < count; ++i) {
        SmallVector<Value> w;
        for (int64_t v = 0; v < vectors; ++v)
          w.push_back(reader.element(w0, i, v));
        addColumn(x, i, w, next);
      }
      return next;
    };
  };
  int64_t whole = panel.k / kUnroll * kUnroll;
  if (whole)
    sums = k.loop(k.i64(0), k.i64(whole), kUnroll, sums, columns(kUnroll));
  if (whole < panel.k)
    sums = k.loop(k.i64(whole), k.i64(panel.k), 1, sums, columns(1));
  return sums;
}

PanelSums FloatPanel::emitUnit(Value record, Value unitIndex, Value x, PanelSums sums) {
  Value unit = k.offset(k.offset(record, panel.codesOffset()), k.mul(unitIndex, panel.unitBytes()));
  Value groups = k.mul(unitIndex, panel.groupsPerUnit() * panel.nr);
  for (int64_t group = 0; group < panel.groupsPerUnit(); ++group) {
    // Scale and minimum of the group, computed as lowbit.decode does.
    SmallVector<Value> scale, minimum;
    for (int64_t v = 0; v < vectors; ++v) {
      int64_t s = panel.isTwoLevel() ? 0 : group;
      scale.push_back(reader.scale(record, s, v));
      if (panel.isTwoLevel())
        scale[v] = k.mulf(scale[v], reader.subScale(k.offset(k.offset(record, panel.subScaleOffset()), groups), group, v));
      if (!panel.hasMin)
        continue;
      minimum.push_back(reader.minimum(record, s, v));
      if (panel.isTwoLevel())
        minimum[v] =
            k.mulf(minimum[v], reader.subMinimum(k.offset(k.offset(record, panel.subMinOffset()), groups), group, v));
    }
    for (int64_t column = group * panel.group; column < (group + 1) * panel.group; ++column) {
      SmallVector<Value> w;
      for (int64_t v = 0; v < vectors; ++v) {
        Value code = reader.quad(unit, column, v);
        code = reader.range().isSigned ? k.sext(code, k.i32()) : k.zext(code, k.i32());
        if (reader.range().offset)
          code = k.sub(code, reader.range().offset);
        Value value = k.mulf(scale[v], k.intToFloat(code, k.f32()));
        if (panel.hasMin)
          value = panel.isTwoLevel() ? k.subf(value, minimum[v]) : k.addf(value, minimum[v]);
        w.push_back(value);
      }
      addColumn(x, column, w, sums);
    }
  }
  return sums;
}

} // namespace

PanelSums accumulateFloat(KernelBuilder &k, const MmaOperands &mma, Value panel, Value row0, int64_t tokens) {
  return FloatPanel(k, mma, tokens).emit(panel, row0);
}

} // namespace nibble
