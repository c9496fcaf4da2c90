//===- FormatText.cpp - number formats as a user writes them -------------===//
//
// See FormatText.h for the grammar.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/FormatText.h"

#include "dialects/LowBit/Formats.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace nibble;
using namespace nibble::lowbit;

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

class FormatText::Parser {
public:
  Parser(StringRef text, MLIRContext *context, TextError &error)
      : text(text), context(context), error(error) {}

  std::optional<FormatText> parse();

private:
  bool parseType(FormatText &format);
  bool parseName(StringRef word, FormatText &format);
  bool parseCodebook(StringRef word, FormatText &format);
  bool parseLearned(StringRef word, FormatText &format);
  bool parseCode(StringRef word, FormatText &format);
  bool parsePart(StringRef word, FormatText &format);
  bool parseScale(StringRef word, FormatText &format);
  bool finish(FormatText &format);
  bool fail(size_t column, const llvm::Twine &message) {
    error = {column, message.str()};
    return false;
  }
  /// The column of a piece of the text.
  size_t columnOf(StringRef piece) const { return piece.data() - text.data(); }

  StringRef text;
  MLIRContext *context;
  TextError &error;
  bool hasMin = false;
};

std::optional<FormatText>
FormatText::parse(StringRef text, MLIRContext *context, TextError &error) {
  return Parser(text, context, error).parse();
}

std::optional<FormatText> FormatText::Parser::parse() {
  FormatText format;
  format.spelled = text.trim().str();
  StringRef trimmed = text.trim();
  if (trimmed.starts_with("!"))
    return parseType(format) ? std::optional(format) : std::nullopt;
  auto [first, rest] = trimmed.split(':');
  bool hasParts = first.size() != trimmed.size();
  if (!hasParts && parseName(first, format))
    return format;
  if (!parseCode(first.trim(), format))
    return std::nullopt;
  while (hasParts) {
    auto [part, next] = rest.split(':');
    hasParts = part.size() != rest.size();
    if (!parsePart(part.trim(), format))
      return std::nullopt;
    rest = next;
  }
  return finish(format) ? std::optional(format) : std::nullopt;
}

/// `!lowbit.block<…>`, by the parser of the IR.
bool FormatText::Parser::parseType(FormatText &format) {
  format.kind = Fixed;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    size_t column = 0;
    if (auto loc = dyn_cast<FileLineColLoc>(diagnostic.getLocation()))
      column = loc.getColumn() - 1;
    fail(columnOf(text.ltrim()) + column, diagnostic.str());
    return success();
  });
  format.fixed = mlir::parseType(format.spelled, context);
  if (!format.fixed)
    return false;
  return isa<BlockType>(format.fixed) || format.fixed.isF32() ||
         format.fixed.isF16() || format.fixed.isBF16() ||
         fail(columnOf(text.ltrim()), "is no !lowbit.block");
}

bool FormatText::Parser::parseName(StringRef word, FormatText &format) {
  if (word == "keep")
    return true;
  if (const Format *row = findFormat(word.lower())) {
    format.kind = Fixed;
    format.fixed = lowbit::elementType(context, *row);
    return true;
  }
  if (word.size() != 2 || word[0] != 'q' ||
      StringRef("234568").find(word[1]) == StringRef::npos)
    return false;
  std::string model = word.str() + (word[1] == '8' ? "_0" : "_k");
  format.kind = Family;
  format.fixed = lowbit::elementType(context, *findFormat(model));
  return true;
}

/// `cb4[-1, …]`; the brackets' contents may have spaces.
bool FormatText::Parser::parseCodebook(StringRef word, FormatText &format) {
  auto [head, list] = word.split('[');
  unsigned width = 0;
  if (head.drop_front(2).trim().getAsInteger(10, width) || width < 1 ||
      width > 8 || !list.consume_back("]"))
    return fail(columnOf(word), "a codebook is written cb4[…], with 2 to the "
                                "power of its 1 to 8 bits numbers");
  std::vector<float> numbers;
  SmallVector<StringRef> pieces;
  list.split(pieces, ',');
  for (StringRef piece : pieces) {
    double number = 0;
    if (piece.trim().getAsDouble(number) || !std::isfinite(float(number)))
      return fail(columnOf(piece), "'" + piece.trim() + "' is no number");
    numbers.push_back(float(number));
  }
  if (numbers.size() != size_t(1) << width)
    return fail(columnOf(word), "a codebook of " + llvm::Twine(width) +
                                    " bits has " + llvm::Twine(1u << width) +
                                    " numbers, found " +
                                    llvm::Twine(numbers.size()));
  format.code = CodeKind(getCodebook(numbers));
  return true;
}

/// `any4` or `any4[f16 per tensor]`; without brackets bytes for each row.
bool FormatText::Parser::parseLearned(StringRef word, FormatText &format) {
  auto [head, inner] = word.split('[');
  unsigned width = 0;
  bool hasBrackets = head.size() != word.size();
  auto [entry, scope] = hasBrackets ? inner.split("per") : std::pair(StringRef("i8"), StringRef("row]"));
  entry = entry.trim();
  std::optional<CodeKind::Entry> kind;
  if (entry == "i8" || entry == "f16" || entry == "f32")
    kind = entry == "i8" ? CodeKind::I8 : entry == "f16" ? CodeKind::F16 : CodeKind::F32;
  bool isWhole = scope.consume_back("]");
  scope = scope.trim();
  if (head.drop_front(3).trim().getAsInteger(10, width) || width < 1 || width > 8 || !isWhole || !kind ||
      (scope != "row" && scope != "tensor"))
    return fail(columnOf(word),
                "a codebook that is made for the weights is written any4 or any4[i8 per row], with 1 to "
                "8 bits, numbers of i8, f16 or f32, and per row or per tensor");
  format.code = CodeKind(width, *kind, scope == "row" ? CodeKind::Row : CodeKind::Tensor);
  return true;
}

/// `nf4`, `e4m3`, `fp8e4m3`, `fp4`.
static const Codebook *codebookOf(StringRef word) {
  if (word == "fp4")
    return findCodebook("e2m1");
  if (word.consume_front("fp")) {
    StringRef rest = word.drop_while(llvm::isDigit);
    const Codebook *book = findCodebook(rest);
    bool isOfThatWidth = book && llvm::utostr(book->width) ==
                                     word.drop_back(rest.size());
    return isOfThatWidth ? book : nullptr;
  }
  return findCodebook(word);
}

/// `int4` is four bits around a zero point in their middle: unsigned codes cost
/// the kernels less than signed ones, and the numbers are the same.
bool FormatText::Parser::parseCode(StringRef word, FormatText &format) {
  format.kind = Own;
  if (word.starts_with("cb"))
    return parseCodebook(word, format);
  if (word.starts_with("any"))
    return parseLearned(word, format);
  if (const Codebook *book = codebookOf(word)) {
    format.code = CodeKind(book);
    return true;
  }
  StringRef digits = word;
  bool isUnsigned = digits.consume_front("uint");
  unsigned width = word == "ternary" ? 2 : 0;
  if (!width && ((!isUnsigned && !digits.consume_front("int")) ||
                 digits.getAsInteger(10, width)))
    return fail(columnOf(word),
                "expected a format, found '" + word +
                    "'; write a ggml name (nibble formats lists them), q2 to "
                    "q6 or q8, int2 to int8, uint1 to uint8, ternary, nf4, "
                    "fp4, fp6e2m3, fp6e3m2, fp8e4m3, fp8e5m2, cb4[…], any4, "
                    "!lowbit.block<…> or keep");
  if (width > 8 || width < (isUnsigned ? 1u : 2u))
    return fail(columnOf(word), "codes are int2 to int8 or uint1 to uint8");
  bool isByte = width == 8 && !isUnsigned;
  format.code = CodeKind(width, isByte);
  int64_t middle = word == "ternary" ? 1 : int64_t(1) << (width - 1);
  if (!isUnsigned && !isByte)
    format.zero = {.form = ZeroKind::Point, .point = middle};
  return true;
}

/// `f16`, or `u6xf16/256`.
bool FormatText::Parser::parseScale(StringRef word, FormatText &format) {
  if (std::optional<FloatKind> kind = floatKindOf(word)) {
    format.scale = {.floatKind = *kind};
    return true;
  }
  auto [levels, super] = word.split('/');
  auto [sub, real] = levels.split('x');
  bool isSigned = sub.starts_with("i");
  std::optional<FloatKind> kind = floatKindOf(real);
  unsigned width = 0;
  int64_t superGroup = 0;
  if (!kind || (!isSigned && !sub.starts_with("u")) ||
      sub.drop_front().getAsInteger(10, width) ||
      super.getAsInteger(10, superGroup))
    return fail(columnOf(word),
                "expected a part of a format, found '" + word +
                    "'; write g64, row or tensor, f16, bf16, f32, e8m0 or "
                    "ue4m3, u6xf16/256, min or zp8");
  if (superGroup < 1)
    return fail(columnOf(super), "the super block must be positive");
  format.scale = {*kind, {width, isSigned}, superGroup};
  return true;
}

bool FormatText::Parser::parsePart(StringRef word, FormatText &format) {
  StringRef number = word;
  if (word == "row" || word == "tensor") {
    format.group = word == "row" ? kRowGroup : kTensorGroup;
    return true;
  }
  if (word == "min")
    return hasMin = true;
  if (number.consume_front("g") && !number.getAsInteger(10, format.group))
    return format.group > 0 ||
           fail(columnOf(word), "a group has at least one column");
  number = word;
  int64_t point = 0;
  if (number.consume_front("zp") && !number.getAsInteger(10, point)) {
    format.zero = {.form = point ? ZeroKind::Point : ZeroKind::None,
                   .point = point};
    return true;
  }
  return parseScale(word, format);
}

/// The parts together; the type's own verifier has the last word.
bool FormatText::Parser::finish(FormatText &format) {
  size_t start = columnOf(text.ltrim());
  if (hasMin) {
    if (format.zero.form == ZeroKind::Point)
      return fail(start, "a format has a zero point or a minimum, not both: "
                         "write uint instead of int");
    format.zero = {.form = ZeroKind::Min, .min = format.scale};
  }
  bool failed = false;
  auto refuse = [&] {
    failed = true;
    return mlir::emitError(UnknownLoc::get(context));
  };
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    fail(start, diagnostic.str());
    return success();
  });
  if (format.scale.isTwoLevel() && format.group < 0)
    return fail(start, "a scale of two levels needs groups (g32)");
  (void)BlockType::getChecked(refuse, context, format.code, format.group, format.scale,
                              format.zero);
  return !failed;
}

//===----------------------------------------------------------------------===//
// Meaning
//===----------------------------------------------------------------------===//

/// The ggml format with the largest super block of whole units of 32 columns, up
/// to ggml's own 256, that divides the rows; null if 32 does not.
Type FormatText::familyType(MLIRContext *context, int64_t columns) const {
  auto block = cast<BlockType>(fixed);
  if (columns % 32 != 0)
    return {};
  if (!block.isTwoLevel())
    return block;
  int64_t superGroup = 256;
  while (columns % superGroup != 0)
    superGroup -= 32;
  ScaleKind scale = block.getScale();
  ZeroKind zero = block.getZero();
  scale.superGroup = superGroup;
  if (zero.form == ZeroKind::Min)
    zero.min.superGroup = superGroup;
  return BlockType::get(context, block.getCode(), block.getGroup(), scale, zero);
}

llvm::Expected<Type> FormatText::elementType(MLIRContext *context,
                                             int64_t columns) const {
  Type type = fixed;
  if (kind == Family)
    type = familyType(context, columns);
  if (kind == Own)
    type = BlockType::get(context, code, group, scale, zero);
  auto block = dyn_cast_or_null<BlockType>(type);
  int64_t span = block ? block.getScaleSpan() : kind == Family ? 32 : 1;
  if (columns % span != 0)
    return llvm::createStringError(llvm::formatv(
        "{0} shares scales among {1} columns, of which rows of {2} columns are "
        "no multiple; a format with smaller groups would do",
        spelled, span, columns));
  return type;
}
