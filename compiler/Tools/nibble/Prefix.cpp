//===- Prefix.cpp - a prompt that is compiled in ---------------------------===//
#include "compiler/Tools/nibble/Prefix.h"

#include "compiler/Tools/nibble/Compilation.h"
#include "runtime/schema/StateFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

#include <cstring>

namespace nibble {

/// The options with which the model runs here: the target's own where this machine has its features.
static llvm::Expected<CompileOptions> optionsForHere(const CompileOptions &options, const TargetInfo &target) {
  CompileOptions here = options;
  here.memoryBudget.reset();
  here.prefixFile.clear(), here.reportFile.clear(), here.dumpDirectory.clear();
  here.remarks = here.timing = false;
  here.quiet = here.silent = true;
  llvm::Expected<TargetInfo> machine = TargetInfo::get("native", "");
  if (!machine)
    return machine.takeError();
  bool runs = machine->triple == target.triple &&
              llvm::all_of(target.requiredFeatures(), [&](const std::string &name) { return machine->has(name); });
  if (!runs)
    here.target = "native", here.cpu.clear();
  return here;
}

/// Runs a program; an exit code, and what it said on standard error.
static int runProgram(llvm::StringRef program, llvm::ArrayRef<llvm::StringRef> arguments, std::string &said) {
  llvm::SmallString<128> log;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("nibble-prefix", "txt", log))
    return reportError(kCompileError, "cannot create a temporary file: " + error.message());
  llvm::FileRemover removeLog(log);
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(""), llvm::StringRef(""), llvm::StringRef(log)};
  int status = llvm::sys::ExecuteAndWait(program, arguments, std::nullopt, redirects, 0, 0, &said);
  if (auto text = llvm::MemoryBuffer::getFile(log))
    said += (*text)->getBuffer().trim();
  return status;
}

int evaluatePrefix(const CompileOptions &options, const TargetInfo &target, std::vector<uint8_t> &state) {
  llvm::Expected<CompileOptions> here = optionsForHere(options, target);
  if (!here)
    return reportError(here.takeError());
  // Beside the output: it is as large as the program, for which there must be room there.
  llvm::SmallString<128> program, saved;
  if (std::error_code error = llvm::sys::fs::createUniqueFile(options.output + ".prefix-%%%%%%%%", program))
    return reportError(kCompileError, "cannot write " + options.output + ": " + error.message());
  llvm::FileRemover removeProgram(program);
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("nibble-prefix", "state", saved))
    return reportError(kCompileError, "cannot create a temporary file: " + error.message());
  llvm::FileRemover removeState(saved);
  here->output = std::string(program);
  if (int code = Compilation(*here).run())
    return code;
  std::string said;
  llvm::StringRef arguments[] = {program, "--prefix-file", options.prefixFile, "--save-state", saved, "-q"};
  int status = runProgram(program, arguments, said);
  if (status != 0) // the program's own sentence says what is wrong with the prefix
    return reportError(status == kUsage ? kUsage : kCompileError, "--prefix-file: " + said);
  auto bytes = llvm::MemoryBuffer::getFile(saved, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!bytes)
    return reportError(kCompileError, "cannot read the prefix's state: " + bytes.getError().message());
  state.assign((*bytes)->getBufferStart(), (*bytes)->getBufferEnd());
  return kDone;
}

int checkPrefix(llvm::ArrayRef<uint8_t> state, const ArtifactDescription &description) {
  schema::StateHeader header;
  if (state.empty())
    return kDone;
  if (state.size() < sizeof(header))
    return reportError(kInternalError, "the prefix's state is cut off");
  std::memcpy(&header, state.data(), sizeof(header));
  if (header.identity == description.stateIdentity)
    return kDone;
  return reportError(kInternalError, "the prefix's state is of another model than the program");
}

} // namespace nibble
