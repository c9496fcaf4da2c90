//===- LowBitTypes.cpp - syntax and validity of !lowbit.block ------------===//
//
// What: the parser, printer and verifier of the type.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/LowBit.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace nibble;
using namespace nibble::lowbit;

//===----------------------------------------------------------------------===//
// Parts of the syntax
//===----------------------------------------------------------------------===//

/// `u4`, `i8`. The width's range is checked by the verifier.
static std::optional<IntegerKind> integerKindOf(StringRef word) {
  bool isSigned = word.starts_with("i");
  unsigned width;
  if ((!isSigned && !word.starts_with("u")) ||
      word.drop_front().getAsInteger(10, width))
    return std::nullopt;
  return IntegerKind{width, isSigned};
}

/// scale ::= float | integer `x` float `:` super-group
static ParseResult parseScale(AsmParser &parser, ScaleKind &scale) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef word;
  if (parser.parseKeyword(&word))
    return failure();
  if (std::optional<IntegerKind> sub = integerKindOf(word)) {
    scale.sub = *sub;
    if (parser.parseKeyword("x", " between the integer and the float of a "
                                 "two-level scale"))
      return failure();
    loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&word))
      return failure();
  }
  std::optional<FloatKind> kind = floatKindOf(word);
  if (!kind)
    return parser.emitError(loc, "expected f16, bf16, f32, e8m0 or ue4m3, "
                                 "found '")
           << word << "'";
  scale.floatKind = *kind;
  if (!scale.sub.width)
    return success();
  SMLoc superLoc;
  if (parser.parseColon() || parser.getCurrentLocation(&superLoc) ||
      parser.parseInteger(scale.superGroup))
    return failure();
  if (scale.superGroup < 1)
    return parser.emitError(superLoc, "the super block must be positive");
  return success();
}

/// zero ::= `zp` `=` integer | `min` `=` float | `min` `=` `-` `(` scale `)`
static ParseResult parseZero(AsmParser &parser, ZeroKind &zero) {
  if (succeeded(parser.parseOptionalKeyword("zp"))) {
    zero.form = ZeroKind::Point;
    return failure(parser.parseEqual() || parser.parseInteger(zero.point));
  }
  if (parser.parseKeyword("min", " or 'zp'") || parser.parseEqual())
    return failure();
  zero.form = ZeroKind::Min;
  if (succeeded(parser.parseOptionalMinus())) {
    SMLoc loc;
    if (parser.parseLParen() || parser.getCurrentLocation(&loc) ||
        parseScale(parser, zero.min) || parser.parseRParen())
      return failure();
    if (!zero.min.isTwoLevel())
      return parser.emitError(loc, "a subtracted minimum has two levels");
    return success();
  }
  SMLoc loc = parser.getCurrentLocation();
  if (parseScale(parser, zero.min))
    return failure();
  if (zero.min.isTwoLevel())
    return parser.emitError(loc, "a two-level minimum is subtracted: write "
                                 "'min = -(…)'");
  return success();
}

//===----------------------------------------------------------------------===//
// Codes
//===----------------------------------------------------------------------===//

/// number ::= `-`? (integer | float)
static ParseResult parseNumber(AsmParser &parser, float &number) {
  bool negative = succeeded(parser.parseOptionalMinus());
  int64_t integer;
  OptionalParseResult found = parser.parseOptionalInteger(integer);
  APFloat value(APFloat::IEEEsingle());
  if (found.has_value()) {
    if (failed(*found))
      return failure();
    value = APFloat(float(integer));
  } else if (parser.parseFloat(APFloat::IEEEsingle(), value)) {
    return failure();
  }
  number = negative ? -value.convertToFloat() : value.convertToFloat();
  return success();
}

/// The rest of `cb<[…]>`: numbers that the type knows.
static ParseResult parseLevels(AsmParser &parser, CodeKind &code) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<float> levels;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
        return parseNumber(parser, levels.emplace_back());
      }))
    return failure();
  if (levels.size() < 2 || levels.size() > 256 ||
      !llvm::isPowerOf2_64(levels.size()))
    return parser.emitError(loc, "a codebook has 2, 4, 8, … or 256 numbers, "
                                 "found ")
           << levels.size();
  code = CodeKind(getCodebook(levels));
  return success();
}

/// The rest of `cb<4 x i8 per row>`: numbers that the weight brings.
static ParseResult parseStoredCodebook(AsmParser &parser, CodeKind &code) {
  unsigned width;
  StringRef entry, scope;
  SMLoc entryLoc, scopeLoc;
  if (parser.parseInteger(width) || parser.parseKeyword("x") ||
      parser.getCurrentLocation(&entryLoc) || parser.parseKeyword(&entry) ||
      parser.parseKeyword("per") || parser.getCurrentLocation(&scopeLoc) ||
      parser.parseKeyword(&scope))
    return failure();
  if (entry != "i8" && entry != "f16" && entry != "f32")
    return parser.emitError(entryLoc, "the numbers of a stored codebook are "
                                      "i8, f16 or f32, found '")
           << entry << "'";
  if (scope != "row" && scope != "tensor")
    return parser.emitError(scopeLoc, "a stored codebook is 'per row' or 'per "
                                      "tensor', found '")
           << scope << "'";
  code = CodeKind(width,
                  entry == "i8"    ? CodeKind::I8
                  : entry == "f16" ? CodeKind::F16
                                   : CodeKind::F32,
                  scope == "row" ? CodeKind::Row : CodeKind::Tensor);
  return success();
}

/// code ::= integer | name | `grid` `<` name `>` | `cb` `<` `[` numbers `]` `>`
///        | `cb` `<` width `x` entry `per` scope `>`
static ParseResult parseCode(AsmParser &parser, CodeKind &code) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef word;
  if (parser.parseKeyword(&word))
    return failure();
  if (word == "cb") {
    if (parser.parseLess())
      return failure();
    bool isList = *parser.getCurrentLocation().getPointer() == '[';
    return failure((isList ? parseLevels(parser, code)
                           : parseStoredCodebook(parser, code)) ||
                   parser.parseGreater());
  }
  if (word == "grid") {
    if (parser.parseLess() || parser.getCurrentLocation(&loc) ||
        parser.parseKeyword(&word) || parser.parseGreater())
      return failure();
    const Grid *grid = findGrid(word);
    if (!grid)
      return parser.emitError(loc, "unknown grid '") << word << "'";
    code = CodeKind(grid);
    return success();
  }
  if (std::optional<IntegerKind> integer = integerKindOf(word))
    code = CodeKind(*integer);
  else if (const Codebook *book = findCodebook(word))
    code = CodeKind(book);
  else
    return parser.emitError(loc, "expected a code such as u4, i8, e2m1 or "
                                 "cb<[…]>, found '")
           << word << "'";
  return success();
}

/// group ::= integer | `row` | `tensor`
static ParseResult parseGroup(AsmParser &parser, int64_t &group) {
  if (succeeded(parser.parseOptionalKeyword("row"))) {
    group = kRowGroup;
    return success();
  }
  if (succeeded(parser.parseOptionalKeyword("tensor"))) {
    group = kTensorGroup;
    return success();
  }
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseInteger(group))
    return failure();
  if (group < 1)
    return parser.emitError(loc, "a group must have at least 1 element, "
                                 "found ")
           << group;
  return success();
}

static void printInteger(AsmPrinter &printer, IntegerKind kind) {
  printer << (kind.isSigned ? "i" : "u") << kind.width;
}

static void printCode(AsmPrinter &printer, const CodeKind &code) {
  if (code.isInteger())
    return printInteger(printer, code);
  if (code.stored != CodeKind::None) {
    const char *entries[] = {"i8", "f16", "f32"};
    printer << "cb<" << code.width << " x " << entries[code.entry] << " per "
            << (code.stored == CodeKind::Row ? "row" : "tensor") << ">";
    return;
  }
  if (code.grid) {
    printer << "grid<" << code.grid->name << ">";
    return;
  }
  if (!code.book->name.empty()) {
    printer << code.book->name;
    return;
  }
  printer << "cb<[";
  llvm::interleaveComma(code.book->levels, printer, [&](float level) {
    if (level == std::trunc(level) && std::abs(level) < 1e6f)
      printer << int64_t(level);
    else
      printer.printFloat(APFloat(level));
  });
  printer << "]>";
}

static void printGroup(AsmPrinter &printer, int64_t group) {
  if (group == kRowGroup)
    printer << "row";
  else if (group == kTensorGroup)
    printer << "tensor";
  else
    printer << group;
}

static void printScale(AsmPrinter &printer, const ScaleKind &scale) {
  if (scale.isTwoLevel()) {
    printInteger(printer, scale.sub);
    printer << " x ";
  }
  printer << spelling(scale.floatKind);
  if (scale.isTwoLevel())
    printer << " : " << scale.superGroup;
}

//===----------------------------------------------------------------------===//
// !lowbit.block
//===----------------------------------------------------------------------===//

/// block ::= `<` code `,` group `,` scale (`,` zero)? `>`
Type BlockType::parse(AsmParser &parser) {
  SMLoc start = parser.getCurrentLocation();
  CodeKind code;
  int64_t group;
  ScaleKind scale;
  ZeroKind zero;
  if (parser.parseLess() || parseCode(parser, code) || parser.parseComma() ||
      parseGroup(parser, group) || parser.parseComma() ||
      parseScale(parser, scale))
    return {};
  if (succeeded(parser.parseOptionalComma()) && parseZero(parser, zero))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<BlockType>(start, parser.getContext(), code, group,
                                      scale, zero);
}

void BlockType::print(AsmPrinter &printer) const {
  printer << "<";
  printCode(printer, getCode());
  printer << ", ";
  printGroup(printer, getGroup());
  printer << ", ";
  printScale(printer, getScale());
  switch (getZero().form) {
  case ZeroKind::None:
    break;
  case ZeroKind::Point:
    printer << ", zp = " << getZero().point;
    break;
  case ZeroKind::Min:
    printer << ", min = " << (isTwoLevel() ? "-(" : "");
    printScale(printer, getZero().min);
    printer << (isTwoLevel() ? ")" : "");
    break;
  }
  printer << ">";
}

static LogicalResult verifyZero(function_ref<InFlightDiagnostic()> emitError,
                                const CodeKind &code, const ScaleKind &scale,
                                const ZeroKind &zero) {
  switch (zero.form) {
  case ZeroKind::None:
    return success();
  case ZeroKind::Point:
    if (!code.isInteger())
      return emitError() << "a codebook has no zero point: its numbers are "
                            "what they are";
    if (zero.point == 0)
      return emitError() << "a zero point of 0 is written by leaving it out";
    if (!code.contains(zero.point))
      return emitError() << "zero point " << zero.point
                         << " is outside the codes " << code.min() << " … "
                         << code.max();
    return success();
  case ZeroKind::Min:
    if (zero.min.isTwoLevel() != scale.isTwoLevel())
      return emitError() << "scale and minimum must have the same number of "
                            "levels";
    if (zero.min.superGroup != scale.superGroup)
      return emitError() << "scale and minimum must share the super block, "
                            "found "
                         << scale.superGroup << " and " << zero.min.superGroup;
    if (zero.min.floatKind != scale.floatKind)
      return emitError() << "scale and minimum must have the same float type, "
                            "found "
                         << spelling(scale.floatKind) << " and "
                         << spelling(zero.min.floatKind);
    if (zero.min.isTwoLevel() &&
        (zero.min.sub.width < 1 || zero.min.sub.width > 8 ||
         zero.min.sub.isSigned))
      return emitError() << "sub-minima must be unsigned with 1 to 8 bits";
    return success();
  }
  return emitError() << "unknown kind of zero";
}

std::pair<int64_t, int64_t> BlockType::getIntegerRange() const {
  const CodeKind &code = getCode();
  if (code.book) {
    auto [low, high] = std::minmax_element(code.book->integers.begin(), code.book->integers.end());
    return {*low, *high};
  }
  IntegerKind integer{code.width, code.isSigned};
  return {integer.min() - getZeroPoint(), integer.max() - getZeroPoint()};
}

LogicalResult BlockType::verify(function_ref<InFlightDiagnostic()> emitError,
                                CodeKind code, int64_t group, ScaleKind scale,
                                ZeroKind zero) {
  if (code.width < 1 || code.width > 8)
    return emitError() << "codes must have 1 to 8 bits, found " << code.width;
  if (group == 0 || group < kTensorGroup)
    return emitError() << "a group must have at least 1 element, found "
                       << group;
  if (scale.isTwoLevel()) {
    if (group < 0)
      return emitError() << "a group of a whole row has a scale of one level";
    if (scale.sub.width < 1 || scale.sub.width > 8)
      return emitError() << "sub-scales must have 1 to 8 bits, found "
                         << scale.sub.width;
    if (scale.superGroup % group != 0)
      return emitError() << "the super block of " << scale.superGroup
                         << " must be a multiple of the group of " << group;
  }
  return verifyZero(emitError, code, scale, zero);
}

//===----------------------------------------------------------------------===//
// Relations between types
//===----------------------------------------------------------------------===//

BlockType lowbit::getBlockType(Type type) {
  auto tensor = dyn_cast<TensorType>(type);
  return tensor ? dyn_cast<BlockType>(tensor.getElementType()) : BlockType();
}

BlockType lowbit::withoutGrid(BlockType type) {
  CodeKind code = type.getCode();
  code.grid = nullptr;
  return BlockType::get(type.getContext(), code, type.getGroup(),
                        type.getScale(), type.getZero());
}
