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

#include <charconv>

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

/// "1.5GiB", "512MB", "1000000": a number and a unit of 1000 or 1024; no value if it is neither.
std::optional<uint64_t> parseSize(const std::string &text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0)
    return std::nullopt;
  static const std::pair<const char *, double> units[] = {
      {"", 1},           {"B", 1},   {"kB", 1e3},     {"KB", 1e3},     {"MB", 1e6},       {"GB", 1e9},
      {"KiB", 1024},     {"MiB", 1 << 20},  {"GiB", 1 << 30},  {"K", 1024},      {"M", 1 << 20},     {"G", 1 << 30}};
  std::string unit(end, text.data() + text.size());
  for (auto [name, factor] : units)
    if (unit == name && number * factor < 1e18)
      return static_cast<uint64_t>(number * factor);
  return std::nullopt;
}

} // namespace nibble

using namespace nibble;

/// `code`, unless standard output could not take what was written to it.
static int finish(int code) {
  llvm::outs().flush();
  if (!llvm::outs().has_error())
    return code;
  std::string reason = llvm::outs().error().message();
  llvm::outs().clear_error();
  return reportError(kCompileError, "cannot write to standard output: " + reason);
}

/// The library's own message for an unknown command does not repeat the word.
static int checkCommandName(CLI::App &app, const std::string &name) {
  std::string names;
  for (const CLI::App *subcommand : app.get_subcommands({})) {
    if (subcommand->get_name() == name || name.rfind("-", 0) == 0)
      return kDone;
    names += (names.empty() ? "" : ", ") + subcommand->get_name();
  }
  return reportError(kUsage, "there is no command '" + name + "'; the commands are " + names);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  std::string executable = llvm::sys::fs::getMainExecutable(argv[0], reinterpret_cast<void *>(&main));
  CLI::App app{"Compiles a low-bit transformer language model into one self-contained program.", "nibble"};
  app.set_version_flag("--version", std::string("nibble ") + NIBBLE_VERSION);
  app.require_subcommand(1);
  app.failure_message([](const CLI::App *, const CLI::Error &error) {
    return std::string("nibble: error: ") + error.what() + "; --help lists the options\n";
  });

  std::vector<std::pair<CLI::App *, Command>> commands;
  auto add = [&](Command command) { commands.emplace_back(app.get_subcommands({}).back(), std::move(command)); };
  add(addCompileCommand(app, executable));
  add(addInspectCommand(app, executable));
  add(addTokenizeCommand(app));
  add(addReferenceCommand(app));
  add(addTargetsCommand(app));
  add(addFormatsCommand(app));

  if (int code = checkCommandName(app, argc > 1 ? argv[1] : "-"))
    return code;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    // Help and version are no errors; everything else is a usage error.
    return app.exit(error, std::cout, std::cerr) == 0 ? kDone : kUsage;
  }
  for (auto &[subcommand, command] : commands)
    if (subcommand->parsed())
      return finish(command());
  return kUsage;
}
