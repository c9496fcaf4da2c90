//===- DecodeBlocks.cpp - from stored blocks to their values -------------===//
//
// What: decodeBlocks(), the arithmetic that Formats.h promises.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Formats.h"

#include <cmath>
#include <cstring>

// ggml's dequantization is defined by its C source: a product and a sum are two
// roundings.
#pragma STDC FP_CONTRACT OFF

using namespace nibble;
using namespace nibble::lowbit;

/// The products of one group: q·d.
static void multiplyCodes(const CodeKind &kind, int zeroPoint,
                          llvm::ArrayRef<uint8_t> codes, float scale,
                          float *out) {
  if (!kind.book) {
    int sign = kind.isSigned ? 1 << (kind.width - 1) : 0;
    int subtract = sign + zeroPoint; // (q ^ sign) - sign = signed value
    for (uint8_t code : codes)
      *out++ = float((code ^ sign) - subtract) * scale;
  } else if (kind.book->isInteger()) {
    for (uint8_t code : codes)
      *out++ = float(kind.book->integers[code]) * scale;
  } else {
    for (uint8_t code : codes)
      *out++ = kind.book->levels[code] * scale;
  }
}

/// q·d + m, or q·d - m: a difference, so that NaN signs are ggml's, too.
static void addMinimum(bool isTwoLevel, float min,
                       llvm::MutableArrayRef<float> out) {
  if (isTwoLevel)
    for (float &value : out)
      value = value - min;
  else
    for (float &value : out)
      value = value + min;
}

static float loadPlain(const Format &format, const uint8_t *bytes) {
  double wide;
  switch (format.plain) {
  case Format::F64:
    std::memcpy(&wide, bytes, sizeof wide);
    return float(wide);
  case Format::I8:
    return float(int8_t(*bytes));
  case Format::Same:
    break;
  }
  return toFloat(format.floatKind, bytes);
}

static void decodeFloats(const Format &format, const uint8_t *bytes,
                         size_t count, float *out) {
  if (format.floatKind == FloatKind::F32 && format.plain == Format::Same) {
    std::memcpy(out, bytes, count * sizeof(float));
    return;
  }
  for (size_t index = 0; index < count; ++index)
    out[index] = loadPlain(format, bytes + index * format.blockBytes);
}

int64_t lowbit::findInexact(const Format &format,
                            llvm::ArrayRef<uint8_t> bytes) {
  for (size_t at = 0; format.plain == Format::F64 && at < bytes.size();
       at += sizeof(double)) {
    double value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    if (!std::isnan(value) && double(float(value)) != value)
      return int64_t(at / sizeof(double));
  }
  return -1;
}

void lowbit::decodeBlocks(const Format &format, llvm::ArrayRef<uint8_t> bytes,
                          size_t blocks, float *out) {
  if (format.isFloat)
    return decodeFloats(format, bytes.data(), blocks, out);
  const CodeKind kind = format.codeKind();
  // As many blocks at a time as keep the parts in the first-level cache.
  const size_t step = std::max<size_t>(1, 4096 / format.blockElements);
  Planes planes;
  for (size_t first = 0; first < blocks; first += step) {
    size_t count = std::min(step, blocks - first);
    unpackBlocks(format, bytes.slice(first * format.blockBytes,
                                     count * format.blockBytes),
                 count, planes);
    size_t groups = count * format.groupsPerBlock();
    for (size_t group = 0; group < groups; ++group, out += format.group) {
      size_t span = group * format.group / format.scaleSpan();
      float scale = toFloat(format.floatKind, planes.scale[span], kind.unit());
      if (format.isTwoLevel())
        scale = scale * float(planes.subScale[group]);
      multiplyCodes(kind, format.zeroPoint,
                    llvm::ArrayRef(planes.codes)
                        .slice(group * format.group, format.group),
                    scale, out);
      if (!format.hasMin())
        continue;
      float min = toFloat(format.floatKind, planes.min[span]);
      if (format.isTwoLevel())
        min = min * float(planes.subMin[group]);
      addMinimum(format.isTwoLevel(), min, {out, format.group});
    }
  }
}
