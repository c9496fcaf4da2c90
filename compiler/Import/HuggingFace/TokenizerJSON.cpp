//===- TokenizerJSON.cpp - tokenizer.json in GGUF's words -----------------===//
//
// Vocabulary, added tokens and merges.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/TokenizerJSON.h"

#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/TokenizerSource.h"

#include "llvm/ADT/STLExtras.h"

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

/// As in TokenizerBuilder.cpp; the largest vocabularies have 2^18.
static constexpr uint64_t maxTokens = 1 << 24;

namespace {

struct Token {
  std::string text;
  TokenType type = TokenType::Unused;
  bool present = false;
  double score = 0;
  /// Bits of TokenMatching.
  uint64_t matching = 0;
};

class TokenizerReader {
public:
  TokenizerReader(const JSONView &tokenizer, uint64_t rows, HuggingFaceFolder &folder)
      : tokenizer(tokenizer), folder(folder), rows(rows) {}

  Error read();

private:
  Error readModel();
  Error readBPE(const JSONView &model);
  Error readUnigram(const JSONView &model);
  Error readWordPiece(const JSONView &model);
  Error readVocabulary(const JSONView &model);
  Error readMerges(const JSONView &model);
  Error refuseOptions(const JSONView &model);
  Error readAddedTokens();
  Error readAddedToken(const JSONView &token);
  Error setToken(const JSONView &view, StringRef key, uint64_t id, StringRef text, TokenType type);
  int64_t findId(StringRef text) const;
  void writeTokens();

  const JSONView &tokenizer;
  HuggingFaceFolder &folder;
  uint64_t rows;
  TextSteps steps;
  std::vector<Token> tokens;
  bool byteFallback = false;
};

Error TokenizerReader::setToken(const JSONView &view, StringRef key, uint64_t id, StringRef text, TokenType type) {
  if (id >= maxTokens)
    return view.malformedKey(key, "token " + quote(text) + ": expected a number below " + Twine(maxTokens) +
                                      ", found " + Twine(id));
  if (id >= tokens.size())
    tokens.resize(id + 1);
  Token &token = tokens[id];
  if (token.present && token.text != text)
    return view.malformedKey(key,
                             "token " + Twine(id) + ": expected " + quote(token.text) + " again, found " + quote(text));
  token.text = text.str();
  token.type = type;
  token.present = true;
  return Error::success();
}

int64_t TokenizerReader::findId(StringRef text) const {
  for (size_t id = 0; id < tokens.size(); ++id)
    if (tokens[id].present && tokens[id].text == text)
      return static_cast<int64_t>(id);
  return -1;
}

/// <0x00> … <0xFF>
static bool isByteName(StringRef text) { return text.size() == 6 && text.starts_with("<0x") && text.ends_with(">"); }

Error TokenizerReader::readVocabulary(const JSONView &model) {
  auto vocabulary = model.findObject("vocab");
  if (!vocabulary)
    return vocabulary.takeError();
  if (!*vocabulary)
    return model.malformedKey("vocab", "expected the tokens, found none");
  for (const auto &[text, value] : (*vocabulary)->get()) {
    auto id = value.getAsInteger();
    if (!id || *id < 0)
      return (*vocabulary)->malformedKey(text, "expected a token's number");
    bool isByte = byteFallback && isByteName(text);
    if (Error error =
            setToken(model, "vocab", static_cast<uint64_t>(*id), text, isByte ? TokenType::Byte : TokenType::Normal))
      return error;
  }
  return Error::success();
}

/// "left right", or ["left", "right"].
Error TokenizerReader::readMerges(const JSONView &model) {
  auto merges = model.findArray("merges");
  if (!merges)
    return merges.takeError();
  if (!*merges)
    return model.malformedKey("merges", "expected the merges, found none");
  StringTable table;
  for (const llvm::json::Value &value : **merges) {
    if (auto text = value.getAsString()) {
      table.push_back(*text);
      continue;
    }
    const llvm::json::Array *pair = value.getAsArray();
    auto left = pair && pair->size() == 2 ? (*pair)[0].getAsString() : std::nullopt;
    auto right = left ? (*pair)[1].getAsString() : std::nullopt;
    if (!right || left->contains(' ') || right->contains(' '))
      return model.malformedKey("merges", "entry " + Twine(table.size()) +
                                              ": expected two tokens without "
                                              "spaces");
    table.push_back((*left + " " + *right).str());
  }
  folder.addStrings("tokenizer.ggml.merges", std::move(table), model.describe("merges"));
  return Error::success();
}

/// What no model of the supported families asks for.
Error TokenizerReader::refuseOptions(const JSONView &model) {
  for (StringRef key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    auto text = model.findString(key);
    if (!text)
      return text.takeError();
    if (!text->value_or("").empty())
      return model.unsupportedKey(key, "expected none, found " + quote(**text));
  }
  auto dropout = model.findNumber("dropout");
  if (!dropout)
    return dropout.takeError();
  if (dropout->value_or(0) != 0)
    return model.unsupportedKey("dropout", "expected none: text must have one "
                                           "reading");
  return Error::success();
}

Error TokenizerReader::readBPE(const JSONView &model) {
  auto fallback = model.findBool("byte_fallback");
  if (!fallback)
    return fallback.takeError();
  byteFallback = fallback->value_or(false);
  if (Error error = refuseOptions(model))
    return error;
  auto fuses = model.findBool("fuse_unk");
  if (!fuses)
    return fuses.takeError();
  if (fuses->value_or(false) && !byteFallback && !steps.byteLevel)
    return model.unsupportedKey("fuse_unk", "expected false without byte_fallback, found true");
  if (Error error = readVocabulary(model))
    return error;
  if (Error error = readMerges(model))
    return error;
  auto unknown = model.findString("unk_token");
  if (!unknown)
    return unknown.takeError();
  if (int64_t id = *unknown ? findId(**unknown) : -1; id >= 0)
    folder.addUInt("tokenizer.ggml.unknown_token_id", static_cast<uint64_t>(id), model.describe("unk_token"));
  auto ignore = model.findBool("ignore_merges");
  if (!ignore)
    return ignore.takeError();
  folder.addBool("tokenizer.nibble.ignore_merges", ignore->value_or(false), model.describe("ignore_merges"));
  folder.addString("tokenizer.ggml.model", steps.byteLevel ? "gpt2" : "bpe", model.describe("type"));
  return Error::success();
}

Error TokenizerReader::readUnigram(const JSONView &model) {
  auto vocabulary = model.findArray("vocab");
  if (!vocabulary)
    return vocabulary.takeError();
  if (!*vocabulary || steps.byteLevel)
    return model.malformedKey("vocab", "expected pieces with their scores");
  auto fallback = model.findBool("byte_fallback");
  if (!fallback)
    return fallback.takeError();
  byteFallback = fallback->value_or(false);
  uint64_t id = 0;
  for (const llvm::json::Value &value : **vocabulary) {
    const llvm::json::Array *pair = value.getAsArray();
    auto text = pair && pair->size() == 2 ? (*pair)[0].getAsString() : std::nullopt;
    auto score = text ? (*pair)[1].getAsNumber() : std::nullopt;
    if (!score)
      return model.malformedKey("vocab", "entry " + Twine(id) +
                                             ": expected a piece and its "
                                             "score");
    bool isByte = byteFallback && isByteName(*text);
    if (Error error = setToken(model, "vocab", id, *text, isByte ? TokenType::Byte : TokenType::Normal))
      return error;
    tokens[id++].score = *score;
  }
  auto unknown = model.findUInt("unk_id", 0, id - 1);
  if (!unknown)
    return unknown.takeError();
  if (*unknown) {
    tokens[**unknown].type = TokenType::Unknown;
    folder.addUInt("tokenizer.ggml.unknown_token_id", **unknown, model.describe("unk_id"));
  }
  folder.addString("tokenizer.ggml.model", "unigram", model.describe("type"));
  return Error::success();
}

/// As GGUF spells the pieces: those that begin a word behind U+2581, those that
/// continue one without their prefix.
Error TokenizerReader::readWordPiece(const JSONView &model) {
  if (!steps.bert)
    return tokenizer.unsupportedKey("pre_tokenizer", "expected BertPreTokenizer with WordPiece");
  auto prefix = model.findString("continuing_subword_prefix");
  if (!prefix)
    return prefix.takeError();
  if (prefix->value_or("##") != "##")
    return model.unsupportedKey("continuing_subword_prefix", "expected ##, found " + quote(**prefix));
  auto unknown = model.findString("unk_token");
  if (!unknown)
    return unknown.takeError();
  if (Error error = readVocabulary(model))
    return error;
  int64_t id = findId(unknown->value_or("[UNK]"));
  if (id < 0)
    return model.malformedKey("unk_token", "expected a token, found " + quote(unknown->value_or("[UNK]")));
  tokens[id].type = TokenType::Unknown;
  folder.addUInt("tokenizer.ggml.unknown_token_id", static_cast<uint64_t>(id), model.describe("unk_token"));
  auto longest = model.findUInt("max_input_chars_per_word", 1, 1 << 20);
  if (!longest)
    return longest.takeError();
  folder.addUInt("tokenizer.nibble.max_word_characters", longest->value_or(100),
                 model.describe("max_input_chars_per_word"));
  folder.addString("tokenizer.ggml.model", "bert", model.describe("type"));
  return Error::success();
}

Error TokenizerReader::readModel() {
  auto model = tokenizer.findObject("model");
  if (!model)
    return model.takeError();
  if (!*model)
    return tokenizer.malformedKey("model", "expected an object, found none");
  auto type = (*model)->findString("type");
  if (!type)
    return type.takeError();
  // Old files don't name it.
  StringRef name = type->value_or((*model)->find("merges") ? "BPE" : "");
  if (name == "BPE")
    return readBPE(**model);
  if (name == "Unigram")
    return readUnigram(**model);
  if (name == "WordPiece")
    return readWordPiece(**model);
  return (*model)->unsupportedKey("type", "unsupported tokenizer: expected BPE, "
                                          "Unigram or WordPiece, found " +
                                              quote(name));
}

Error TokenizerReader::readAddedToken(const JSONView &token) {
  auto id = token.findUInt("id", 0, maxTokens - 1);
  if (!id)
    return id.takeError();
  auto content = token.findString("content");
  if (!content)
    return content.takeError();
  if (!*id || !*content || (*content)->empty())
    return token.malformedKey("content", "expected a number and a text");
  bool flags[5] = {};
  StringRef names[5] = {"special", "single_word", "lstrip", "rstrip", "normalized"};
  for (int i = 0; i < 5; ++i) {
    auto flag = token.findBool(names[i]);
    if (!flag)
      return flag.takeError();
    flags[i] = flag->value_or(false);
  }
  if (flags[1])
    return token.unsupportedKey("single_word", "expected false, found true for "
                                               "the token " +
                                                   quote(**content));
  bool unknown = **id < tokens.size() && tokens[**id].type == TokenType::Unknown;
  TokenType type = unknown ? TokenType::Unknown : flags[0] ? TokenType::Control : TokenType::UserDefined;
  if (Error error = setToken(token, "content", **id, **content, type))
    return error;
  tokens[**id].matching =
      (flags[2] ? StripsLeft : 0) | (flags[3] ? StripsRight : 0) | (flags[4] ? InNormalizedText : 0);
  return Error::success();
}

Error TokenizerReader::readAddedTokens() {
  auto added = tokenizer.findArray("added_tokens");
  if (!added)
    return added.takeError();
  for (size_t i = 0; *added && i < (*added)->size(); ++i) {
    const llvm::json::Object *object = (**added)[i].getAsObject();
    if (!object)
      return tokenizer.malformedKey("added_tokens", "expected objects");
    JSONView token(tokenizer.getFile(), *object, "added_tokens[" + std::to_string(i) + "].");
    if (Error error = readAddedToken(token))
      return error;
  }
  return Error::success();
}

void TokenizerReader::writeTokens() {
  if (tokens.size() < rows)
    tokens.resize(rows);
  StringTable texts;
  std::vector<uint64_t> types, matching;
  std::vector<double> scores;
  for (size_t id = 0; id < tokens.size(); ++id) {
    const Token &token = tokens[id];
    // Numbers without a token need a name of their own.
    StringRef text = token.text;
    if (!token.present)
      texts.push_back("[unused " + std::to_string(id) + "]");
    else if (!steps.bert || token.type != TokenType::Normal)
      texts.push_back(text);
    else if (text.consume_front("##"))
      texts.push_back(text);
    else
      texts.push_back("\xE2\x96\x81" + text.str());
    types.push_back(static_cast<uint64_t>(token.type));
    scores.push_back(token.score);
    matching.push_back(token.matching);
  }
  std::string origin = tokenizer.describe("model.vocab");
  folder.addStrings("tokenizer.ggml.tokens", std::move(texts), origin);
  folder.addInts("tokenizer.ggml.token_type", std::move(types), origin);
  folder.addFloats("tokenizer.ggml.scores", std::move(scores), origin);
  if (llvm::any_of(matching, [](uint64_t bits) { return bits != 0; }))
    folder.addInts("tokenizer.nibble.matching", std::move(matching), tokenizer.describe("added_tokens"));
}

Error TokenizerReader::read() {
  auto found = readTextSteps(tokenizer);
  if (!found)
    return found.takeError();
  steps = *found;
  if (Error error = readModel())
    return error;
  if (Error error = readAddedTokens())
    return error;
  if (Error error = readTextFrame(
          tokenizer, [this](StringRef text) { return findId(text); }, folder))
    return error;
  writeTokens();
  std::string origin = tokenizer.describe("pre_tokenizer");
  if (!steps.patterns.empty())
    folder.addStrings("tokenizer.nibble.patterns", std::move(steps.patterns), origin);
  folder.addString("tokenizer.nibble.space_prefix", steps.spacePrefix, origin);
  folder.addBool("tokenizer.nibble.cuts_at_each_space", steps.cutsAtEachSpace, origin);
  folder.addStrings("tokenizer.nibble.normalizer", std::move(steps.normalizer), tokenizer.describe("normalizer"));
  return Error::success();
}

} // namespace

Error nibble::translateTokenizer(const JSONView &tokenizer, uint64_t rows, HuggingFaceFolder &folder) {
  return TokenizerReader(tokenizer, rows, folder).read();
}
