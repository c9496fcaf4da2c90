//===- Product.cpp - one product in buffer form, as text -------------------===//
//
// See Product.h.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/Product.h"

#include "dialects/MPGEMM/AveragedSums.h"

namespace nibble::test {

std::string memref(std::initializer_list<int64_t> shape, const char *element) {
  std::string text = "memref<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + element + ">";
}

std::string productText(const InstructionRow &row, const Weight &w, int64_t m, unsigned bias, int64_t sumGroup) {
  bool dot = row.isInteger(), look = row.kind == RowKind::Lookup;
  std::string weight = memref({w.layout(row.nr(), row.kr(), bias, look).totalBytes()}, "i8"),
              y = memref({m, w.n}, "f32");
  mpgemm::ActivationLayout order = w.activationLayout(row, m);
  int64_t blocks = order.blocks(m);
  std::string x = look ? memref({m, row.averages ? mpgemm::averagedTableBytes(w.k) : mpgemm::tableBytes(w.k)}, "i8")
                       : memref({blocks, order.codesOfBlock()}, dot ? "i8" : "f32");
  std::string s = memref({blocks, order.numbersOfBlock(32)}, "f32");
  std::string t = memref({blocks, order.numbersOfBlock(sumGroup)}, "i32");
  std::string types = dot ? weight + ", " + x + ", " + s + ", " + t : weight + ", " + x;
  std::string arguments = dot ? "%w: " + weight + ", %x: " + x + ", %s: " + s + ", %t: " + t
                              : "%w: " + weight + ", %x: " + x;
  if (look)
    types += ", " + t, arguments += ", %b: " + t;
  return "func.func @product(" + arguments + ", %y: " + y +
         ", %n: index, %tid: index, %nth: index) {\n  mpgemm.mma %w, (" +
         (look  ? "%x, %s, %t, %b"
          : dot ? "%x, %s, %t"
                : "%x") +
         ") rows %n into %y {row = \"" + row.name.str() +
         "\", layout = " + w.layoutText(row.nr(), row.kr(), bias, look) +
         (order.joinsHalves ? ", joins_halves} : (" : "} : (") + types + ", index, " + y +
         ") -> ()\n  return\n}\n";
}

} // namespace nibble::test
