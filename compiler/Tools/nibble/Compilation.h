//===- Compilation.h - one model through all phases -------------------------===//
//
// Runs the phases in order, dumps and times them, and stops where it is told. Each phase gives an exit code; whatever
// goes wrong has been said on standard error by then, and the output file is untouched.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Import/ModelFile.h"
#include "compiler/Import/Adapters.h"
#include "compiler/Import/ImportGGUF.h"
#include "compiler/Import/TokenizerMetadata.h"
#include "compiler/Link/WeightSection.h"
#include "compiler/Pipelines/Pipelines.h"
#include "compiler/Target/TargetInfo.h"
#include "compiler/Tools/nibble/Commands.h"
#include "compiler/Tools/nibble/MemoryReport.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>
#include <optional>
#include <string>

namespace nibble {

enum class OutputKind { Executable, Object, Assembly, LLVM, MLIR };

struct CompileOptions {
  std::string model, output, executable; ///< executable: the compiler itself, beside which the runtime lies
  std::string target = "native", cpu, features;
  OutputKind kind = OutputKind::Executable;
  ImportOptions import;
  PipelineOptions pipeline;
  uint64_t calibrationTokens = 0; ///< --calibrate with made-up texts of so many
  std::string calibrationTexts;   ///< --calibrate with a text a line
  bool calibrates() const { return calibrationTokens > 0 || !calibrationTexts.empty(); }
  std::optional<Phase> stopAfter;
  std::string dumpDirectory;
  std::vector<AdapterOption> adapters; ///< merged in their order
  std::string chatTemplate; ///< a file, "none", or empty for the model's own
  std::string onFull;       ///< "stop", "shift", or empty for the program's usual choice
  std::optional<uint64_t> memoryBudget; ///< bytes
  std::string reportFile;               ///< JSON of the memory plan and what the program holds
  std::string prefixFile;               ///< a text that the program begins with
  bool remarks = false, timing = false, quiet = false;
  bool silent = false; ///< no message at all: for trying what would fit
  std::optional<uint64_t> programBytes; ///< to plan with for the code, instead of the most there may be
};

class Compilation {
public:
  explicit Compilation(const CompileOptions &options);
  /// All phases up to the one asked for; writes the output. A program over its budget is not reported here:
  /// kOverBudget, and reportOverBudget() says by how much.
  int run();
  int reportOverBudget() const;
  /// The phases up to link, without packing and output: bytes of the program's segments.
  int measure(uint64_t &programBytes);
  /// The phases up to bufferize, without output; then getDescription() holds the memory plan, with a bound for the
  /// code. `like` is a compilation of the same model that has a plan: its texts and tables are taken.
  int plan(const Compilation *like = nullptr);
  const ArtifactDescription &getDescription() const { return description; }
  /// Bytes of what has been planned, with a bound for the code until that is linked.
  const FileSizes &getSizes() const { return sizes; }

private:
  int resolveTarget();
  int import();
  int importTexts();
  int describe();
  int runPhase(Phase phase);
  int describeMemory();
  int makePlan();
  bool fitsBudget() const;
  int finishPlan(llvm::StringRef elf);
  int writeReport(uint64_t fileBytes);
  int emitCode();
  int link();
  int linkCode(llvm::StringRef elf);
  int writeText();
  int dump(Phase phase);
  /// The phase after which nothing more is to be done.
  Phase lastPhase() const;
  void progress(Phase phase);
  template <typename Step> int timed(Phase phase, Step step);

  const CompileOptions &options;
  mlir::MLIRContext context;
  std::unique_ptr<mlir::ScopedDiagnosticHandler> diagnostics;
  std::unique_ptr<ModelFile> file;
  std::optional<TargetInfo> target;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ArtifactDescription description;
  std::vector<PlacedWeight> weights;
  TokenizerSource tokenizer;
  std::string chatTemplate;
  TextTables tables;
  const Compilation *like = nullptr; ///< see plan()
  FileSizes sizes;
  std::optional<std::pair<uint64_t, bool>> countedTables; ///< what sizes.tables was counted for
  llvm::StringMap<bool> lastingStates; ///< see findLastingStates
  uint64_t arenaBound = 0;         ///< the least that the arena could have
  std::string stateKeyText;        ///< see stateKey
  std::vector<uint8_t> prefix;     ///< the section of that name
  std::string code; ///< what the phase emit gave
};

/// Compiles the code to know its size. No value, and no message, where that fails.
std::optional<uint64_t> measureProgram(const CompileOptions &options);

} // namespace nibble
