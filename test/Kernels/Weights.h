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
#include "dialects/MPGEMM/ActivationLayout.h"
#include "dialects/MPGEMM/PanelLayout.h"
#include "test/Kernels/KernelProgram.h"

#include <random>
#include <string>

namespace nibble::test {

struct Weight {
  const lowbit::Format *format;
  lowbit::CodeKind kind; ///< low-bit formats only; the format's without its grid, or a stored codebook
  int64_t n, k;
  Bytes file;
  lowbit::Planes planes;     ///< low-bit formats only
  std::vector<float> book;   ///< of a stored codebook: its numbers for each row, or for all
  std::vector<float> values; ///< n × k

  Weight(const lowbit::Format &format, int64_t n, int64_t k, std::mt19937 &random);
  /// Codes of `format` that point into random numbers stored with the weight.
  Weight(const lowbit::Format &format, lowbit::CodeKind stored, int64_t n, int64_t k, std::mt19937 &random);

  bool isLowBit() const { return !format->isFloat; }
  float value(int64_t row, int64_t column) const { return values[row * k + column]; }
  /// What the column's code stands for, less the zero point: an integer, or a number of a codebook (times 2^unit).
  float number(int64_t row, int64_t column) const;
  /// d and m (d · sub and -(dmin · subMin) with two levels) of a column's group.
  float scale(int64_t row, int64_t column) const;
  /// With two levels, the two factors of scale().
  float floatScale(int64_t row, int64_t column) const;
  int subScale(int64_t row, int64_t column) const;
  float minimum(int64_t row, int64_t column) const;

  /// `bias` of the layout for an instruction row: only integers are stored moved by 128.
  unsigned biasFor(const InstructionRow &row) const;
  mpgemm::PanelLayout layout(int64_t nr, int64_t kr, unsigned bias, bool lookup = false) const;
  /// Where a product with the row reads m rows of activations.
  mpgemm::ActivationLayout activationLayout(const InstructionRow &row, int64_t m) const;
  /// The element type as IR text.
  std::string elementText() const;
  /// `#mpgemm.layout<…>` of the same.
  std::string layoutText(int64_t nr, int64_t kr, unsigned bias, bool lookup = false) const;
  Bytes pack(int64_t nr, int64_t kr, unsigned bias, bool lookup = false) const;
};

/// Formats of no file: small floats, other scales, long groups.
llvm::ArrayRef<lowbit::Format> ownFormats();

/// Bit for bit, except that a NaN equals a NaN.
bool sameFloat(float a, float b);

} // namespace nibble::test
