//===- MmaFloat.cpp - float products of a panel ---------------------------===//
//
// Sums up a panel with f32 activations: weights are loaded or decoded to f32,
// each exactly the number that its format defines, and multiplied column by
// column in ascending order. A narrow row takes weights as they are and activations
// that have been rounded to their type, and multiplies its depth of columns at once.
// Pairs of rows, where the instruction multiplies them, have their sums in tiles of
// 2 × 2 while columns pass by.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/MmaKernel.h"
#include "codegen/Targets/NarrowEmitter.h"

using namespace mlir;

namespace nibble {
namespace {

/// Columns of a float weight that are multiplied in straight code.
constexpr int64_t kUnroll = 8;
/// The same of low-bit weights, where a column takes more instructions.
constexpr int64_t kUnrollCodes = 4;

class FloatPanel {
public:
  FloatPanel(KernelBuilder &k, const MmaOperands &mma, int64_t tokens)
      : k(k), mma(mma), reader(k, mma.layout, mma.row->lanes, mma.row), panel(reader.layout()), tokens(tokens),
        lanes(mma.row->lanes), vectors(mma.row->vectors) {}

  PanelSums emit(Value panelPointer, Value row0, PanelSums sums);

private:
  PanelSums emitElements(Value panelPointer, Value row0, PanelSums sums);
  PanelSums emitUnit(Value record, Value unitIndex, Value x, PanelSums sums);
  PanelSums emitGroup(Value unit, Value x, int64_t group, ArrayRef<Value> scale, ArrayRef<Value> minimum,
                      PanelSums sums);
  /// One or two columns of `x` of a row, in the weight's type, for each lane.
  Value narrowActivations(Value x, int64_t token, int64_t column, int64_t columns);
  /// acc += Σ x · w of as many columns as the instruction takes, or of the one that is left.
  void addNarrow(Value first, Value x, int64_t column, int64_t columns, PanelSums &sums);
  /// Columns that multiplyAdd() of the row's emitter takes.
  int64_t depth() const { return mma.row->depth / mma.row->strip; }
  /// From vectors of weight rows, row by row, to tiles of two rows of activations × two of weights, and back.
  PanelSums tilesOf(ArrayRef<Value> sums);
  PanelSums rowsOf(ArrayRef<Value> tiles);
  /// acc += Σ x · w of four columns, all in tiles.
  void addTiles(Value first, Value x, int64_t column, PanelSums &tiles);
  SmallVector<Value> weightPairs(Value first, int64_t column);
  /// acc += x[column] · w for all rows of the tile.
  void addColumn(Value x, int64_t column, ArrayRef<Value> w, PanelSums &sums);

  KernelBuilder &k;
  const MmaOperands &mma;
  PanelReader reader;
  const mpgemm::PanelLayout &panel;
  int64_t tokens, lanes, vectors;
};

PanelSums FloatPanel::emit(Value panelPointer, Value row0, PanelSums sums) {
  if (sums.empty())
    sums.assign(tokens * vectors, k.zero(k.vec(k.f32(), lanes)));
  if (panel.isFloat())
    return emitElements(panelPointer, row0, sums);
  reader.openPanel(panelPointer);
  int64_t units = panel.unitsPerRecord();
  Value records = k.offset(panelPointer, panel.recordOffset(0));
  // All units of all records, in order: one loop.
  return k.loop(k.i64(0), k.i64(panel.records() * units), 1, sums, [&](Value unit, ValueRange carried) {
    Value record = k.offset(records, k.mul(k.divu(unit, units), panel.recordBytes()));
    Value column = k.mul(unit, panel.unitSpan());
    Value x = k.at(mma.x.pointer, k.f32(), k.add(k.mul(row0, mma.x.stride), column));
    return emitUnit(record, k.remu(unit, units), x, PanelSums(carried.begin(), carried.end()));
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

/// a0 b0 a1 b1 …, or with nothing for b: zeros.
static Value interleave(KernelBuilder &k, Value a, Value b) {
  SmallVector<int64_t> mask;
  for (int64_t lane = 0; lane < KernelBuilder::lanes(a); ++lane)
    mask.append({lane, KernelBuilder::lanes(a) + lane});
  return k.shuffle(a, b ? b : k.zero(a.getType()), mask);
}

/// Numbers that are rounded to the row's type already, so that nothing is lost.
Value FloatPanel::narrowActivations(Value x, int64_t token, int64_t column, int64_t columns) {
  Type narrow = *mma.row->narrow == FloatKind::F16 ? k.f16() : k.bf16();
  Value all;
  for (int64_t i = 0; i < columns; ++i) {
    Value wide = k.load(k.f32(), k.at(x, k.f32(), token * mma.x.stride + column + i)), one;
    if (*mma.row->narrow == FloatKind::BF16) // the upper half, as the lower one is zero
      one = k.splat(k.bitcast(k.trunc(k.shru(k.bitcast(wide, k.i32()), int64_t(16)), k.i16()), narrow), lanes);
    else
      one = k.splat(k.toFloat(wide, narrow), lanes);
    all = all ? interleave(k, all, one) : one;
  }
  return columns < depth() ? interleave(k, all, Value()) : all;
}

void FloatPanel::addNarrow(Value first, Value x, int64_t column, int64_t columns, PanelSums &sums) {
  const NarrowEmitter &emitter = narrowEmitter(*mma.row);
  SmallVector<Value> w;
  for (int64_t v = 0; v < vectors; ++v) {
    w.push_back(reader.narrow(first, column, v));
    if (depth() == 2)
      w[v] = interleave(k, w[v], columns == 2 ? reader.narrow(first, column + 1, v) : Value());
  }
  for (int64_t token = 0; token < tokens; ++token) {
    Value a = narrowActivations(x, token, column, columns);
    for (int64_t v = 0; v < vectors; ++v)
      sums[token * vectors + v] = emitter.multiplyAdd(k, sums[token * vectors + v], w[v], a);
  }
}

PanelSums FloatPanel::tilesOf(ArrayRef<Value> sums) {
  PanelSums tiles;
  for (int64_t token = 0; token < tokens; token += 2)
    for (int64_t v = 0; v < vectors; ++v)
      for (int64_t r = 0; r < lanes; r += 2)
        tiles.push_back(k.shuffle(sums[token * vectors + v], sums[(token + 1) * vectors + v],
                                  {r, r + 1, lanes + r, lanes + r + 1}));
  return tiles;
}

PanelSums FloatPanel::rowsOf(ArrayRef<Value> tiles) {
  PanelSums rows;
  int64_t perVector = lanes / 2;
  for (int64_t token = 0; token < tokens; ++token)
    for (int64_t v = 0; v < vectors; ++v) {
      Value row;
      for (int64_t pair = 0; pair < perVector; ++pair) {
        Value tile = tiles[(token / 2 * vectors + v) * perVector + pair], two = k.slice(tile, token % 2 * 2, 2);
        row = row ? k.concat(row, two) : two;
      }
      rows.push_back(row);
    }
  return rows;
}

/// Four columns of each pair of the panel's rows: a transposition of 8 × 4 numbers at a time.
SmallVector<Value> FloatPanel::weightPairs(Value first, int64_t column) {
  SmallVector<Value> pairs;
  constexpr int64_t kRows = 8;
  for (int64_t row = 0; row < vectors * lanes; row += kRows) {
    SmallVector<Value> columns;
    for (int64_t i = 0; i < 4; ++i)
      columns.push_back(k.load(k.vec(k.i16(), kRows), k.offset(first, panel.elementOffset(column + i, row)), 1));
    for (int64_t half : {0, 4}) {
      auto two = [&](Value a, Value b) {
        Value zipped = k.shuffle(a, b, {half, 8 + half, half + 1, 9 + half, half + 2, 10 + half, half + 3, 11 + half});
        return k.bitcast(zipped, k.vec(k.i32(), 4));
      };
      Value low = two(columns[0], columns[1]), high = two(columns[2], columns[3]);
      pairs.push_back(k.bitcast(k.shuffle(low, high, {0, 4, 1, 5}), k.vec(k.bf16(), kRows)));
      pairs.push_back(k.bitcast(k.shuffle(low, high, {2, 6, 3, 7}), k.vec(k.bf16(), kRows)));
    }
  }
  return pairs;
}

void FloatPanel::addTiles(Value first, Value x, int64_t column, PanelSums &tiles) {
  const NarrowEmitter &emitter = narrowEmitter(*mma.row);
  SmallVector<Value> w = weightPairs(first, column);
  for (int64_t token = 0; token < tokens; token += 2) {
    // A bf16 is the upper half of the f32 that it was rounded to.
    auto halves = [&](int64_t row) {
      Value four = k.load(k.vec(k.f32(), 4), k.at(x, k.f32(), row * mma.x.stride + column), 4);
      return k.bitcast(four, k.vec(k.i16(), 8));
    };
    Value a = k.bitcast(k.shuffle(halves(token), halves(token + 1), {1, 3, 5, 7, 9, 11, 13, 15}), k.vec(k.bf16(), 8));
    for (auto [pair, weights] : llvm::enumerate(w)) {
      Value &tile = tiles[token / 2 * w.size() + pair];
      tile = emitter.multiplyTile(k, tile, weights, a);
    }
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
        if (mma.row->narrow) {
          int64_t columns = std::min(depth(), count - i);
          addNarrow(w0, x, i, columns, next);
          i += columns - 1;
          continue;
        }
        SmallVector<Value> w;
        for (int64_t v = 0; v < vectors; ++v)
          w.push_back(reader.element(w0, i, v));
        addColumn(x, i, w, next);
      }
      return next;
    };
  };
  if (mma.records) // units of at least 32 columns
    return k.loop(k.i64(0), mma.records, kUnroll, sums, columns(kUnroll));
  int64_t whole = panel.k / kUnroll * kUnroll;
  if (whole && mma.row->strip == 2 && tokens % 2 == 0) {
    PanelSums tiles = k.loop(k.i64(0), k.i64(whole), kUnroll, tilesOf(sums), [&](Value column, ValueRange carried) {
      PanelSums next(carried.begin(), carried.end());
      Value w0 = k.offset(panelPointer, k.mul(column, panel.elementOffset(1, 0))), x = k.at(rowX, k.f32(), column);
      for (int64_t i = 0; i < kUnroll; i += mma.row->depth)
        addTiles(w0, x, i, next);
      return next;
    });
    sums = rowsOf(tiles);
  } else if (whole)
    sums = k.loop(k.i64(0), k.i64(whole), kUnroll, sums, columns(kUnroll));
  if (whole < panel.k)
    sums = columns(panel.k - whole)(k.i64(whole), sums);
  return sums;
}

PanelSums FloatPanel::emitUnit(Value record, Value unitIndex, Value x, PanelSums sums) {
  PanelUnit unit = reader.unitAt(record, unitIndex);
  for (int64_t group = 0; group < panel.runsPerUnit(); ++group) {
    SmallVector<Value> scale, minimum;
    for (int64_t v = 0; v < vectors; ++v) {
      scale.push_back(reader.groupScale(record, unit.subScales, group, v));
      minimum.push_back(panel.hasMin ? reader.groupMinimum(record, unit.subMinima, group, v) : Value());
    }
    sums = emitGroup(unit.codes, x, group, scale, minimum, sums);
  }
  return sums;
}

/// The columns of a group in order. Those that lie in one bit field of all planes are walked in a loop.
PanelSums FloatPanel::emitGroup(Value unit, Value x, int64_t group, ArrayRef<Value> scale, ArrayRef<Value> minimum,
                                PanelSums sums) {
  int64_t field = panel.runSpan();
  for (mpgemm::BitPlane plane : panel.planes())
    field = std::min(field, panel.vectorsOf(plane));
  int64_t step = std::min(field, kUnrollCodes);
  for (int64_t first = group * panel.runSpan(); first < (group + 1) * panel.runSpan(); first += field)
    sums = k.loop(k.i64(0), k.i64(field), step, sums, [&](Value column, ValueRange carried) {
      PanelSums next(carried.begin(), carried.end());
      Value codes = k.offset(unit, k.mul(column, panel.vectorBytes()));
      for (int64_t i = 0; i < step; ++i) {
        SmallVector<Value> w;
        for (auto [v, numbers] :
             llvm::enumerate(reader.numbersOfRows(k.offset(codes, i * panel.vectorBytes()), first, vectors)))
          w.push_back(reader.decode(numbers, scale[v], minimum[v]));
        addColumn(k.at(x, k.f32(), column), first + i, w, next);
      }
      return next;
    });
  return sums;
}

} // namespace

PanelSums accumulateFloat(KernelBuilder &k, const MmaOperands &mma, Value panel, Value row0, int64_t tokens,
                          PanelSums sums) {
  return FloatPanel(k, mma, tokens).emit(panel, row0, std::move(sums));
}

} // namespace nibble
