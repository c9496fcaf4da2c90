//===- Product.cpp - one product in buffer form, as text -------------------===//
//
// See Product.h.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/Product.h"

namespace nibble::test {

static std::string memref(std::initializer_list<int64_t> shape, const char *element) {
  std::string text = "memref<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + element + ">";
}

std::string productText(const InstructionRow &row, const Weight &w, int64_t m, unsigned bias, int64_t sumGroup) {
  bool dot = row.kind == RowKind::Dot4;
  std::string weight = memref({w.layout(row.nr(), row.kr(), bias).totalBytes()}, "i8"), y = memref({m, w.n}, "f32");
  std::string x = dot ? memref({m, w.k}, "i8") : memref({m, w.k}, "f32");
  std::string s = memref({m, w.k / 32}, "f32"), t = memref({m, w.k / sumGroup}, "i32");
  std::string types = dot ? weight + ", " + x + ", " + s + ", " + t : weight + ", " + x;
  std::string arguments = dot ? "%w: " + weight + ", %x: " + x + ", %s: " + s + ", %t: " + t
                              : "%w: " + weight + ", %x: " + x;
  return "func.func @product(" + arguments + ", %y: " + y +
         ", %n: index, %tid: index, %nth: index) {\n  mpgemm.mma %w, (" + (dot ? "%x, %s, %t" : "%x") +
         ") rows %n into %y {row = \"" + row.name.str() + "\", layout = " + w.layoutText(row.nr(), row.kr(), bias) +
         "} : (" + types + ", index, " + y + ") -> ()\n  return\n}\n";
}

} // namespace nibble::test
