//===- DotPanelInPlace.cpp - products with codes in their bytes -----------===//
//
// See DotPanel.h. Codes of one and two bits that few rows are multiplied with stay in the bit field of the byte where
// they lie: the quads of a field take one mask, and its sums are 2^height times what they should be (CodeFields.h).
//
//===----------------------------------------------------------------------===//

#include "codegen/Intrinsics/CodesInPlace.h"
#include "codegen/Lower/DotPanel.h"

using namespace mlir;

namespace nibble {

bool DotPanel::staysInPlace() const {
  return emitter && tokens <= emitter->rowsInPlace() && !mma.range && reader.step() &&
         multipliesInPlace(*mma.row, panel);
}

/// The bits by which the sums of the run at `column` are too high when they become floats, which takes that away for
/// free.
unsigned DotPanel::leftHeight(int64_t column) const {
  if (!staysInPlace() || runs > 1 || !emitter->scalesSums())
    return 0;
  return codeFields(fieldKind(), column / panel.kr, dot.quads).back().height;
}

/// A quad's bytes: its codes in their bit field, `height` bits above the lowest, or the numbers as they are.
Value DotPanel::codesOf(Value codes, int64_t quad, int64_t v, unsigned height) {
  int64_t vector = mma.firstVector + v;
  return height ? reader.codesInPlace(codes, quad, vector) : reader.quad(codes, quad, vector);
}

/// Sums of a run in the emitter's form, times 2^leftHeight.
DotPanel::Tile DotPanel::multiplyInPlace(const Unit &unit, int64_t column, ArrayRef<Value> ofCodes,
                                         ArrayRef<DotRun> of) {
  FieldRun fields{codeFields(fieldKind(), column / panel.kr, dot.quads), column, {}};
  for (int64_t strip = 0; strip < strips(); ++strip)
    fields.operands.push_back(activations.operands(activations.codes(unit.x, column), strip, dot.quads, 1));
  Tile dots(strips() * mma.vectors);
  Value codes = unit.codes;
  for (int64_t v = 0; v < mma.vectors; ++v) {
    Tile sums = multiplyFields(fields, codes, v, ofCodes, of[v]);
    for (int64_t strip = 0; strip < strips(); ++strip)
      dots[strip * mma.vectors + v] = sums[strip];
    if (fields.fields.size() > 1 && emitter->walksInLoop() && emitter->ordersScales()) // or all sums wait for shifts
      codes = emitter->afterSums(k, codes, sums[0]);
  }
  return dots;
}

/// A vector's sums of each strip, field after field from the highest on.
DotPanel::Tile DotPanel::multiplyFields(const FieldRun &run, Value codes, int64_t v, ArrayRef<Value> ofCodes,
                                        DotRun of) {
  ArrayRef<CodeField> fields = run.fields;
  of.codes.offset = dot.codes.offset << fields.front().height;
  Tile sums;
  for (int64_t strip = 0; strip < strips(); ++strip)
    sums.push_back(emitter->start(k, of, ofCodes[strip]));
  for (auto [index, field] : llvm::enumerate(fields)) {
    of.codes.bits = dot.codes.bits + field.height;
    multiplyField(run, field, codes, v, of, sums);
    unsigned next = index + 1 < fields.size() ? fields[index + 1].height : leftHeight(run.column);
    for (Value &sum : sums)
      sum = k.shrs(sum, int64_t(field.height - next));
  }
  return sums;
}

/// The quads of a field.
void DotPanel::multiplyField(const FieldRun &run, const CodeField &field, Value codes, int64_t v, const DotRun &of,
                             Tile &sums) {
  size_t together = size_t(emitter->quadsTogether(of));
  for (ArrayRef<int64_t> left = field.quads; !left.empty(); left = left.drop_front(std::min(together, left.size()))) {
    ArrayRef<int64_t> quads = left.take_front(together);
    Tile w;
    for (int64_t quad : quads)
      w.push_back(codesOf(codes, quad, v, field.height));
    for (int64_t strip = 0; strip < strips(); ++strip) {
      Tile x;
      for (int64_t quad : quads)
        x.push_back(run.operands[strip][quad - run.column / panel.kr]);
      sums[strip] = emitter->multiply(k, of, sums[strip], w, x);
    }
  }
}

} // namespace nibble
