//===- WordPieces.cpp - BERT's vocab.txt in GGUF's words ------------------===//
//
// Before tokenizer.json, BERT's vocabulary was a text of one piece a line, and the
// rest stood in tokenizer_config.json.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/TokenizerJSON.h"
#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/TokenizerSource.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace nibble;
using llvm::Error;
using llvm::StringRef;

/// The settings of BertNormalizer under their names in tokenizer_config.json.
static llvm::Expected<std::string> readOptions(const JSONView &settings) {
  auto lowers = settings.findBool("do_lower_case");
  if (!lowers)
    return lowers.takeError();
  auto accents = settings.findBool("strip_accents");
  if (!accents)
    return accents.takeError();
  auto chinese = settings.findBool("tokenize_chinese_chars");
  if (!chinese)
    return chinese.takeError();
  std::string options = "clean";
  if (chinese->value_or(true))
    options += " chinese";
  if (accents->value_or(lowers->value_or(true)))
    options += " accents";
  if (lowers->value_or(true))
    options += " lowercase";
  return options;
}

Error nibble::translateWordPieces(HuggingFaceFolder &folder) {
  StringRef name = "vocab.txt";
  auto text = folder.readText(name);
  if (!text || !*text)
    return text.takeError();
  auto object = folder.readJSON("tokenizer_config.json");
  if (!object)
    return object.takeError();
  const llvm::json::Object none;
  std::string path = folder.pathOf("tokenizer_config.json");
  auto options = readOptions(JSONView(path, *object ? **object : none));
  if (!options)
    return options.takeError();

  const std::pair<StringRef, StringRef> specials[] = {
      {"[PAD]", "padding"}, {"[UNK]", "unknown"}, {"[CLS]", "bos"},
      {"[SEP]", "eos"},     {"[MASK]", "mask"}};
  StringTable pieces;
  std::vector<uint64_t> types;
  for (StringRef rest = **text; !rest.empty();) {
    auto [line, behind] = rest.split('\n');
    rest = behind;
    StringRef piece = line.rtrim('\r');
    const auto *special = llvm::find_if(
        specials, [&](const auto &row) { return row.first == piece; });
    bool isSpecial = special != std::end(specials);
    if (isSpecial)
      folder.addUInt(("tokenizer.ggml." + special->second + "_token_id").str(),
                     pieces.size(), name.str());
    types.push_back(static_cast<uint64_t>(
        !isSpecial                 ? TokenType::Normal
        : piece == "[UNK]"         ? TokenType::Unknown
                                   : TokenType::Control));
    // U+2581 begins a word in GGUF's spelling.
    if (isSpecial || piece.consume_front("##"))
      pieces.push_back(piece);
    else
      pieces.push_back("\xE2\x96\x81" + piece.str());
  }
  folder.addString("tokenizer.ggml.model", "bert", name.str());
  folder.addStrings("tokenizer.ggml.tokens", std::move(pieces), name.str());
  folder.addInts("tokenizer.ggml.token_type", std::move(types), name.str());
  StringTable steps;
  for (StringRef part : {StringRef("Bert"), StringRef(*options), StringRef()})
    steps.push_back(part);
  folder.addStrings("tokenizer.nibble.normalizer", std::move(steps),
                    "tokenizer_config.json");
  return Error::success();
}
