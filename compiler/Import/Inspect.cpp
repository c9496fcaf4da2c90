//===- Inspect.cpp - What a model file holds ------------------------------===//
//
// Gathers what can be known without compiling. A key of an unexpected type is
// no reason to show nothing: it is left out here and reported as the problem.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Inspect.h"

#include "compiler/Import/ImportGGUF.h"
#include "compiler/Import/Text/ChatTemplate.h"
#include "compiler/Import/Text/TokenizerBuilder.h"
#include "compiler/Import/TokenizerMetadata.h"
#include "dialects/LowBit/Formats.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

#include <algorithm>

using namespace nibble;
using llvm::StringRef;

/// The string at `key`, or nothing whatever the reason.
static std::string getText(const ModelFile &file, StringRef key) {
  const GGUFValue *value = file.find(key);
  bool isText = value && value->type == GGUFValueType::String;
  return isText ? value->text : std::string();
}

static void groupTensors(const ModelFile &file, Inspection &result) {
  for (const GGUFTensor &tensor : file.tensors()) {
    if (tensor.isColumnOrder)
      continue;
    StringRef name = tensor.getTypeName();
    auto group = llvm::find_if(result.formats, [&](const auto &candidate) {
      return candidate.name == name;
    });
    if (group == result.formats.end()) {
      result.formats.push_back({name.str()});
      group = std::prev(result.formats.end());
      group->supported =
          tensor.packed || lowbit::findFormatByGGUFId(tensor.typeId);
    }
    ++group->tensors;
    group->elements += tensor.getElementCount();
    group->bytes += tensor.byteSize;
    if (tensor.packed)
      group->bytes += tensor.packed->scales.byteSize +
                      tensor.packed->zeros.byteSize +
                      tensor.packed->outerScales.byteSize;
    result.parameters += tensor.getElementCount();
  }
  llvm::sort(result.formats, [](const auto &a, const auto &b) {
    return std::tie(b.bytes, a.name) < std::tie(a.bytes, b.name);
  });
}

/// Numbers that are there, in an architecture that may be unknown.
static void readNumbers(const ModelFile &file, Inspection &result) {
  struct Number {
    StringRef name, key;
  };
  const Number numbers[] = {{"context", "context_length"},
                            {"layers", "block_count"},
                            {"embedding", "embedding_length"},
                            {"feed_forward", "feed_forward_length"},
                            {"heads", "attention.head_count"},
                            {"kv_heads", "attention.head_count_kv"},
                            {"head_dim", "attention.key_length"},
                            {"window", "attention.sliding_window"},
                            {"experts", "expert_count"},
                            {"experts_used", "expert_used_count"},
                            {"expert_width", "expert_feed_forward_length"}};
  for (const Number &number : numbers) {
    auto value = file.findUInt(result.architecture + "." + number.key.str());
    if (!value)
      llvm::consumeError(value.takeError());
    else if (*value)
      result.numbers.emplace_back(number.name.str(), **value);
  }
}

/// An encoder makes vectors of texts.
static void readPooling(const ModelFile &file, Inspection &result) {
  auto causal = file.findBool(result.architecture + ".attention.causal");
  bool isEncoder = result.architecture == "bert" || (causal && *causal == false);
  llvm::consumeError(causal.takeError());
  if (!isEncoder)
    return;
  auto type = file.findUInt(result.architecture + ".pooling_type");
  uint64_t pooling = type && *type ? **type : 1;
  llvm::consumeError(type.takeError());
  result.vector = pooling == 1   ? "the mean of all rows"
                  : pooling == 2 ? "the first row"
                                 : "pooling " + std::to_string(pooling);
}

static void readText(const ModelFile &file, Inspection &result) {
  result.tokenizer = getText(file, "tokenizer.ggml.model");
  result.preTokenizer = getText(file, "tokenizer.ggml.pre");
  result.hasChatTemplate = !getText(file, "tokenizer.chat_template").empty();
  if (const GGUFValue *tokens = file.find("tokenizer.ggml.tokens"))
    result.tokens = tokens->strings.size();
  if (const GGUFValue *merges = file.find("tokenizer.ggml.merges"))
    result.merges = merges->strings.size();
}

/// Only the builders know which pre-tokenizers and template statements there are.
static llvm::Error checkTexts(const ModelFile &file) {
  auto source = readTokenizer(file);
  if (!source)
    return source.takeError();
  if (auto table = buildTokenizer(*source); !table)
    return table.takeError();
  auto chat = readChatTemplate(file);
  if (!chat || !*chat)
    return chat.takeError();
  auto table = buildChatTemplate(**chat, chatTokensOf(*source));
  if (!table)
    return table.takeError();
  return checkChatTemplate(*table);
}

static void judge(const ModelFile &file, Inspection &result) {
  llvm::Error error = checkSupported(file);
  if (!error)
    error = checkTexts(file);
  if (!error)
    return;
  result.exitCode = takeImportError(std::move(error), result.problem);
}

Inspection nibble::inspectModel(const ModelFile &file) {
  Inspection result;
  result.path = file.getPath().str();
  result.kind = file.describeKind();
  result.files = file.getFileCount();
  result.bytes = file.getTotalBytes();
  result.architecture = getText(file, "general.architecture");
  result.name = getText(file, "general.name");
  result.license = getText(file, "general.license");
  groupTensors(file, result);
  readNumbers(file, result);
  result.ropeScaling =
      getText(file, result.architecture + ".rope.scaling.type");
  if (result.ropeScaling.empty())
    result.ropeScaling =
        file.findTensor("rope_freqs.weight") ? "factors" : "none";
  result.tiedOutput = !file.findTensor("output.weight");
  readPooling(file, result);
  readText(file, result);
  judge(file, result);
  return result;
}

std::string nibble::formatBytes(uint64_t bytes) {
  if (bytes < 1024)
    return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes);
  const char *unit = "";
  for (const char *next : {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}) {
    if (value < 1024)
      break;
    value /= 1024;
    unit = next;
  }
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.1f %s", value, unit);
  return text;
}

/// "134.5 M"
static std::string formatCount(uint64_t count) {
  double value = static_cast<double>(count);
  std::string text;
  llvm::raw_string_ostream os(text);
  if (count >= 1000000000)
    os << llvm::format("%.2f G", value / 1e9);
  else if (count >= 1000000)
    os << llvm::format("%.1f M", value / 1e6);
  else if (count >= 10000)
    os << llvm::format("%.1f k", value / 1e3);
  else
    os << count;
  return text;
}

/// Names come from the file: escaped, without the quotes.
static std::string shown(StringRef text) {
  if (text.empty())
    return "(not stated)";
  std::string result = quote(text);
  return result.substr(1, result.size() - 2);
}

void nibble::print(const Inspection &model, llvm::raw_ostream &os) {
  auto row = [&](StringRef name, const llvm::Twine &value) {
    os << llvm::left_justify(name, 14) << value << '\n';
  };
  row("file", model.path + (model.files > 1
                                ? " and " + std::to_string(model.files - 1) +
                                      " more parts"
                                : ""));
  row("format", model.kind + ", " +
                    formatBytes(model.bytes));
  row("architecture", shown(model.architecture));
  row("name", shown(model.name));
  if (!model.license.empty())
    row("license", shown(model.license));
  row("parameters", formatCount(model.parameters));
  for (const auto &[name, value] : model.numbers)
    row(name, llvm::Twine(value));
  if (model.vector.empty()) {
    row("rope scaling", shown(model.ropeScaling));
    row("output", model.tiedOutput ? "tied to the embedding table"
                                   : "a matrix of its own");
  } else {
    row("vector", model.vector);
  }
  row("tokenizer",
      shown(model.tokenizer) +
          (model.preTokenizer.empty() ? "" : " / " + shown(model.preTokenizer)) +
          ", " + std::to_string(model.tokens) + " tokens, " +
          std::to_string(model.merges) + " merges");
  row("chat template", model.hasChatTemplate ? "yes" : "no");
  for (const Inspection::FormatGroup &group : model.formats)
    os << llvm::left_justify("tensors", 14)
       << llvm::format("%-9s %5llu tensors  %10s values  %11s%s\n",
                       group.name.c_str(),
                       static_cast<unsigned long long>(group.tensors),
                       formatCount(group.elements).c_str(),
                       formatBytes(group.bytes).c_str(),
                       group.supported ? "" : "  (unsupported)");
  row("supported", model.isSupported() ? "yes" : "no: " + model.problem);
}

/// JSON strings must be UTF-8; bytes of the file need not be.
static std::string validUTF8(StringRef text) {
  return llvm::json::isUTF8(text) ? text.str() : llvm::json::fixUTF8(text);
}

llvm::json::Object nibble::toJSON(const Inspection &model) {
  auto number = [](uint64_t value) { return static_cast<int64_t>(value); };
  llvm::json::Array formats;
  for (const Inspection::FormatGroup &group : model.formats)
    formats.push_back(llvm::json::Object{
        {"format", group.name},
        {"tensors", number(group.tensors)},
        {"elements", number(group.elements)},
        {"bytes", number(group.bytes)},
        {"supported", group.supported},
    });
  llvm::json::Object numbers;
  for (const auto &[name, value] : model.numbers)
    numbers[name] = number(value);
  llvm::json::Object result{
      {"file", validUTF8(model.path)},
      {"format", model.kind},
      {"files", number(model.files)},
      {"bytes", number(model.bytes)},
      {"architecture", validUTF8(model.architecture)},
      {"name", validUTF8(model.name)},
      {"license", validUTF8(model.license)},
      {"parameters", number(model.parameters)},
      {"model", std::move(numbers)},
      {"rope_scaling", validUTF8(model.ropeScaling)},
      {"tied_output", model.tiedOutput},
      {"tokenizer", validUTF8(model.tokenizer)},
      {"pre_tokenizer", validUTF8(model.preTokenizer)},
      {"tokens", number(model.tokens)},
      {"merges", number(model.merges)},
      {"chat_template", model.hasChatTemplate},
      {"tensors", std::move(formats)},
      {"supported", model.isSupported()},
  };
  if (!model.vector.empty())
    result["vector"] = model.vector;
  if (!model.isSupported())
    result["problem"] = validUTF8(model.problem);
  return result;
}
