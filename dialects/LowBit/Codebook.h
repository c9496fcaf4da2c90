//===- Codebook.h - codes that stand for the numbers of a list -----------===//
//
// What: lists of 2^w numbers ("levels") that w-bit codes point into, by name or
// spelled out. Small floats (e2m1, e4m3, …) are codebooks, too: their code is
// the index.
// Why: with lists, every code that is no integer is the same thing for the
// decoder, the packer and the kernels: a table look-up.
// Contract: codebooks are uniqued for the life of the process, so two are equal
// exactly if their addresses are. A list that is a named codebook's is that
// codebook, and prints with its name.
//
// Where all levels are multiples of some 2^-unit and small enough for a signed
// byte, the codebook is an integer one: level = integer · 2^-unit, with the
// smallest unit that will do. A value then is integer · (scale · 2^-unit), and
// products of the integers with 8-bit activations are exact.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_CODEBOOK_H
#define NIBBLE_DIALECTS_LOWBIT_CODEBOOK_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nibble::lowbit {

struct Codebook {
  std::string name; ///< Empty if it has none.
  unsigned width = 0;
  std::vector<float> levels; ///< 2^width numbers.
  /// Of an integer codebook: levels[i] = integers[i] · 2^-unit. Else empty, 0.
  std::vector<int8_t> integers;
  unsigned unit = 0;
  /// Of a small float: bits of its exponent and mantissa. Else 0.
  unsigned exponentBits = 0, mantissaBits = 0;

  bool isInteger() const { return !integers.empty(); }
  /// Whether every level of `other` is one of this codebook's.
  bool contains(const Codebook &other) const;
};

/// The codebook with these levels: 2, 4, … or 256 of them.
const Codebook *getCodebook(llvm::ArrayRef<float> levels);

/// The codebook of that name ("e2m1", "nf4"), or null.
const Codebook *findCodebook(llvm::StringRef name);

/// The named ones, in the order of Codebooks.def.
llvm::ArrayRef<const Codebook *> namedCodebooks();

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_CODEBOOK_H
