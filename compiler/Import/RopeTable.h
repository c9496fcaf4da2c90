//===- RopeTable.h - Values of lm.rope_table --------------------*- C++ -*-===//
//
// The compiler computes the table of rotary angles once; the oracle and the
// packer of weights both take it from here, so they cannot differ.
//
// Rows, each of dims/2 pairs (cos, sin), for frequencies θ_i:
//   row j       , j < 64   m·cos(j·θ_i),  m·sin(j·θ_i)
//   row 64 + b             cos(64·b·θ_i), sin(64·b·θ_i)
// m is the attention factor (1 but for yarn). It stands in the fine rows only,
// so that the addition theorems, which multiply a fine by a coarse value, apply
// it once.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_ROPETABLE_H
#define NIBBLE_COMPILER_IMPORT_ROPETABLE_H

#include "dialects/LM/LM.h"

#include <vector>

namespace nibble {

/// The dims/2 frequencies θ_i in radians a position, in double precision.
std::vector<double> computeRopeFrequencies(lm::RopeTableAttr table);

/// rows × dims/2 × 2 floats. Angles are computed in double precision.
std::vector<float> computeRopeTable(lm::RopeTableAttr table, int64_t rows);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_ROPETABLE_H
