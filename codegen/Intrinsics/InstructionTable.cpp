//===- InstructionTable.cpp - the instructions that multiply --------------===//
//
// Expands InstructionTable.def and answers questions about it.
//
//===----------------------------------------------------------------------===//

#include "codegen/Intrinsics/InstructionTable.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace nibble {

static constexpr InstructionRow kTable[] = {
#define NIBBLE_DOT_ROW(name, emitter, isa, strip, depth, lanes, vectors, tile, tileVectors, unsignedBits, signedBytes, \
                       features)                                                                                       \
  {#name, RowKind::Dot, Isa::isa, strip, depth, lanes, vectors, tile, tileVectors, unsignedBits, signedBytes, features},
#define NIBBLE_FLOAT_ROW(name, isa, lanes, vectors, tile, features)                                                    \
  {#name, RowKind::Float, Isa::isa, 1, 1, lanes, vectors, tile, vectors, 8, true, features},
#define NIBBLE_NARROW_ROW(name, emitter, isa, operand, strip, depth, lanes, vectors, tile, features)                   \
  {#name, RowKind::Float, Isa::isa, strip, depth, lanes, vectors, tile, vectors, 8, true, features, FloatKind::operand},
#define NIBBLE_LOOKUP_ROW(name, emitter, isa, lanes, features)                                                         \
  {#name, RowKind::Lookup, Isa::isa, 1, lanes, lanes, 32 / lanes, /*tile=*/1, 32 / lanes, /*unsignedBits=*/4, false,   \
   features},
#define NIBBLE_AVERAGE_ROW(name, emitter, isa, lanes, features)                                                        \
  {#name, RowKind::Lookup, Isa::isa, 1, lanes, lanes, 32 / lanes, /*tile=*/1, 32 / lanes, /*unsignedBits=*/4, false,   \
   features, /*narrow=*/std::nullopt, /*averages=*/true},
#include "codegen/Intrinsics/InstructionTable.def"
};

unsigned InstructionRow::storageBias(unsigned codeBits, bool codeSigned) const {
  // Narrower codes fit either kind of operand; the kernel shifts their range itself.
  if (kind != RowKind::Dot || codeBits < 8)
    return 0;
  bool fits = codeSigned ? signedBytes : unsignedBits >= 8;
  return fits ? 0 : 128;
}

std::string vectorLengthFeature(int64_t bits) { return "sve-" + std::to_string(bits) + "-bit"; }

int64_t InstructionRow::scalableBits() const {
  for (int64_t bits : {128, 256, 512})
    if (is_contained(featuresOf(*this), vectorLengthFeature(bits)))
      return bits;
  return 0;
}

ArrayRef<InstructionRow> instructionTable() { return kTable; }

const InstructionRow *findRow(StringRef name) {
  const InstructionRow *found = find_if(kTable, [&](const InstructionRow &row) { return row.name == name; });
  return found == std::end(kTable) ? nullptr : found;
}

SmallVector<StringRef> featuresOf(const InstructionRow &row) {
  SmallVector<StringRef> names;
  row.features.split(names, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  return names;
}

static bool isOf(Isa isa, const Triple &triple) {
  switch (isa) {
  case Isa::Generic:
    return true;
  case Isa::X86:
    return triple.isX86();
  case Isa::AArch64:
    return triple.isAArch64();
  }
  return false;
}

SmallVector<const InstructionRow *> rowsFor(StringRef triple, function_ref<bool(StringRef)> hasFeature) {
  Triple parsed(triple);
  SmallVector<const InstructionRow *> rows;
  for (const InstructionRow &row : kTable)
    if (isOf(row.isa, parsed) && all_of(featuresOf(row), hasFeature))
      rows.push_back(&row);
  return rows;
}

const InstructionRow *bestRow(StringRef triple, function_ref<bool(StringRef)> hasFeature, RowKind kind) {
  for (const InstructionRow *row : rowsFor(triple, hasFeature))
    if (row->kind == kind)
      return row;
  return nullptr;
}

} // namespace nibble
