//===- TokenizerMetadata.h - Text settings of a GGUF file -------*- C++ -*-===//
//
// Copies tokenizer.ggml.*, the chat template and the sampling defaults out of
// the metadata. Contract: arrays that describe tokens have one entry a token,
// and every special-token id is a token; an id past the vocabulary has been a
// source of memory errors in other readers. Whether the tokenizer can be built
// is decided by buildTokenizer (Text/TokenizerBuilder.h).
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TOKENIZERMETADATA_H
#define NIBBLE_COMPILER_IMPORT_TOKENIZERMETADATA_H

#include "compiler/Import/ModelFile.h"
#include "compiler/Import/Text/TokenizerSource.h"

#include <optional>
#include <string>

namespace nibble {

llvm::Expected<TokenizerSource> readTokenizer(const ModelFile &file);

/// The Jinja text of tokenizer.chat_template, or none.
llvm::Expected<std::optional<std::string>>
readChatTemplate(const ModelFile &file);

/// general.sampling.*: what the model's authors advise. Absent members leave
/// the program's own default.
struct GenerationDefaults {
  std::optional<double> temperature, topP, minP, repeatPenalty;
  std::optional<uint64_t> topK, repeatWindow;
};

llvm::Expected<GenerationDefaults>
readGenerationDefaults(const ModelFile &file);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TOKENIZERMETADATA_H
