//===- PreTokenizers.cpp - The pre-tokenizers that Nibble has -------------===//
//
// See PreTokenizers.h. Sorted by name.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/PreTokenizers.h"

#include "llvm/ADT/STLExtras.h"

using namespace nibble;
using schema::PreTokenizer;

static constexpr PreTokenizerRow rows[] = {
    {"codeshell", PreTokenizer::SmolLM, false, false},
    {"command-r", PreTokenizer::SmolLM, false, false},
    {"deepseek-r1-qwen", PreTokenizer::Qwen2, false, false},
    {"default", PreTokenizer::Default, false, false},
    {"exaone", PreTokenizer::SmolLM, false, false},
    {"falcon-h1", PreTokenizer::Llama3, true, true},
    {"falcon3", PreTokenizer::Llama3, true, true},
    {"gpt-2", PreTokenizer::GPT2, false, false},
    {"lfm2", PreTokenizer::Llama3, true, true},
    {"llama-bpe", PreTokenizer::Llama3, true, true},
    {"llama-v3", PreTokenizer::Llama3, true, true},
    {"llama3", PreTokenizer::Llama3, true, true},
    {"minerva-7b", PreTokenizer::SmolLM, false, false},
    {"olmo", PreTokenizer::GPT2, false, false, true},
    {"phi-2", PreTokenizer::GPT2, false, false},
    {"qwen2", PreTokenizer::Qwen2, false, false, true},
    {"refact", PreTokenizer::SmolLM, false, false},
    {"smaug-bpe", PreTokenizer::Llama3, false, false},
    {"smollm", PreTokenizer::SmolLM, false, false},
    {"stablelm2", PreTokenizer::Qwen2, false, false, true},
    {"starcoder", PreTokenizer::SmolLM, false, false},
    {"tekken", PreTokenizer::Tekken, true, true},
};

/// The expressions are those of the models' own files.
static constexpr std::pair<llvm::StringLiteral, llvm::StringLiteral> stepRows[] = {
    {"gpt2\n", "gpt-2"},
    {"digits\ngpt2\n", "smollm"},
    {R"(split (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
)",
     "llama-bpe"},
    {R"(split (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
)",
     "qwen2"},
    {R"(split [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
)",
     "tekken"},
};

llvm::StringRef nibble::findPreTokenizerBySteps(llvm::StringRef steps) {
  for (const auto &[text, name] : stepRows)
    if (text == steps)
      return name;
  return "";
}

const PreTokenizerRow *nibble::findPreTokenizer(llvm::StringRef name) {
  const auto *row = llvm::find_if(rows, [&](const PreTokenizerRow &row) { return row.name == name; });
  return row == std::end(rows) ? nullptr : row;
}

std::string nibble::listPreTokenizers() {
  std::string list;
  for (const PreTokenizerRow &row : rows) {
    if (!list.empty())
      list += ", ";
    list += row.name;
  }
  return list;
}
