//===- BlockParameters.h - the parameters of !lowbit.block ---------------===//
//
// What: plain structures for the code, scale and zero parts of the type.
// Why: the type stores them, the format table (Formats.def) is written with
// them, and neither the table nor its readers should need MLIR.
// Contract: values; equality is member-wise. Validity is the type's verifier's
// business, not theirs.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_BLOCKPARAMETERS_H
#define NIBBLE_DIALECTS_LOWBIT_BLOCKPARAMETERS_H

#include "dialects/LowBit/FloatKind.h"
#include "dialects/LowBit/Grids.h"

#include "llvm/ADT/Hashing.h"

namespace nibble::lowbit {

/// An integer of `width` bits, unsigned or two's complement. `u4`, `i8`.
struct IntegerKind {
  unsigned width = 0;
  bool isSigned = false;

  constexpr int64_t min() const {
    return isSigned ? -(int64_t(1) << (width - 1)) : 0;
  }
  constexpr int64_t max() const {
    return (int64_t(1) << (isSigned ? width - 1 : width)) - 1;
  }
  constexpr bool contains(int64_t value) const {
    return min() <= value && value <= max();
  }
  /// The value of the low `width` bits of `bits`.
  constexpr int decode(unsigned bits) const {
    unsigned sign = isSigned ? 1u << (width - 1) : 0u;
    return int((bits & ((1u << width) - 1)) ^ sign) - int(sign);
  }
  constexpr bool operator==(const IntegerKind &) const = default;
};

/// What a code stands for: an integer, a number of a codebook that the type
/// knows, or one of a codebook that is stored with the weight. `u4`, `e2m1`,
/// `cb<[-1.0, 0.0, 0.5, 1.0]>`, `grid<iq2xs>`, `cb<4 x i8 per row>`.
struct CodeKind : IntegerKind {
  /// Numbers of a codebook that is stored with the weight.
  enum Entry : uint8_t { I8, F16, F32 };
  /// Who has a codebook of his own, if it is stored.
  enum Scope : uint8_t { None, Tensor, Row };

  const Codebook *book = nullptr;
  /// Elements are stored as vectors of this grid; `book` is the grid's.
  const Grid *grid = nullptr;
  Scope stored = None;
  Entry entry = I8; ///< With a stored codebook.

  constexpr CodeKind() = default;
  constexpr CodeKind(unsigned width, bool isSigned)
      : IntegerKind{width, isSigned} {}
  constexpr CodeKind(IntegerKind kind) : IntegerKind(kind) {}
  CodeKind(const Codebook *book)
      : IntegerKind{book->width, false}, book(book) {}
  CodeKind(const Grid *grid) : CodeKind(grid->codebook) { this->grid = grid; }
  constexpr CodeKind(unsigned width, Entry entry, Scope scope)
      : IntegerKind{width, false}, stored(scope), entry(entry) {}

  /// A code is the number itself, up to a zero point.
  constexpr bool isInteger() const { return !book && stored == None; }
  /// The scale is to be multiplied by 2^-unit, and the codes are integers then.
  unsigned unit() const { return book ? book->unit : 0; }
  /// The number that a code stands for, without zero point, times 2^unit. Not
  /// for a stored codebook.
  float number(unsigned bits) const {
    if (!book)
      return float(decode(bits));
    return book->isInteger() ? float(book->integers[bits]) : book->levels[bits];
  }
  constexpr bool operator==(const CodeKind &) const = default;
};

/// Instead of a number of elements: all elements of a row, or of the tensor,
/// share a scale.
inline constexpr int64_t kRowGroup = -1, kTensorGroup = -2;

/// `f16`, or with two levels `u6 x f16 : 256`.
struct ScaleKind {
  FloatKind floatKind = FloatKind::F16;
  IntegerKind sub = {};   ///< Width 0 with one level.
  int64_t superGroup = 0; ///< Elements that share the float; 0 with one level.

  constexpr bool isTwoLevel() const { return superGroup != 0; }
  constexpr bool operator==(const ScaleKind &) const = default;
};

/// Nothing, `zp = 8`, or `min = …`.
struct ZeroKind {
  enum Form : uint8_t { None, Point, Min };
  Form form = None;
  int64_t point = 0;  ///< With form Point.
  ScaleKind min = {}; ///< With form Min.

  constexpr bool operator==(const ZeroKind &) const = default;
};

inline llvm::hash_code hash_value(const IntegerKind &kind) {
  return llvm::hash_combine(kind.width, kind.isSigned);
}
inline llvm::hash_code hash_value(const CodeKind &kind) {
  return llvm::hash_combine(kind.width, kind.isSigned, kind.book, kind.grid,
                            kind.stored, kind.entry);
}
inline llvm::hash_code hash_value(const ScaleKind &kind) {
  return llvm::hash_combine(kind.floatKind, kind.sub, kind.superGroup);
}
inline llvm::hash_code hash_value(const ZeroKind &kind) {
  return llvm::hash_combine(kind.form, kind.point, kind.min);
}

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_BLOCKPARAMETERS_H
