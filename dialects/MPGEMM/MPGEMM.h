//===- MPGEMM.h - the mpgemm dialect --------------------------------------===//
//
// How a mixed-precision product is done on tiles: see MPGEMMDialect.td and PanelLayout.h.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialects/LM/LM.h"
#include "dialects/LowBit/LowBit.h"
#include "dialects/MPGEMM/PanelLayout.h"

#include "dialects/MPGEMM/MPGEMMDialect.h.inc"
#include "dialects/MPGEMM/MPGEMMEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/MPGEMM/MPGEMMAttrs.h.inc"

#define GET_OP_CLASSES
#include "dialects/MPGEMM/MPGEMMOps.h.inc"

namespace nibble::mpgemm {

/// The name of the module attribute that holds the target.
inline constexpr llvm::StringLiteral kTargetAttrName = "mpgemm.target";

/// Columns that share an activation scale.
inline constexpr int64_t kActivationGroup = 32;

/// Codes that the largest activation of a group is tried with; mpgemm.quantize takes the best.
inline constexpr int64_t kScaleTops[] = {127, 125, 123, 121};

} // namespace nibble::mpgemm
