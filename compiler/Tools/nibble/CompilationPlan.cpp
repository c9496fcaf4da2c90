//===- CompilationPlan.cpp - what the program is said to hold, and its memory -===//
//
// See Compilation.h. The plan is made when the arena is known, with bounds for what is not, and once more with the
// code as it was linked.
//
//===----------------------------------------------------------------------===//

#include "compiler/Bufferize/Passes.h"
#include "compiler/Link/LinkProgram.h"
#include "compiler/Link/StateRegions.h"
#include "compiler/Tools/nibble/Compilation.h"
#include "dialects/LM/LM.h"
#include "runtime/threads/Team.h"

#include <algorithm>

using namespace mlir;

namespace nibble {

/// The table that instrument-profile left.
static void describeProfile(ModuleOp module, ArtifactDescription &description) {
  auto table = lm::getModel(module)->getAttrOfType<ArrayAttr>(kProfile);
  if (!table)
    return;
  for (auto op : table.getAsRange<DictionaryAttr>()) {
    auto text = [&](StringRef name) { return cast<StringAttr>(op.get(name)).str(); };
    auto number = [&](StringRef name) { return static_cast<uint64_t>(cast<IntegerAttr>(op.get(name)).getInt()); };
    description.profile.push_back({text("function"), text("name"), text("detail"), number("bytes"), number("row_bytes"),
                                   number("position_bytes"), number("row_operations"),
                                   number("row_position_operations")});
  }
}

/// What the description says about memory: the sizes of the program's regions, and its weights and states.
int Compilation::describeMemory() {
  describeProfile(*module, description);
  for (const PlacedWeight &weight : weights)
    description.tensors.push_back({weight.name, weight.formatName(), weight.offset, weight.bytes});
  auto size = [&](StringRef name) {
    return static_cast<uint64_t>(lm::getModel(*module)->getAttrOfType<IntegerAttr>(name).getInt());
  };
  description.arenaBytes = size(kArenaBytes);
  description.stateBytes = size(kStateBytes);
  description.memoryBudget = options.memoryBudget.value_or(0);
  arenaBound = size(kArenaBound);
  sizes.weights = size(kWeightsBytes);
  sizes.program = options.programBytes.value_or(kProgramBytes);
  description.stateRegions = collectStateRegions(*module, lastingStates);
  stateKeyText = stateKey(description, *module);
  for (const AdapterOption &adapter : options.adapters)
    stateKeyText += "\n" + adapter.path + "=" + std::to_string(adapter.scale);
  if (options.calibrates())
    stateKeyText += "\ncalibrated " + std::to_string(options.calibrationTokens) + " " + options.calibrationTexts;
  return makePlan();
}

/// The plan of what is known. The size of the description is a part of it, and the plan one of the description: what
/// that size depends on is the prefix and whether all threads may run. Serializing builds the tokenizer, so it is not
/// repeated for nothing.
int Compilation::makePlan() {
  planMemory(sizes, tables, tokenizer, description);
  for (;;) {
    std::pair<uint64_t, bool> counted(sizes.prefix, description.maxThreads < rt::MaxThreads);
    if (like) {
      sizes.tables = like->sizes.tables;
    } else if (countedTables != counted) {
      auto bytes = countTableBytes(description, sizes.weights, sizes.prefix);
      if (!bytes)
        return reportError(bytes.takeError());
      sizes.tables = std::max(sizes.tables, *bytes);
      countedTables = counted;
    }
    planMemory(sizes, tables, tokenizer, description);
    if (like || countedTables == std::pair(sizes.prefix, description.maxThreads < rt::MaxThreads))
      return kDone;
  }
}

bool Compilation::fitsBudget() const {
  return !options.memoryBudget || plannedBytes(description) <= *options.memoryBudget;
}

int Compilation::reportOverBudget() const {
  uint64_t total = plannedBytes(description);
  return reportError(kOverBudget, "the program needs " + std::to_string(total) + " bytes, " +
                                      std::to_string(total - *options.memoryBudget) + " more than the budget of " +
                                      std::to_string(*options.memoryBudget));
}

/// The plan with the code as it was linked; nothing has been written before it fits.
int Compilation::finishPlan(StringRef elf) {
  llvm::Expected<uint64_t> segments = countSegments(elf);
  if (!segments)
    return reportError(segments.takeError());
  if (*segments > kProgramBytes)
    return reportError(kInternalError, "the program's code and static data take " + std::to_string(*segments) +
                                           " bytes, more than a plan holds for them");
  sizes.program = *segments;
  sizes.prefix = prefix.size();
  if (int code = makePlan())
    return code;
  if (!fitsBudget())
    return kOverBudget;
  if (!options.quiet)
    printPlan(description, llvm::errs());
  return kDone;
}

} // namespace nibble
