//===- CompilationOutput.cpp - texts that a compilation writes ---------------===//
//
// See Compilation.h: the report of --report, the output of --emit and --stop-after, and the dumps of phases.
//
//===----------------------------------------------------------------------===//

#include "compiler/Tools/nibble/Compilation.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

namespace nibble {

/// --report: everything of the plan, for programs.
int Compilation::writeReport(uint64_t fileBytes) {
  if (options.reportFile.empty())
    return kDone;
  llvm::json::Object report = reportOf(description, arenaBound, sizes.weights);
  report["file_bytes"] = fileBytes;
  return writeJSON(options.reportFile, std::move(report));
}

/// Writes the IR or what `emit` gave: to the output file, or to standard output without one.
int Compilation::writeText() {
  std::string path = options.output.empty() ? "-" : options.output;
  // A file that cannot be written whole does not replace a good one.
  llvm::SmallString<128> temporary;
  if (path != "-")
    temporary = path + ".tmp";
  std::error_code code_;
  llvm::ToolOutputFile out(path == "-" ? "-" : temporary.str(), code_, llvm::sys::fs::OF_None);
  if (code_)
    return reportError(kCompileError, "cannot write " + path + ": " + code_.message());
  if (code.empty())
    module->print(out.os());
  else
    out.os() << code;
  out.os().flush();
  if (out.os().has_error()) {
    std::string message = out.os().error().message();
    out.os().clear_error();
    return reportError(kCompileError, "cannot write " + path + ": " + message);
  }
  if (path != "-")
    if (std::error_code error = llvm::sys::fs::rename(temporary, path))
      return reportError(kCompileError, "cannot write " + path + ": " + error.message());
  out.keep();
  return kDone;
}

/// DIR/N.PHASE.mlir
int Compilation::dump(Phase phase) {
  if (options.dumpDirectory.empty())
    return kDone;
  llvm::SmallString<128> path(options.dumpDirectory);
  if (std::error_code error = llvm::sys::fs::create_directories(path))
    return reportError(kCompileError, "cannot create " + options.dumpDirectory + ": " + error.message());
  size_t number = static_cast<size_t>(phase);
  llvm::sys::path::append(path, std::to_string(number + 1) + "." + phases()[number].name + ".mlir");
  std::error_code error;
  llvm::raw_fd_ostream out(path, error);
  if (error)
    return reportError(kCompileError, "cannot write " + path.str().str() + ": " + error.message());
  module->print(out);
  return kDone;
}

} // namespace nibble
