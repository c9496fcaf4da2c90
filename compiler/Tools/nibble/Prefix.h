//===- Prefix.h - a prompt that is compiled in -----------------------------===//
//
// `--prefix-file`: the program begins with a text that it has read already. What reading it leaves in the KV cache is
// found by the only code that can find it: the model is compiled for this machine, runs on the text, and its saved
// state becomes a section of the program.
//
// For a target that this machine can run, code and cache come from the same instructions. For another one the numbers
// are those of this machine's code, which may differ from the target's own in the last bits (docs/memory.md).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Link/ArtifactWriter.h"
#include "compiler/Target/TargetInfo.h"

#include <cstdint>
#include <vector>

namespace nibble {

struct CompileOptions;

/// Compiles the model for a machine that runs here, lets it read options.prefixFile, and returns its state. An exit
/// code.
int evaluatePrefix(const CompileOptions &options, const TargetInfo &target, std::vector<uint8_t> &state);

/// Whether the program can load the state: their identities are equal. An exit code.
int checkPrefix(llvm::ArrayRef<uint8_t> state, const ArtifactDescription &description);

} // namespace nibble
