//===- Commands.h - the subcommands of nibble ------------------------------===//
//
// Each adds itself, with its options, to the command line and returns what runs when it is chosen.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "llvm/Support/Error.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <optional>
#include <string>

namespace nibble {

/// Exit codes of the compiler; scripts tell causes apart by them.
enum ExitCode : int {
  kDone = 0,
  kCompileError = 1,
  kUsage = 2,
  kMalformedInput = 3,
  kUnsupported = 4,
  kOverBudget = 5,
  kInternalError = 70,
};

/// Values that options for numbers of positions or tokens take.
inline const CLI::Range kCounts(uint64_t(1), uint64_t(1) << 31, "1 to 2147483648");

/// What --kv takes.
inline constexpr char kKVHelp[] = "KV cache: f16 (default), f32 (default of --strategy=float), q8 or q4, or k:q8,v:q4";

/// Runs the chosen subcommand; returns the exit code.
using Command = std::function<int()>;

Command addCompileCommand(CLI::App &app, const std::string &executable);
Command addInspectCommand(CLI::App &app, const std::string &executable);
Command addTokenizeCommand(CLI::App &app);
Command addReferenceCommand(CLI::App &app);
Command addTargetsCommand(CLI::App &app);
Command addFormatsCommand(CLI::App &app);

/// What --weights takes, in a line of help.
inline constexpr char kWeightsHelp[] =
    "number formats of the weights: keep, q4_0, int4:g64, 'attn_*=q6,output=q8_0', @FILE (docs/formats.md)";

/// Whether the text is a list of formats; if not, the exit code after a message that points at the column.
int checkWeightRules(const std::string &text);

/// A number of bytes: "1.5GiB", "512MB", "1000000".
std::optional<uint64_t> parseSize(const std::string &text);

/// Prints "nibble: error: MESSAGE" to standard error and returns the exit code of the error's class.
int reportError(llvm::Error error);
int reportError(ExitCode code, const std::string &message);

} // namespace nibble
