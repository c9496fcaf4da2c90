//===- MemoryReport.h - what the program will occupy -----------------------===//
//
// The memory plan: weights, state, arena, the runtime's buffers, stacks, tables. The rows come from the very function
// that the program carves its memory with (runtime/core/MemoryPlan.h); docs/memory.md explains them.
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

/// Threads that the printed plan counts stacks for, if the budget allows; the program prints its own with --info.
inline constexpr uint32_t kPlannedThreads = 4;

/// What a plan counts for the program's code and static data as long as they have not been linked, in bytes: the most
/// there may be, which linking checks.
inline constexpr uint64_t kProgramBytes = 3 << 20;

/// By how much the code of a program may grow with another context, chunk or cache.
inline constexpr uint64_t kCodeMargin = 32 << 10;

/// Fills in everything that is known after `import`: names, shape, target, defaults, tokenizer and chat template.
llvm::Error describeModel(const ModelFile &file, mlir::ModuleOp module, const TargetInfo &target,
                          const TokenizerSource &tokenizer, const std::string &chatTemplate,
                          const ImportOptions &options, ArtifactDescription &description);

/// The tables that the program carries beside code and weights, as bytes of FlatBuffers; chat is empty without
/// template.
struct TextTables {
  std::vector<uint8_t> tokenizer, chat;
};

/// Builds the tables; what the file says wrongly about its texts is found here.
llvm::Expected<TextTables> buildTextTables(const TokenizerSource &tokenizer, const std::string &chatTemplate);

/// Bytes of the parts of the program's file.
struct FileSizes {
  uint64_t weights = 0, prefix = 0;
  uint64_t tables = 0;  ///< description and trailer
  uint64_t program = 0; ///< of the segments in memory
};

/// Fills `memoryPlan` and the number of threads that it holds for: of 4, what the budget allows, and at least one. With
/// a budget also the most threads that the program may ever use.
void planMemory(const FileSizes &sizes, const TextTables &tables, const TokenizerSource &tokenizer,
                ArtifactDescription &description);

/// Memory of the segments of a linked program.
llvm::Expected<uint64_t> countSegments(llvm::StringRef elf);

uint64_t plannedBytes(const ArtifactDescription &description);
void printPlan(const ArtifactDescription &description, llvm::raw_ostream &out);
/// The rows, by key, and their sum, in bytes.
llvm::json::Object toJSON(const ArtifactDescription &description);
/// What --report writes: model, target, plan, the arena beside the least it could have, tensors.
llvm::json::Object reportOf(const ArtifactDescription &description, uint64_t arenaBound, uint64_t weightBytes);
/// Writes a file as a whole or not at all; returns an exit code.
int writeJSON(const std::string &path, llvm::json::Object object);

} // namespace nibble
