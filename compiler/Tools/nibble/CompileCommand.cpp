//===- CompileCommand.cpp - nibble compile ---------------------------------===//
//
// Reads the options of the main command and hands them, understood and checked, to a Compilation. What an option asks
// for and Nibble cannot do yet is refused here, with exit code 4.
//
//===----------------------------------------------------------------------===//
#include "compiler/Tools/nibble/Budget.h"
#include "compiler/Tools/nibble/CalibrateModel.h"
#include "compiler/Tools/nibble/Commands.h"
#include "compiler/Tools/nibble/Compilation.h"

#include <memory>

namespace nibble {

namespace {

/// What the command line says, before it is understood.
struct Arguments {
  CompileOptions options;
  std::string emit = "exe", kv, stopAfter, budget, calibrate;
  uint64_t context = 0, chunk = 0;
  std::vector<std::string> lora;
};

/// Fills the options from the texts; returns an exit code.
int interpret(Arguments &arguments) {
  CompileOptions &options = arguments.options;
  if (arguments.context)
    options.import.context = arguments.context;
  for (const std::string &text : arguments.lora)
    options.adapters.push_back(parseAdapterOption(text));
  static const std::pair<const char *, OutputKind> kinds[] = {{"exe", OutputKind::Executable},
                                                              {"obj", OutputKind::Object},
                                                              {"asm", OutputKind::Assembly},
                                                              {"llvm", OutputKind::LLVM},
                                                              {"mlir", OutputKind::MLIR}};
  bool known = false;
  for (auto [name, kind] : kinds)
    if (arguments.emit == name) {
      options.kind = kind;
      known = true;
    }
  if (!known) {
    bool planned = arguments.emit == "lib" || arguments.emit == "cpp";
    return reportError(planned ? kUnsupported : kUsage,
                       "--emit=" + arguments.emit + (planned ? " is not there yet" : " is unknown") +
                           "; it takes exe, obj, asm, llvm and mlir");
  }
  // Float linears are asked for to be exact; a cache of halves would undo it.
  if (arguments.kv.empty() && options.pipeline.strategy == "float")
    options.import.kv = KVType::F32;
  if (!arguments.kv.empty()) {
    llvm::Expected<KVTypes> kv = KVTypes::parse(arguments.kv);
    if (!kv)
      return reportError(kUsage, "--kv: " + llvm::toString(kv.takeError()));
    options.import.kv = *kv;
  }
  if (int code = checkWeightRules(options.pipeline.weights))
    return code;
  if (int code = readCalibration(arguments.calibrate, options))
    return code;
  bool asksForIntegers =
      options.pipeline.strategy == "dot" || llvm::StringRef(options.pipeline.strategy).starts_with("lut");
  if (asksForIntegers && !llvm::StringRef(options.pipeline.activations).starts_with("int8"))
    return reportError(kUsage, "--activations=" + options.pipeline.activations +
                                   " are no operands of the integer products that --strategy=" +
                                   options.pipeline.strategy + " asks for");
  if (!arguments.stopAfter.empty()) {
    options.stopAfter = findPhase(arguments.stopAfter);
    std::string names;
    for (const PhaseInfo &info : phases())
      names += (names.empty() ? "" : ", ") + info.name.str();
    if (!options.stopAfter)
      return reportError(kUsage,
                         "--stop-after: there is no phase '" + arguments.stopAfter + "'; the phases are " + names);
  }
  if (!arguments.budget.empty()) {
    options.memoryBudget = parseSize(arguments.budget);
    if (!options.memoryBudget)
      return reportError(kUsage,
                         "--memory-budget: '" + arguments.budget + "' is no size; write 800MB, 1.5GiB or bytes");
  }
  if (options.memoryBudget && options.pipeline.subScales == "auto")
    options.pipeline.subScales = "keep"; // memory is what is short
  if (arguments.chunk) {
    options.import.chunk = arguments.chunk;
    options.import.chunkIsGiven = true;
  }
  bool isProgram = options.kind == OutputKind::Executable && !options.stopAfter;
  for (auto [name, given] : {std::pair("--memory-budget", options.memoryBudget.has_value()),
                             std::pair("--report", !options.reportFile.empty()),
                             std::pair("--prefix-file", !options.prefixFile.empty())})
    if (given && !isProgram)
      return reportError(kUsage, std::string(name) + " is for programs; --emit and --stop-after write none");
  return kDone;
}

/// --report of a program that does not fit.
int reportAlternatives(const CompileOptions &options, const std::vector<Alternative> &alternatives) {
  if (options.reportFile.empty())
    return kDone;
  return writeJSON(options.reportFile, llvm::json::Object{{"memory_budget", *options.memoryBudget},
                                                          {"alternatives", toJSON(alternatives)}});
}

/// Compiles; with a budget chooses the chunk, and says what would fit if nothing does.
int compileWithin(CompileOptions &options, bool chooseChunk) {
  if (!options.memoryBudget)
    return Compilation(options).run();
  fitBudget(options, chooseChunk);
  // How much a compiled-in prefix takes is only known when it has been read.
  chooseChunk &= !options.prefixFile.empty();
  for (;; options.import.chunk /= 2) {
    Compilation compilation(options);
    int code = compilation.run();
    if (code != kOverBudget)
      return code;
    if (chooseChunk && options.import.chunk > 1)
      continue;
    compilation.reportOverBudget();
    options.programBytes = compilation.getSizes().program;
    break;
  }
  std::vector<Alternative> alternatives = findAlternatives(options);
  printAlternatives(alternatives);
  if (int code = reportAlternatives(options, alternatives))
    return code;
  return kOverBudget;
}

} // namespace

Command addCompileCommand(CLI::App &app, const std::string &executable) {
  auto arguments = std::make_shared<Arguments>();
  CompileOptions &options = arguments->options;
  options.executable = executable;
  CLI::App *command = app.add_subcommand("compile", "Compile a model into one static program.");
  command->add_option("model", options.model, "a GGUF file (of a split file, the first part) or a Hugging Face folder")
      ->required();
  command->add_option("-o,--output", options.output, "the file to write");
  command->add_option("--target", options.target, "native, x86_64-linux-gnu or aarch64-linux-gnu")
      ->capture_default_str();
  command->add_option("--cpu", options.cpu, "LLVM's name of the CPU, or native");
  command->add_option("--features", options.features,
                      "features beside the CPU's own, in LLVM's names, each with + or -");
  command->add_option("--emit", arguments->emit, "exe, obj, asm, llvm or mlir")->capture_default_str();
  command
      ->add_option("--context", arguments->context,
                   "positions the program can hold (default: as trained, at most 2048)")
      ->check(kCounts);
  command->add_option("--chunk", arguments->chunk,
                      "tokens that prefill takes at once (default: 128, less if the budget asks for it)")
      ->check(kCounts);
  command->add_option("--kv", arguments->kv, kKVHelp);
  command->add_option("--weights", options.pipeline.weights, kWeightsHelp)->capture_default_str();
  command->add_flag("--calibrate{4096}", arguments->calibrate,
                    "round --weights by what the linears read of so many made-up tokens, which needs no data, or of a "
                    "file with a text a line (--calibrate=FILE); takes time");
  command->add_option("--activations", options.pipeline.activations,
                      "what weights are multiplied with: int8 (a scale for 32 columns), int8:row, f16, bf16 or f32")
      ->check(CLI::IsMember({"int8", "int8:row", "f16", "bf16", "f32"}))
      ->capture_default_str();
  command
      ->add_option("--sub-scales", options.pipeline.subScales,
                   "integer scales of groups: fold them into floats where that is exact, keep them, or auto: fold "
                   "where the product is faster for it, unless there is a --memory-budget")
      ->check(CLI::IsMember({"auto", "fold", "keep"}))
      ->capture_default_str();
  command->add_option("--lora", arguments->lora,
                      "merge an adapter: a folder of PEFT's or a GGUF file, with =SCALE behind it; may be repeated")
      ->type_name("FILE[=SCALE]")
      ->allow_extra_args(false);
  command->add_option("--chat-template", options.chatTemplate,
                      "a file with another chat template, or none for a program that only completes text");
  command->add_option("--on-full", options.onFull,
                      "stop or shift: what the program does at the end of its context unless it is told otherwise")
      ->check(CLI::IsMember({"stop", "shift"}));
  command->add_option("--memory-budget", arguments->budget, "fail with exit code 5 if the program needs more");
  command->add_option("--report", options.reportFile, "write the memory plan and what it is made of to this JSON file");
  command->add_option("--prefix-file", options.prefixFile,
                      "a text that the program has read already: its system message, or the beginning of a text");
  command
      ->add_option("--strategy", options.pipeline.strategy,
                   "how linears are computed: auto, dot, lut, lut-fast (lossy) or float")
      ->check(CLI::IsMember({"auto", "dot", "lut", "lut-fast", "float"}))
      ->capture_default_str();
  command->add_flag("--require-native", options.pipeline.requireNative,
                    "fail instead of falling back to a generic instruction row");
  command->add_flag("--profile", options.pipeline.profile,
                    "a program that can tell how long each operation takes (its own --profile)");
  command->add_option("--stop-after", arguments->stopAfter, "write the IR after this phase and stop");
  command->add_option("--dump-phases", options.dumpDirectory, "write the IR of every phase into this folder");
  command->add_flag("--remarks", options.remarks, "say what was chosen and why");
  command->add_flag("--timing", options.timing, "print the time of each phase");
  command->add_flag("-q,--quiet", options.quiet, "print errors only");
  return [arguments] {
    if (int code = interpret(*arguments))
      return code;
    return compileWithin(arguments->options, /*chooseChunk=*/arguments->chunk == 0);
  };
}

} // namespace nibble
