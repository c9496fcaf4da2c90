//===- StackDepth.h - how much stack emitted code needs ---------*- C++ -*-===//
//
// Members of a thread team run on stacks of a fixed size whose overflow would go
// unnoticed at best. So the code generator is asked for the frame of every function,
// and the deepest chain of calls is summed up before anything is written.
//
// Not counted: what runtime functions take that the code calls, and registers of
// open length that are spilled (AArch64's SVE). The caller keeps room for these.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "llvm/ADT/DenseMap.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace nibble {

struct StackDepth {
  uint64_t bytes = 0;   ///< of the deepest chain of calls
  std::string function; ///< where that begins
};

/// The frames of one module, which must outlive this.
class FrameSizes {
public:
  /// What the code generator says beside frames and errors.
  using Remark = std::function<void(llvm::DiagnosticSeverity, const std::string &)>;
  /// Lets the code generator report the frames of `module` to this; to be called before it runs.
  FrameSizes(llvm::Module &module, Remark remark);
  ~FrameSizes();
  FrameSizes(const FrameSizes &) = delete;

  /// After code generation; passes on what else was said. An error if a frame grows at run time, a function calls
  /// itself or an unknown one, or if the code generator said that something was wrong.
  llvm::Expected<StackDepth> deepest();

private:
  static void report(const llvm::DiagnosticInfo *info, void *self);
  llvm::Expected<uint64_t> depthOf(const llvm::Function &function);

  llvm::Module &module;
  Remark remark;
  llvm::DenseMap<const llvm::Function *, uint64_t> frames, depths;
  std::string errors;
  std::vector<std::pair<llvm::DiagnosticSeverity, std::string>> said;
};

} // namespace nibble
