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

using namespace llvm;

namespace nibble {

/// Another order than LLVM's may cost latency, so that it has to save this factor of accesses to the stack.
static constexpr unsigned kWorthwhile = 2;

/// What one of the first orders does not bring down to so many accesses none does: the others, which are more like
/// these or like LLVM's, are not tried for it. (Each costs a run of the code generator.)
static constexpr unsigned kHopeful = 8, kFirstOrders = 2;

LoopSpills &LoopSpills::watch(LLVMContext &context) {
  auto handler = std::make_unique<LoopSpills>();
  LoopSpills &spills = *handler;
  context.setDiagnosticHandler(std::move(handler), /*RespectFilters=*/true);
  return spills;
}

bool LoopSpills::isMissedOptRemarkEnabled(StringRef pass) const { return pass == "regalloc"; }

static bool isInnermost(const MachineBasicBlock &header) {
  MachineDominatorTree dominators(const_cast<MachineFunction &>(*header.getParent()));
  const MachineLoopInfo loops(dominators);
  return loops.getLoopFor(&header)->isInnermost();
}

bool LoopSpills::handleDiagnostics(const DiagnosticInfo &info) {

  const auto *remark = dyn_cast<MachineOptimizationRemarkMissed>(&info);
  if (!remark)
    return isQuiet || DiagnosticHandler::handleDiagnostics(info);
  if (remark->getRemarkName() != "LoopSpillReloadCopies" || !isInnermost(*remark->getBlock()))
    return true;
  unsigned count = 0;
  for (const auto &argument : remark->getArgs())
    if (StringRef key = argument.Key; key.ends_with("Spills") || key.ends_with("Reloads"))
      count += std::stoul(argument.Val);
  if (count)
    counts[{remark->getFunction().getName().str(), remark->getBlock()->getNumber()}] += count;
  return true;
}

namespace {
/// What is known of a loop.
struct Choice {
  unsigned usual = 0, best = 0; ///< accesses to the stack in LLVM's order, and in the best
  StringRef order;              ///< empty: LLVM's
};
} // namespace

using Choices = MapVector<LoopSpills::Loop, Choice, std::map<LoopSpills::Loop, unsigned>>;

/// Writes the orders of a module's loops to the attributes of its functions.
static void setOrders(Module &module, const Choices &choices) {
  std::map<std::string, LoopOrders> orders;
  for (const auto &[loop, choice] : choices)
    if (!choice.order.empty())
      orders[loop.first].push_back({loop.second, choice.order});
  for (const auto &[function, ofLoops] : orders)
    if (Function *found = module.getFunction(function))
      setLoopOrders(*found, ofLoops);
}

/// Leaves declarations of all other functions.
static void keepFunctions(Module &module, const StringSet<> &functions) {
  for (Function &function : module)
    if (!function.isDeclaration() && !functions.contains(function.getName()))
      function.deleteBody();
}

/// Gives loops with accesses to the stack, but not more than `most`, an order, and keeps it where it is better.
static void tryOrder(StringRef order, unsigned most, Choices &choices, Load load, LoopSpills &spills,
                     Generate generate) {
  Choices tried;
  StringSet<> functions;
  for (const auto &[loop, choice] : choices)
    if (choice.best && choice.best <= most) {
      tried[loop].order = order;
      functions.insert(loop.first);
    }
  if (tried.empty())
    return;
  std::unique_ptr<Module> module = load();
  keepFunctions(*module, functions);
  setOrders(*module, tried);
  generate(*module);
  LoopSpills::Counts counts = spills.take();
  for (const auto &entry : tried) {
    Choice &choice = choices[entry.first];
    if (unsigned count = counts.lookup(entry.first); count < choice.best)
      choice.best = count, choice.order = order;
  }
}

/// Registers are allocated to a whole function: where the orders together leave some loop worse than without them, that
/// function gets none.
static void dropWorse(Choices &choices, Module &module, LoopSpills &spills, Generate generate) {
  StringSet<> functions;
  for (const auto &[loop, choice] : choices)
    if (!choice.order.empty())
      functions.insert(loop.first);
  keepFunctions(module, functions);
  setOrders(module, choices);
  generate(module);
  for (const auto &[worse, count] : spills.take())
    if (count > choices.lookup(worse).usual)
      for (auto &[loop, choice] : choices)
        if (loop.first == worse.first)
          choice.order = "";
}

static bool hasOrders(const Choices &choices) {
  return any_of(choices, [](const auto &entry) { return !entry.second.order.empty(); });
}

std::unique_ptr<Module> orderLoops(Load load, LoopSpills &spills, Generate generate) {
  Choices choices;
  for (const auto &[loop, count] : spills.take())
    choices[loop] = {count, count, ""};
  if (choices.empty())
    return nullptr;
  spills.keepQuiet(true);
  for (auto [number, order] : enumerate(loopOrders()))
    tryOrder(order, number < kFirstOrders ? ~0u : kHopeful, choices, load, spills, generate);
  for (auto &[loop, choice] : choices)
    if (kWorthwhile * choice.best > choice.usual)
      choice.order = "";
  if (hasOrders(choices))
    dropWorse(choices, *load(), spills, generate);
  spills.keepQuiet(false);
  if (!hasOrders(choices))
    return nullptr;
  std::unique_ptr<Module> ordered = load();
  setOrders(*ordered, choices);
  return ordered;
}

} // namespace nibble
