//===- Normalizer.h - text as the vocabulary was trained on it ---*- C++ -*-===//
//
// Runs the steps of schema::Normalizer: Unicode's normal forms, lower case, removed
// accents, replaced texts. The compiler turns what a model asks for into tables
// (compiler/Import/Text/NormalizerBuilder.h); most texts hold nothing that the steps
// touch and are not copied.
//
// Contract: linear time, no allocation. An invalid byte is a character that no step
// touches, so it comes out as it went in.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/schema/tokenizer_generated.h"
#include "runtime/text/TextError.h"

#include <cstddef>
#include <span>
#include <string_view>

namespace nibble::rt {

class Normalizer {
public:
  Normalizer() = default;
  explicit Normalizer(const schema::Normalizer *table) : table(table) {}

  /// Whether the steps may change `text`.
  bool touches(std::string_view text) const;

  /// The normalized text, which lies at the end of `workspace` (4-byte aligned). WorkspaceTooSmall if it doesn't fit:
  /// eight bytes for each code point of each step's result, and never more than a workspace for the encoder has unless
  /// the steps make a text several times longer.
  TextError run(std::string_view text, std::span<std::byte> workspace, std::string_view &result) const;

private:
  const schema::Normalizer *table = nullptr; // null: nothing to do
};

} // namespace nibble::rt
