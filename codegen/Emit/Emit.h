//===- Emit.h - from the llvm dialect to files ----------------------------===//
//
// Phase emit: LLVM's optimiser and code generator, for the module's target. Weights never pass through here.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Emit/StackDepth.h"
#include "compiler/Target/TargetInfo.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace nibble {

enum class EmitKind {
  LLVM,   ///< LLVM IR after optimisation, as text
  Asm,    ///< assembly
  Object, ///< a relocatable ELF object
};

/// Writes `module` (llvm dialect only) as `kind` to `out`. The code is position independent. Returns how much stack it
/// needs; of LLVM IR nothing is known. An error is a fault of the module or of the target's description, none of a
/// user; what the code generator warns of becomes a diagnostic at `module`.
llvm::Expected<StackDepth> emitModule(mlir::ModuleOp module, const TargetInfo &target, EmitKind kind,
                                      llvm::raw_pwrite_stream &out);

/// Makes the translation from the llvm dialect known to `registry`.
void registerEmitDialects(mlir::DialectRegistry &registry);

} // namespace nibble
