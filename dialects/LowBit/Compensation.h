//===- Compensation.h - columns make up for each other's errors ----------===//
//
// What: of a matrix whose inputs x are known by their second moments H = Σ x·xᵀ,
// how the code of a column makes up for what the columns before it err by.
// Why: a row w that is rounded to q is multiplied with x, so the error that
// counts is not Σ (w - q)² but
//
//     Σ_x ((w - q)·x)² = e·H·eᵀ        e = w - q
//
// With H = R·Rᵀ, R upper triangular, this is Σ_j R_jj² (e_j + Σ_{k<j} e_k·a_jk)²,
// a_jk = R_kj / R_jj: one column after the other, each code is the one nearest to
// w_j + Σ_{k<j} e_k·a_jk. This is the rounding of GPTQ (arXiv 2210.17323) in the
// form of LDLQ (arXiv 2307.13304), which needs no inverse. Columns come in the
// order of their H_jj, those that count most first ("act-order"): their errors
// find the most columns that can make up for them.
// Contract: deterministic. Moments of inputs that span fewer dimensions than
// there are columns are no trouble: a hundredth of the diagonal's mean is added to
// it, as GPTQ does.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_COMPENSATION_H
#define NIBBLE_DIALECTS_LOWBIT_COMPENSATION_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nibble::lowbit {

class Compensation {
public:
  /// From columns × columns numbers, of which the upper triangle is read.
  Compensation(const std::vector<float> &moments, int64_t columns);

  /// How much an error of this column alone counts, 1 on average.
  float count(int64_t column) const { return counts[column]; }
  /// The column whose turn comes at that place of the order.
  int64_t columnAt(int64_t place) const { return order[place]; }
  /// What the column at `place` is to make up for; `errors` are those of the
  /// columns before it, in the order.
  float owed(int64_t place, const float *errors) const;

private:
  /// Where the shares of the column at `place` begin; there are as many as columns
  /// before it.
  static size_t beginOf(int64_t place) { return size_t(place) * size_t(place - 1) / 2; }

  std::vector<int64_t> order;
  std::vector<float> counts; ///< H_jj over its mean
  std::vector<float> shares; ///< a_jk, column by column
};

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_COMPENSATION_H
