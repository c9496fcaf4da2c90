//===- CodeFields.cpp - bit fields multiplied where they lie --------------===//
//
// See CodeFields.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/CodeFields.h"

#include "llvm/ADT/STLExtras.h"

namespace nibble {

unsigned heightOf(const CodeFieldKind &kind, int64_t quad) {
  mpgemm::BitPlane plane = kind.panel.planes()[0];
  unsigned shift = kind.panel.locate(plane, quad * kind.panel.kr, 0).shift;
  return shift > kind.step && shift + plane.width <= kind.widest ? shift - kind.step : 0;
}

llvm::SmallVector<CodeField> codeFields(const CodeFieldKind &kind, int64_t first, int64_t count) {
  llvm::SmallVector<CodeField> fields;
  for (int64_t quad = first; quad < first + count; ++quad) {
    unsigned height = heightOf(kind, quad);
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
