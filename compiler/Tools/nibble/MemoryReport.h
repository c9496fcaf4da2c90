//===- MemoryReport.h - what the program will occupy -----------------------===//
//
// The memory plan: weights, state, arena, the runtime's buffers, stacks, tables. The runtime's rows come from the very
// function that the program carves its memory with (runtime/core/MemoryPlan.h).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Import/ModelFile.h"
#include "compiler/Import/ImportGGUF.h"
#include "compiler/Import/TokenizerMetadata.h"
#include "compiler/Link/ArtifactWriter.h"
#include "compiler/Target/TargetInfo.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace nibble {

/// Threads that the printed plan counts stacks for; the program prints its own with --info.
inline constexpr uint32_t kPlannedThreads = 4;

/// What the plan holds for the program's own code and data and for the stack of its first thread, in bytes. The code is
/// not there yet when the plan is made; linking checks the bound (SmolLM2's program takes 1.0 MB).
inline constexpr uint64_t kProgramBytes = 3 << 20, kMainStackBytes = 256 << 10;

/// Fills in everything that is known after `import`: names, shape, target, defaults, tokenizer and chat template.
llvm::Error describeModel(const ModelFile &file, mlir::ModuleOp module, const TargetInfo &target,
                          const TokenizerSource &tokenizer, const std::string &chatTemplate,
                          const ImportOptions &options, ArtifactDescription &description);

/// The tables that the program carries beside code and weights, as bytes of FlatBuffers; chat is empty without template.
struct TextTables {
  std::vector<uint8_t> tokenizer, chat;
};

/// Builds the tables; what the file says wrongly about its texts is found here.
llvm::Expected<TextTables> buildTextTables(const TokenizerSource &tokenizer, const std::string &chatTemplate);

/// Fills `memoryPlan` from the sizes in the description; all in bytes.
void planMemory(uint64_t weightBytes, const TextTables &tables, const TokenizerSource &tokenizer,
                ArtifactDescription &description);

uint64_t plannedBytes(const ArtifactDescription &description);
void printPlan(const ArtifactDescription &description, llvm::raw_ostream &out);
/// The rows and their sum, in bytes.
llvm::json::Object toJSON(const ArtifactDescription &description);

} // namespace nibble
