//===- FormatText.h - number formats as a user writes them ---------------===//
//
// What: the texts that `--weights=` takes, and the element type that each means
// for a matrix.
// Why: the IR's type is exact and long; a user wants "q4_0", "int4:g64", or the
// best six bits ("q6"), and some of it depends on the number of columns.
// Contract: docs/formats.md documents the grammar. Nothing is guessed: what is
// not understood is an error at a column.
//
//   format ::= `keep`                        as the file has it
//            | ggml name                     q4_0, q6_k, bf16 … (nibble formats)
//            | `q` (2…6 | 8)                 the ggml format of that many bits,
//                                            its super block cut to fit the rows
//            | code (`:` part)*              a format of one's own
//            | `!lowbit.block<…>`            the type itself
//   code   ::= `int` 2…8 | `uint` 1…8        symmetric | from zero on
//            | `ternary`                     -1, 0, 1 in two bits
//            | codebook                      nf4, e2m1, e4m3 … or fp4e2m1 …
//            | `cb` 1…8 `[` numbers `]`      a codebook of 2^bits numbers
//            | `any` 1…8 (`[` entry `per` scope `]`)?   one made for the weights;
//                                            entry i8, f16, f32, scope row, tensor
//   part   ::= `g` N | `row` | `tensor`      columns that share a scale (g32)
//            | `f16` | `bf16` | `f32` | `e8m0` | `ue4m3`    its type (f16)
//            | integer `x` float `/` N       two levels: u6xf16/256
//            | `min`                         and a minimum of the same type
//            | `zp` N                        and a zero point
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_FORMATTEXT_H
#define NIBBLE_DIALECTS_LOWBIT_FORMATTEXT_H

#include "dialects/LowBit/LowBit.h"

#include "llvm/Support/Error.h"

#include <optional>
#include <string>

namespace nibble::lowbit {

/// What is wrong with a text, and where: `column` counts bytes from 0.
struct TextError {
  size_t column = 0;
  std::string message;
};

class FormatText {
public:
  /// No value and a filled-in `error` if the text is no format.
  static std::optional<FormatText>
  parse(llvm::StringRef text, mlir::MLIRContext *context, TextError &error);

  bool isKeep() const { return kind == Keep; }
  /// The element type of a matrix with that many columns, or why it has none.
  llvm::Expected<mlir::Type> elementType(mlir::MLIRContext *context,
                                         int64_t columns) const;
  /// As the user wrote it.
  llvm::StringRef text() const { return spelled; }

private:
  class Parser;
  enum Kind { Keep, Fixed, Family, Own };

  mlir::Type familyType(mlir::MLIRContext *context, int64_t columns) const;

  Kind kind = Keep;
  std::string spelled;
  mlir::Type fixed; ///< Fixed, and the model of a Family.
  // Own: the parameters of the type.
  CodeKind code = {};
  int64_t group = 32;
  ScaleKind scale = {};
  ZeroKind zero = {};
};

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_FORMATTEXT_H
