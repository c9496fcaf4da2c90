//===- Pipelines.h - phases and the pass pipelines that make them ----------===//
//
// A phase is a named step of the compilation (Phases.def); the phases on IR are pipelines of passes, each ended by the
// verifier of its contract. nibble and nibble-opt build them here and nowhere else.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace nibble {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Pipelines/Passes.h.inc"

enum class Phase {
#define NIBBLE_PHASE(name, folder, contract) name,
#include "compiler/Pipelines/Phases.def"
};

struct PhaseInfo {
  Phase phase;
  llvm::StringRef name, folder, contract;
};

/// All phases in order.
llvm::ArrayRef<PhaseInfo> phases();
std::optional<Phase> findPhase(llvm::StringRef name);

/// What the user chooses and passes need to know.
struct PipelineOptions {
  std::string strategy = "auto"; ///< auto, dot, lut or float
  std::string weights = "keep";  ///< formats of weights, compiler/Simplify/WeightRules.h
  std::string activations = "int8"; ///< int8, int8:row, f16, bf16 or f32
  std::string subScales = "auto";   ///< auto, fold or keep: integer scales in their floats
  bool requireNative = false;    ///< fail instead of falling back to a generic row
  bool profile = false;          ///< the program can measure itself
};

/// Appends the passes of one phase on IR (simplify … lower) and its verifier.
void addPhase(mlir::OpPassManager &manager, Phase phase, const PipelineOptions &options);

/// Registers every pass of Nibble and, for each phase on IR, the pipeline `nibble-PHASE`.
void registerPassesAndPipelines();

/// Registers all dialects that a module may hold in any phase.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace nibble
