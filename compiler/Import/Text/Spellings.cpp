//===- Spellings.cpp - Tokens that are recognised in text -----------------===//
//
// See Spellings.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/Spellings.h"

#include "llvm/ADT/STLExtras.h"

using namespace nibble;

flatbuffers::Offset<schema::Spellings> nibble::writeSpellings(SpellingList list,
                                                              flatbuffers::FlatBufferBuilder &builder) {
  llvm::sort(list);
  list.erase(std::unique(list.begin(), list.end(), [](const auto &a, const auto &b) { return a.first == b.first; }),
             list.end());
  llvm::erase_if(list, [](const auto &entry) { return entry.first.empty(); });
  if (list.empty())
    return {};
  std::vector<uint32_t> ids, offsets = {0}, first(257);
  std::vector<uint8_t> bytes;
  for (const auto &[text, id] : list) {
    ids.push_back(id);
    bytes.insert(bytes.end(), text.begin(), text.end());
    offsets.push_back(static_cast<uint32_t>(bytes.size()));
    ++first[static_cast<uint8_t>(text[0]) + 1];
  }
  for (unsigned byte = 0; byte < 256; ++byte)
    first[byte + 1] += first[byte];
  return schema::CreateSpellingsDirect(builder, &ids, &first, &offsets, &bytes);
}
