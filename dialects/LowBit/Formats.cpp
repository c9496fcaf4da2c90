//===- Formats.cpp - the table of storage formats ------------------------===//
//
// Expands Formats.def.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Formats.h"

using namespace nibble;
using namespace nibble::lowbit;

static constexpr IntegerKind u(unsigned width) { return {width, false}; }
static constexpr IntegerKind i(unsigned width) { return {width, true}; }

static constexpr Format table[] = {
#define NIBBLE_FORMAT(name_, ...) Format{.name = #name_, __VA_ARGS__},
#include "dialects/LowBit/Formats.def"
#undef NIBBLE_FORMAT
};

llvm::ArrayRef<Format> lowbit::formats() { return table; }

const Format *lowbit::findFormat(llvm::StringRef name) {
  for (const Format &format : table)
    if (name == format.name)
      return &format;
  return nullptr;
}

const Format *lowbit::findFormatByGGUFId(uint32_t id) {
  for (const Format &format : table)
    if (id == format.ggufId)
      return &format;
  return nullptr;
}

CodeKind Format::codeKind() const {
  if (grid)
    return CodeKind(findGrid(grid));
  return codebook ? CodeKind(findCodebook(codebook)) : CodeKind(codes.kind);
}
