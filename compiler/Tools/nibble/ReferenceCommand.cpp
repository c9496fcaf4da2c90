//===- ReferenceCommand.cpp - nibble reference -----------------------------===//
//
// The oracle as a command: logits of given tokens in float64, for measuring how far a compiled program is from them.
//
//===----------------------------------------------------------------------===//
#include "compiler/Reference/ReferenceCommand.h"
#include "compiler/Import/Adapters.h"
#include "compiler/Import/ImportGGUF.h"
#include "compiler/Import/OpenModel.h"
#include "compiler/Pipelines/Pipelines.h"
#include "compiler/Simplify/Passes.h"
#include "compiler/Tools/nibble/Commands.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>

namespace nibble {

Command addReferenceCommand(CLI::App &app) {
  struct Arguments {
    std::string model, tokens, logits, kv = "f16", activations = "exact", weights = "keep";
    std::vector<std::string> lora;
    uint64_t context = 0;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App *command =
      app.add_subcommand("reference", "Compute a model's logits with the slow reference interpreter, in float64.");
  command->add_option("model", arguments->model, "a GGUF file or a Hugging Face folder")->required();
  command->add_option("--tokens", arguments->tokens, "token ids, separated by commas")->required();
  command->add_option("--logits", arguments->logits, "file for the logits: f32, tokens x vocabulary")->required();
  command->add_option("--lora", arguments->lora, "merge an adapter; may be repeated")->type_name("FILE[=SCALE]");
  command->add_option("--context", arguments->context, "positions of the cache")->check(kCounts);
  command->add_option("--kv", arguments->kv, kKVHelp);
  command
      ->add_option("--activations", arguments->activations,
                   "exact, or as the compiled program rounds them: int8, int8:row, f16, bf16")
      ->check(CLI::IsMember({"exact", "int8", "int8:row", "f16", "bf16"}));
  command->add_option("--weights", arguments->weights, kWeightsHelp)->capture_default_str();
  return [arguments]() -> int {
    if (int code = checkWeightRules(arguments->weights))
      return code;
    auto file = openModel(arguments->model);
    if (!file)
      return reportError(file.takeError());
    mlir::DialectRegistry registry;
    registerDialects(registry);
    mlir::MLIRContext context(registry);
    ImportOptions options;
    if (arguments->context)
      options.context = arguments->context;
    auto kv = KVTypes::parse(arguments->kv);
    if (!kv)
      return reportError(kUsage, "--kv: " + llvm::toString(kv.takeError()));
    options.kv = *kv;
    auto module = importGGUF(**file, options, &context);
    if (!module)
      return reportError(module.takeError());
    std::vector<AdapterOption> adapters;
    for (const std::string &text : arguments->lora)
      adapters.push_back(parseAdapterOption(text));
    if (llvm::Error error = applyAdapters(**module, **file, adapters, /*rounds=*/true))
      return reportError(std::move(error));
    mlir::PassManager manager(&context);
    manager.addPass(createRequantizeWeights({arguments->weights}));
    if (failed(manager.run(**module)))
      return kCompileError;
    auto tokens = reference::parseTokens(arguments->tokens);
    if (!tokens)
      return reportError(kUsage, llvm::toString(tokens.takeError()));
    reference::ReferenceOptions how;
    how.activations = llvm::StringSwitch<reference::Activations>(arguments->activations)
                          .Case("int8", reference::Activations::Int8)
                          .Case("int8:row", reference::Activations::Int8Row)
                          .Case("f16", reference::Activations::F16)
                          .Case("bf16", reference::Activations::BF16)
                          .Default(reference::Activations::Exact);
    return succeeded(reference::writeLogits(**module, *tokens, arguments->logits, how)) ? kDone : kCompileError;
  };
}

} // namespace nibble
