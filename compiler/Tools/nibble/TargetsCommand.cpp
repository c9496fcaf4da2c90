//===- TargetsCommand.cpp - nibble targets ---------------------------------===//
//
// Prints the tables of the compiler as they are: nothing here is a second list.
//
//===----------------------------------------------------------------------===//
#include "codegen/Intrinsics/InstructionTable.h"
#include "compiler/Target/TargetInfo.h"
#include "compiler/Tools/nibble/Commands.h"

#include "llvm/Support/raw_ostream.h"

#include <memory>

namespace nibble {

/// The instruction rows that a CPU has, best first.
static int listRows(const std::string &target, const std::string &cpu) {
  llvm::Expected<TargetInfo> info = TargetInfo::get(target, cpu);
  if (!info)
    return reportError(kUsage, llvm::toString(info.takeError()));
  llvm::outs() << info->triple << ", cpu " << info->cpu << "\n";
  for (const InstructionRow *row : rowsFor(info->triple, [&](llvm::StringRef name) { return info->has(name); }))
    llvm::outs() << "  " << row->name << "\n";
  return kDone;
}

Command addTargetsCommand(CLI::App &app) {
  struct Arguments {
    std::string target, cpu;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App *command = app.add_subcommand("targets", "List targets, CPUs and what a CPU multiplies with.");
  command->add_option("--target", arguments->target, "list the CPUs of this target");
  command->add_option("--cpu", arguments->cpu, "list the instruction rows of this CPU (with --target), or of native");
  return [arguments]() -> int {
    if (!arguments->cpu.empty())
      return listRows(arguments->target.empty() ? "native" : arguments->target, arguments->cpu);
    if (arguments->target == "native")
      return listRows("native", "native");
    for (llvm::StringRef triple : supportedTriples()) {
      if (!arguments->target.empty() && arguments->target != triple)
        continue;
      llvm::outs() << triple << "\n";
      if (!arguments->target.empty()) {
        for (const std::string &name : cpuNames(triple))
          llvm::outs() << "  " << name << "\n";
        return kDone;
      }
    }
    if (arguments->target.empty())
      return kDone;
    llvm::Expected<TargetInfo> unknown = TargetInfo::get(arguments->target, "");
    return unknown ? kDone : reportError(kUsage, llvm::toString(unknown.takeError()));
  };
}

} // namespace nibble
