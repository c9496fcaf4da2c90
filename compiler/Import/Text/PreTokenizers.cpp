//===- PreTokenizers.cpp - The pre-tokenizers that Nibble has -------------===//
//
// See PreTokenizers.h. The expressions are those of the models' own tokenizer.json;
// names and defaults are those of ggml's converters.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/PreTokenizers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace nibble;
using llvm::StringLiteral;

#define GPT2 R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"
#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES R"(\s*[\r\n]+|\s+(?!\S)|\s+)"
#define UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define LEAD R"([^\r\n\p{L}\p{N}]?)"

static constexpr StringLiteral gpt2[] = {GPT2};
static constexpr StringLiteral digitsThenGPT2[] = {R"(\p{N})", GPT2};
static constexpr StringLiteral plain[] = {R"([\p{P}$+<=>^~|]+)", GPT2, R"(\p{N}+)", "[0-9][0-9][0-9]"};
static constexpr StringLiteral falcon[] = {R"([\p{P}$+<=>^~|`]+)", GPT2, "[0-9][0-9][0-9]"};
static constexpr StringLiteral llama3[] = {
    CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" SPACES};
static constexpr StringLiteral qwen2[] = {
    CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" SPACES};
static constexpr StringLiteral qwen35[] = {
    CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" SPACES};
static constexpr StringLiteral seedCoder[] = {
    CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|)" SPACES};
static constexpr StringLiteral tekken[] = {LEAD UPPER "*" LOWER "+|" LEAD UPPER "+" LOWER
                                                R"(*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" SPACES};
static constexpr StringLiteral gpt4o[] = {LEAD UPPER "*" LOWER "+" CONTRACTIONS "?|" LEAD UPPER "+" LOWER
                                                     "*" CONTRACTIONS
                                                     R"(?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" SPACES};
static constexpr StringLiteral deepSeekCoder[] = {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", "[一-龥ࠀ-一가-\uD7FF]+",
                                                  R"(\p{N})"};
static constexpr StringLiteral deepSeekV3[] = {
    R"(\p{N}{1,3})", "[一-龥\u3040-ゟ゠-ヿ]+",
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|)"
    R"([^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|)" SPACES};
/// The letters of scripts that have cases.
static constexpr StringLiteral deepSeekLLM[] = {
    R"([\r\n])",
    R"(\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-Ჺ)"
    R"(Ჽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝ)"
    R"(ℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀)"
    R"(-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+)",
    R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)", R"(\s+$)", "[一-龥ࠀ-一가-\uD7FF]+", R"(\p{N})"};

#undef GPT2
#undef CONTRACTIONS
#undef SPACES
#undef UPPER
#undef LOWER
#undef LEAD

/// Names, patterns, ignoreMerges, addBos, composes.
static constexpr PreTokenizerRow rows[] = {
    {"a.x-4.0 exaone4 gigachat gpt-2 granite-docling jais mellum modern-bert phi-2 trillion", gpt2, false, false},
    {"chatglm-bpe dbrx glm4 smaug-bpe", llama3, false, false},
    {"codeshell command-r exaone mellum2 minerva-7b refact smollm starcoder", digitsThenGPT2, false, false},
    {"deepseek-coder", deepSeekCoder, false, false},
    {"deepseek-llm", deepSeekLLM, false, false},
    {"deepseek-r1-qwen grok-2 hunyuan kormo megrez solar-open", qwen2, false, false},
    {"deepseek-v3 hunyuan-dense joyai-llm", deepSeekV3, false, false},
    {"default", plain, false, false},
    {"falcon", falcon, false, false},
    {"falcon-h1 falcon3 lfm2 llama-bpe llama-v3 llama3 midm-2.0 pixtral", llama3, true, true},
    {"gpt-4o kanana2 llama4 minimax-m2", gpt4o, false, false},
    {"mpt olmo", gpt2, false, false, true},
    {"qwen2 stablelm2", qwen2, false, false, true},
    {"qwen35", qwen35, false, false, true},
    {"seed-coder", seedCoder, false, false},
    {"tekken", tekken, true, true},
};

llvm::StringRef nibble::getByteLevelPattern() { return gpt2[0]; }

llvm::StringRef nibble::getPunctuationPattern() { return R"([!-/:-@\[-`{-~\p{P}])"; }

static llvm::SmallVector<llvm::StringRef> namesOf(const PreTokenizerRow &row) {
  llvm::SmallVector<llvm::StringRef> names;
  row.names.split(names, ' ');
  return names;
}

const PreTokenizerRow *nibble::findPreTokenizer(llvm::StringRef name) {
  const auto *row =
      llvm::find_if(rows, [&](const PreTokenizerRow &row) { return llvm::is_contained(namesOf(row), name); });
  return row == std::end(rows) ? nullptr : row;
}

std::string nibble::listPreTokenizers() {
  llvm::SmallVector<llvm::StringRef> names;
  for (const PreTokenizerRow &row : rows)
    llvm::append_range(names, namesOf(row));
  llvm::sort(names);
  return llvm::join(names, ", ");
}
