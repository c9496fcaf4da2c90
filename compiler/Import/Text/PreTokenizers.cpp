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
    {"olmo", PreTokenizer::GPT2, false, false},
    {"phi-2", PreTokenizer::GPT2, false, false},
    {"qwen2", PreTokenizer::Qwen2, false, false},
    {"refact", PreTokenizer::SmolLM, false, false},
    {"smaug-bpe", PreTokenizer::Llama3, false, false},
    {"smollm", PreTokenizer::SmolLM, false, false},
    {"stablelm2", PreTokenizer::Qwen2, false, false},
    {"starcoder", PreTokenizer::SmolLM, false, false},
};

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
