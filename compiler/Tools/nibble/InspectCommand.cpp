//===- InspectCommand.cpp - nibble inspect ---------------------------------===//
//
// Says what a model file is and whether it can be compiled. The exit code is that of compiling it: 0, 3 or 4.
//
//===----------------------------------------------------------------------===//
#include "compiler/Import/Inspect.h"
#include "compiler/Tools/nibble/Commands.h"

#include "llvm/Support/raw_ostream.h"

#include <memory>

namespace nibble {

Command addInspectCommand(CLI::App &app) {
  struct Arguments {
    std::string model;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App *command = app.add_subcommand("inspect", "Say what a model file is, without compiling it.");
  command->add_option("model", arguments->model, "a GGUF file")->required();
  command->add_flag("--json", arguments->json, "print JSON");
  return [arguments]() -> int {
    auto file = GGUFFile::open(arguments->model);
    if (!file)
      return reportError(file.takeError());
    Inspection inspection = inspectModel(**file);
    if (arguments->json)
      llvm::outs() << llvm::formatv("{0:2}", llvm::json::Value(toJSON(inspection))) << "\n";
    else
      print(inspection, llvm::outs());
    return inspection.exitCode;
  };
}

} // namespace nibble
