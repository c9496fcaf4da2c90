//===- FoldedScales.h - a source whose two levels of scales become one ----===//
//
// What: wraps the rows of a source in one that gives them with an f32 for each group, the product of the group's
// integer and its block's float; minima likewise, with the sign that one level has.
// Contract: lowbit::withFoldedScales() says for which types that changes no value. Memory: the rows of one call.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Link/Packer.h"
#include "dialects/LowBit/LowBit.h"

namespace nibble {

/// `source`, whose rows of `columns` numbers are of type `stored`.
PackSource foldScales(PackSource source, lowbit::BlockType stored, int64_t columns);

} // namespace nibble
