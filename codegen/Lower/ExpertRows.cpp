//===- ExpertRows.cpp - the rows of an expert, one behind the other -------===//
//
// See ExpertRows.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/ExpertRows.h"

#include "codegen/Lower/ActivationPlace.h"
#include "codegen/Lower/RowBuffer.h"

#include "llvm/ADT/bit.h"

using namespace mlir;

namespace nibble {

/// Rows of an expert that are taken at once: few rows of a chunk choose the same one.
constexpr int64_t kRowsCopied = 32;
/// What copies may take of a thread's stack (runtime/threads/Team.h), with which 32 rows of 2048 codes fit.
constexpr int64_t kStackBytes = 96 << 10;

static bool isLookup(const MmaOperands &mma) { return mma.row->kind == RowKind::Lookup; }

/// Whether copies of activations lie in pairs.
static bool passesPairs(const MmaOperands &mma) { return mma.row->kind == RowKind::Dot && mma.row->strip > 1; }

/// Bytes of a row of activations with its scales and sums, of which interleaved rows have two of each.
static int64_t bytesOfRow(const MmaOperands &mma) {
  int64_t k = mma.layout.getK(), each = passesPairs(mma) ? 8 : 4;
  return mma.row->isInteger() ? k + each * (k / mma.activationGroup + k / mma.sumGroup) : 4 * k;
}

/// So many rows in tiles of this size; pairs have tiles of half the size, too, where there are fewer.
static int64_t tileOf(const MmaOperands &mma, int64_t rows) {
  return passesPairs(mma) ? std::min<int64_t>(mma.row->tile, llvm::bit_floor(uint64_t(rows))) : mma.row->tile;
}

int64_t ExpertRows::together(const MmaOperands &mma, int64_t rows) {
  int64_t most = std::min(kRowsCopied, rows);
  if (!isLookup(mma))
    most = std::min(most, kStackBytes / bytesOfRow(mma));
  if (most < 2)
    return 0;
  int64_t tile = tileOf(mma, most), whole = most / tile * tile;
  return whole > 1 ? whole : 0;
}

ExpertRows::ExpertRows(KernelBuilder &k, const MmaOperands &from, const ExpertOperands &operands, int64_t together)
    : k(k), operands(operands), most(together), mma(from), panelLayout(from.layout.getPanelLayout()),
      tile(tileOf(from, together)), order{from.layout.getK()} {
  numbers = k.stack(k.i32(), most), next = k.stack(k.i64(), 1), count = k.stack(k.i64(), 1);
  if (isLookup(mma)) {
    mma.ahead = 0; // a panel is multiplied with row after row
    return;
  }
  if (passesPairs(mma))
    order.interleaved = mma.interleaved = mpgemm::ActivationLayout::blockOf(most, mma.row->strip, tile);
  allocateCopies();
  if (AheadPanel::suits(mma, most))
    ahead.emplace(k, mma, most);
  if (WholePanel::suits(k, mma, most, tile))
    whole.emplace(k, mma, most, tile);
  if (!ahead && mma.row->isInteger())
    waiting = placeOfSums(k, *mma.row);
}

void ExpertRows::allocateCopies() {
  int64_t columns = mma.layout.getK(), blocks = order.blocks(most);
  auto copied = [&](RowMatrix &matrix, Type type, int64_t group, int64_t elements) {
    matrices.push_back({matrix, &matrix, type, group});
    matrix = {k.stack(type, elements), columns / group};
  };
  if (!mma.row->isInteger())
    return copied(mma.x, k.f32(), 1, most * columns);
  copied(mma.x, k.i8(), 1, blocks * order.codesOfBlock());
  copied(mma.scales, k.f32(), mma.activationGroup, blocks * order.numbersOfBlock(mma.activationGroup));
  copied(mma.sums, k.i32(), mma.sumGroup, blocks * order.numbersOfBlock(mma.sumGroup));
}

void ExpertRows::emit(Value rows, Value tid, Value nthreads) {
  int64_t places = panelLayout.panels() / operands.experts;
  auto [low, high] = k.share(k.i64(places), tid, nthreads);
  k.loop(k.i64(0), k.i64(operands.experts), 1, [&, low = low, high = high](Value expert) {
    k.store(k.i64(0), next);
    k.ifThen(k.slt(k.i64(0), rows), [&] {
      k.repeat({}, [&](ValueRange) -> std::pair<Value, KernelBuilder::Values> {
        gather(expert, rows);
        k.ifThen(k.slt(k.i64(0), k.load(k.i64(), count)), [&] {
          if (ahead)
            ahead->prepare(k.load(k.i64(), count));
          if (whole)
            whole->prepare(k.load(k.i64(), count));
          k.loop(low, high, 1, [&](Value place) {
            Value index = k.add(k.mul(expert, places), place);
            multiply(k.offset(operands.weight, k.mul(index, panelLayout.panelBytes())), place);
          });
        });
        return {k.slt(k.load(k.i64(), next), rows), {}};
      });
    });
  });
}

/// Copies the rows that chose the expert, from `next` on, as many as there is room for.
void ExpertRows::gather(Value expert, Value rows) {
  k.store(k.i64(0), count);
  k.repeat({}, [&](ValueRange) -> std::pair<Value, KernelBuilder::Values> {
    Value row = k.load(k.i64(), next), found = k.load(k.i64(), count);
    Value chosen = k.zext(k.load(k.i32(), k.at(operands.chosen, k.i32(), row)), k.i64());
    k.ifThen(k.eq(chosen, expert), [&] {
      copyRow(row, found);
      k.store(k.add(found, 1), count);
    });
    row = k.add(row, 1);
    k.store(row, next);
    return {k.bitAnd(k.slt(row, rows), k.slt(k.load(k.i64(), count), k.i64(most))), {}};
  });
}

void ExpertRows::copyRow(Value row, Value place) {
  k.store(k.trunc(row, k.i32()), k.at(numbers, k.i32(), place));
  Value source = k.divu(row, operands.perRow);
  for (const Gathered &matrix : matrices) {
    Value from = k.at(matrix.from.pointer, matrix.type, k.mul(source, matrix.from.stride));
    if (!order.isInterleaved())
      copyPlain(matrix, from, place);
    else if (matrix.group == 1)
      copyCodes(matrix, from, place);
    else
      copyNumbers(matrix, from, place);
  }
}

void ExpertRows::copyPlain(const Gathered &matrix, Value from, Value place) {
  Value to = k.at(matrix.to->pointer, matrix.type, k.mul(place, matrix.to->stride));
  forEachPiece(k, matrix.to->stride, [&](Value offset, int64_t lanes) {
    Type type = lanes == 1 ? matrix.type : Type(k.vec(matrix.type, lanes));
    k.store(k.load(type, k.at(from, matrix.type, offset)), k.at(to, matrix.type, offset));
  });
}

/// Integers have whole spans of 32 columns.
void ExpertRows::copyCodes(const Gathered &matrix, Value from, Value place) {
  constexpr int64_t kStep = mpgemm::ActivationLayout::kStepColumns, kSpan = mpgemm::ActivationLayout::kSpan;
  k.loop(k.i64(0), k.i64(order.columns), kSpan, [&](Value column) {
    Value to = placeOfCodes(k, order, matrix.to->pointer, place, column);
    for (int64_t step = 0; step < kSpan / kStep; ++step) {
      Value codes = k.load(k.vec(k.i8(), kStep), k.offset(from, k.add(column, step * kStep)));
      k.store(codes, k.offset(to, step * mpgemm::ActivationLayout::kStepBytes));
    }
  });
}

void ExpertRows::copyNumbers(const Gathered &matrix, Value from, Value place) {
  k.loop(k.i64(0), k.i64(order.columns / matrix.group), 1, [&](Value index) {
    Value number = k.load(matrix.type, k.at(from, matrix.type, index));
    Value to = placeOfNumber(k, order, matrix.to->pointer, matrix.type, place, index, matrix.group, matrix.to->stride);
    k.store(k.splat(number, 2), to);
  });
}

/// Which row of the result a copy is for.
Value ExpertRows::numberOf(Value copy) { return k.zext(k.load(k.i32(), k.at(numbers, k.i32(), copy)), k.i64()); }

/// All copies with one panel.
void ExpertRows::multiply(Value panel, Value place) {
  Value rows = k.load(k.i64(), count), done = k.i64(0);
  if (ahead)
    return ahead->emit(panel, rows,
                       [&](ArrayRef<Value> sums, Value row0, int64_t tokens, int64_t first, int64_t vectors) {
                         storeTile(sums, place, row0, tokens, k.i64(first), vectors);
                       });
  if (whole)
    done = whole->emit(panel, rows, waiting, [&](ArrayRef<Value> sums, Value row0, int64_t tokens, Value vector) {
      storeTile(sums, place, row0, tokens, vector, 1);
    });
  for (int64_t tokens = whole ? tile / 2 : std::min(most, tile); tokens > 0; tokens /= 2) {
    Value end = tokens == 1 ? rows : k.add(done, k.mul(k.divu(k.sub(rows, done), tokens), tokens));
    k.loop(done, end, tokens, [&](Value row0) { multiplyTile(mma, panel, place, row0, tokens); });
    done = end;
  }
}

void ExpertRows::multiplyTile(MmaOperands of, Value panel, Value place, Value row0, int64_t tokens) {
  Value x = isLookup(of) ? k.divu(numberOf(row0), operands.perRow) : row0;
  of.vectors = vectorsTogether(of, tokens);
  for (of.firstVector = 0; of.firstVector < of.row->vectors; of.firstVector += of.vectors)
    storeTile(sumTile(k, of, waiting, panel, x, tokens), place, row0, tokens, k.i64(of.firstVector), of.vectors);
}

/// An expert has whole panels: nothing is ragged.
void ExpertRows::storeTile(ArrayRef<Value> sums, Value place, Value row0, int64_t tokens,
                           Value first, int64_t vectors) {
  int64_t lanes = mma.row->lanes;
  for (int64_t token = 0; token < tokens; ++token) {
    Value row = numberOf(k.add(row0, token));
    Value column = k.add(k.add(k.mul(row, operands.outStride), k.mul(place, panelLayout.nr)), k.mul(first, lanes));
    for (int64_t v = 0; v < vectors; ++v)
      k.store(sums[token * vectors + v], k.at(k.at(operands.out, k.f32(), column), k.f32(), v * lanes));
  }
}

} // namespace nibble
