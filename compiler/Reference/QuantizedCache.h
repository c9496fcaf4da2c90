//===- QuantizedCache.h - what a quantized cache keeps -------------------===//
//
// What: the numbers that remain of a head's vector in a cache of !lm.cached, and
// of a query that meets such keys.
// Why: the oracle of the kernels in codegen/Lower/CacheCodec.
// Contract: scales and codes are chosen in single precision, as the definition of
// the type has it, so that they are the kernels'; everything else is in double.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_REFERENCE_QUANTIZEDCACHE_H
#define NIBBLE_COMPILER_REFERENCE_QUANTIZEDCACHE_H

#include "dialects/LM/LM.h"

#include <vector>

namespace nibble::reference {

/// The vector times the orthonormal Hadamard matrix over the greatest power of
/// two that divides its length, repeated along the diagonal.
std::vector<double> rotateByHadamard(std::vector<double> vector);

/// What a cache keeps of a key or a value (of the rotated one with q4).
std::vector<double> cacheVector(std::vector<double> vector,
                                lm::CacheFormat format);

/// What is multiplied with keys of this format: the query, turned with q4, as
/// codes of 8 bits in the keys' groups.
std::vector<double> cacheQuery(std::vector<double> query,
                               lm::CacheFormat format);

} // namespace nibble::reference

#endif // NIBBLE_COMPILER_REFERENCE_QUANTIZEDCACHE_H
