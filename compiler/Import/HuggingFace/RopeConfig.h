//===- RopeConfig.h - Rotary settings of config.json ------------*- C++ -*-===//
//
// Two generations of the same thing: `rope_theta` with `rope_scaling`, and
// `rope_parameters`, which holds both, and holds them once for each type of layer
// in models with two bases.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_HUGGINGFACE_ROPECONFIG_H
#define NIBBLE_COMPILER_IMPORT_HUGGINGFACE_ROPECONFIG_H

#include "compiler/Import/HuggingFace/Folder.h"

namespace nibble {

/// Adds the keys `ARCHITECTURE.rope.*`.
llvm::Error translateRope(const JSONView &config, llvm::StringRef architecture,
                          HuggingFaceFolder &folder);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_HUGGINGFACE_ROPECONFIG_H
