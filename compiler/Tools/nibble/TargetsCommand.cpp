//===- TargetsCommand.cpp - nibble targets ---------------------------------===//
//
// Prints the tables of the compiler as they are: nothing here is a second list.
//
//===----------------------------------------------------------------------===//
#include "codegen/Intrinsics/InstructionTable.h"
#include "compiler/Target/CpuModel.h"
#include "compiler/Target/TargetInfo.h"
#include "compiler/Tools/nibble/Commands.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
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

/// The CPUs of a target that the choice between kernels knows, with what it knows of them.
static void listModels(llvm::StringRef triple) {
  std::vector<std::string> known = cpuNames(triple);
  for (const CpuModel &model : cpuModels()) {
    llvm::SmallVector<llvm::StringRef> names;
    llvm::StringRef(model.names).split(names, ',');
    bool isRest = triple.starts_with(names.front()); // all others of the architecture
    if (!isRest && !llvm::is_contained(known, names.front()))
      continue;
    llvm::outs() << llvm::format("  %.1f GHz, %g vector instructions, %g products and %g look-ups a cycle, %g GB/s: ",
                                 model.clock, model.instructions, model.products, model.lookups, model.bandwidth)
                 << (isRest ? "all others" : llvm::join(names, ", ")) << "\n";
  }
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
      if (arguments->target.empty())
        listModels(triple);
      if (!arguments->target.empty()) {
        for (const std::string &name : cpuNames(triple))
          llvm::outs() << "  " << name << "\n";
        return kDone;
      }
    }
    if (arguments->target.empty()) {
      llvm::outs() << "figures of a core, for the choice between kernels; --target=TARGET lists all CPUs\n";
      return kDone;
    }
    llvm::Expected<TargetInfo> unknown = TargetInfo::get(arguments->target, "");
    return unknown ? kDone : reportError(kUsage, llvm::toString(unknown.takeError()));
  };
}

} // namespace nibble
