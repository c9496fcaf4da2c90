//===- MemoryReport.cpp - what the program will occupy ---------------------===//
#include "compiler/Tools/nibble/MemoryReport.h"

#include "compiler/Import/Inspect.h"
#include "compiler/Import/Text/ChatTemplate.h"
#include "compiler/Import/Text/TokenizerBuilder.h"
#include "compiler/Tools/nibble/Commands.h"
#include "dialects/LM/LM.h"
#include "runtime/core/MemoryPlan.h"
#include "runtime/platform/ProgramImage.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <algorithm>
#include <cstring>

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
  description.vector = model.getVector().value_or(0);
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
  if (llvm::Error error = checkChatTemplate(*chat))
    return error;
  tables.chat = std::move(*chat);
  return tables;
}

static rt::PlanInputs planInputs(const FileSizes &sizes, const TextTables &tables, const TokenizerSource &tokenizer,
                                 const ArtifactDescription &description) {
  rt::PlanInputs inputs;
  inputs.weightBytes = sizes.weights;
  inputs.prefixBytes = sizes.prefix;
  inputs.tableBytes = sizes.tables;
  inputs.programBytes = sizes.program;
  inputs.arenaBytes = description.arenaBytes;
  inputs.stateBytes = description.stateBytes;
  inputs.vocab = description.vocab;
  inputs.vector = description.vector;
  inputs.context = description.context;
  inputs.chunk = description.chunk;
  inputs.profiledOps = description.profile.size();
  for (const std::string &token : tokenizer.tokens)
    inputs.maxTokenBytes = std::max<uint32_t>(inputs.maxTokenBytes, token.size());
  rt::planChat(tables.chat.empty() ? nullptr : flatbuffers::GetRoot<schema::ChatTemplate>(tables.chat.data()), inputs);
  return inputs;
}

/// The largest number of threads up to `most` whose plan fits the budget; at least one.
static uint32_t threadsWithin(uint64_t budget, uint32_t most, rt::PlanInputs inputs) {
  for (inputs.threads = most; inputs.threads > 1; --inputs.threads)
    if (rt::computeMemoryPlan(inputs).total() <= budget)
      break;
  return inputs.threads;
}

void planMemory(const FileSizes &sizes, const TextTables &tables, const TokenizerSource &tokenizer,
                ArtifactDescription &description) {
  rt::PlanInputs inputs = planInputs(sizes, tables, tokenizer, description);
  inputs.threads = kPlannedThreads;
  if (description.memoryBudget) {
    inputs.threads = threadsWithin(description.memoryBudget, kPlannedThreads, inputs);
    description.maxThreads = threadsWithin(description.memoryBudget, rt::MaxThreads, inputs);
  }
  description.plannedThreads = inputs.threads;
  description.memoryPlan.clear();
  rt::computeMemoryPlan(inputs).forEachRow([&](const char *key, const char *label, uint64_t bytes) {
    description.memoryPlan.push_back({key, label, bytes});
  });
}

llvm::Expected<uint64_t> countSegments(llvm::StringRef elf) {
  auto file = llvm::MemoryBuffer::getFile(elf, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return llvm::createStringError(file.getError(), "cannot read " + elf + ": " + file.getError().message());
  llvm::StringRef bytes = (*file)->getBuffer();
  Elf64_Ehdr header;
  if (bytes.size() < sizeof(header))
    return llvm::createStringError(elf + " is no ELF file");
  std::memcpy(&header, bytes.data(), sizeof(header));
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  if (header.e_phoff + segments.size() * sizeof(Elf64_Phdr) > bytes.size())
    return llvm::createStringError(elf + " is cut off");
  std::memcpy(segments.data(), bytes.data() + header.e_phoff, segments.size() * sizeof(Elf64_Phdr));
  return rt::segmentBytes(segments.data(), segments.size(), header.e_machine);
}

uint64_t plannedBytes(const ArtifactDescription &description) {
  uint64_t total = 0;
  for (const ArtifactDescription::MemoryRow &row : description.memoryPlan)
    total += row.bytes;
  return total;
}

void printPlan(const ArtifactDescription &description, llvm::raw_ostream &out) {
  out << "memory plan, context " << description.context << ", KV cache " << description.kv << ", prefill chunk "
      << description.chunk << ", " << description.plannedThreads << " threads:\n";
  auto print = [&](const std::string &name, uint64_t bytes) {
    out << llvm::format("  %-32s %14llu bytes  ", name.c_str(), static_cast<unsigned long long>(bytes))
        << formatBytes(bytes) << "\n";
  };
  for (const ArtifactDescription::MemoryRow &row : description.memoryPlan)
    print(row.label, row.bytes);
  print("sum", plannedBytes(description));
}

llvm::json::Object toJSON(const ArtifactDescription &description) {
  llvm::json::Object rows;
  for (const ArtifactDescription::MemoryRow &row : description.memoryPlan)
    rows[row.name] = row.bytes;
  rows["sum"] = plannedBytes(description);
  return rows;
}

llvm::json::Object reportOf(const ArtifactDescription &description, uint64_t arenaBound, uint64_t weightBytes) {
  llvm::json::Array tensors;
  for (const ArtifactDescription::Tensor &tensor : description.tensors)
    tensors.push_back(llvm::json::Object{
        {"name", tensor.name}, {"format", tensor.format}, {"offset", tensor.offset}, {"bytes", tensor.bytes}});
  llvm::json::Object report{{"model", description.modelName},
                            {"architecture", description.architecture},
                            {"source", description.sourceName},
                            {"source_hash", description.sourceHash},
                            {"triple", description.triple},
                            {"cpu", description.cpu},
                            {"context", description.context},
                            {"kv", description.kv},
                            {"chunk", description.chunk},
                            {"threads", description.plannedThreads},
                            {"max_threads", description.maxThreads},
                            {"memory", toJSON(description)},
                            {"arena_bytes", description.arenaBytes},
                            {"arena_lower_bound", arenaBound},
                            {"state_bytes", description.stateBytes},
                            {"weight_bytes", weightBytes},
                            {"tensors", std::move(tensors)}};
  if (description.memoryBudget)
    report["memory_budget"] = description.memoryBudget;
  return report;
}

int writeJSON(const std::string &path, llvm::json::Object object) {
  llvm::Error error = llvm::writeToOutput(path, [&](llvm::raw_ostream &out) {
    out << llvm::formatv("{0:2}", llvm::json::Value(std::move(object))) << "\n";
    return llvm::Error::success();
  });
  if (!error)
    return kDone;
  return reportError(kCompileError, "cannot write " + path + ": " + llvm::toString(std::move(error)));
}

} // namespace nibble
