//===- MemoryReport.cpp - what the program will occupy ---------------------===//
#include "compiler/Tools/nibble/MemoryReport.h"

#include "compiler/Import/Inspect.h"
#include "compiler/Import/Text/ChatTemplate.h"
#include "compiler/Import/Text/TokenizerBuilder.h"
#include "dialects/LM/LM.h"
#include "runtime/core/MemoryPlan.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"

#include <algorithm>

namespace nibble {

llvm::Error describeModel(const ModelFile &file, mlir::ModuleOp module, const TargetInfo &target,
                          const TokenizerSource &tokenizer, const std::string &chatTemplate,
                          const ImportOptions &options, ArtifactDescription &description) {
  lm::ModelOp model = lm::getModel(module);
  description.sourceName = llvm::sys::path::filename(file.getPath()).str();
  auto name = file.findString("general.name");
  if (!name)
    return name.takeError();
  description.modelName = name->value_or(description.sourceName).str();
  description.architecture = model.getArchitecture().str();
  description.layers = model.getLayers();
  description.embedding = model.getEmbedding();
  description.heads = model.getHeads();
  description.kvHeads = model.getKvHeads();
  description.headDim = model.getHeadDim();
  description.feedForward = model.getFeedForward();
  description.vocab = model.getVocabulary();
  description.context = model.getContext();
  description.chunk = model.getChunk();
  description.maxRewind = maxRewind(module);
  description.kv = options.kv.str();
  description.triple = target.triple;
  description.cpu = target.cpu;
  description.features = target.requiredFeatures();
  description.compilerVersion = NIBBLE_VERSION;

  auto defaults = readGenerationDefaults(file);
  if (!defaults)
    return defaults.takeError();
  description.temperature = defaults->temperature.value_or(description.temperature);
  description.topP = defaults->topP.value_or(description.topP);
  description.minP = defaults->minP.value_or(description.minP);
  description.repeatPenalty = defaults->repeatPenalty.value_or(description.repeatPenalty);
  description.topK = static_cast<int32_t>(defaults->topK.value_or(description.topK));
  description.tokenizer = [&tokenizer](flatbuffers::FlatBufferBuilder &builder) {
    return buildTokenizer(tokenizer, builder);
  };
  if (!chatTemplate.empty())
    description.chat = [&tokenizer, &chatTemplate](flatbuffers::FlatBufferBuilder &builder) {
      return buildChatTemplate(chatTemplate, chatTokensOf(tokenizer), builder);
    };
  return llvm::Error::success();
}

llvm::Expected<TextTables> buildTextTables(const TokenizerSource &tokenizer, const std::string &chatTemplate) {
  TextTables tables;
  auto words = buildTokenizer(tokenizer);
  if (!words)
    return words.takeError();
  tables.tokenizer = std::move(*words);
  if (chatTemplate.empty())
    return tables;
  auto chat = buildChatTemplate(chatTemplate, chatTokensOf(tokenizer));
  if (!chat)
    return chat.takeError();
  tables.chat = std::move(*chat);
  return tables;
}

void planMemory(uint64_t weightBytes, const TextTables &tables, const TokenizerSource &tokenizer,
                ArtifactDescription &description) {
  rt::PlanInputs inputs;
  inputs.arenaBytes = description.arenaBytes;
  inputs.stateBytes = description.stateBytes;
  inputs.vocab = description.vocab;
  inputs.context = description.context;
  inputs.chunk = description.chunk;
  inputs.threads = kPlannedThreads;
  inputs.profiledOps = description.profile.size();
  for (const std::string &token : tokenizer.tokens)
    inputs.maxTokenBytes = std::max<uint32_t>(inputs.maxTokenBytes, token.size());
  rt::planChat(tables.chat.empty() ? nullptr : flatbuffers::GetRoot<schema::ChatTemplate>(tables.chat.data()), inputs);
  rt::MemoryPlan plan = rt::computeMemoryPlan(inputs);
  description.memoryPlan = {
      {"weights", weightBytes},
      {"state (KV cache, hidden rows)", plan.state},
      {"arena (activations)", plan.arena},
      {"thread stacks (4 threads)", plan.stacks},
      {"logits and sampling", plan.logits + plan.candidates},
      {"text and tokenizer buffers", plan.runtimeBytes() - plan.logits - plan.candidates},
      {"program and main stack, at most", kProgramBytes + kMainStackBytes},
      {"tokenizer and chat tables", tables.tokenizer.size() + tables.chat.size()},
  };
}

uint64_t plannedBytes(const ArtifactDescription &description) {
  uint64_t total = 0;
  for (const ArtifactDescription::MemoryRow &row : description.memoryPlan)
    total += row.bytes;
  return total;
}

void printPlan(const ArtifactDescription &description, llvm::raw_ostream &out) {
  out << "memory plan, context " << description.context << ", KV cache " << description.kv << ":\n";
  auto print = [&](const std::string &name, uint64_t bytes) {
    out << llvm::format("  %-32s %14llu bytes  ", name.c_str(), static_cast<unsigned long long>(bytes))
        << formatBytes(bytes) << "\n";
  };
  for (const ArtifactDescription::MemoryRow &row : description.memoryPlan)
    print(row.name, row.bytes);
  print("sum", plannedBytes(description));
}

llvm::json::Object toJSON(const ArtifactDescription &description) {
  llvm::json::Object rows;
  for (const ArtifactDescription::MemoryRow &row : description.memoryPlan)
    rows[row.name] = row.bytes;
  rows["sum"] = plannedBytes(description);
  return rows;
}

} // namespace nibble
