//===- Options.h - the command line of an emitted program --------*- C++ -*-===//
//
// What:  one table of options; the parser, the checks and --help come from it.
// Contract: parse() neither allocates nor prints; texts point into argv. Numbers
//        outside their range, unknown options and combinations without meaning
//        are Exit::Usage with a sentence.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/MemoryPlan.h"
#include "runtime/platform/Artifact.h"
#include "runtime/platform/Output.h"
#include "runtime/platform/Status.h"

#include <climits>
#include <cstdint>
#include <span>
#include <string_view>

namespace nibble::rt {

struct Options {
  /// Marks a number that the command line did not give.
  static constexpr int32_t UnsetInteger = INT_MIN;
  static constexpr float UnsetReal = -1e30f;

  std::string_view prompt; // the argument without a name
  std::string_view onFull; // "stop", "shift", or empty
  std::string_view file, system, tokens, logitsFile, perplexityFile;
  std::string_view loadState, saveState, prefixFile, residencyName;
  Residency residency = Residency::Map; // --weights-residency, from its name
  std::string_view stops[MaxStops];
  size_t stopCount = 0;
  bool hasPrompt = false;
  bool raw = false, special = false, chat = false, quiet = false, json = false, printIds = false;
  bool help = false, version = false, info = false, bench = false, tokenize = false, verify = false;
  bool profile = false, embed = false, f32 = false;
  bool noPrefill = false, noThink = false, noPrefix = false;
  int32_t generate = UnsetInteger;    // -n
  int32_t benchPrompt = UnsetInteger; // -p
  int32_t benchDepth = UnsetInteger;  // -d
  int32_t threads = UnsetInteger, context = UnsetInteger, topK = UnsetInteger, repeatLast = UnsetInteger;
  float peak = UnsetReal;             // operations a second, in units of 10^9
  float temperature = UnsetReal, topP = UnsetReal, minP = UnsetReal, repeatPenalty = UnsetReal;
  uint64_t seed = 0;
  bool hasSeed = false;
};

Status parseOptions(std::span<char *const> arguments, Options &options);

void printHelp(Output &out, std::string_view program);

/// Comma- or space-separated decimal ids, each in 0 … vocab-1, into `ids`; `count` tells how many.
Status parseIds(std::string_view list, uint32_t vocab, std::span<int32_t> ids, size_t &count);

} // namespace nibble::rt
