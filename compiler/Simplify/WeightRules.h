//===- WeightRules.h - which weight gets which format --------------------===//
//
// What: the list that `--weights=` takes, and the format that it gives a tensor.
// Contract: the last entry that matches a tensor's name decides. Errors say at
// which column of the list something is wrong.
//
//   rules   ::= entry (`,` entry)*
//   entry   ::= (pattern `=`)? format          without a pattern: all tensors
//   format  ::= `@` file | see dialects/LowBit/FormatText.h
//   pattern ::= a name with `*`, `?` and `[…]`
//
// A pattern is compared with the tensor's name, with its parts after a `.`, and
// with both without a final `.weight`: `attn_q`, `attn_*`, `blk.0.*`, `output`.
// A file holds one format; `#` begins a comment, and line ends do not count.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialects/LowBit/FormatText.h"

#include <vector>

namespace nibble {

struct WeightRule {
  std::string pattern; ///< As written; empty for all tensors.
  lowbit::FormatText format;

  bool matches(llvm::StringRef tensor) const;
};

class WeightRules {
public:
  /// No value and a filled-in `error` if the text is no list of rules.
  static std::optional<WeightRules> parse(llvm::StringRef text, mlir::MLIRContext *context, lowbit::TextError &error);

  llvm::ArrayRef<WeightRule> rules() const { return list; }
  /// The last rule for a tensor, or null.
  const WeightRule *ruleFor(llvm::StringRef tensor) const;

private:
  std::vector<WeightRule> list;
};

} // namespace nibble
