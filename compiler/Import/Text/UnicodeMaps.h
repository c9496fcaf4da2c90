//===- UnicodeMaps.h - Decompositions, cases, marks -------------*- C++ -*-===//
//
// Functions of code points for the tables of a normalizer, from utf8proc.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_UNICODEMAPS_H
#define NIBBLE_COMPILER_IMPORT_TEXT_UNICODEMAPS_H

#include "runtime/schema/tokenizer_generated.h"

#include <cstdint>
#include <map>
#include <vector>

namespace nibble {

/// A code point → what takes its place, nothing included. What the map lacks stays itself.
using CodePointMap = std::map<uint32_t, std::vector<uint32_t>>;

/// Full canonical or compatibility decompositions, without those of Hangul's syllables.
CodePointMap decompositions(bool compatibility);
/// Combining classes other than 0.
CodePointMap combiningClasses();
/// Canonical compositions, without those of Hangul's syllables, in the order of schema::Composition.
std::vector<schema::Composition> compositions();
/// Full mappings to lower case.
CodePointMap lowerCase();
/// White space to spaces, as BertNormalizer does.
CodePointMap spacesOfWhiteSpace();

/// Pairs of the first and the last code point of a range, ascending.
using CodePointRanges = std::vector<uint32_t>;

/// Marks without an advance (Mn), or all (M).
CodePointRanges marks(bool all);
/// What BertNormalizer drops: U+FFFD, and controls, formats and private use except tab and line ends.
CodePointRanges bertControls();
/// The ideographs that BertNormalizer puts between spaces.
CodePointRanges bertIdeographs();

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_UNICODEMAPS_H
