//===- LoopSpills.cpp - which loops spill, and in which order they do not -===//
//
// See LoopSpills.h.
//
//===----------------------------------------------------------------------===//
#include "codegen/Emit/LoopSpills.h"

#include "codegen/Emit/LoopOrder.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/CodeGen/MachineDominators.h"
#include "llvm/CodeGen/MachineLoopInfo.h"
#include "llvm/CodeGen/MachineOptimizationRemarkEmitter.h"

#include <limits>

using namespace llvm;

namespace nibble {

/// Another order than LLVM's may cost latency, so that it has to save this factor of accesses to the stack.
static constexpr unsigned kWorthwhile = 2;

/// So many of the orders, which are the shortest most often, are tried for all loops that have no good one yet. The
/// others are for loops with so many accesses at most: what the first do not bring down to these none does. (Each order
/// costs a run of the code generator.)
static constexpr unsigned kFirstOrders = 2, kHopeful = 8;

LoopSpills &LoopSpills::watch(LLVMContext &context) {
  auto handler = std::make_unique<LoopSpills>();
  LoopSpills &spills = *handler;
  context.setDiagnosticHandler(std::move(handler), /*RespectFilters=*/true);
  return spills;
}

bool LoopSpills::isMissedOptRemarkEnabled(StringRef pass) const { return pass == "regalloc"; }
bool LoopSpills::isAnalysisRemarkEnabled(StringRef pass) const { return pass == "asm-printer"; }

static bool isInnermost(const MachineBasicBlock &header) {
  MachineDominatorTree dominators(const_cast<MachineFunction &>(*header.getParent()));
  const MachineLoopInfo loops(dominators);
  return loops.getLoopFor(&header)->isInnermost();
}

/// What a remark has under keys that `isWanted`, added up.
static unsigned sumOf(const DiagnosticInfoOptimizationBase &remark, function_ref<bool(StringRef)> isWanted) {
  unsigned sum = 0;
  for (const auto &argument : remark.getArgs())
    if (isWanted(argument.Key))
      sum += unsigned(std::stoul(argument.Val));
  return sum;
}

/// Gets all analyses of what is printed, and the allocator's remarks.
bool LoopSpills::handleDiagnostics(const DiagnosticInfo &info) {
  const auto *remark = dyn_cast<DiagnosticInfoMIROptimization>(&info);
  if (!remark)
    return isQuiet || DiagnosticHandler::handleDiagnostics(info);
  std::optional<unsigned> block = remark->getBlock() ? numberOfBlock(*remark->getBlock()) : std::nullopt;
  if (!block)
    return true;
  Loop loop = {remark->getFunction().getName().str(), *block};
  if (remark->getRemarkName() == "InstructionMix")
    counts.sizes[loop] += sumOf(*remark, [](StringRef key) { return key.starts_with("INST_"); });
  if (remark->getRemarkName() == "LoopSpillReloadCopies" && isInnermost(*remark->getBlock())) {
    auto isAccess = [](StringRef key) { return key.ends_with("Spills") || key.ends_with("Reloads"); };
    if (unsigned count = sumOf(*remark, isAccess))
      counts.accesses[loop] += count;
  }
  return true;
}

void LoopChoices::setOrders(Module &module, const Choices &choices) {
  std::map<std::string, LoopOrders> orders;
  for (const auto &[loop, choice] : choices)
    if (!choice.order.empty())
      orders[loop.first].push_back({loop.second, choice.order});
  for (const auto &[function, ofLoops] : orders)
    if (Function *found = module.getFunction(function))
      setLoopOrders(*found, ofLoops);
}

void LoopChoices::setOrders(Module &module) const { setOrders(module, choices); }

/// Leaves declarations of all other functions.
static void keepFunctions(Module &module, const StringSet<> &functions) {
  for (Function &function : module)
    if (!function.isDeclaration() && !functions.contains(function.getName()))
      function.deleteBody();
}

/// What loops spill in these orders, of the functions that have such loops.
LoopSpills::Counts LoopChoices::countsOf(const Choices &orders) {
  StringSet<> functions;
  for (const auto &[loop, choice] : orders)
    functions.insert(loop.first);
  std::unique_ptr<Module> module = load();
  keepFunctions(*module, functions);
  setOrders(*module, orders);
  spills.keepQuiet(true);
  generate(*module);
  spills.keepQuiet(false);
  return spills.take();
}

/// Gives loops an order that have no good one yet, and keeps it where it is better.
void LoopChoices::tryOrder(StringRef order, bool isFirst) {
  Choices tried;
  for (const auto &[loop, choice] : choices)
    if (isFirst ? !choice.isGood() : choice.best.first && choice.best.first <= kHopeful)
      tried[loop].order = order;
  if (tried.empty())
    return;
  LoopSpills::Counts counts = countsOf(tried);
  for (const auto &entry : tried) {
    Choice &choice = choices[entry.first];
    if (Choice::Cost cost = counts.costOf(entry.first); cost < choice.best)
      choice.best = cost, choice.order = order;
  }
}

LoopChoices::LoopChoices(Load load, LoopSpills &spills, Generate generate)
    : load(load), spills(spills), generate(generate) {
  LoopSpills::Counts usual = spills.take();
  for (const auto &[loop, count] : usual.accesses)
    choices[loop] = {usual.costOf(loop), usual.costOf(loop), ""};
  for (auto [number, order] : enumerate(loopOrders()))
    tryOrder(order, number < kFirstOrders);
  for (auto &[loop, choice] : choices)
    if (kWorthwhile * choice.best.first > choice.usual.first)
      choice.order = "";
}

bool LoopChoices::hasOrders() const {
  return any_of(choices, [](const auto &entry) { return !entry.second.order.empty(); });
}

/// Gives loops the orders in which they spill least beside the orders of the others.
void LoopChoices::mend(ArrayRef<LoopSpills::Loop> loops) {
  constexpr unsigned kNone = std::numeric_limits<unsigned>::max();
  for (const LoopSpills::Loop &loop : loops)
    choices[loop].best = {kNone, kNone};
  Choices best;
  for (StringRef order : loopOrders()) {
    Choices tried;
    for (const auto &[loop, choice] : choices)
      if (any_of(loops, [&](const LoopSpills::Loop &worse) { return worse.first == loop.first; }))
        tried[loop].order = is_contained(loops, loop) ? order : choice.order;
    LoopSpills::Counts counts = countsOf(tried);
    for (const LoopSpills::Loop &loop : loops)
      if (Choice::Cost cost = counts.costOf(loop); cost < choices[loop].best)
        choices[loop].best = cost, best[loop].order = order;
  }
  for (const LoopSpills::Loop &loop : loops)
    choices[loop].order = best[loop].order, choices[loop].isMended = true;
}

bool LoopChoices::mendWorse(const LoopSpills::Counts &counts) {
  SmallVector<LoopSpills::Loop> worse;
  bool dropped = false;
  for (const auto &[loop, count] : counts.accesses) {
    if (count <= choices.lookup(loop).usual.first)
      continue;
    if (!choices.lookup(loop).isMended) {
      worse.push_back(loop);
      continue;
    }
    for (auto &[other, choice] : choices)
      if (other.first == loop.first && !choice.order.empty())
        choice.order = "", dropped = true;
  }
  erase_if(worse, [&](const LoopSpills::Loop &loop) {
    return none_of(choices, [&](const auto &entry) {
      return entry.first.first == loop.first && !entry.second.order.empty();
    });
  });
  if (!worse.empty())
    mend(worse);
  return dropped || !worse.empty();
}

} // namespace nibble
