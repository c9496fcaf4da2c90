//===- PanelScales.cpp - scales and minima of a packed weight -------------===//
//
// See PanelReader.h: where they lie, and as floats.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/PanelReader.h"

#include <cmath>

using namespace mlir;

namespace nibble {

/// 2^(code - 127 - unit) of bytes, denormals included.
static Value exponentsToFloats(KernelBuilder &k, Value codes, unsigned unit) {
  Value exponent = k.sub(k.zext(codes, k.i32()), int64_t(unit));
  Value isNormal = k.cmp(KernelBuilder::ICmp::sgt, exponent, k.zero(exponent.getType()));
  Value shift = k.sub(k.zero(exponent.getType()), k.mins(exponent, 0));
  Value denormal = k.shru(k.constant(exponent.getType(), int64_t(0x00400000)), shift);
  Value bits = k.select(isNormal, k.shl(exponent, 23), denormal);
  return k.bitcast(bits, KernelBuilder::withElement(bits.getType(), k.f32()));
}

/// 2^-unit times the float with exponent and mantissa of E4M3, exact for denormals, and 0 for code 0x7f.
static Value unsignedE4M3ToFloats(KernelBuilder &k, Value codes, unsigned unit) {
  Value code = k.zext(codes, k.i32());
  Value isZero = k.cmp(KernelBuilder::ICmp::eq, code, k.constant(code.getType(), int64_t(0x7f)));
  // As a float's exponent and mantissa the bits mean 2^-120 of what they mean here.
  Value bits = k.shl(k.bitAnd(code, 0x7f), 20);
  Value scaled = k.bitcast(bits, KernelBuilder::withElement(bits.getType(), k.f32()));
  Value value = k.mulf(scaled, k.constant(scaled.getType(), std::ldexp(1.0, 120 - int(unit))));
  return k.select(isZero, k.zero(value.getType()), value);
}

Value PanelReader::floats(Value pointer, FloatKind kind, unsigned unit) {
  Value value;
  switch (kind) {
  case FloatKind::E8M0:
    return exponentsToFloats(k, k.load(k.vec(k.i8(), lanes), pointer, 1), unit);
  case FloatKind::UE4M3:
    return unsignedE4M3ToFloats(k, k.load(k.vec(k.i8(), lanes), pointer, 1), unit);
  case FloatKind::BF16: // the upper half of an f32; LLVM converts long vectors of SVE one by one
    value = k.bitcast(k.shl(k.zext(k.load(k.vec(k.i16(), lanes), pointer, 1), k.i32()), 16), k.vec(k.f32(), lanes));
    break;
  case FloatKind::F16:
  case FloatKind::F32:
    Type element = kind == FloatKind::F32 ? k.f32() : k.f16();
    value = k.toFloat(k.load(k.vec(element, lanes), pointer, 1), k.f32());
  }
  return unit ? k.mulf(value, k.constant(value.getType(), std::ldexp(1.0, -int(unit)))) : value;
}

Value PanelReader::integers(Value pointer, bool isSigned) {
  Value bytes = k.load(k.vec(k.i8(), lanes), pointer, 1);
  return isSigned ? k.sext(bytes, k.i32()) : k.zext(bytes, k.i32());
}

Value PanelReader::scale(Value record, int64_t s, int64_t v) {
  return floats(k.offset(record, panel.scaleOffset(s, v * lanes)), panel.scaleKind, block.getCode().unit());
}

Value PanelReader::minimum(Value record, int64_t s, int64_t v) {
  return floats(k.offset(record, panel.minOffset(s, v * lanes)), panel.scaleKind);
}

Value PanelReader::subScale(Value base, int64_t group, int64_t v) {
  return integers(k.offset(base, group * panel.nr + v * lanes), block.getScale().sub.isSigned);
}

Value PanelReader::subScaleBytes(Value base, int64_t group, int64_t v) {
  return ofQuads(k.load(k.vec(k.i8(), lanes), k.offset(base, group * panel.nr + v * lanes), 1));
}

Value PanelReader::subMinimum(Value base, int64_t group, int64_t v) {
  return integers(k.offset(base, group * panel.nr + v * lanes), block.getZero().min.sub.isSigned);
}

PanelUnit PanelReader::unitAt(Value record, Value index) const {
  PanelUnit unit;
  Value at = k.offset(record, k.mul(index, panel.unitBytes()));
  unit.codes = k.offset(at, panel.codesOffset());
  if (!panel.isTwoLevel())
    return unit;
  unit.subScales = k.offset(at, panel.subScaleOffset());
  if (panel.hasMin)
    unit.subMinima = k.offset(at, panel.subMinOffset());
  return unit;
}

Value PanelReader::groupScale(Value record, Value subScales, int64_t group, int64_t v) {
  Value d = scale(record, panel.isTwoLevel() ? 0 : group, v);
  return subScales ? k.mulf(d, k.intToFloat(subScale(subScales, group, v), k.f32())) : d;
}

Value PanelReader::groupMinimum(Value record, Value subMinima, int64_t group, int64_t v) {
  Value m = minimum(record, panel.isTwoLevel() ? 0 : group, v);
  return subMinima ? k.mulf(m, k.intToFloat(subMinimum(subMinima, group, v), k.f32())) : m;
}

Value PanelReader::decode(Value numbers, Value scale, Value minimum) const {
  Value value = k.mulf(scale, numbers);
  if (!minimum)
    return value;
  return panel.isTwoLevel() ? k.subf(value, minimum) : k.addf(value, minimum);
}

Value PanelReader::element(Value columns, int64_t column, int64_t v) {
  return floats(k.offset(columns, panel.elementOffset(column, v * lanes)), panel.element);
}

Value PanelReader::narrow(Value columns, int64_t column, int64_t v) {
  Type type = panel.element == FloatKind::F16 ? k.f16() : k.bf16();
  return k.load(k.vec(type, lanes), k.offset(columns, panel.elementOffset(column, v * lanes)), 1);
}

} // namespace nibble
