//===- PanelReader.cpp - reading a packed weight in a kernel --------------===//
//
// See PanelReader.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/PanelReader.h"

#include "codegen/Targets/DotEmitter.h"

using namespace mlir;

namespace nibble {

PanelReader::PanelReader(KernelBuilder &k, mpgemm::LayoutAttr attr, int64_t lanes,
                         const DotEmitter *emitter)
    : k(k), panel(attr.getPanelLayout()), block(dyn_cast<lowbit::BlockType>(attr.getElement())), lanes(lanes),
      emitter(emitter) {
  if (!block)
    return;
  codeRange.bits = panel.codeBits;
  codeRange.offset = block.getZeroPoint();
  if (panel.codeBits == 8) {
    // Stored xor 128, signed bytes are unsigned ones that are 128 larger, and the other way round.
    codeRange.isSigned = panel.codeSigned != (panel.bias != 0);
    if (panel.bias)
      codeRange.offset += panel.codeSigned ? 128 : -128;
  } else if (panel.codeSigned) {
    codeRange.offset += int64_t(1) << (panel.codeBits - 1);
  }
}

/// A plane's bits of a quad, brought to where the code wants them from bit `toBit` on; eight bits come as they are.
Value PanelReader::field(Value unit, mpgemm::BitPlane plane, int64_t quad, int64_t v, int64_t toBit) {
  mpgemm::CodeLocation location = panel.locate(plane, quad * panel.kr, v * lanes);
  Value bits = k.load(k.vec(k.i8(), lanes * panel.kr), k.offset(unit, location.offset), 1);
  if (plane.width == 8)
    return bits;
  // One shift brings the field to its place, one mask drops its neighbours.
  int64_t left = toBit - int64_t(location.shift);
  bits = left > 0 ? k.shl(bits, left) : k.shru(bits, -left);
  return k.bitAnd(bits, ((int64_t(1) << plane.width) - 1) << toBit);
}

Value PanelReader::quad(Value unit, int64_t quad, int64_t v) {
  mpgemm::BitPlanes planes = panel.planes();
  mpgemm::CodeLocation low = panel.locate(planes[0], quad * panel.kr, v * lanes);
  // A nibble under other planes: the emitter joins them.
  bool joins = emitter && planes[0].width == 4 && planes.size() > 1, upper = low.shift == 4;
  Value codes;
  for (unsigned i = joins; i < planes.size(); ++i) {
    Value bits = field(unit, planes[i], quad, v, planes[i].firstBit - (joins && !upper ? 4 : 0));
    codes = codes ? k.bitOr(codes, bits) : bits;
  }
  if (joins)
    codes = emitter->joinNibble(k, codes, k.load(k.vec(k.i8(), lanes * panel.kr), k.offset(unit, low.offset), 1), upper);
  // Two's complement becomes offset binary.
  return panel.codeSigned && panel.codeBits < 8 ? k.bitXor(codes, int64_t(1) << (panel.codeBits - 1)) : codes;
}

Value PanelReader::floats(Value pointer, FloatKind kind) {
  Type element = kind == FloatKind::F32 ? k.f32() : kind == FloatKind::F16 ? k.f16() : k.bf16();
  return k.toFloat(k.load(k.vec(element, lanes), pointer, 1), k.f32());
}

Value PanelReader::integers(Value pointer, bool isSigned) {
  Value bytes = k.load(k.vec(k.i8(), lanes), pointer, 1);
  return isSigned ? k.sext(bytes, k.i32()) : k.zext(bytes, k.i32());
}

Value PanelReader::scale(Value record, int64_t s, int64_t v) {
  return floats(k.offset(record, panel.scaleOffset(s, v * lanes)), panel.scaleKind);
}

Value PanelReader::minimum(Value record, int64_t s, int64_t v) {
  return floats(k.offset(record, panel.minOffset(s, v * lanes)), panel.scaleKind);
}

Value PanelReader::subScale(Value base, int64_t group, int64_t v) {
  return integers(k.offset(base, group * panel.nr + v * lanes), block.getScale().sub.isSigned);
}

Value PanelReader::subMinimum(Value base, int64_t group, int64_t v) {
  return integers(k.offset(base, group * panel.nr + v * lanes), block.getZero().min.sub.isSigned);
}

Value PanelReader::element(Value columns, int64_t column, int64_t v) {
  return floats(k.offset(columns, panel.elementOffset(column, v * lanes)), panel.element);
}

} // namespace nibble
