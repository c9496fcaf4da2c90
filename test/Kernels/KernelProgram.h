//===- KernelProgram.h - compile operations, run them, look at the bytes --===//
//
// A test writes functions of operations in buffer form as text; this compiles them
// as the compiler does (phases lower and emit), for any target, and calls them: in
// this process for this architecture, under qemu for AArch64. Where this CPU lacks
// features of the target, the kernels of the target are emitted for this CPU, with
// the instructions that it has not (vpdpbusd; 64-byte vpshufb, vpmaddubsw) spelled out by
// their definitions; that the instructions are there is what test/Targets checks.
//
// Contract: each function takes its memrefs (static shapes), then n, tid and
// nthreads as index. A call runs it for tid = 0 … threads-1, one after the other:
// no thread may depend on another's part of the same operation. Calls run in their
// order; one that shares a buffer with earlier ones finds in it what they wrote.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Target/TargetInfo.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace llvm::orc {
class LLJIT;
}

namespace nibble::test {

using Bytes = std::vector<uint8_t>;

/// `cpu`: a CPU, and features beside its own: "neoverse-v1+sve-512-bit".
llvm::Expected<TargetInfo> targetOf(llvm::StringRef triple, llvm::StringRef cpu);

struct Call {
  std::string function;
  std::vector<std::shared_ptr<Bytes>> buffers; ///< hold the results after the run
  int64_t n = 0;
  int32_t threads = 1;
};

class KernelProgram {
public:
  /// Appends `text`, one or more func.func.
  void add(const std::string &text) { source += text; }
  /// Empty, or what went wrong (diagnostics included).
  std::string compile(const TargetInfo &target);
  /// Empty, or what went wrong.
  std::string run(std::vector<Call> &calls);
  /// The compiled function in this process, or null; for measurements.
  void *find(const std::string &function);
  /// What the compiled code takes from elsewhere, by name.
  std::vector<std::string> undefinedSymbols() const;
  /// Assembly of the same module; empty on failure, of which `errors` says why.
  std::string assembly(const TargetInfo &target, std::string &errors);

private:
  std::string runHere(std::vector<Call> &calls);
  std::string runEmulated(std::vector<Call> &calls);
  std::string load();

  std::string source;
  std::string object;
  bool emulated = false;
  std::string emulatedCpu = "max";
  std::shared_ptr<llvm::orc::LLJIT> jit; ///< holds the code that runs here
};

/// Why this machine cannot run code for `target`, or an empty string.
std::string whyNotRunnable(const TargetInfo &target);

} // namespace nibble::test
