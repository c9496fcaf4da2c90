//===- LearnedBook.h - codebooks that are made for their numbers ---------===//
//
// What: the numbers of a stored codebook (!lowbit.block's `cb<4 x i8 per row>`)
// for given weights, and what is stored of them.
// Why: a row's own 2^b numbers follow the shape of its weights, outliers and all
// (any4, arXiv 2507.04610); k-means finds them. In one dimension clusters are
// intervals of the sorted numbers, so that a step of Lloyd's algorithm is a few
// look-ups in running sums.
// Contract: deterministic; no random start. The start is the best of three: as
// many numbers for each code, equal steps, and between these (a density to the
// power of one third, which is best for many codes: Panter and Dite, 1951).
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_LEARNEDBOOK_H
#define NIBBLE_DIALECTS_LOWBIT_LEARNEDBOOK_H

#include "dialects/LowBit/BlockFit.h"

#include <vector>

namespace nibble::lowbit {

/// A number and how much it counts.
struct Weighted {
  float x = 0, w = 0;
};

/// At most `count` numbers in ascending order, with a small Σ w (x - nearest)².
/// All different numbers, if these are not more.
std::vector<float> clusterCenters(std::vector<Weighted> numbers, size_t count);

/// The numbers of a stored codebook.
std::vector<float> numbersOfBook(const CodeKind &kind, const uint8_t *book);

/// Bytes of a stored codebook.
size_t bytesOfBook(const CodeKind &kind);

/// A codebook for the groups of one row, or for those of some rows of a tensor.
/// Groups keep their own scales (and minima), which are not part of it.
std::vector<uint8_t> learnBook(BlockType type, const std::vector<Sample> &groups);

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_LEARNEDBOOK_H
