//===- Weights.h - random weights of a format, packed and plain -----------===//
//
// A weight as a file would hold it, its parts, its values, and its packed bytes.
// The packing here follows the definition of the layout bit by bit, independent of
// compiler/Link, so that kernels are tested against the definition.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Intrinsics/InstructionTable.h"
#include "dialects/LowBit/Formats.h"
#include "dialects/MPGEMM/PanelLayout.h"
#include "test/Kernels/KernelProgram.h"

#include <random>
#include <string>

namespace nibble::test {

struct Weight {
  const lowbit::Format *format;
  int64_t n, k;
  Bytes file;
  lowbit::Planes planes;     ///< low-bit formats only
  std::vector<float> values; ///< n × k

  Weight(const lowbit::Format &format, int64_t n, int64_t k, std::mt19937 &random);

  bool isLowBit() const { return !format->isFloat; }
  float value(int64_t row, int64_t column) const { return values[row * k + column]; }
  int code(int64_t row, int64_t column) const { return format->codes.kind.decode(planes.codes[row * k + column]); }
  /// d and m (d · sub and -(dmin · subMin) with two levels) of a column's group.
  float scale(int64_t row, int64_t column) const;
  /// With two levels, the two factors of scale().
  float floatScale(int64_t row, int64_t column) const;
  int subScale(int64_t row, int64_t column) const;
  float minimum(int64_t row, int64_t column) const;

  mpgemm::PanelLayout layout(int64_t nr, int64_t kr, unsigned bias) const;
  /// `#mpgemm.layout<…>` of the same.
  std::string layoutText(int64_t nr, int64_t kr, unsigned bias) const;
  Bytes pack(int64_t nr, int64_t kr, unsigned bias) const;
};

/// The element type as IR text.
std::string elementText(const lowbit::Format &format);

/// Bit for bit, except that a NaN equals a NaN.
bool sameFloat(float a, float b);

} // namespace nibble::test
