//===- LinkProgram.h - object + runtime → static ELF ----------------------===//
//
// Runs the linker on the model's object, the runtime and the C library that lie in lib/nibble/<triple>/ beside the
// compiler's own bin/. Nothing else of the machine is looked at, so cross-linking is the same as linking.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace nibble {

/// The folder with the runtime for `triple`, seen from the running program `executable` (argv[0] resolved).
std::string runtimeDirectory(llvm::StringRef executable, llvm::StringRef triple);

/// Links `object` into the statically linked, stripped program `out`. The error holds what the linker said.
llvm::Error linkProgram(llvm::StringRef object, llvm::StringRef runtimeDirectory, llvm::StringRef out);

} // namespace nibble
