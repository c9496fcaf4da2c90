//===- TextConfig.cpp - The small text files of a folder ------------------===//
//
// Special tokens, the chat template and the sampling that the authors advise.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/TokenizerJSON.h"
#include "compiler/Import/ImportError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace {

class TextReader {
public:
  TextReader(const JSONView &config, HuggingFaceFolder &folder,
             StringRef vocabulary)
      : config(config), folder(folder), vocabulary(vocabulary) {}

  Error read();

private:
  Error readTokenizer();
  Error readNamedTokens(const JSONView &settings);
  Error readEnds(const JSONView &view);
  Error readTemplate(const JSONView *settings);
  Error readSampling(const JSONView &generation);
  uint64_t countRows() const;

  const JSONView &config;
  HuggingFaceFolder &folder;
  StringRef vocabulary; ///< A file's name, or "".
};

/// Rows of the embedding table, or 0.
uint64_t TextReader::countRows() const {
  const GGUFTensor *table = folder.findTensor("token_embd.weight");
  return table && table->dims.size() == 2 ? table->dims[1] : 0;
}

Error TextReader::readTokenizer() {
  StringRef name = "tokenizer.json";
  if (vocabulary == "vocab.txt")
    return translateWordPieces(folder);
  auto object = folder.readJSON(name);
  if (!object)
    return object.takeError();
  if (!*object)
    return vocabulary == name ? Error::success() : translateWordPieces(folder);
  std::string path = folder.pathOf(name);
  uint64_t rows = countRows();
  // A table of more rows than any vocabulary has is refused by its reader.
  constexpr uint64_t maxRows = 1 << 24;
  return translateTokenizer(JSONView(path, **object),
                            rows > maxRows ? 0 : rows, folder);
}

/// "bos_token": "<s>", or {"content": "<s>"}.
Error TextReader::readNamedTokens(const JSONView &settings) {
  auto tokens = folder.findStrings("tokenizer.ggml.tokens");
  if (!tokens || !*tokens)
    return tokens.takeError();
  const std::pair<StringRef, StringRef> names[] = {
      {"bos_token", "bos"},
      {"eos_token", "eos"},
      {"pad_token", "padding"},
      {"unk_token", "unknown"}};
  for (auto [json, gguf] : names) {
    const llvm::json::Value *value = settings.find(json);
    if (!value)
      continue;
    auto text = value->getAsString();
    if (const llvm::json::Object *nested = value->getAsObject())
      text = nested->getString("content");
    if (!text)
      return settings.malformedKey(json, "expected a token");
    for (size_t id = 0; id < (*tokens)->size(); ++id)
      if ((**tokens)[id] == *text) {
        folder.addUInt(("tokenizer.ggml." + gguf + "_token_id").str(), id,
                       settings.describe(json));
        break;
      }
  }
  return Error::success();
}

/// `eos_token_id` is a number or several; each ends a text.
Error TextReader::readEnds(const JSONView &view) {
  StringRef key = "eos_token_id";
  const llvm::json::Value *value = view.find(key);
  if (!value)
    return Error::success();
  llvm::json::Array one{*value};
  const llvm::json::Array *list = value->getAsArray();
  std::vector<uint64_t> ends;
  for (const llvm::json::Value &entry : list ? *list : one) {
    auto id = entry.getAsInteger();
    if (!id || *id < 0 || *id > UINT32_MAX)
      return view.malformedKey(key, "expected the numbers of tokens");
    ends.push_back(static_cast<uint64_t>(*id));
  }
  if (ends.empty())
    return Error::success();
  if (!folder.find("tokenizer.ggml.eos_token_id"))
    folder.addUInt("tokenizer.ggml.eos_token_id", ends.front(),
                   view.describe(key));
  folder.addInts("tokenizer.nibble.end_token_ids", std::move(ends),
                 view.describe(key));
  return Error::success();
}

/// chat_template.jinja, or what tokenizer_config.json has: a text, or several
/// with names, of which the one named "default" counts.
Error TextReader::readTemplate(const JSONView *settings) {
  StringRef key = "tokenizer.chat_template";
  auto text = folder.readText("chat_template.jinja");
  if (!text)
    return text.takeError();
  if (*text) {
    folder.addString(key, **text, "chat_template.jinja");
    return Error::success();
  }
  const llvm::json::Value *value =
      settings ? settings->find("chat_template") : nullptr;
  if (!value)
    return Error::success();
  std::optional<StringRef> found = value->getAsString();
  if (const llvm::json::Array *list = value->getAsArray())
    for (const llvm::json::Value &entry : *list)
      if (const llvm::json::Object *object = entry.getAsObject())
        if (object->getString("name").value_or("") == "default")
          found = object->getString("template");
  if (!found)
    return settings->malformedKey("chat_template",
                                  "expected a text, or one named 'default'");
  folder.addString(key, *found, settings->describe("chat_template"));
  return Error::success();
}

/// The advice counts where the authors say that they sample.
Error TextReader::readSampling(const JSONView &generation) {
  auto samples = generation.findBool("do_sample");
  if (!samples)
    return samples.takeError();
  if (!samples->value_or(false))
    return Error::success();
  const std::pair<StringRef, StringRef> reals[] = {
      {"temperature", "temp"},
      {"top_p", "top_p"},
      {"min_p", "min_p"},
      {"repetition_penalty", "penalty_repeat"}};
  for (auto [json, gguf] : reals) {
    auto value = generation.findNumber(json);
    if (!value)
      return value.takeError();
    if (*value)
      folder.addFloat(("general.sampling." + gguf).str(), **value,
                      generation.describe(json));
  }
  auto topK = generation.findUInt("top_k");
  if (!topK)
    return topK.takeError();
  if (*topK)
    folder.addUInt("general.sampling.top_k", **topK,
                   generation.describe("top_k"));
  return Error::success();
}

Error TextReader::read() {
  if (Error error = readTokenizer())
    return error;
  auto object = folder.readJSON("tokenizer_config.json");
  if (!object)
    return object.takeError();
  std::string path = folder.pathOf("tokenizer_config.json");
  std::optional<JSONView> settings;
  if (*object) {
    settings.emplace(path, **object);
    if (Error error = readNamedTokens(*settings))
      return error;
  }
  if (Error error = readTemplate(settings ? &*settings : nullptr))
    return error;
  if (Error error = readEnds(config))
    return error;
  auto generation = folder.readJSON("generation_config.json");
  if (!generation || !*generation)
    return generation.takeError();
  std::string generationPath = folder.pathOf("generation_config.json");
  JSONView view(generationPath, **generation);
  if (Error error = readEnds(view))
    return error;
  return readSampling(view);
}

} // namespace

Error nibble::translateTexts(const JSONView &config,
                             HuggingFaceFolder &folder, StringRef vocabulary) {
  return TextReader(config, folder, vocabulary).read();
}
