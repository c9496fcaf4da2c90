//===- nibble.cpp - the compiler's command line ----------------------------===//
//
// `nibble COMMAND …`. Results go to standard output, everything else to standard error; exit codes are in Commands.h.
//
//===----------------------------------------------------------------------===//
#include "compiler/Import/ImportError.h"
#include "compiler/Tools/nibble/Commands.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

namespace nibble {

int reportError(ExitCode code, const std::string &message) {
  llvm::errs() << "nibble: error: " << message << "\n";
  return code;
}

int reportError(llvm::Error error) {
  std::string message;
  int code = takeImportError(std::move(error), message);
  return reportError(static_cast<ExitCode>(code), message);
}

} // namespace nibble

using namespace nibble;

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  std::string executable = llvm::sys::fs::getMainExecutable(argv[0], reinterpret_cast<void *>(&main));
  CLI::App app{"Compiles a low-bit transformer language model into one self-contained program.", "nibble"};
  app.set_version_flag("--version", std::string("nibble ") + NIBBLE_VERSION);
  app.require_subcommand(1);

  std::vector<std::pair<CLI::App *, Command>> commands;
  auto add = [&](Command command) { commands.emplace_back(app.get_subcommands({}).back(), std::move(command)); };
  add(addCompileCommand(app, executable));
  add(addInspectCommand(app));
  add(addTokenizeCommand(app));
  add(addReferenceCommand(app));
  add(addTargetsCommand(app));
  add(addFormatsCommand(app));

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    // Help and version are no errors; everything else is a usage error.
    return app.exit(error, std::cout, std::cerr) == 0 ? kDone : kUsage;
  }
  for (auto &[subcommand, command] : commands)
    if (subcommand->parsed())
      return command();
  return kUsage;
}
