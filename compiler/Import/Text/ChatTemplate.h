//===- ChatTemplate.h - From a Jinja template to a program ------*- C++ -*-===//
//
// Compiles the chat template of a model file to the program that the runtime
// executes (runtime/text/ChatProgram.h, runtime/schema/chat.fbs): no parser is left
// on the device. Variables become slots, and what can't happen in a Nibble program
// is not compiled: there are no tools and no documents, and a message has a role
// and a content, both strings.
//
// Contract: what the compiler does not understand, in a part of the template that
// can be reached, is an ImportError with line and column. Compilation takes time
// and memory of the order of the template, whatever it holds.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_CHATTEMPLATE_H
#define NIBBLE_COMPILER_IMPORT_TEXT_CHATTEMPLATE_H

#include "compiler/Import/Text/TokenizerSource.h"
#include "runtime/schema/chat_generated.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace nibble {

/// What the variables bos_token, eos_token, unk_token and pad_token hold; undefined where absent.
struct ChatTokens {
  std::optional<std::string> bos, eos, unk, pad;
};
ChatTokens chatTokensOf(const TokenizerSource &source);

/// Adds the program of the template `source` to `builder`, for a table that contains it.
llvm::Expected<flatbuffers::Offset<schema::ChatTemplate>>
buildChatTemplate(llvm::StringRef source, const ChatTokens &tokens, flatbuffers::FlatBufferBuilder &builder);

/// The program as a FlatBuffer of its own, with schema::ChatTemplate as its root.
llvm::Expected<std::vector<uint8_t>> buildChatTemplate(llvm::StringRef source, const ChatTokens &tokens);

/// Refuses a program that fails on plain conversations, as templates do that need tools.
llvm::Error checkChatTemplate(llvm::ArrayRef<uint8_t> table);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_CHATTEMPLATE_H
