//===- InspectCommand.cpp - nibble inspect ---------------------------------===//
//
// Says what a model file is and whether it can be compiled. The exit code is that of compiling it: 0, 3 or 4.
//
//===----------------------------------------------------------------------===//
#include "compiler/Import/Inspect.h"
#include "compiler/Import/OpenModel.h"
#include "compiler/Tools/nibble/Budget.h"
#include "compiler/Tools/nibble/Commands.h"
#include "compiler/Tools/nibble/Compilation.h"

#include "llvm/Support/raw_ostream.h"

#include <memory>

namespace nibble {

/// Adds the plan to what is printed. Its row of the program is a bound, unless a budget makes it worth while to compile
/// the code.
static int inspectPlan(CompileOptions &options, bool chooseChunk, bool asJSON, llvm::json::Object &json) {
  if (options.memoryBudget)
    fitBudget(options, chooseChunk);
  Compilation compilation(options);
  int code = compilation.plan();
  if (code != kDone)
    return code;
  const ArtifactDescription &description = compilation.getDescription();
  json["memoryPlan"] = toJSON(description);
  json["chunk"] = description.chunk;
  if (!asJSON) {
    printPlan(description, llvm::outs());
    if (!options.programBytes)
      llvm::outs() << "  (the program's code is counted with the most there may be; compiling gives the exact sum)\n";
  }
  if (!options.memoryBudget || plannedBytes(description) <= *options.memoryBudget)
    return kDone;
  std::vector<Alternative> alternatives = findAlternatives(options);
  json["alternatives"] = toJSON(alternatives);
  compilation.reportOverBudget();
  printAlternatives(alternatives);
  return kOverBudget;
}

Command addInspectCommand(CLI::App &app, const std::string &executable) {
  struct Arguments {
    std::string model, target = "native", cpu, kv, weights = "keep", budget;
    uint64_t context = 0, chunk = 0;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App *command = app.add_subcommand("inspect", "Say what a model file is, without compiling it.");
  command->add_option("model", arguments->model, "a GGUF file or a Hugging Face folder")->required();
  command->add_option("--target", arguments->target, "target of the memory plan")->capture_default_str();
  command->add_option("--cpu", arguments->cpu, "CPU of the memory plan");
  command->add_option("--context", arguments->context, "context of the memory plan")->check(kCounts);
  command->add_option("--kv", arguments->kv, kKVHelp);
  command->add_option("--chunk", arguments->chunk, "tokens that prefill takes at once")->check(kCounts);
  command->add_option("--weights", arguments->weights, kWeightsHelp);
  command->add_option("--memory-budget", arguments->budget, "exit code 5 if the plan needs more, and what would fit");
  command->add_flag("--json", arguments->json, "print JSON");
  return [arguments, executable]() -> int {
    if (int code = checkWeightRules(arguments->weights))
      return code;
    KVTypes kv;
    if (!arguments->kv.empty()) {
      llvm::Expected<KVTypes> parsed = KVTypes::parse(arguments->kv);
      if (!parsed)
        return reportError(kUsage, "--kv: " + llvm::toString(parsed.takeError()));
      kv = *parsed;
    }
    auto file = openModel(arguments->model);
    if (!file)
      return reportError(file.takeError());
    Inspection inspection = inspectModel(**file);
    if (!arguments->json)
      print(inspection, llvm::outs());
    llvm::json::Object json = toJSON(inspection);
    int code = inspection.exitCode;
    if (inspection.isSupported()) {
      // The plan comes out of the phases up to bufferize, which take milliseconds and read no weights.
      CompileOptions options;
      options.model = arguments->model;
      options.executable = executable;
      options.target = arguments->target;
      options.cpu = arguments->cpu;
      options.quiet = true;
      options.import.kv = kv;
      if (arguments->context)
        options.import.context = arguments->context;
      if (arguments->chunk)
        options.import.chunk = arguments->chunk;
      options.pipeline.weights = arguments->weights;
      if (!arguments->budget.empty() && !(options.memoryBudget = parseSize(arguments->budget)))
        return reportError(kUsage,
                           "--memory-budget: '" + arguments->budget + "' is no size; write 800MB, 1.5GiB or bytes");
      code = inspectPlan(options, arguments->chunk == 0, arguments->json, json);
    }
    if (arguments->json)
      llvm::outs() << llvm::formatv("{0:2}", llvm::json::Value(std::move(json))) << "\n";
    return code;
  };
}

} // namespace nibble
