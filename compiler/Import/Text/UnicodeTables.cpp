//===- UnicodeTables.cpp - Character classes for the runtime --------------===//
//
// See UnicodeTables.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/UnicodeTables.h"

#include "runtime/text/UnicodeClass.h"

#include <map>
#include <utf8proc.h>

using namespace nibble;

/// White_Space (UAX #44): the separators, the line breaks and tabs among the controls, NEL.
static bool isWhiteSpace(uint32_t code, utf8proc_category_t category) {
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP ||
         (code >= 9 && code <= 13) || code == 0x85;
}

static uint8_t classOf(uint32_t code) {
  utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  if (isWhiteSpace(code, category))
    return rt::ClassSpace;
  if (category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT)
    return rt::ClassLetter | rt::ClassUpper;
  if (category == UTF8PROC_CATEGORY_LL)
    return rt::ClassLetter | rt::ClassLower;
  if (category == UTF8PROC_CATEGORY_LM || category == UTF8PROC_CATEGORY_LO)
    return rt::ClassLetter;
  if (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME)
    return rt::ClassMark;
  if (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO)
    return rt::ClassNumber;
  if (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO)
    return rt::ClassPunctuation;
  return 0;
}

UnicodeTables nibble::buildUnicodeTables() {
  UnicodeTables tables;
  std::map<std::vector<uint8_t>, uint16_t> known;
  std::vector<uint8_t> block(rt::ClassBlockSize);
  for (uint32_t index = 0; index < rt::ClassBlockCount; ++index) {
    for (uint32_t i = 0; i < rt::ClassBlockSize; ++i)
      block[i] = classOf(index * rt::ClassBlockSize + i);
    auto [entry, inserted] = known.try_emplace(block, static_cast<uint16_t>(known.size()));
    if (inserted)
      tables.classes.insert(tables.classes.end(), block.begin(), block.end());
    tables.blocks.push_back(entry->second);
  }
  return tables;
}
