//===- TextFrame.cpp - What is put around a text --------------------------===//
//
// The post-processor of tokenizer.json in GGUF's words: at most one token before a text and one behind it.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/TokenizerJSON.h"

#include "compiler/Import/ImportError.h"

using namespace nibble;
using llvm::Error;
using llvm::StringRef;

using FindId = llvm::function_ref<int64_t(StringRef)>;

/// What a TemplateProcessing puts before and behind one text.
static Error readTemplate(const JSONView &processor, FindId findId, HuggingFaceFolder &folder) {
  auto single = processor.findArray("single");
  if (!single)
    return single.takeError();
  bool behind = false, bos = false, eos = false;
  for (size_t i = 0; *single && i < (*single)->size(); ++i) {
    const llvm::json::Object *piece = (**single)[i].getAsObject();
    if (piece && piece->getObject("Sequence")) {
      behind = true;
      continue;
    }
    const llvm::json::Object *special = piece ? piece->getObject("SpecialToken") : nullptr;
    auto name = special ? special->getString("id") : std::nullopt;
    int64_t id = name ? findId(*name) : -1;
    bool &done = behind ? eos : bos;
    if (id < 0 || done)
      return processor.unsupportedKey("single", "expected at most one token before and "
                                                "one behind the text");
    done = true;
    folder.addUInt(behind ? "tokenizer.ggml.eos_token_id" : "tokenizer.ggml.bos_token_id", static_cast<uint64_t>(id),
                   processor.describe("single"));
  }
  folder.addBool("tokenizer.ggml.add_bos_token", bos, processor.describe("single"));
  folder.addBool("tokenizer.ggml.add_eos_token", eos, processor.describe("single"));
  return Error::success();
}

/// "cls": ["[CLS]", 101], "sep": ["[SEP]", 102]
static Error readPair(const JSONView &processor, FindId findId, HuggingFaceFolder &folder) {
  const std::tuple<StringRef, StringRef, StringRef> ends[] = {
      {"cls", "tokenizer.ggml.bos_token_id", "tokenizer.ggml.add_bos_token"},
      {"sep", "tokenizer.ggml.eos_token_id", "tokenizer.ggml.add_eos_token"}};
  for (auto [key, idKey, addKey] : ends) {
    auto pair = processor.findArray(key);
    if (!pair)
      return pair.takeError();
    auto text = *pair && (*pair)->size() == 2 ? (**pair)[0].getAsString() : std::nullopt;
    int64_t id = text ? findId(*text) : -1;
    if (id < 0)
      return processor.malformedKey(key, "expected a token and its number");
    folder.addUInt(idKey, static_cast<uint64_t>(id), processor.describe(key));
    folder.addBool(addKey, true, processor.describe(key));
  }
  return Error::success();
}

Error nibble::readTextFrame(const JSONView &tokenizer, FindId findId, HuggingFaceFolder &folder) {
  std::string origin = tokenizer.describe("post_processor");
  folder.addBool("tokenizer.ggml.add_bos_token", false, origin);
  folder.addBool("tokenizer.ggml.add_eos_token", false, origin);
  auto processor = tokenizer.findObject("post_processor");
  if (!processor || !*processor)
    return processor.takeError();
  std::vector<JSONView> list = {**processor};
  auto nested = (*processor)->findArray("processors");
  if (!nested)
    return nested.takeError();
  for (size_t i = 0; *nested && i < (*nested)->size(); ++i)
    if (const llvm::json::Object *object = (**nested)[i].getAsObject())
      list.emplace_back(tokenizer.getFile(), *object, "post_processor.processors[" + std::to_string(i) + "].");
  for (const JSONView &view : list) {
    auto type = view.findString("type");
    if (!type)
      return type.takeError();
    StringRef name = type->value_or("");
    if (name == "TemplateProcessing") {
      if (Error error = readTemplate(view, findId, folder))
        return error;
    } else if (name == "BertProcessing" || name == "RobertaProcessing") {
      if (Error error = readPair(view, findId, folder))
        return error;
    } else if (name != "ByteLevel" && name != "Sequence") {
      return view.unsupportedKey("type", "unsupported post-processor: expected "
                                         "TemplateProcessing, BertProcessing or "
                                         "ByteLevel, found " +
                                             quote(name));
    }
  }
  return Error::success();
}
