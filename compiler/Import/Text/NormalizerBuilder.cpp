//===- NormalizerBuilder.cpp - Steps of normalization to tables -----------===//
//
// See NormalizerBuilder.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/NormalizerBuilder.h"

#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/UnicodeMaps.h"
#include "runtime/text/Normalizer.h"
#include "runtime/text/UTF8.h"

#include "llvm/ADT/STLExtras.h"

using namespace nibble;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
using llvm::Error;
using llvm::StringRef;
using schema::NormalizerOp;

static constexpr uint32_t codeEnd = 0x110000;
static constexpr uint32_t blockSize = 256; // of schema::CodeMap

namespace {

class NormalizerWriter {
public:
  explicit NormalizerWriter(FlatBufferBuilder &builder) : builder(builder) {}

  Error add(const NormalizerStepSource &step);
  Offset<schema::Normalizer> finish();

private:
  void addMap(const CodePointMap &map, bool hangul = false);
  void addRanges(NormalizerOp op, const CodePointRanges &ranges);
  void addForm(bool compatibility, bool composed);
  void addTexts(NormalizerOp op, StringRef from, StringRef to);
  void addBert(StringRef options);
  Offset<schema::CodeMap> writeMap(const CodePointMap &map, bool hangul);
  void touch(uint32_t first, uint32_t last) { std::fill(touched.begin() + first, touched.begin() + last + 1, true); }

  FlatBufferBuilder &builder;
  std::vector<Offset<schema::NormalizerStep>> steps;
  std::vector<bool> touched = std::vector<bool>(codeEnd);
  bool touchesAll = false;
};

} // namespace

Offset<schema::CodeMap> NormalizerWriter::writeMap(const CodePointMap &map, bool hangul) {
  std::vector<uint16_t> blocks;
  std::vector<uint32_t> keys, first, codes;
  for (const auto &[code, result] : map) {
    while (blocks.size() <= code / blockSize)
      blocks.push_back(static_cast<uint16_t>(keys.size()));
    keys.push_back(code);
    first.push_back(static_cast<uint32_t>(codes.size()));
    codes.insert(codes.end(), result.begin(), result.end());
  }
  first.push_back(static_cast<uint32_t>(codes.size()));
  blocks.resize(codeEnd / blockSize + 1, static_cast<uint16_t>(keys.size()));
  auto blockOffset = builder.CreateVector(blocks);
  auto keyOffset = builder.CreateVector(keys);
  auto firstOffset = builder.CreateVector(first);
  auto codeOffset = builder.CreateVector(codes);
  return schema::CreateCodeMap(builder, blockOffset, keyOffset, firstOffset, codeOffset, hangul);
}

void NormalizerWriter::addMap(const CodePointMap &map, bool hangul) {
  for (const auto &entry : map)
    touched[entry.first] = true;
  steps.push_back(schema::CreateNormalizerStep(builder, NormalizerOp::Map, writeMap(map, hangul)));
}

void NormalizerWriter::addRanges(NormalizerOp op, const CodePointRanges &ranges) {
  for (size_t i = 0; i < ranges.size(); i += 2)
    touch(ranges[i], ranges[i + 1]);
  auto from = builder.CreateVector(ranges);
  steps.push_back(schema::CreateNormalizerStep(builder, op, 0, 0, from));
}

/// A normal form. Composition gives back many of the characters that decompose (U+00E9); these alone leave a text as it
/// is, so what touches a text is: what doesn't come back, what may join something before it, and what may be reordered.
void NormalizerWriter::addForm(bool compatibility, bool composed) {
  constexpr uint32_t firstVowel = 0x1161, lastTrail = 0x11C2, firstSyllable = 0xAC00, lastSyllable = 0xD7A3;
  CodePointMap map = decompositions(compatibility), classes = combiningClasses();
  std::vector<schema::Composition> pairs = composed ? compositions() : std::vector<schema::Composition>();
  std::vector<bool> before = touched;
  addMap(map, /*hangul=*/true);
  if (composed) {
    touched = std::move(before);
    llvm::DenseSet<uint32_t> made;
    for (const schema::Composition &pair : pairs) {
      touched[pair.second()] = true;
      made.insert(pair.composed());
    }
    CodePointMap canonical = decompositions(false);
    for (const auto &[code, parts] : map) {
      auto same = canonical.find(code);
      if (!made.contains(code) || same == canonical.end() || same->second != parts)
        touched[code] = true;
    }
    touch(firstVowel, lastTrail);
  } else {
    touch(firstSyllable, lastSyllable);
  }
  for (const auto &entry : classes)
    touched[entry.first] = true;
  auto order = writeMap(classes, false);
  steps.push_back(schema::CreateNormalizerStep(builder, NormalizerOp::Order, order));
  if (!composed)
    return;
  auto offset = builder.CreateVectorOfStructs(pairs);
  steps.push_back(schema::CreateNormalizerStep(builder, NormalizerOp::Compose, order, offset));
}

static std::vector<uint32_t> codePoints(StringRef text) {
  std::vector<uint32_t> codes;
  while (!text.empty()) {
    rt::Character c = rt::decodeCharacter(text.data(), text.size());
    codes.push_back(c.code);
    text = text.drop_front(c.length);
  }
  return codes;
}

void NormalizerWriter::addTexts(NormalizerOp op, StringRef from, StringRef to) {
  std::vector<uint32_t> fromCodes = codePoints(from);
  if (op == NormalizerOp::Replace)
    touched[fromCodes.front()] = true;
  else
    touchesAll = true;
  auto fromOffset = builder.CreateVector(fromCodes);
  auto toOffset = builder.CreateVector(codePoints(to));
  steps.push_back(schema::CreateNormalizerStep(builder, op, 0, 0, fromOffset, toOffset));
}

void NormalizerWriter::addBert(StringRef options) {
  llvm::SmallVector<StringRef> words;
  options.split(words, ' ');
  auto asked = [&](StringRef word) { return llvm::is_contained(words, word); };
  if (asked("clean")) {
    addRanges(NormalizerOp::Remove, bertControls());
    addMap(spacesOfWhiteSpace());
  }
  if (asked("chinese"))
    addRanges(NormalizerOp::Space, bertIdeographs());
  if (asked("accents")) {
    addForm(/*compatibility=*/false, /*composed=*/false);
    addRanges(NormalizerOp::Remove, marks(/*all=*/false));
  }
  if (asked("lowercase"))
    addMap(lowerCase());
}

Error NormalizerWriter::add(const NormalizerStepSource &step) {
  StringRef name = step.name;
  if (name == "NFC" || name == "NFD" || name == "NFKC" || name == "NFKD")
    addForm(name.contains('K'), name.ends_with("C"));
  else if (name == "Lowercase")
    addMap(lowerCase());
  else if (name == "StripAccents")
    addRanges(NormalizerOp::Remove, marks(/*all=*/true));
  else if (name == "Replace" && !step.first.empty())
    addTexts(NormalizerOp::Replace, step.first, step.second);
  else if (name == "Prepend")
    addTexts(NormalizerOp::Prepend, "", step.first);
  else if (name == "Bert")
    addBert(step.first);
  else if (name == "Strip") {
    touchesAll = true;
    steps.push_back(schema::CreateNormalizerStep(builder, NormalizerOp::Strip, 0, 0, 0, 0, step.first != "right",
                                                 step.first != "left"));
  } else {
    return unsupported("unsupported step of normalization: " + quote(name));
  }
  return Error::success();
}

Offset<schema::Normalizer> NormalizerWriter::finish() {
  auto stepOffset = builder.CreateVector(steps);
  Offset<flatbuffers::Vector<uint32_t>> ranges;
  if (!touchesAll) {
    CodePointRanges list;
    for (uint32_t code = 0; code < codeEnd; ++code) {
      if (!touched[code])
        continue;
      if (list.empty() || list.back() + 1 != code)
        list.insert(list.end(), {code, code});
      list.back() = code;
    }
    ranges = builder.CreateVector(list);
  }
  return schema::CreateNormalizer(builder, stepOffset, ranges);
}

llvm::Expected<Offset<schema::Normalizer>>
nibble::buildNormalizer(llvm::ArrayRef<NormalizerStepSource> steps, FlatBufferBuilder &builder) {
  if (steps.empty())
    return Offset<schema::Normalizer>();
  NormalizerWriter writer(builder);
  for (const NormalizerStepSource &step : steps)
    if (Error error = writer.add(step))
      return std::move(error);
  return writer.finish();
}

llvm::Expected<std::string> nibble::normalize(llvm::ArrayRef<NormalizerStepSource> steps, StringRef text) {
  if (steps.empty())
    return text.str();
  FlatBufferBuilder builder;
  auto table = buildNormalizer(steps, builder);
  if (!table)
    return table.takeError();
  builder.Finish(*table);
  rt::Normalizer normalizer(flatbuffers::GetRoot<schema::Normalizer>(builder.GetBufferPointer()));
  std::vector<std::byte> workspace((text.size() * longestNormalForm + 64) * 16);
  std::string_view result;
  if (rt::TextError error = normalizer.run(text, workspace, result); error != rt::TextError::None)
    return malformed("the token " + quote(text) + " can't be normalized: " + rt::describe(error));
  return std::string(result);
}
