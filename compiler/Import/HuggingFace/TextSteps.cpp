//===- TextSteps.cpp - Normalizers and pre-tokenizers of tokenizer.json ---===//
//
// Both are lists of steps. Pre-tokenizers of text in a byte-level alphabet become
// regular expressions, whatever they are called.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/TokenizerJSON.h"
#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/PreTokenizers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

/// U+2581, how a space is written in pieces.
static constexpr StringRef spaceMark = "\xE2\x96\x81";

namespace {

class StepReader {
public:
  explicit StepReader(const JSONView &tokenizer) : tokenizer(tokenizer) {}

  Expected<TextSteps> read();

private:
  /// The steps of `key`, with sequences laid out flat.
  Error listSteps(const JSONView &view, StringRef key,
                  std::vector<JSONView> &steps);
  Error readNormalizer(const JSONView &step);
  Error readBertNormalizer(const JSONView &step);
  void addStep(StringRef name, StringRef first = "", StringRef second = "");
  Error readMetaspace(const JSONView &step);
  Error readPreTokenizer(const JSONView &step);
  Error readSplit(const JSONView &step);
  Error readByteLevel(const JSONView &step);
  void addPattern(const llvm::Twine &regex, StringRef mode = "all") {
    result.patterns.push_back((mode + " " + regex).str());
  }

  const JSONView &tokenizer;
  TextSteps result;
};

Error StepReader::listSteps(const JSONView &view, StringRef key,
                            std::vector<JSONView> &steps) {
  auto step = view.findObject(key);
  if (!step || !*step)
    return step.takeError();
  auto type = (*step)->findString("type");
  if (!type)
    return type.takeError();
  if (type->value_or("") != "Sequence") {
    steps.push_back(**step);
    return Error::success();
  }
  StringRef inner = key == "normalizer" ? "normalizers" : "pretokenizers";
  auto array = (*step)->findArray(inner);
  if (!array)
    return array.takeError();
  for (size_t i = 0; *array && i < (*array)->size(); ++i) {
    const llvm::json::Object *object = (**array)[i].getAsObject();
    if (!object)
      return (*step)->malformedKey(inner, "expected objects");
    steps.emplace_back(tokenizer.getFile(), *object,
                       key.str() + "[" + std::to_string(i) + "].");
  }
  return Error::success();
}

/// {"String": text} or {"Regex": text}
static std::optional<StringRef> getPattern(const JSONView &step,
                                           StringRef kind) {
  const llvm::json::Object *pattern = step.get().getObject("pattern");
  return pattern ? pattern->getString(kind) : std::nullopt;
}

Error StepReader::readNormalizer(const JSONView &step) {
  auto type = step.findString("type");
  if (!type)
    return type.takeError();
  StringRef name = type->value_or("");
  if (llvm::is_contained({"NFC", "NFD", "NFKC", "NFKD", "Lowercase",
                          "StripAccents"},
                         name)) {
    addStep(name);
    return Error::success();
  }
  if (name == "BertNormalizer")
    return readBertNormalizer(step);
  if (name == "Strip") {
    auto left = step.findBool("strip_left");
    if (!left)
      return left.takeError();
    auto right = step.findBool("strip_right");
    if (!right)
      return right.takeError();
    bool atLeft = left->value_or(true), atRight = right->value_or(true);
    if (atLeft || atRight)
      addStep(name, atLeft && atRight ? "both" : atLeft ? "left" : "right");
    return Error::success();
  }
  if (name == "Prepend") {
    auto text = step.findString("prepend");
    if (!text)
      return text.takeError();
    if (text->value_or("") == spaceMark) {
      result.spacePrefix = "each";
      return Error::success();
    }
    if (*text && !(*text)->contains(spaceMark)) {
      addStep(name, **text);
      return Error::success();
    }
  }
  if (name == "Replace") {
    auto content = step.findString("content");
    if (!content)
      return content.takeError();
    StringRef from = getPattern(step, "String").value_or(""), to = content->value_or("");
    if (from == " " && to == spaceMark)
      return Error::success(); // every vocabulary of that kind has it
    if (!from.empty() && !from.contains(spaceMark) && !to.contains(spaceMark)) {
      addStep(name, from, to);
      return Error::success();
    }
  }
  if (name == "Precompiled")
    return step.unsupportedKey("type", "unsupported normalizer: Precompiled, a table of SentencePiece's (T5, XLM-R); "
                                       "expected those that tokenizer.json spells out");
  return step.unsupportedKey("type",
                             "unsupported normalizer: expected a normal form, "
                             "Lowercase, StripAccents, Strip, BertNormalizer, "
                             "or a Replace or Prepend of plain text; found " +
                                 quote(name));
}

void StepReader::addStep(StringRef name, StringRef first, StringRef second) {
  result.normalizer.push_back(name);
  result.normalizer.push_back(first);
  result.normalizer.push_back(second);
}

Error StepReader::readBertNormalizer(const JSONView &step) {
  const std::pair<StringRef, StringRef> names[] = {
      {"clean_text", "clean"},
      {"handle_chinese_chars", "chinese"},
      {"strip_accents", "accents"},
      {"lowercase", "lowercase"}};
  auto lowercase = step.findBool("lowercase");
  if (!lowercase)
    return lowercase.takeError();
  std::string options;
  for (auto [key, word] : names) {
    auto flag = step.findBool(key);
    if (!flag)
      return flag.takeError();
    // Accents go where case goes, unless the file says otherwise.
    bool absent = word == "accents" ? lowercase->value_or(true) : true;
    if (flag->value_or(absent))
      options += (options.empty() ? "" : " ") + word.str();
  }
  addStep("Bert", options);
  return Error::success();
}

Error StepReader::readMetaspace(const JSONView &step) {
  auto replacement = step.findString("replacement");
  if (!replacement)
    return replacement.takeError();
  if (replacement->value_or(spaceMark) != spaceMark)
    return step.unsupportedKey("replacement", "expected U+2581, found " +
                                                  quote(**replacement));
  auto scheme = step.findString("prepend_scheme");
  if (!scheme)
    return scheme.takeError();
  auto legacy = step.findBool("add_prefix_space");
  if (!legacy)
    return legacy.takeError();
  auto split = step.findBool("split");
  if (!split)
    return split.takeError();
  StringRef name = scheme->value_or(legacy->value_or(true) ? "always" : "never");
  if (name == "always")
    result.spacePrefix = "missing";
  else if (name == "first")
    result.spacePrefix = "first";
  else if (name != "never")
    return step.unsupportedKey("prepend_scheme",
                               "expected always, first or never, found " +
                                   quote(name));
  result.cutsAtEachSpace = split->value_or(true);
  return Error::success();
}

/// A regular expression that matches `text` alone.
static std::string quotePattern(StringRef text) {
  std::string pattern;
  for (char c : text) {
    if (llvm::isASCII(c) && llvm::isPunct(c))
      pattern += '\\';
    pattern += c;
  }
  return pattern;
}

Error StepReader::readSplit(const JSONView &step) {
  auto behavior = step.findString("behavior");
  if (!behavior)
    return behavior.takeError();
  auto invert = step.findBool("invert");
  if (!invert)
    return invert.takeError();
  StringRef name = behavior->value_or("");
  bool inverts = invert->value_or(false);
  auto text = getPattern(step, "String"), regex = getPattern(step, "Regex");
  // Spaces are U+2581 by now, so there is nothing to cut at.
  if (text && *text == " " && name == "MergedWithPrevious" && !inverts)
    return Error::success();
  if ((name != "Isolated" && name != "Removed") || (!text && !regex))
    return step.unsupportedKey("behavior",
                               "unsupported pre-tokenizer: expected a split "
                               "that isolates or removes, found " +
                                   quote(name));
  std::string pattern = regex ? regex->str() : quotePattern(*text);
  addPattern(pattern, name == "Isolated" ? "all" : inverts ? "matches" : "others");
  return Error::success();
}

Error StepReader::readByteLevel(const JSONView &step) {
  auto prefix = step.findBool("add_prefix_space");
  if (!prefix)
    return prefix.takeError();
  if (prefix->value_or(true)) {
    // Behind another step each word would get a space.
    if (!result.patterns.empty())
      return step.unsupportedKey("add_prefix_space", "expected false behind another pre-tokenizer, found true");
    result.spacePrefix = "missing";
  }
  auto regex = step.findBool("use_regex");
  if (!regex)
    return regex.takeError();
  result.byteLevel = true;
  if (regex->value_or(true))
    addPattern(getByteLevelPattern());
  return Error::success();
}

Error StepReader::readPreTokenizer(const JSONView &step) {
  auto type = step.findString("type");
  if (!type)
    return type.takeError();
  StringRef name = type->value_or("");
  if (name == "ByteLevel")
    return readByteLevel(step);
  if (name == "Split")
    return readSplit(step);
  if (name == "Metaspace")
    return readMetaspace(step);
  if (name == "BertPreTokenizer") {
    result.bert = true;
    return Error::success();
  }
  if (name == "Digits") {
    auto individual = step.findBool("individual_digits");
    if (!individual)
      return individual.takeError();
    addPattern(individual->value_or(false) ? R"(\p{N})" : R"(\p{N}+)");
    return Error::success();
  }
  if (name == "Punctuation" &&
      step.get().getString("behavior").value_or("Isolated") == "Isolated") {
    addPattern(getPunctuationPattern());
    return Error::success();
  }
  return step.unsupportedKey("type",
                             "unsupported pre-tokenizer: expected ByteLevel, "
                             "Split, Digits, Punctuation, Metaspace or "
                             "BertPreTokenizer, found " +
                                 quote(name));
}

Expected<TextSteps> StepReader::read() {
  std::vector<JSONView> steps;
  if (Error error = listSteps(tokenizer, "normalizer", steps))
    return std::move(error);
  for (const JSONView &step : steps)
    if (Error error = readNormalizer(step))
      return std::move(error);
  steps.clear();
  if (Error error = listSteps(tokenizer, "pre_tokenizer", steps))
    return std::move(error);
  for (const JSONView &step : steps)
    if (Error error = readPreTokenizer(step))
      return std::move(error);
  if (!result.byteLevel) {
    if (!result.patterns.empty() || (result.bert && steps.size() != 1))
      return tokenizer.unsupportedKey("pre_tokenizer",
                                      "unsupported: words without a byte-level "
                                      "alphabet");
    return std::move(result);
  }
  // Bytes without any cut are one word.
  if (result.patterns.empty())
    addPattern(R"([\s\S]+)");
  return std::move(result);
}

} // namespace

Expected<TextSteps> nibble::readTextSteps(const JSONView &tokenizer) {
  return StepReader(tokenizer).read();
}
