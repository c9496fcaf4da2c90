//===- ExpertRows.cpp - the rows of an expert, one behind the other -------===//
//
// See ExpertRows.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/ExpertRows.h"

#include "codegen/Lower/RowBuffer.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace nibble {

/// Rows whose activations are copied at once, and which share the unpacking of a panel: few rows of a chunk choose the same
/// expert.
constexpr int64_t kRowsCopied = 32;
/// What copies may take of a thread's stack (runtime/threads/Team.h), with which 32 rows of 2048 codes fit.
constexpr int64_t kStackBytes = 96 << 10;

/// Bytes of a row of activations with its scales and sums.
static int64_t bytesOfRow(const MmaOperands &mma) {
  int64_t k = mma.layout.getK();
  return mma.row->isInteger() ? k + 4 * (k / mma.activationGroup + k / mma.sumGroup) : 4 * k;
}

int64_t ExpertRows::together(const MmaOperands &mma, int64_t rows) {
  // Rows of strips lie interleaved, and a look-up has one row.
  if (mma.row->kind == RowKind::Lookup || mma.row->strip > 1)
    return 0;
  int64_t most = std::min({kRowsCopied, kStackBytes / bytesOfRow(mma), rows});
  int64_t whole = most / mma.row->tile * mma.row->tile;
  return whole > 1 ? whole : 0;
}

Value ExpertRows::allocate(int64_t bytes) {
  return LLVM::AllocaOp::create(k.builder(), k.location(), k.ptr(), k.i8(), k.i64(bytes), /*alignment=*/64);
}

ExpertRows::ExpertRows(KernelBuilder &k, const MmaOperands &from, const ExpertOperands &operands, int64_t together)
    : k(k), operands(operands), most(together), mma(from), panelLayout(from.layout.getPanelLayout()) {
  int64_t columns = mma.layout.getK();
  auto copied = [&](RowMatrix &matrix, Type type, int64_t width) {
    matrices.push_back({matrix, &matrix, type});
    matrix = {allocate(most * width * type.getIntOrFloatBitWidth() / 8), width};
  };
  copied(mma.x, mma.row->isInteger() ? k.i8() : k.f32(), columns);
  if (mma.row->isInteger()) {
    copied(mma.scales, k.f32(), columns / mma.activationGroup);
    copied(mma.sums, k.i32(), columns / mma.sumGroup);
  }
  numbers = allocate(4 * most), next = allocate(8), count = allocate(8);
  if (AheadPanel::suits(mma, most))
    ahead.emplace(k, mma);
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
    Value to = k.at(matrix.to->pointer, matrix.type, k.mul(place, matrix.to->stride));
    forEachPiece(k, matrix.to->stride, [&](Value offset, int64_t lanes) {
      Type type = lanes == 1 ? matrix.type : Type(k.vec(matrix.type, lanes));
      k.store(k.load(type, k.at(from, matrix.type, offset)), k.at(to, matrix.type, offset));
    });
  }
}

/// All copies with one panel.
void ExpertRows::multiply(Value panel, Value place) {
  Value rows = k.load(k.i64(), count), done = k.i64(0);
  if (ahead)
    return ahead->emit(panel, rows, [&](ArrayRef<Value> sums, Value row0, int64_t tokens, int64_t first,
                                        int64_t vectors) { storeTile(sums, place, row0, tokens, first, vectors); });
  for (int64_t tile = std::min(most, mma.row->tile); tile > 0; tile /= 2) {
    Value end = tile == 1 ? rows : k.add(done, k.mul(k.divu(k.sub(rows, done), tile), tile));
    k.loop(done, end, tile, [&](Value row0) {
      MmaOperands of = mma;
      of.vectors = tile > 1 && mma.row->isInteger() ? mma.row->tileVectors : mma.row->vectors;
      for (of.firstVector = 0; of.firstVector < mma.row->vectors; of.firstVector += of.vectors) {
        PanelSums sums = mma.row->isInteger() ? dotRows(k, of, tile, accumulateDot(k, of, panel, row0, tile))
                                              : accumulateFloat(k, of, panel, row0, tile);
        storeTile(sums, place, row0, tile, of.firstVector, of.vectors);
      }
    });
    done = end;
  }
}

/// An expert has whole panels: nothing is ragged.
void ExpertRows::storeTile(ArrayRef<Value> sums, Value place, Value row0, int64_t tokens, int64_t first,
                           int64_t vectors) {
  int64_t lanes = mma.row->lanes;
  for (int64_t token = 0; token < tokens; ++token) {
    Value row = k.zext(k.load(k.i32(), k.at(numbers, k.i32(), k.add(row0, token))), k.i64());
    Value column = k.add(k.add(k.mul(row, operands.outStride), k.mul(place, panelLayout.nr)), first * lanes);
    for (int64_t v = 0; v < vectors; ++v)
      k.store(sums[token * vectors + v], k.at(k.at(operands.out, k.f32(), column), k.f32(), v * lanes));
  }
}

} // namespace nibble
