//===- UnicodeMaps.cpp - Decompositions, cases, marks ---------------------===//
//
// See UnicodeMaps.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/UnicodeMaps.h"

#include "runtime/text/UTF8.h"

#include <algorithm>
#include <tuple>
#include <utf8proc.h>

using namespace nibble;

static constexpr uint32_t codeEnd = 0x110000;

static bool isHangulSyllable(uint32_t code) { return code >= 0xAC00 && code < 0xAC00 + 11172; }

/// What `code` becomes under utf8proc's `options`; itself where utf8proc knows nothing.
static std::vector<uint32_t> decompose(uint32_t code, int options) {
  utf8proc_int32_t buffer[32]; // more than longestNormalForm
  utf8proc_ssize_t count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), buffer, 32,
                              static_cast<utf8proc_option_t>(options), nullptr);
  if (count < 0 || count > 32)
    return {code};
  return {buffer, buffer + count};
}

/// Calls `change(code, category)` for every character; what it returns enters the map unless it is the character alone.
template <typename Change> static CodePointMap mapAll(Change change) {
  CodePointMap map;
  for (uint32_t code = 0; code < codeEnd; ++code) {
    std::vector<uint32_t> result = change(code, utf8proc_category(static_cast<utf8proc_int32_t>(code)));
    if (result.size() != 1 || result[0] != code)
      map.emplace(code, std::move(result));
  }
  return map;
}

CodePointMap nibble::decompositions(bool compatibility) {
  int options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatibility ? UTF8PROC_COMPAT : 0);
  return mapAll([&](uint32_t code, auto) {
    return isHangulSyllable(code) ? std::vector{code} : decompose(code, options);
  });
}

CodePointMap nibble::combiningClasses() {
  CodePointMap map;
  for (uint32_t code = 0; code < codeEnd; ++code)
    if (auto c = utf8proc_get_property(static_cast<utf8proc_int32_t>(code))->combining_class)
      map[code] = {static_cast<uint32_t>(c)};
  return map;
}

/// A character that canonical composition makes is the composition of its decomposition's last character with what the
/// others compose to: canonical decompositions are pairs whose first half may fall apart further (Unicode 15, D68).
std::vector<schema::Composition> nibble::compositions() {
  std::vector<schema::Composition> pairs;
  auto composeAll = [](std::vector<utf8proc_int32_t> codes) {
    codes.push_back(0); // utf8proc ends what it writes
    auto count = utf8proc_normalize_utf32(codes.data(), static_cast<utf8proc_ssize_t>(codes.size() - 1),
                                          static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    codes.resize(count < 0 ? 0 : static_cast<size_t>(count));
    return codes;
  };
  for (const auto &[code, parts] : decompositions(false)) {
    if (parts.size() < 2)
      continue;
    std::vector<utf8proc_int32_t> codes(parts.begin(), parts.end());
    if (composeAll(codes) != std::vector{static_cast<utf8proc_int32_t>(code)})
      continue; // excluded from composition
    codes.pop_back();
    std::vector<utf8proc_int32_t> first = composeAll(codes);
    if (first.size() == 1)
      pairs.emplace_back(static_cast<uint32_t>(first[0]), parts.back(), code);
  }
  std::sort(pairs.begin(), pairs.end(), [](const schema::Composition &a, const schema::Composition &b) {
    return std::tuple(a.first(), a.second()) < std::tuple(b.first(), b.second());
  });
  return pairs;
}

CodePointMap nibble::lowerCase() {
  CodePointMap map = mapAll([](uint32_t code, auto) {
    return std::vector{static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)))};
  });
  // The one character whose lower case is two (SpecialCasing.txt).
  map[0x130] = {'i', 0x307};
  return map;
}

CodePointMap nibble::spacesOfWhiteSpace() {
  return mapAll([](uint32_t code, auto) { return std::vector{rt::isWhiteSpace(code) ? uint32_t(' ') : code}; });
}

/// The code points for which `contains` says so.
template <typename Contains> static CodePointRanges rangesOf(Contains contains) {
  CodePointRanges ranges;
  for (uint32_t code = 0; code < codeEnd; ++code) {
    if (!contains(code, utf8proc_category(static_cast<utf8proc_int32_t>(code))))
      continue;
    if (ranges.empty() || ranges.back() + 1 != code)
      ranges.insert(ranges.end(), {code, code});
    ranges.back() = code;
  }
  return ranges;
}

CodePointRanges nibble::marks(bool all) {
  return rangesOf([&](uint32_t, utf8proc_category_t category) {
    return category == UTF8PROC_CATEGORY_MN ||
           (all && (category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME));
  });
}

CodePointRanges nibble::bertControls() {
  return rangesOf([](uint32_t code, utf8proc_category_t category) {
    if (code == '\t' || code == '\n' || code == '\r')
      return false;
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_CO ||
           code == 0xFFFD;
  });
}

CodePointRanges nibble::bertIdeographs() {
  // As the library `tokenizers` has them; 2B920 stands there where Unicode's extension E begins at 2B820.
  return {0x3400,  0x4DBF,  0x4E00,  0x9FFF,  0xF900,  0xFAFF,  0x20000,
          0x2A6DF, 0x2A700, 0x2B81F, 0x2B920, 0x2CEAF, 0x2F800, 0x2FA1F};
}
