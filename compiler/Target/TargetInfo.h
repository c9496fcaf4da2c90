//===- TargetInfo.h - the machine that is compiled for --------------------===//
//
// What a CPU name means: LLVM's features, register width, cache sizes. The only part of compiler/ that sees a machine;
// every other phase asks the instruction table for the rows that a TargetInfo allows.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Triple.h"

#include <memory>
#include <string>
#include <vector>

namespace nibble {

struct TargetInfo {
  std::string triple;   ///< "x86_64-linux-gnu" or "aarch64-linux-gnu"
  std::string cpu;      ///< LLVM's name of the CPU, never "native"
  std::string features; ///< LLVM's feature string beside the CPU's own, e.g. "+dotprod,-sve"

  /// Length of SVE's vectors, where the CPU has SVE and the length is known; else 0. In the string of features of the
  /// module's attribute it is "+sve-N-bit", which is no name of LLVM's.
  int64_t scalableBits = 0;

  /// Whether the CPU has LLVM's feature `name` ("avx2", "dotprod"), or SVE vectors of a length ("sve-256-bit").
  bool has(llvm::StringRef name) const;
  bool isX86() const { return llvm::Triple(triple).isX86(); }
  bool isAArch64() const { return llvm::Triple(triple).isAArch64(); }

  /// Features that the compiled program must find when it starts, LLVM's names, sorted.
  std::vector<std::string> requiredFeatures() const;

  /// Resolves `target` ("native", "x86_64-linux-gnu", "aarch64-linux-gnu") and `cpu` ("native", a name of LLVM's, or
  /// empty for the baseline of the architecture). `features` are added to the CPU's own: "+sve,-i8mm,+sve-256-bit".
  /// Errors name the known values.
  static llvm::Expected<TargetInfo> get(llvm::StringRef target, llvm::StringRef cpu, llvm::StringRef features = "");

  /// From the module attribute `mpgemm.target`; a diagnostic if it is missing or wrong.
  static mlir::FailureOr<TargetInfo> fromModule(mlir::ModuleOp module);
  /// Writes the attribute.
  void attachTo(mlir::ModuleOp module) const;

private:
  std::shared_ptr<const llvm::MCSubtargetInfo> subtarget;
};

/// The triples that Nibble compiles for, in the order `nibble targets` lists them.
llvm::ArrayRef<llvm::StringRef> supportedTriples();

/// CPU names of a triple, sorted (LLVM's list).
std::vector<std::string> cpuNames(llvm::StringRef triple);

} // namespace nibble
