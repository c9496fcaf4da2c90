//===- FormatsPage.cpp - docs/spec/formats.md from the table -------------===//
//
// Prints the page that describes every row of the format table: its type, its
// formula and the place of every bit. A test compares the page in the tree with
// what this prints:
//
//   build/bin/FormatsPage > docs/spec/formats.md
//
// Lines of more than 120 columns because the page stands here as it is printed.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Formats.h"
#include "dialects/LowBit/LowBit.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace nibble;
using namespace nibble::lowbit;

static llvm::raw_ostream &out = llvm::outs();

static const char *intro = R"(# Storage formats

A storage format says how a file stores the numbers of a `!lowbit.block` type (or plain floats). Nibble has one table of
them, `dialects/LowBit/Formats.def`; one decoder reads its rows. This page is printed from the table
(`build/bin/FormatsPage`), and a test holds it to that. Source of the facts: the block structures of ggml,
`ggml-common.h` and `ggml-quants.c`; `test/LowBit/ggml_compare.cpp` compares all values with a real ggml.

)";

static const char *reading = R"(
All numbers are little endian. Bit b of a block is bit b mod 8 of byte b div 8; a number of several bits has its lowest
first. In the tables below, each line places bits of some integers: those at *index*, for all i, j, k in the given
ranges, have the named bits from bit *place* of the block on. `d`, `m` and `dmin` are floats; `q` is what the code of an
element stands for; `sc` and `mn` are the sub-scale and sub-minimum of its group. Values are computed in f32 in the
order written, without contraction.

)";

static const char *outro = R"(
## Codebooks

Codes that are no integers stand for the numbers of a list (`dialects/LowBit/Codebooks.def`), from code 0 on. Where a
list is written n · 2^-u, the product with the scale is n · (2^-u · d).

)";

static const char *adding = R"(
## Grids

A grid is a list of vectors of digits (`dialects/LowBit/Grids.def`, the vectors in `dialects/LowBit/Grids/`). The code
of an element is its digit, with its flag in the bit above. A list of flags of 7 or 8 bits has a flag for each of 8
elements; of 7 bits, the eighth makes the number of flags even. A flag of one bit holds for as many elements as there
are to a flag.

## Adding a format

A row in the table (the largest has 15 lines, most have six); `build/bin/FormatsPage` for this page; its values, computed
by another program, in `test/LowBit/FormatsTest.cpp` (`ggml_compare --vectors` prints them). Nothing else changes: the
importer, the reference interpreter, the packer and the kernels read the row or the type that it names.
)";

/// `first + i + 32·j` with the terms that are there.
static std::string sum(unsigned first, llvm::ArrayRef<unsigned> factors) {
  std::string text = first ? std::to_string(first) : "";
  for (auto [index, factor] : llvm::enumerate(factors)) {
    if (!factor)
      continue;
    if (!text.empty())
      text += " + ";
    if (factor > 1)
      text += std::to_string(factor) + "·";
    text += "ijk"[index];
  }
  return text.empty() ? "0" : text;
}

static void printField(llvm::StringRef what, const BitField &field) {
  if (!field.width)
    return;
  unsigned index[3], place[3], factor = 1;
  std::string ranges;
  for (unsigned level = 0; level < 3; ++level) {
    Step step = field.steps[level];
    if (field.trits && level == 1)
      step = {field.trits, 0}; // the digits of a byte
    bool isThere = step.count > 1;
    index[level] = isThere ? factor : 0;
    place[level] = isThere ? step.bits : 0;
    factor *= step.count;
    if (isThere)
      ranges += llvm::formatv("{0}{1} < {2}", ranges.empty() ? "" : ", ",
                              "ijk"[level], step.count)
                    .str();
  }
  std::string bits =
      field.trits ? "⌊3 · ((3^j · byte) mod 256) / 256⌋"
      : field.width == 1
          ? llvm::formatv("bit {0}", field.toBit).str()
          : llvm::formatv("bits {0} … {1}", field.toBit,
                          field.toBit + field.width - 1)
                .str();
  out << "| " << what << " | " << sum(field.first, index) << " | " << bits
      << " | " << sum(field.at, place) << (field.trits ? " (a byte)" : "")
      << " | " << ranges << " |\n";
}

static void printList(llvm::StringRef what, const IntegerList &list) {
  for (const BitField &field : list.fields)
    printField(what, field);
}

static std::string meaning(const IntegerList &list, llvm::StringRef name) {
  if (list.isOdd)
    return llvm::formatv("`{0}` = 2 · stored + 1", name).str();
  std::string text;
  if (list.flip)
    text = llvm::formatv("`{0}` is stored with bit {1} inverted", name,
                         llvm::Log2_32(list.flip))
               .str();
  if (list.kind.isSigned)
    text += (text.empty() ? "`" + name.str() + "` is " : ", ") +
            std::string("in two's complement");
  return text;
}

static std::string formula(const Format &format) {
  std::string q = format.zeroPoint
                      ? "(q - " + std::to_string(format.zeroPoint) + ")"
                      : "q";
  std::string value = q + (format.isTwoLevel() ? " · (d · sc)" : " · d");
  if (format.hasMin())
    value += format.isTwoLevel() ? " - dmin · mn" : " + m";
  return value;
}

static void printPlain(const Format &format) {
  const char *text = format.plain == Format::F64
                         ? "IEEE 754 doubles. They are read as f32; one that is "
                           "no f32 is an error"
                     : format.plain == Format::I8
                         ? "Signed bytes, which are read as f32"
                         : "Plain values";
  out << "\n### " << format.name << "\n\n" << text << ".\n";
}

static void printFormat(const Format &format) {
  if (format.isFloat)
    return printPlain(format);
  CodeKind kind = format.codeKind();
  out << "\n### " << format.name << "\n\nValue: `" << formula(format) << "`, "
      << (format.group == format.blockElements
              ? std::string("one scale a block")
              : llvm::formatv("groups of {0}", format.group).str());
  if (kind.book && !format.grid)
    out << ", `q` from codebook `" << kind.book->name << "`";
  if (format.grid)
    out << ", vectors of grid `" << format.grid << "`";
  for (const std::string &text :
       {meaning(format.codes, "q"), meaning(format.subScales, "sc")})
    if (!text.empty())
      out << "; " << text;
  if (format.floatKind != FloatKind::F16)
    out << "; floats are " << spelling(format.floatKind);
  out << ".\n\n| integer | index | its | place | ranges |\n|---|---|---|---|---|"
         "\n";
  printList("code", format.codes);
  printList("vector", format.vectors);
  printList("flags", format.flags);
  printList("`sc`", format.subScales);
  printList("`mn`", format.subMins);
  for (const BitField &field : format.scale)
    printField("`d`", field);
  printField(format.isTwoLevel() ? "`dmin`" : "`m`", format.min[0]);
}

static void printCodebook(const Codebook &book) {
  if (book.width > 4 || book.name == "e2m3") { // a rule is shorter than a list
    out << "* `" << book.name << "`: " << (1u << book.width)
        << " numbers, a small float of sign, exponent and mantissa.\n";
    return;
  }
  out << "* `" << book.name << "`: ";
  if (book.isInteger())
    llvm::interleaveComma(book.integers, out,
                          [](int8_t integer) { out << int(integer); });
  else
    llvm::interleaveComma(book.levels, out,
                          [](float level) { out << llvm::formatv("{0:f7}", level); });
  if (book.unit)
    out << "; times 2^-" << book.unit;
  out << ".\n";
}

int main() {
  mlir::MLIRContext context;
  context.loadDialect<LowBitDialect>();
  out << intro
      << "| format | GGUF id | elements a block | bytes a block | bits a weight "
         "| element type |\n|---|---|---|---|---|---|\n";
  for (const Format &format : formats())
    out << llvm::formatv("| `{0}` | {1} | {2} | {3} | {4:f4} | `", format.name,
                         format.ggufId, format.blockElements,
                         format.blockBytes,
                         8.0 * format.blockBytes / format.blockElements)
        << elementType(&context, format) << "` |\n";
  out << reading << "## The place of every bit\n";
  for (const Format &format : formats())
    printFormat(format);
  out << outro;
  for (const Codebook *book : namedCodebooks())
    printCodebook(*book);
  out << adding;
  return 0;
}
