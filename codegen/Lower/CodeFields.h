//===- CodeFields.h - bit fields multiplied where they lie -----*- C++ -*-===//
//
// What: which quads of a run are multiplied in their bit field, without a shift. One
// mask leaves a 2-bit code c at bits 2f and 2f+1 of its byte, which is the number
// c · 4^f, so that the products of field f come out 4^f times too large, exactly:
//
//      byte       3322 1100      & 0x03 = c0         Σ c0·a
//                                & 0x0c = 4·c1     4·Σ c1·a
//                                & 0x30 = 16·c2   16·Σ c2·a
//                                  >> 6 = c3         Σ c3·a
//
// Why: brought down to bit 0, each field but the outer two costs a shift and a mask.
// Contract: one sum takes all fields of a run, those that stand highest first, and is
// shifted down between them (Horner's scheme), so that no further accumulator is
// needed; a run that lies in one field (PanelLayout.h) is shifted once, or by the
// conversion to float where that is free. Integers are exact, so results are the bits
// that codes brought down give.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_CODEFIELDS_H
#define NIBBLE_CODEGEN_LOWER_CODEFIELDS_H

#include "dialects/MPGEMM/PanelLayout.h"

#include "llvm/ADT/SmallVector.h"

namespace nibble {

/// Quads of a run whose codes stand `height` bits above the lowest of their byte.
struct CodeField {
  unsigned height = 0;
  llvm::SmallVector<int64_t> quads;
};

/// How codes of a layout are multiplied.
struct CodeFieldKind {
  const mpgemm::PanelLayout &panel;
  unsigned step = 0;   ///< bytes are codes moved up by so many bits (PanelReader::step)
  unsigned widest = 7; ///< bits that a byte may have (DotEmitter::widestInPlace)
};

/// The zeros below a quad's bytes in their bit field; 0 if with them they would be wider than `widest`.
unsigned heightOf(const CodeFieldKind &kind, int64_t quad);

/// Quads first … first + count - 1 of a unit by their height, the highest first.
llvm::SmallVector<CodeField> codeFields(const CodeFieldKind &kind, int64_t first, int64_t count);

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_CODEFIELDS_H
