//===- TokenizeCommand.cpp - What `nibble tokenize` does ------------------===//
//
// See TokenizeCommand.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/TokenizeCommand.h"

#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/NormalizerBuilder.h"
#include "runtime/text/Tokenizer.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

#include <string>
#include <vector>

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using rt::TextError;

static Error check(TextError error) {
  return error == TextError::None ? Error::success() : malformed(rt::describe(error));
}

static Error encode(const rt::Tokenizer &tokenizer, StringRef text, const TokenizeOptions &options,
                    llvm::raw_ostream &os) {
  rt::EncodeOptions encodeOptions;
  encodeOptions.specials = options.parseSpecial ? rt::SpecialTokens::All : rt::SpecialTokens::UserDefined;
  encodeOptions.addSpecial = options.addSpecial;
  size_t count = 0;
  std::vector<int32_t> ids;
  TextError error = TextError::WorkspaceTooSmall;
  // Normalization may make a text longer; a doubled size that suffices for the most is less than twice that.
  for (size_t size = text.size() + 16; size / (2 * longestNormalForm) <= text.size() + 16; size *= 2) {
    std::vector<std::byte> workspace(rt::Tokenizer::workspaceSize(size));
    ids.resize(rt::Tokenizer::maxTokens(size));
    error = tokenizer.encode(std::string_view(text), encodeOptions, workspace, ids, count);
    if (error != TextError::WorkspaceTooSmall && error != TextError::OutputTooSmall)
      break;
  }
  if (error != TextError::None && error != TextError::UnknownBytes)
    return check(error);
  for (int32_t id : llvm::ArrayRef(ids).take_front(count)) {
    os << id;
    if (options.pieces) {
      os << '\t';
      os.write_escaped(StringRef(tokenizer.tokenBytes(id)));
    }
    os << '\n';
  }
  return check(error);
}

static Error decode(const rt::Tokenizer &tokenizer, StringRef input, const TokenizeOptions &options,
                    llvm::raw_ostream &os) {
  std::vector<int32_t> ids;
  size_t bytes = 0;
  for (StringRef rest = input.ltrim(); !rest.empty(); rest = rest.ltrim()) {
    StringRef word = rest.take_until([](char c) { return llvm::isSpace(c); });
    rest = rest.drop_front(word.size());
    int32_t id;
    if (word.getAsInteger(10, id) || !tokenizer.isToken(id))
      return malformed("expected token ids from 0 to " + Twine(tokenizer.vocabularySize() - 1) + ", found " +
                       quote(word));
    ids.push_back(id);
    bytes += tokenizer.tokenBytes(id).size();
  }
  std::string text(bytes, '\0');
  size_t size = 0;
  rt::DecodeOptions decodeOptions;
  decodeOptions.control = options.parseSpecial;
  if (Error error = check(tokenizer.decode(ids, decodeOptions, text, size)))
    return error;
  os << StringRef(text).take_front(size);
  return Error::success();
}

Error nibble::tokenize(llvm::ArrayRef<uint8_t> table, StringRef input, const TokenizeOptions &options,
                       llvm::raw_ostream &os) {
  flatbuffers::Verifier verifier(table.data(), table.size());
  if (!verifier.VerifyBuffer<schema::Tokenizer>())
    return malformed("the tokenizer's table is no valid FlatBuffer");
  rt::Tokenizer tokenizer;
  if (Error error = check(rt::Tokenizer::open(flatbuffers::GetRoot<schema::Tokenizer>(table.data()), tokenizer)))
    return error;
  return options.decode ? decode(tokenizer, input, options, os) : encode(tokenizer, input, options, os);
}
