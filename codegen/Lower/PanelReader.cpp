//===- PanelReader.cpp - reading a packed weight in a kernel --------------===//
//
// See PanelReader.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/PanelReader.h"

using namespace mlir;

namespace nibble {

PanelReader::PanelReader(KernelBuilder &k, mpgemm::LayoutAttr attr, int64_t lanes)
    : k(k), panel(attr.getPanelLayout()), block(dyn_cast<lowbit::BlockType>(attr.getElement())), lanes(lanes) {
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

Value PanelReader::quad(Value unit, int64_t quad, int64_t v) {
  Type bytes = k.vec(k.i8(), lanes * panel.kr);
  Value codes;
  for (mpgemm::BitPlane plane : panel.planes()) {
    mpgemm::CodeLocation location = panel.locate(plane, quad * panel.kr, v * lanes);
    Value bits = k.load(bytes, k.offset(unit, location.offset), 1);
    if (plane.width == 8)
      return bits;
    // One shift brings the field to where the code wants it, one mask drops its neighbours.
    int64_t left = int64_t(plane.firstBit) - int64_t(location.shift);
    bits = left > 0 ? k.shl(bits, left) : k.shru(bits, -left);
    bits = k.bitAnd(bits, ((int64_t(1) << plane.width) - 1) << plane.firstBit);
    codes = codes ? k.bitOr(codes, bits) : bits;
  }
  // Two's complement becomes offset binary.
  return panel.codeSigned ? k.bitXor(codes, int64_t(1) << (panel.codeBits - 1)) : codes;
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
