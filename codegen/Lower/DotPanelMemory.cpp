//===- DotPanelMemory.cpp - sums of a tile that wait in memory -------------===//
//
// See DotPanel.h. A tile has sums in f32, beside them integer sums of a run, and with integer scales of groups below
// 32 columns the integer sums of a span. Where that is more than the registers hold:
//
//   f32 sums            in memory: read and written once a span, as an operand of the multiply-add
//   sums of a span      in memory from one run to the next one
//   sums of a run       in registers
//
// Left to LLVM the f32 sums would wait on the stack, too, but as results of a loop, loaded and stored by
// instructions of their own, and what else is spilled would be its choice.
//
//===----------------------------------------------------------------------===//

#include "codegen/Intrinsics/RowCost.h"
#include "codegen/Lower/DotPanel.h"

using namespace mlir;

namespace nibble {

/// Strips of pairs of rows beside whose sums of a super block those of the panel find no registers.
constexpr int64_t kWaitingStrips = 4;

/// Whether a tile's f32 sums, integer sums of a span and of a run, and what a step multiplies are as many as there are
/// registers: two weights a vector and two activations, and a run's scales. A run in parts has sums of a part beside
/// its own. Bytes with a sign take two more for each weight, their magnitude and the activations with their sign. Where
/// sums of a run take two registers each, a tile that unpacks its codes leaves none for tables and bits of several
/// planes.
bool DotPanel::sumsWait() const {
  if (!emitter || tokens == 1 || passesStrips() || !emitter->registers())
    return false;
  int64_t sums = tokens * mma.vectors, weights = kStepQuads * mma.vectors;
  int64_t operands = (dot.codes.isSigned ? 2 * weights : weights) + kStepQuads;
  if (emitter->quadsTogether(dot) > 1 || multipliesPieces()) // words of a step's products, and what widens them
    operands += 2;
  int64_t ofRun = sums;
  if (emitter->registersOfSum() > 1 && !readsBytes()) {
    ofRun *= emitter->registersOfSum();
    operands += int64_t(panel.planes().size()) - 1 + reader.looksUp();
  }
  bool unpacks = groups > 1 && !readsBytes(); // whose codes take what scales of runs would
  bool doubled = sumsParts() || groups > 1;
  int64_t waiting = runs > 1 || unpacks ? 2 * sums + mma.vectors : doubled ? 2 * sums : sums;
  return ofRun + waiting + operands >= emitter->registers();
}

/// Whether those of the panel alone wait: while a super block passes by nothing is added to them, but of so many LLVM
/// would move some between registers and the stack at each record.
/// A row alone has as many for each vector, on rows of pairs. Where minima have a sum, too, these three and the integer
/// one would fill the registers, and LLVM would copy those of the panel to the stack before each super block.
bool DotPanel::panelSumsWait() const {
  bool isCrowded = passesPairs() ? tokens == 1 || strips() >= kWaitingStrips
                                 : countsInSpans() && 4 * strips() * mma.vectors >= emitter->registers();
  return scalesBlocks && isCrowded;
}

SumPlace DotPanel::waiting(const SumPlace &place) const {
  if (sumsWait())
    return place;
  return panelSumsWait() ? SumPlace{place.sums, {}, {}} : SumPlace();
}

PanelSums DotPanel::emitWaiting(Value panelPointer, Value row0) {
  storeTile(Tile(strips() * mma.vectors, k.zero(k.vec(k.f32(), dot.sums()))), mma.memory.sums);
  emit(panelPointer, row0, {});
  return loadTile(mma.memory.sums, k.f32());
}

/// Adds what was summed up before, and waits in memory or in registers.
void DotPanel::addTotals(ArrayRef<Value> totals, Tile &sums, bool wait) {
  Tile before = wait ? loadTile(emitter->afterSums(k, memory.totals, sums), k.i32()) : Tile(totals);
  for (auto [sum, other] : llvm::zip_equal(sums, before))
    sum = k.add(other, sum);
}

/// A tile's sums from memory, and to memory.
DotPanel::Tile DotPanel::loadTile(Value pointer, Type element) {
  Tile sums;
  for (int64_t i = 0; i < strips() * mma.vectors; ++i)
    sums.push_back(k.load(k.vec(element, dot.sums()), k.at(pointer, element, i * dot.sums())));
  return sums;
}
void DotPanel::storeTile(ArrayRef<Value> sums, Value pointer) {
  for (auto [i, sum] : llvm::enumerate(sums))
    k.store(sum, k.offset(pointer, int64_t(i) * dot.sums() * 4));
}

SumPlace placeOfSums(KernelBuilder &k, const InstructionRow &row) {
  int64_t lanes = row.tile * row.tileVectors * row.lanes;
  SumPlace place = {k.stack(k.f32(), lanes), k.stack(k.i32(), lanes), {}};
  if (scalesSuperBlocks(row, SuperBlocks::Folded))
    place.blockSums = k.stack(k.f32(), lanes);
  return place;
}

SumPlace waitingSums(KernelBuilder &k, const MmaOperands &mma, int64_t tokens, const SumPlace &place) {
  return DotPanel(k, mma, tokens).waiting(place);
}

PanelSums sumTile(KernelBuilder &k, MmaOperands mma, const SumPlace &memory, Value panel, Value row0, int64_t tokens) {
  if (!mma.row->isInteger())
    return accumulateFloat(k, mma, panel, row0, tokens);
  if (memory.sums)
    mma.memory = waitingSums(k, mma, tokens, memory);
  DotPanel of(k, mma, tokens);
  return of.rowsOf(mma.memory.sums ? of.emitWaiting(panel, row0) : of.emit(panel, row0, {}));
}

} // namespace nibble
