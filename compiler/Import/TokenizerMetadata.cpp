//===- TokenizerMetadata.cpp - Text settings of a GGUF file ---------------===//
//
// Key names are those that ggml's converters write.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/TokenizerMetadata.h"

#include "compiler/Import/ImportError.h"

#include <cmath>
#include <limits>

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

static std::vector<std::string> copyStrings(const StringTable *table) {
  std::vector<std::string> result;
  if (!table)
    return result;
  result.reserve(table->size());
  for (size_t i = 0; i < table->size(); ++i)
    result.push_back((*table)[i].str());
  return result;
}

/// An array that describes the tokens has one entry for each of them.
static Error checkLength(const ModelFile &file, StringRef key, size_t found,
                         size_t tokens) {
  if (found == tokens)
    return Error::success();
  return file.keyError(key, "expected one entry for each of the " +
                                Twine(tokens) + " tokens, found " +
                                Twine(found));
}

static Error readTokens(const ModelFile &file, TokenizerSource &source) {
  StringRef key = "tokenizer.ggml.tokens";
  auto tokens = file.findStrings(key);
  if (!tokens)
    return tokens.takeError();
  if (!*tokens || (*tokens)->empty())
    return file.keyError(key, "expected a vocabulary, found none");
  source.tokens = copyStrings(*tokens);

  key = "tokenizer.ggml.scores";
  auto scores = file.findFloats(key);
  if (!scores)
    return scores.takeError();
  if (*scores) {
    if (Error error =
            checkLength(file, key, (*scores)->size(), source.tokens.size()))
      return error;
    for (double score : **scores) {
      if (std::isnan(score))
        return file.keyError(key, "expected numbers, found a NaN");
      source.scores.push_back(score);
    }
  }

  key = "tokenizer.ggml.token_type";
  auto types = file.findInts(key);
  if (!types)
    return types.takeError();
  if (*types) {
    if (Error error =
            checkLength(file, key, (*types)->size(), source.tokens.size()))
      return error;
    for (uint64_t type : **types) {
      // 0 is "undefined" in ggml; the others are TokenType.
      if (type > static_cast<uint64_t>(TokenType::Byte))
        return file.keyError(key, "expected token types from 0 to 6, found " +
                                      Twine(static_cast<int64_t>(type)));
      source.types.push_back(static_cast<int32_t>(type));
    }
  }

  auto merges = file.findStrings("tokenizer.ggml.merges");
  if (!merges)
    return merges.takeError();
  source.merges = copyStrings(*merges);
  return Error::success();
}

static Error readSpecialTokens(const ModelFile &file, TokenizerSource &source) {
  // Ids without a member are not used, but a file that gets one wrong is not
  // to be trusted with the others.
  struct Special {
    StringRef name;
    int32_t *id;
  };
  // BERT's frame has names of its own; converters misspell one.
  bool frames = source.model == "bert";
  int32_t *begin = frames ? &source.bos : nullptr;
  int32_t *end = frames ? &source.eos : nullptr;
  const Special specials[] = {
      {"bos", &source.bos},          {"eos", &source.eos},
      {"eot", &source.eot},          {"unknown", &source.unk},
      {"padding", &source.pad},      {"eom", nullptr},
      {"separator", end},            {"seperator", end},
      {"cls", begin},                {"mask", nullptr},
      {"fim_pre", nullptr},          {"fim_suf", nullptr},
      {"fim_mid", nullptr},          {"fim_pad", nullptr},
      {"fim_rep", nullptr},          {"fim_sep", nullptr}};
  for (const Special &special : specials) {
    std::string key = ("tokenizer.ggml." + special.name + "_token_id").str();
    // Converters write -1, seen here as an unsigned number, for a token that the model does not have.
    constexpr uint64_t none = std::numeric_limits<uint32_t>::max();
    auto any = file.findUInt(key);
    if (any && *any == none)
      continue;
    consumeError(any.takeError());
    auto id = file.findUInt(key, 0, source.tokens.size() - 1);
    if (!id)
      return id.takeError();
    if (*id && special.id)
      *special.id = static_cast<int32_t>(**id);
  }
  return Error::success();
}

static Error readFlags(const ModelFile &file, TokenizerSource &source) {
  struct Flag {
    StringRef key;
    std::optional<bool> *value;
  };
  std::optional<bool> removeWhitespace;
  const Flag flags[] = {
      {"tokenizer.ggml.add_bos_token", &source.addBos},
      {"tokenizer.ggml.add_eos_token", &source.addEos},
      {"tokenizer.ggml.add_space_prefix", &source.addSpacePrefix},
      {"tokenizer.ggml.remove_extra_whitespaces", &removeWhitespace}};
  for (const Flag &flag : flags) {
    auto value = file.findBool(flag.key);
    if (!value)
      return value.takeError();
    *flag.value = *value;
  }
  source.removeExtraWhitespaces = removeWhitespace.value_or(false);
  return Error::success();
}

/// How text is prepared: three strings a step, as NormalizerStepSource has them,
/// and patterns behind "all", "matches" or "others": the pieces that go on.
static Error readPreparation(const ModelFile &file, TokenizerSource &source) {
  StringRef key = "tokenizer.nibble.normalizer";
  auto steps = file.findStrings(key);
  if (!steps)
    return steps.takeError();
  if (*steps) {
    if ((*steps)->size() % 3)
      return file.keyError(key, "expected three strings for each step");
    source.normalizer.emplace();
    for (size_t i = 0; i < (*steps)->size(); i += 3)
      source.normalizer->push_back({(**steps)[i].str(), (**steps)[i + 1].str(),
                                    (**steps)[i + 2].str()});
  }
  key = "tokenizer.nibble.patterns";
  auto patterns = file.findStrings(key);
  if (!patterns)
    return patterns.takeError();
  if (*patterns) {
    source.patterns.emplace();
    for (size_t i = 0; i < (*patterns)->size(); ++i) {
      auto [mode, regex] = (**patterns)[i].split(' ');
      source.patterns->push_back(
          {regex.str(), mode != "others", mode != "matches"});
    }
  }
  key = "tokenizer.nibble.max_word_characters";
  auto longest = file.findUInt(key, 1, 1 << 20);
  if (!longest)
    return longest.takeError();
  source.maxWordCharacters =
      static_cast<uint32_t>(longest->value_or(source.maxWordCharacters));
  return Error::success();
}

/// What BertNormalizer does, where a GGUF file with WordPiece says so.
static Error readBertNormalizer(const ModelFile &file,
                                TokenizerSource &source) {
  if (source.model != "bert" || source.normalizer)
    return Error::success();
  auto lower = file.findBool("tokenizer.ggml.normalizer.lowercase");
  if (!lower)
    return lower.takeError();
  auto accents = file.findBool("tokenizer.ggml.normalizer.strip_accents");
  if (!accents)
    return accents.takeError();
  // Files of older converters say nothing, and are of uncased models.
  bool lowers = lower->value_or(true);
  std::string options = "clean chinese";
  if (accents->value_or(lowers))
    options += " accents";
  if (lowers)
    options += " lowercase";
  source.normalizer = {{"Bert", options, ""}};
  return Error::success();
}

/// tokenizer.nibble.*: what tokenizer.json says and GGUF has no key for.
static Error readOwn(const ModelFile &file, TokenizerSource &source) {
  auto ignore = file.findBool("tokenizer.nibble.ignore_merges");
  if (!ignore)
    return ignore.takeError();
  source.ignoreMerges = *ignore;
  auto cuts = file.findBool("tokenizer.nibble.cuts_at_each_space");
  if (!cuts)
    return cuts.takeError();
  source.cutsAtEachSpace = cuts->value_or(false);
  auto prefix = file.findString("tokenizer.nibble.space_prefix");
  if (!prefix)
    return prefix.takeError();
  source.spacePrefix = prefix->value_or("none").str();
  if (Error error = readPreparation(file, source))
    return error;
  StringRef key = "tokenizer.nibble.end_token_ids";
  auto ends = file.findInts(key);
  if (!ends)
    return ends.takeError();
  for (size_t i = 0; *ends && i < (*ends)->size(); ++i) {
    uint64_t id = (**ends)[i];
    if (id >= source.tokens.size())
      return file.keyError(key, "expected tokens below " +
                                    Twine(source.tokens.size()) + ", found " +
                                    Twine(id));
    source.ends.push_back(static_cast<int32_t>(id));
  }
  key = "tokenizer.nibble.matching";
  auto matching = file.findInts(key);
  if (!matching || !*matching)
    return matching.takeError();
  if (Error error =
          checkLength(file, key, (*matching)->size(), source.tokens.size()))
    return error;
  for (uint64_t bits : **matching)
    source.matching.push_back(static_cast<uint8_t>(bits & AllMatching));
  return Error::success();
}

Expected<TokenizerSource> nibble::readTokenizer(const ModelFile &file) {
  TokenizerSource source;
  StringRef key = "tokenizer.ggml.model";
  auto model = file.getString(key);
  if (!model)
    return model.takeError();
  if (*model != "gpt2" && *model != "llama" && *model != "bpe" &&
      *model != "unigram" && *model != "bert")
    return file.unsupportedKey(key, "unsupported tokenizer: expected gpt2, "
                                    "llama, bpe, unigram or bert, found " +
                                        quote(*model));
  source.model = model->str();
  auto pre = file.findString("tokenizer.ggml.pre");
  if (!pre)
    return pre.takeError();
  source.pre = pre->value_or("").str();
  if (Error error = readTokens(file, source))
    return std::move(error);
  if (Error error = readSpecialTokens(file, source))
    return std::move(error);
  if (Error error = readFlags(file, source))
    return std::move(error);
  if (Error error = readOwn(file, source))
    return std::move(error);
  if (Error error = readBertNormalizer(file, source))
    return std::move(error);
  return source;
}

Expected<std::optional<std::string>>
nibble::readChatTemplate(const ModelFile &file) {
  auto text = file.findString("tokenizer.chat_template");
  if (!text)
    return text.takeError();
  if (!*text || (*text)->empty())
    return std::nullopt;
  return (*text)->str();
}

Expected<GenerationDefaults>
nibble::readGenerationDefaults(const ModelFile &file) {
  GenerationDefaults defaults;
  struct Real {
    StringRef key;
    std::optional<double> &value;
    double maximum;
  };
  constexpr double anyNumber = std::numeric_limits<float>::max();
  const Real reals[] = {
      {"general.sampling.temp", defaults.temperature, anyNumber},
      {"general.sampling.top_p", defaults.topP, 1},
      {"general.sampling.min_p", defaults.minP, 1},
      {"general.sampling.penalty_repeat", defaults.repeatPenalty, anyNumber}};
  for (const Real &real : reals) {
    auto value = file.findFloat(real.key);
    if (!value)
      return value.takeError();
    if (*value && !(**value >= 0 && **value <= real.maximum))
      return file.keyError(real.key, "expected a number from 0 to " +
                                         std::to_string(real.maximum) +
                                         ", found " + std::to_string(**value));
    real.value = *value;
  }
  auto topK = file.findUInt("general.sampling.top_k");
  if (!topK)
    return topK.takeError();
  defaults.topK = *topK;
  auto window = file.findUInt("general.sampling.penalty_last_n");
  if (!window)
    return window.takeError();
  defaults.repeatWindow = *window;
  return defaults;
}
