//===- CodeFields.cpp - bit fields multiplied where they lie --------------===//
//
// See CodeFields.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/CodeFields.h"

#include "llvm/ADT/STLExtras.h"

namespace nibble {

bool hasCodeFields(const mpgemm::PanelLayout &panel) {
  bool isNarrow = !panel.lookup && !panel.codeSigned && (panel.codeBits == 1 || panel.codeBits == 2);
  return isNarrow && panel.vectorsOf(panel.planes()[0]) > 1;
}

unsigned heightOf(const mpgemm::PanelLayout &panel, int64_t quad, unsigned widest) {
  mpgemm::BitPlane plane = panel.planes()[0];
  unsigned height = panel.locate(plane, quad * panel.kr, 0).shift;
  return height + plane.width <= widest ? height : 0;
}

llvm::SmallVector<CodeField> codeFields(const mpgemm::PanelLayout &panel, int64_t first, int64_t count,
                                        unsigned widest) {
  llvm::SmallVector<CodeField> fields;
  for (int64_t quad = first; quad < first + count; ++quad) {
    unsigned height = heightOf(panel, quad, widest);
    auto *known = llvm::find_if(fields, [&](const CodeField &field) { return field.height == height; });
    if (known == fields.end()) {
      fields.push_back({height, {}});
      known = &fields.back();
    }
    known->quads.push_back(quad);
  }
  llvm::sort(fields, [](const CodeField &a, const CodeField &b) { return a.height > b.height; });
  return fields;
}

} // namespace nibble
