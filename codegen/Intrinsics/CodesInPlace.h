//===- CodesInPlace.h - whether codes are multiplied where they lie --*- C++ -*-===//
//
// Which rows multiply which codes in the bit fields of their bytes
// (codegen/Lower/CodeFields.h): what the kernels do and what the choice between
// kernels reckons with.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_INTRINSICS_CODESINPLACE_H
#define NIBBLE_CODEGEN_INTRINSICS_CODESINPLACE_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "dialects/MPGEMM/PanelLayout.h"

namespace nibble {

/// Whether a run of so many columns lies in one bit field of the widest plane.
bool hasFieldOfRun(const mpgemm::PanelLayout &layout, int64_t run);

/// Whether codes of that layout, if they are numbers and no indices of a codebook, are multiplied with a row of
/// activations alone in their bit fields: one plane of one or two bits, without a sign. Runs of several fields only by
/// rows that shift sums between them; and with one vector in a unit the shifts of sums are as many as those of codes.
bool multipliesInPlace(const InstructionRow &row, const mpgemm::PanelLayout &layout);

} // namespace nibble

#endif // NIBBLE_CODEGEN_INTRINSICS_CODESINPLACE_H
