//===- NormalizerBuilder.h - Steps of normalization to tables ---*- C++ -*-===//
//
// What a tokenizer does to text before it is cut, from the names of its steps to
// the tables that runtime/text/Normalizer.h walks. The data is utf8proc's; the
// program on the device has no library of Unicode, only what its model needs.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_NORMALIZERBUILDER_H
#define NIBBLE_COMPILER_IMPORT_TEXT_NORMALIZERBUILDER_H

#include "compiler/Import/Text/TokenizerSource.h"

#include "runtime/schema/tokenizer_generated.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace nibble {

/// No code point has a longer normal form (U+FDFA, Unicode 15), so no text grows more than that.
inline constexpr size_t longestNormalForm = 18;

/// The tables of `steps`; an offset of zero if there are none. A name that is none of TokenizerSource.h's is an error.
llvm::Expected<flatbuffers::Offset<schema::Normalizer>>
buildNormalizer(llvm::ArrayRef<NormalizerStepSource> steps, flatbuffers::FlatBufferBuilder &builder);

/// What the steps make of `text`.
llvm::Expected<std::string> normalize(llvm::ArrayRef<NormalizerStepSource> steps, llvm::StringRef text);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_NORMALIZERBUILDER_H
