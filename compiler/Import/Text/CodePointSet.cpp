//===- CodePointSet.cpp - Sets of characters ------------------------------===//
//
// See CodePointSet.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/CodePointSet.h"

#include "runtime/text/UTF8.h"

#include <algorithm>
#include <utf8proc.h>

using namespace nibble;

void CodePointSet::add(const CodePointSet &other) {
  list.insert(list.end(), other.list.begin(), other.list.end());
  std::sort(list.begin(), list.end());
  std::vector<std::pair<uint32_t, uint32_t>> joined;
  for (auto [first, last] : list) {
    if (!joined.empty() && first <= joined.back().second + 1)
      joined.back().second = std::max(joined.back().second, last);
    else
      joined.push_back({first, last});
  }
  list = std::move(joined);
}

CodePointSet CodePointSet::complement() const {
  CodePointSet result;
  uint32_t next = 0;
  for (auto [first, last] : list) {
    if (first > next)
      result.list.push_back({next, first - 1});
    next = last + 1;
  }
  if (next <= invalid)
    result.list.push_back({next, invalid});
  return result;
}

bool CodePointSet::contains(uint32_t code) const {
  auto behind = std::upper_bound(list.begin(), list.end(), std::pair(code, UINT32_MAX));
  return behind != list.begin() && std::prev(behind)->second >= code;
}

template <typename Contains> CodePointSet CodePointSet::collect(Contains contains) {
  CodePointSet result;
  for (uint32_t code = 0; code < invalid; ++code) {
    if (!contains(code))
      continue;
    if (result.list.empty() || result.list.back().second + 1 != code)
      result.list.push_back({code, code});
    result.list.back().second = code;
  }
  return result;
}

/// utf8proc's category of each code point; asked for millions of times.
static const std::vector<uint8_t> &categories() {
  static const std::vector<uint8_t> table = [] {
    std::vector<uint8_t> result(CodePointSet::invalid);
    for (uint32_t code = 0; code < CodePointSet::invalid; ++code)
      result[code] = static_cast<uint8_t>(utf8proc_category(static_cast<utf8proc_int32_t>(code)));
    return result;
  }();
  return table;
}

std::optional<CodePointSet> CodePointSet::category(llvm::StringRef name) {
  // In the order of utf8proc_category_t.
  constexpr llvm::StringRef names[] = {"Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl",
                                       "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk",
                                       "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"};
  bool wanted[std::size(names)] = {}, any = false;
  for (size_t i = 0; i < std::size(names) && !name.empty(); ++i)
    any |= wanted[i] = names[i].starts_with(name);
  if (!any)
    return std::nullopt;
  return collect([&, &table = categories()](uint32_t code) { return wanted[table[code]]; });
}

CodePointSet CodePointSet::whiteSpace() {
  return collect([](uint32_t code) { return rt::isWhiteSpace(code); });
}
