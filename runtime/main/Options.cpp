//===- Options.cpp - the command line of an emitted program --------------===//
//
// See Options.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/main/Options.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace nibble::rt {

namespace {

enum class Kind : uint8_t { Flag, Integer, Real, Text, Seed, Stop };

struct Row {
  std::string_view name;  // long, with dashes
  std::string_view alias; // short, or empty
  Kind kind;
  std::string_view value; // what --help calls the value
  std::string_view help;
  bool Options::*flag = nullptr;
  int32_t Options::*integer = nullptr;
  float Options::*real = nullptr;
  std::string_view Options::*text = nullptr;
  double low = 0, high = 0;
};

constexpr Row flagRow(std::string_view name, std::string_view alias, bool Options::*member, std::string_view help) {
  return {name, alias, Kind::Flag, {}, help, member, nullptr, nullptr, nullptr, 0, 0};
}
constexpr Row integerRow(std::string_view name, std::string_view alias, int32_t Options::*member, double low,
                         double high, std::string_view help) {
  return {name, alias, Kind::Integer, "N", help, nullptr, member, nullptr, nullptr, low, high};
}
constexpr Row realRow(std::string_view name, float Options::*member, double low, double high, std::string_view help) {
  return {name, {}, Kind::Real, "X", help, nullptr, nullptr, member, nullptr, low, high};
}
constexpr Row textRow(std::string_view name, std::string_view alias, std::string_view Options::*member,
                      std::string_view value, std::string_view help) {
  return {name, alias, Kind::Text, value, help, nullptr, nullptr, nullptr, member, 0, 0};
}

constexpr Row Rows[] = {
    flagRow("--interactive", "-i", &Options::chat, "chat; Ctrl-C stops an answer, Ctrl-C or Ctrl-D at the prompt ends"),
    flagRow("--raw", "", &Options::raw, "continue the prompt as it is, without the chat template"),
    flagRow("--special", "", &Options::special,
            "with --raw: spellings of control tokens in the prompt are these tokens"),
    textRow("--file", "-f", &Options::file, "FILE", "read the prompt from FILE (- is standard input)"),
    textRow("--system", "", &Options::system, "TEXT", "system message of the conversation"),
    flagRow("--no-think", "", &Options::noThink, "ask a model that thinks aloud to answer at once (enable_thinking)"),
    integerRow("--predict", "-n", &Options::generate, -1, INT_MAX, "generate at most N tokens (-1: no limit)"),
    realRow("--temp", &Options::temperature, 0, 100, "temperature; 0 takes the most probable token"),
    integerRow("--top-k", "", &Options::topK, 0, INT_MAX, "sample from the N most probable tokens (0: all)"),
    realRow("--top-p", &Options::topP, 0, 1, "sample from the smallest set of probability X (1: off)"),
    realRow("--min-p", &Options::minP, 0, 1, "drop tokens below X times the most probable one (0: off)"),
    realRow("--repeat-penalty", &Options::repeatPenalty, 0.01, 100, "divide the logits of recent tokens by X (1: off)"),
    integerRow("--repeat-last-n", "", &Options::repeatLast, 0, INT_MAX, "tokens that the penalty looks back (64)"),
    {"--seed", "", Kind::Seed, "N", "seed of the sampler (default: random)"},
    {"--stop", "", Kind::Stop, "TEXT", "end the answer before TEXT; up to 8 times"},
    integerRow("--threads", "-t", &Options::threads, 1, 4096, "threads (default: processors available)"),
    integerRow("--ctx", "-c", &Options::context, 2, INT_MAX, "use N positions of the compiled context"),
    textRow("--on-full", "", &Options::onFull, "stop|shift",
            "at the end of the context: end the answer, or drop the oldest turns"),
    flagRow("--quiet", "-q", &Options::quiet, "no timing summary"),
    flagRow("--print-ids", "", &Options::printIds, "print the ids of the generated tokens instead of text"),
    flagRow("--tokenize", "", &Options::tokenize, "print the ids of the prompt and end"),
    textRow("--save-state", "", &Options::saveState, "FILE", "at the end, save the conversation and its KV cache"),
    textRow("--load-state", "", &Options::loadState, "FILE",
            "go on from what --save-state wrote (with --raw: the text)"),
    textRow("--prefix-file", "", &Options::prefixFile, "FILE",
            "with --save-state: evaluate FILE as system message, or as text of a base model, save, end"),
    flagRow("--no-prefix", "", &Options::noPrefix, "leave out the prefix that was compiled in"),
    textRow("--weights-residency", "", &Options::residencyName, "HOW",
            "map (default: read when needed, shared), lock (kept in memory) or read (copied at start)"),
    flagRow("--embed", "", &Options::embed, "print the vector of the prompt, or of each line of -f (embedding models)"),
    flagRow("--f32", "", &Options::f32, "with --embed: write the vectors as bytes, float32, instead of text"),
    textRow("--tokens", "", &Options::tokens, "IDS", "the prompt as token ids: 1,2,3"),
    flagRow("--info", "", &Options::info, "print what this program is and needs"),
    flagRow("--verify", "", &Options::verify, "compare the checksums of all parts of this file"),
    flagRow("--bench", "", &Options::bench, "measure prefill of -p (512) and decode of -n (64) tokens"),
    integerRow("--bench-prompt", "-p", &Options::benchPrompt, 1, INT_MAX, "tokens that --bench and --profile prefill"),
    integerRow("--bench-depth", "-d", &Options::benchDepth, 0, INT_MAX,
               "positions that --bench leaves before the first (0)"),
    flagRow("--profile", "", &Options::profile,
            "time of each operation in a prefill of -p (512) and decode of -n (64) tokens"),
    realRow("--peak", &Options::peak, 0.001, 1e9, "with --profile: the processor's limit in 10^9 operations a second"),
    flagRow("--json", "", &Options::json, "--info, --bench, --profile, --perplexity and --embed print JSON"),
    textRow("--logits", "", &Options::logitsFile, "FILE", "write the float32 logits behind each prompt token to FILE"),
    textRow("--perplexity", "", &Options::perplexityFile, "FILE",
            "perplexity of a text, second half of windows of --ctx (512) tokens"),
    flagRow("--no-prefill", "", &Options::noPrefill, "evaluate prompts token by token (for measuring)"),
    flagRow("--version", "", &Options::version, "print the versions"),
    flagRow("--help", "-h", &Options::help, "print this"),
};

Status usage(const char *before, std::string_view value = {}, const char *after = "") {
  return Status::failure(Exit::Usage, "%s%.*s%s; --help lists the options", before, int(value.size()), value.data(),
                         after);
}

const Row *findRow(std::string_view name) {
  for (const Row &row : Rows)
    if (row.name == name || (!row.alias.empty() && row.alias == name))
      return &row;
  return nullptr;
}

/// `value` is the end of an argv string, so it is zero-terminated.
bool parseReal(std::string_view value, double &number) {
  char *end = nullptr;
  errno = 0;
  number = strtod(value.data(), &end);
  return !value.empty() && end == value.data() + value.size() && errno == 0 && std::isfinite(number);
}

bool parseInteger(std::string_view value, long long &number) {
  char *end = nullptr;
  errno = 0;
  number = strtoll(value.data(), &end, 10);
  return !value.empty() && end == value.data() + value.size() && errno == 0;
}

Status outOfRange(const Row &row, std::string_view value) {
  return Status::failure(Exit::Usage, "%.*s wants a number from %g to %g, not '%.*s'", int(row.name.size()),
                         row.name.data(), row.low, row.high, int(value.size()), value.data());
}

Status store(const Row &row, std::string_view value, Options &options) {
  long long integer = 0;
  double real = 0;
  switch (row.kind) {
  case Kind::Flag:
    options.*row.flag = true;
    return Status::success();
  case Kind::Integer:
    if (!parseInteger(value, integer) || double(integer) < row.low || double(integer) > row.high)
      return outOfRange(row, value);
    options.*row.integer = static_cast<int32_t>(integer);
    return Status::success();
  case Kind::Real:
    if (!parseReal(value, real) || real < row.low || real > row.high)
      return outOfRange(row, value);
    options.*row.real = static_cast<float>(real);
    return Status::success();
  case Kind::Text:
    options.*row.text = value;
    return value.empty() ? usage("", row.name, " wants a value that is not empty") : Status::success();
  case Kind::Seed:
    if (!parseInteger(value, integer) || integer < 0)
      return usage("--seed wants a whole number, not '", value, "'");
    options.seed = static_cast<uint64_t>(integer);
    options.hasSeed = true;
    return Status::success();
  case Kind::Stop:
    if (value.empty() || value.size() > MaxStopBytes || options.stopCount == MaxStops)
      return Status::failure(Exit::Usage, "--stop wants 1 to %zu bytes, and at most %zu times", MaxStopBytes, MaxStops);
    options.stops[options.stopCount++] = value;
    return Status::success();
  }
  return Status::failure(Exit::Internal, "an option of unknown kind");
}

Status parseResidency(Options &options) {
  static constexpr std::pair<std::string_view, Residency> Names[] = {
      {"map", Residency::Map}, {"lock", Residency::Lock}, {"read", Residency::Read}};
  if (options.residencyName.empty())
    return Status::success();
  for (auto [name, residency] : Names)
    if (options.residencyName == name) {
      options.residency = residency;
      return Status::success();
    }
  return usage("--weights-residency is map, lock or read, not '", options.residencyName, "'");
}

/// Of states and prefixes.
Status checkStateOptions(const Options &o) {
  bool generates = !o.info && !o.verify && !o.bench && !o.profile && !o.tokenize && !o.embed && o.logitsFile.empty() &&
                   o.perplexityFile.empty();
  if (!o.saveState.empty() && !generates)
    return usage("--save-state belongs to an answer, a chat or --prefix-file");
  if (!o.loadState.empty() && (o.info || o.embed || o.verify || o.bench || o.profile || !o.perplexityFile.empty()))
    return usage("--load-state has no meaning here");
  if (!o.loadState.empty() && !o.system.empty())
    return usage("--system begins a conversation; that of --load-state has begun");
  if (!o.prefixFile.empty() && (o.saveState.empty() || o.chat || o.raw || o.hasPrompt || !o.file.empty() ||
                                !o.tokens.empty() || !o.system.empty() || !o.loadState.empty()))
    return usage("--prefix-file takes --save-state and neither a prompt nor another beginning");
  return Status::success();
}

/// Refuses combinations that would leave an option without effect.
Status checkCombinations(const Options &o) {
  int modes = o.chat + o.info + o.bench + o.profile + o.tokenize + o.embed + !o.logitsFile.empty() +
              !o.perplexityFile.empty() + o.verify;
  if (modes > 1)
    return usage(
        "-i, --info, --verify, --bench, --profile, --tokenize, --embed, --logits and --perplexity exclude each other");
  int prompts = o.hasPrompt + !o.file.empty() + !o.tokens.empty();
  if (prompts > 1)
    return usage("more than one prompt: give it as an argument, with -f or with --tokens");
  bool takesPrompt = !o.info && !o.bench && !o.profile && !o.verify && o.perplexityFile.empty();
  if (prompts && !takesPrompt)
    return usage("a prompt has no meaning here");
  if (o.chat && (o.raw || prompts || o.printIds))
    return usage("-i takes neither a prompt nor --raw nor --print-ids");
  if (!o.onFull.empty() && o.onFull != "stop" && o.onFull != "shift")
    return usage("--on-full takes stop or shift, not '", o.onFull, "'");
  if (o.special && !o.raw)
    return usage("--special belongs to --raw");
  if (!o.system.empty() && (o.raw || !o.tokens.empty()))
    return usage("--system needs the chat template, which --raw and --tokens leave out");
  if (o.peak != Options::UnsetReal && !o.profile)
    return usage("--peak belongs to --profile");
  if (o.benchDepth != Options::UnsetInteger && !o.bench)
    return usage("-d belongs to --bench");
  if (o.benchPrompt != Options::UnsetInteger && !o.bench && !o.profile)
    return usage("-p belongs to --bench and --profile; the prompt is given without an option");
  if (o.json && !o.bench && !o.profile && !o.info && !o.embed && o.perplexityFile.empty())
    return usage("--json belongs to --info, --bench, --profile, --perplexity and --embed");
  if (o.f32 && (!o.embed || o.json))
    return usage("--f32 belongs to --embed, in the place of --json");
  if (o.embed && (o.raw || o.printIds || !o.system.empty() || o.noPrefill))
    return usage("--embed takes neither --raw, --system, --print-ids nor --no-prefill");
  Status states = checkStateOptions(o);
  if (states.failed())
    return states;
  bool continues = o.raw && !o.loadState.empty();
  bool needsPrompt = takesPrompt && !o.chat && !o.help && !o.version && o.prefixFile.empty() && !continues;
  if (needsPrompt && !prompts)
    return usage("no prompt: give one as an argument, with -f FILE, or -i to chat");
  return Status::success();
}

} // namespace

Status parseOptions(std::span<char *const> arguments, Options &options) {
  bool named = true;
  for (size_t i = 1; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (named && argument == "--") {
      named = false;
      continue;
    }
    if (!named || argument.size() < 2 || argument[0] != '-') {
      if (options.hasPrompt)
        return usage("a second prompt '", argument, "'; put quotes around the prompt");
      options.prompt = argument;
      options.hasPrompt = true;
      continue;
    }
    size_t equals = argument.starts_with("--") ? argument.find('=') : argument.npos;
    const Row *row = findRow(argument.substr(0, equals));
    if (!row)
      return usage("unknown option '", argument, "'");
    std::string_view value;
    if (row->kind == Kind::Flag && equals != argument.npos)
      return usage("", row->name, " takes no value");
    if (row->kind != Kind::Flag) {
      if (equals == argument.npos && i + 1 == arguments.size())
        return usage("", row->name, " wants a value");
      value = equals == argument.npos ? std::string_view(arguments[++i]) : argument.substr(equals + 1);
    }
    Status status = store(*row, value, options);
    if (status.failed())
      return status;
  }
  Status status = parseResidency(options);
  return status.failed() ? status : checkCombinations(options);
}

void printHelp(Output &out, std::string_view program) {
  out.print("usage: %.*s [options] \"prompt\"\n       %.*s -i\n\n", int(program.size()), program.data(),
            int(program.size()), program.data());
  for (const Row &row : Rows) {
    char left[48];
    snprintf(left, sizeof(left), "%.*s%s%.*s %.*s", int(row.alias.size()), row.alias.data(),
             row.alias.empty() ? "    " : ", ", int(row.name.size()), row.name.data(), int(row.value.size()),
             row.value.data());
    out.print("  %-26s %.*s\n", left, int(row.help.size()), row.help.data());
  }
  out.write("\nexit codes: 0 done, 2 usage or prompt too long, 3 damaged program, 4 unsuitable processor,\n"
            "            70 internal error, 130 interrupted\n");
}

Status parseIds(std::string_view list, uint32_t vocab, std::span<int32_t> ids, size_t &count) {
  count = 0;
  for (size_t i = 0; i < list.size();) {
    if (list[i] == ',' || list[i] == ' ' || list[i] == '\n') {
      ++i;
      continue;
    }
    uint64_t id = 0;
    size_t start = i;
    for (; i < list.size() && list[i] >= '0' && list[i] <= '9' && id < vocab; ++i)
      id = id * 10 + (list[i] - '0');
    if (i == start || id >= vocab)
      return Status::failure(Exit::Usage, "--tokens: expected ids from 0 to %u, found '%.*s'", vocab - 1,
                             int(list.size() - start > 20 ? 20 : list.size() - start), list.data() + start);
    if (count == ids.size())
      return Status::failure(Exit::Usage, "--tokens: more than %zu ids", ids.size());
    ids[count++] = static_cast<int32_t>(id);
  }
  return count ? Status::success() : Status::failure(Exit::Usage, "--tokens: no ids");
}

} // namespace nibble::rt
