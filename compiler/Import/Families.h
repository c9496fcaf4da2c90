//===- Families.h - The model families that can be imported -----*- C++ -*-===//
//
// A family is a page in Families/: one function that reads, with a FamilyReader, what its models have. The list is
// Families.def.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_FAMILIES_H
#define NIBBLE_COMPILER_IMPORT_FAMILIES_H

#include "compiler/Import/Decoder.h"

namespace nibble {

class FamilyReader;

// An architecture that shares a page declares its function again.
#define NIBBLE_FAMILY(ARCHITECTURE, READ) void READ(FamilyReader &read);
#include "compiler/Import/Families.def"
#undef NIBBLE_FAMILY

/// Values of general.architecture that can be imported.
llvm::ArrayRef<llvm::StringRef> supportedArchitectures();

/// The model in the file, all of it checked. An architecture that is not in the list is an error that gives the list.
llvm::Expected<Decoder> readModel(const ModelFile &file);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_FAMILIES_H
