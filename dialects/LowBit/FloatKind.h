//===- FloatKind.h - the float formats that scales and weights use -------===//
//
// What: an enumeration of the float formats that occur as scales (all of them)
// or as plain weights (F16, BF16, F32), their widths, and exact conversions to
// `float`.
// Why: the format table, the packed layout, the packer and the oracle all need
// them, and none of those should need MLIR for it.
// Contract: toFloat() is exact for every finite value, zero, denormal and
// infinity; a NaN stays a NaN with its sign and payload bits, made quiet.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_FLOATKIND_H
#define NIBBLE_DIALECTS_LOWBIT_FLOATKIND_H

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace nibble {

enum class FloatKind : uint8_t {
  F16,
  BF16,
  F32,
  E8M0,  ///< Eight bits of exponent: 2^(code - 127). OCP MX v1.0.
  UE4M3, ///< E4M3 without a sign; code 0x7f is 0, as ggml has it.
};

/// Bytes of one value.
constexpr unsigned byteWidth(FloatKind kind) {
  switch (kind) {
  case FloatKind::F32:
    return 4;
  case FloatKind::F16:
  case FloatKind::BF16:
    return 2;
  case FloatKind::E8M0:
  case FloatKind::UE4M3:
    return 1;
  }
  return 0;
}

/// The spelling in IR and in the documentation.
constexpr const char *spelling(FloatKind kind) {
  switch (kind) {
  case FloatKind::F16:
    return "f16";
  case FloatKind::BF16:
    return "bf16";
  case FloatKind::F32:
    return "f32";
  case FloatKind::E8M0:
    return "e8m0";
  case FloatKind::UE4M3:
    return "ue4m3";
  }
  return "";
}

/// The kind of that spelling; none if there is none.
constexpr std::optional<FloatKind> floatKindOf(std::string_view word) {
  for (FloatKind kind : {FloatKind::F16, FloatKind::BF16, FloatKind::F32, FloatKind::E8M0, FloatKind::UE4M3})
    if (word == spelling(kind))
      return kind;
  return std::nullopt;
}

/// IEEE 754 binary16 to binary32.
inline float halfToFloat(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000u) << 16;
  uint32_t exponent = (half >> 10) & 0x1f;
  uint32_t mantissa = half & 0x3ff;
  if (exponent == 0x1f) { // infinity or NaN (quiet bit set for the latter)
    uint32_t quiet = mantissa ? 0x400000u : 0u;
    return std::bit_cast<float>(sign | 0x7f800000u | quiet | mantissa << 13);
  }
  if (exponent == 0) { // zero or denormal: mantissa * 2^-24 is exact in f32
    float magnitude = float(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

/// binary32 to binary16, round half to even (hardware semantics, NaN quiet).
inline uint16_t floatToHalf(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint16_t sign = uint16_t(bits >> 16) & 0x8000;
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return uint16_t(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x477ff000u) // 65520 and above round to infinity
    return sign | 0x7c00;
  if (magnitude < 0x38800000u) { // below 2^-14: count units of 2^-24
    // Adding 0.5 puts the unit of the last place of the sum at 2^-24, so the
    // addition itself does the rounding.
    float sum = std::bit_cast<float>(magnitude) + 0.5f;
    return uint16_t(sign | (std::bit_cast<uint32_t>(sum) - 0x3f000000u));
  }
  uint32_t odd = magnitude >> 13 & 1;
  return uint16_t(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

/// bfloat16 to binary32.
inline float bfloatToFloat(uint16_t bits) {
  return std::bit_cast<float>(uint32_t(bits) << 16);
}

/// binary32 to bfloat16, round half to even, NaN quiet.
inline uint16_t floatToBfloat(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (value != value)
    return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// 2^(code - 127 - unit), rounded only where it is below 2^-149.
inline float e8m0ToFloat(uint8_t code, unsigned unit = 0) {
  if (code > unit)
    return std::bit_cast<float>(uint32_t(code - unit) << 23);
  return std::bit_cast<float>(0x00400000u >> (unit - code));
}

/// Four bits of exponent with bias 7, three of mantissa; no sign.
inline float ue4m3ToFloat(uint8_t code) {
  if (code == 0x7f)
    return 0;
  // As a float's exponent and mantissa the bits mean 2^-120 of what they mean here.
  return std::bit_cast<float>(uint32_t(code & 0x7f) << 20) * 0x1p120f;
}

/// value · 2^-unit of a value's bits. The factor is one of codebooks with a
/// unit; it is exact for all but denormals of f32 and bf16, and e8m0 takes it
/// before it is made a float.
inline float toFloat(FloatKind kind, uint32_t bits, unsigned unit = 0) {
  float factor = std::bit_cast<float>((127 - unit) << 23);
  switch (kind) {
  case FloatKind::F16:
    return halfToFloat(uint16_t(bits)) * factor;
  case FloatKind::BF16:
    return bfloatToFloat(uint16_t(bits)) * factor;
  case FloatKind::F32:
    return std::bit_cast<float>(bits) * factor;
  case FloatKind::E8M0:
    return e8m0ToFloat(uint8_t(bits), unit);
  case FloatKind::UE4M3:
    return ue4m3ToFloat(uint8_t(bits)) * factor;
  }
  return 0;
}

/// The code of the nearest e8m0 number, of the nearest ue4m3 one; 0 for what is
/// not positive.
inline uint8_t floatToE8M0(float value) {
  if (!(value > 0x1p-127f))
    return 0;
  // 2^e and 2^(e+1) meet at 1.5 · 2^e.
  int exponent = std::ilogb(value / 1.5f) + 1;
  return uint8_t(exponent > 127 ? 254 : exponent + 127);
}
inline uint8_t floatToUE4M3(float value) {
  uint8_t best = 0;
  for (unsigned code = 1; code < 0x7f && value > 0; ++code)
    if (std::abs(ue4m3ToFloat(uint8_t(code)) - value) <
        std::abs(ue4m3ToFloat(best) - value))
      best = uint8_t(code);
  return best;
}

/// The bits of the nearest number of the kind.
inline uint32_t bitsOfNearest(FloatKind kind, float value) {
  switch (kind) {
  case FloatKind::F16:
    return floatToHalf(value);
  case FloatKind::BF16:
    return floatToBfloat(value);
  case FloatKind::F32:
    return std::bit_cast<uint32_t>(value);
  case FloatKind::E8M0:
    return floatToE8M0(value);
  case FloatKind::UE4M3:
    return floatToUE4M3(value);
  }
  return 0;
}

/// The bits at `bytes` (little endian, any alignment).
inline uint32_t loadBits(FloatKind kind, const uint8_t *bytes) {
  uint32_t bits = 0;
  std::memcpy(&bits, bytes, byteWidth(kind));
  return bits;
}

/// The value at `bytes`.
inline float toFloat(FloatKind kind, const uint8_t *bytes) {
  return toFloat(kind, loadBits(kind, bytes));
}

} // namespace nibble

#endif // NIBBLE_DIALECTS_LOWBIT_FLOATKIND_H
