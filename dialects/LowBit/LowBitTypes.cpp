//===- LowBitTypes.cpp - syntax and validity of !lowbit.block ------------===//
//
// What: the parser, printer and verifier of the type, and which of its
// instances hold the numbers of which others.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/LowBit.h"

#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace nibble;
using namespace nibble::lowbit;

//===----------------------------------------------------------------------===//
// Parts of the syntax
//===----------------------------------------------------------------------===//

static std::optional<FloatKind> floatKindOf(StringRef word) {
  for (FloatKind kind : {FloatKind::F16, FloatKind::BF16, FloatKind::F32})
    if (word == spelling(kind))
      return kind;
  return std::nullopt;
}

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
    return parser.emitError(loc, "expected f16, bf16 or f32, found '")
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

static void printInteger(AsmPrinter &printer, IntegerKind kind) {
  printer << (kind.isSigned ? "i" : "u") << kind.width;
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
  StringRef word;
  if (parser.parseLess())
    return {};
  SMLoc codeLoc = parser.getCurrentLocation();
  if (parser.parseKeyword(&word))
    return {};
  std::optional<IntegerKind> code = integerKindOf(word);
  if (!code) {
    parser.emitError(codeLoc, "expected a code such as u4 or i8, found '")
        << word << "'";
    return {};
  }
  int64_t group;
  ScaleKind scale;
  ZeroKind zero;
  if (parser.parseComma() || parser.parseInteger(group) ||
      parser.parseComma() || parseScale(parser, scale))
    return {};
  if (succeeded(parser.parseOptionalComma()) && parseZero(parser, zero))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<BlockType>(start, parser.getContext(), *code, group,
                                      scale, zero);
}

void BlockType::print(AsmPrinter &printer) const {
  printer << "<";
  printInteger(printer, getCode());
  printer << ", " << getGroup() << ", ";
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
                                IntegerKind code, const ScaleKind &scale,
                                const ZeroKind &zero) {
  switch (zero.form) {
  case ZeroKind::None:
    return success();
  case ZeroKind::Point:
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

LogicalResult BlockType::verify(function_ref<InFlightDiagnostic()> emitError,
                                IntegerKind code, int64_t group,
                                ScaleKind scale, ZeroKind zero) {
  if (code.width < 1 || code.width > 8)
    return emitError() << "codes must have 1 to 8 bits, found " << code.width;
  if (group < 1)
    return emitError() << "a group must have at least 1 element, found "
                       << group;
  if (scale.isTwoLevel()) {
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

static bool holds(FloatKind wide, FloatKind narrow) {
  return wide == narrow || wide == FloatKind::F32;
}

static bool holds(IntegerKind wide, IntegerKind narrow) {
  return wide.contains(narrow.min()) && wide.contains(narrow.max());
}

static bool holds(const ScaleKind &wide, const ScaleKind &narrow) {
  if (wide.isTwoLevel() != narrow.isTwoLevel() ||
      !holds(wide.floatKind, narrow.floatKind))
    return false;
  // A smaller super block repeats the float of the larger one.
  return !wide.isTwoLevel() || (narrow.superGroup % wide.superGroup == 0 &&
                                holds(wide.sub, narrow.sub));
}

const char *lowbit::whyCastIsInexact(BlockType from, BlockType to) {
  if (from.getGroup() % to.getGroup() != 0)
    return "the result's group does not divide the operand's";
  if (!holds(to.getScale(), from.getScale()))
    return "the result's scale cannot hold the operand's";
  if (from.hasMin() != to.hasMin())
    return "only one of the types has a minimum";
  if (from.hasMin() && !holds(to.getZero().min, from.getZero().min))
    return "the result's minimum cannot hold the operand's";
  int64_t shift = to.getZeroPoint() - from.getZeroPoint();
  if (!to.getCode().contains(from.getCode().min() + shift) ||
      !to.getCode().contains(from.getCode().max() + shift))
    return "the result's codes cannot hold all of the operand's";
  return nullptr;
}
