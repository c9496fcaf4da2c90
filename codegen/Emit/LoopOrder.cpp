//===- LoopOrder.cpp - loops in orders that need few registers ------------===//
//
// See LoopOrder.h.
//
//===----------------------------------------------------------------------===//
#include "codegen/Emit/LoopOrder.h"

#include "codegen/Emit/Rematerialize.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/CodeGen/LiveIntervals.h"
#include "llvm/CodeGen/MachineLoopInfo.h"
#include "llvm/CodeGen/MachineRegisterInfo.h"
#include "llvm/CodeGen/MachineScheduler.h"
#include "llvm/CodeGen/TargetRegisterInfo.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Target/TargetMachine.h"

#include <map>
#include <mutex>
#include <tuple>

using namespace llvm;

namespace nibble {
namespace {

/// A register of the vectors' file counts so many times one of addresses.
constexpr int kVectorWeight = 4;

/// A function's attribute with the orders of its loops: "12=sums,34=written".
constexpr StringLiteral kAttribute = "nibble-loop-orders";

constexpr StringLiteral kUsual = "usual", kWritten = "written", kRegisters = "registers", kSums = "sums",
                        kDownwards = "downwards";

/// What decides between instructions that leave as few registers live.
enum class Tie { WantedLast, AddedLast };

/// The instructions of a part of a block, in an order that needs few registers.
class FewRegisters {
public:
  FewRegisters(std::vector<SUnit> &units, Tie tie, const MachineRegisterInfo &registers,
               const TargetRegisterInfo &target, const LiveIntervals &intervals, SlotIndex end);
  /// From the first instruction to the last.
  std::vector<MachineInstr *> order();

private:
  int weightOf(Register reg) const;
  std::tuple<int, unsigned, unsigned> costOf(const SUnit &unit) const;
  void place(const SUnit &unit);

  std::vector<SUnit> &units;
  Tie tie;
  const MachineRegisterInfo &registers;
  const TargetRegisterInfo &target;
  DenseMap<Register, unsigned> live; ///< below what is placed, by when it was wanted
  unsigned now = 1;
};

/// LLVM's choice of the next instruction, which walks some regions from their start instead of from both ends.
class Downwards : public GenericScheduler {
public:
  using GenericScheduler::GenericScheduler;
  void initPolicy(MachineBasicBlock::iterator begin, MachineBasicBlock::iterator end, unsigned count) override {
    GenericScheduler::initPolicy(begin, end, count);
    if (isDownwards)
      RegionPolicy.OnlyTopDown = true, RegionPolicy.OnlyBottomUp = false;
  }
  bool isDownwards = false;
};

class OrderedLoops : public ScheduleDAGMILive {
public:
  OrderedLoops(MachineSchedContext *context, StringRef attribute);
  void enterRegion(MachineBasicBlock *block, MachineBasicBlock::iterator begin, MachineBasicBlock::iterator end,
                   unsigned count) override;
  void schedule() override;

private:
  /// Empty for what is left to LLVM.
  StringRef orderOf(const MachineBasicBlock &block) const;
  void reorder(Tie tie);

  std::map<unsigned, StringRef> orders; ///< by the number of a loop's first block
};

} // namespace

FewRegisters::FewRegisters(std::vector<SUnit> &units, Tie tie, const MachineRegisterInfo &registers,
                           const TargetRegisterInfo &target, const LiveIntervals &intervals, SlotIndex end)
    : units(units), tie(tie), registers(registers), target(target) {
  for (const SUnit &unit : units)
    for (const MachineOperand &operand : unit.getInstr()->operands())
      if (operand.isReg() && operand.getReg().isVirtual() && intervals.getInterval(operand.getReg()).liveAt(end))
        live.try_emplace(operand.getReg(), 0);
}

/// Whether a class holds nothing but whole numbers: addresses, as kernels are.
static bool holdsAddresses(const TargetRegisterInfo &target, const TargetRegisterClass &kind) {
  for (auto type = target.legalclasstypes_begin(kind); *type != MVT::Other; ++type)
    if (!MVT(*type).isScalarInteger())
      return false;
  return true;
}

int FewRegisters::weightOf(Register reg) const {
  const TargetRegisterClass *kind = registers.getRegClass(reg);
  return int(target.getRegClassWeight(kind).RegWeight) * (holdsAddresses(target, *kind) ? 1 : kVectorWeight);
}

/// What the registers that are live above it would weigh more, and, less being better, how long ago its result was
/// wanted, and how early it stands.
std::tuple<int, unsigned, unsigned> FewRegisters::costOf(const SUnit &unit) const {
  int weight = 0;
  unsigned wanted = 0;
  SmallVector<Register, 4> counted;
  for (const MachineOperand &operand : unit.getInstr()->operands()) {
    if (!operand.isReg() || !operand.getReg().isVirtual() || is_contained(counted, operand.getReg()))
      continue;
    Register reg = operand.getReg();
    counted.push_back(reg);
    auto known = live.find(reg);
    if (known != live.end())
      wanted = std::max(wanted, known->second);
    bool isLiveAbove = unit.getInstr()->readsVirtualRegister(reg);
    weight += weightOf(reg) * (int(isLiveAbove) - int(known != live.end()));
  }
  return {weight, ~wanted, ~unit.NodeNum};
}

void FewRegisters::place(const SUnit &unit) {
  ++now;
  for (const MachineOperand &operand : unit.getInstr()->operands()) {
    if (!operand.isReg() || !operand.getReg().isVirtual())
      continue;
    if (!unit.getInstr()->readsVirtualRegister(operand.getReg()))
      live.erase(operand.getReg());
    else if (!live.try_emplace(operand.getReg(), now).second && operand.isDef() && tie == Tie::AddedLast)
      live[operand.getReg()] = now;
  }
}

std::vector<MachineInstr *> FewRegisters::order() {
  std::vector<MachineInstr *> upwards;
  std::vector<unsigned> waiting(units.size());
  SmallVector<SUnit *> ready;
  auto isInside = [](const SDep &edge) { return !edge.isWeak() && !edge.getSUnit()->isBoundaryNode(); };
  for (SUnit &unit : units) {
    waiting[unit.NodeNum] = count_if(unit.Succs, isInside);
    if (!waiting[unit.NodeNum])
      ready.push_back(&unit);
  }
  while (!ready.empty()) {
    auto *best = min_element(ready, [&](SUnit *a, SUnit *b) { return costOf(*a) < costOf(*b); });
    SUnit *unit = *best;
    ready.erase(best);
    upwards.push_back(unit->getInstr());
    place(*unit);
    for (const SDep &edge : unit->Preds)
      if (isInside(edge) && --waiting[edge.getSUnit()->NodeNum] == 0)
        ready.push_back(edge.getSUnit());
  }
  std::reverse(upwards.begin(), upwards.end());
  return upwards;
}

OrderedLoops::OrderedLoops(MachineSchedContext *context, StringRef attribute)
    : ScheduleDAGMILive(context, std::make_unique<Downwards>(context)) {
  for (StringRef entry : split(attribute, ',')) {
    auto [block, order] = entry.split('=');
    unsigned number = 0;
    if (!block.getAsInteger(10, number))
      orders[number] = order;
  }
}

StringRef OrderedLoops::orderOf(const MachineBasicBlock &block) const {
  const MachineLoop *loop = MLI->getLoopFor(&block);
  std::optional<unsigned> first = loop ? numberOfBlock(*loop->getHeader()) : std::nullopt;
  auto order = first ? orders.find(*first) : orders.end();
  return order == orders.end() ? "" : order->second;
}

void OrderedLoops::enterRegion(MachineBasicBlock *block, MachineBasicBlock::iterator begin,
                               MachineBasicBlock::iterator end, unsigned count) {
  static_cast<Downwards &>(*SchedImpl).isDownwards = orderOf(*block) == kDownwards;
  ScheduleDAGMILive::enterRegion(block, begin, end, count);
}

void OrderedLoops::schedule() {
  StringRef order = orderOf(*BB);
  if (order.empty() || order == kUsual || order == kDownwards)
    ScheduleDAGMILive::schedule();
  else if (order != kWritten)
    reorder(order == kSums ? Tie::AddedLast : Tie::WantedLast);
  if (!order.empty())
    rematerialize(*BB, RegionBegin, RegionEnd, *LIS);
}

void OrderedLoops::reorder(Tie tie) {
  buildSchedGraph(AA);
  SlotIndex end = RegionEnd == BB->end() ? LIS->getMBBEndIdx(BB).getPrevSlot() : LIS->getInstructionIndex(*RegionEnd);
  MachineBasicBlock::iterator at = RegionBegin;
  // Each moves up to its place, past instructions that may stand behind it.
  for (MachineInstr *instruction : FewRegisters(SUnits, tie, MRI, *TRI, *LIS, end).order())
    if (at != RegionEnd && &*at == instruction)
      ++at;
    else
      moveInstruction(instruction, at);
}

static ScheduleDAGInstrs *makeScheduler(MachineSchedContext *context) {
  StringRef orders = context->MF->getFunction().getFnAttribute(kAttribute).getValueAsString();
  if (!orders.empty()) {
    auto *ordered = new OrderedLoops(context, orders);
    ordered->addMutation(createLoadClusterDAGMutation(ordered->TII, ordered->TRI));
    return ordered;
  }
  ScheduleDAGInstrs *usual = context->TM->createMachineScheduler(context);
  return usual ? usual : createSchedLive(context);
}

std::optional<unsigned> numberOfBlock(const MachineBasicBlock &block) {
  const BasicBlock *source = block.getBasicBlock();
  if (!source)
    return std::nullopt;
  return unsigned(std::distance(source->getParent()->begin(), source->getIterator()));
}

ArrayRef<StringRef> loopOrders() {
  static constexpr StringRef orders[] = {kDownwards, kRegisters, kWritten, kUsual, kSums};
  return orders;
}

void setLoopOrders(Function &function, const LoopOrders &orders) {
  std::string text;
  for (auto [block, order] : orders)
    text += (text.empty() ? "" : ",") + std::to_string(block) + "=" + order.str();
  function.addFnAttr(kAttribute, text);
}

/// LLVM asks an option of its command line for the scheduler; there is no other way to it.
void useLoopOrders() {
  static std::once_flag once;
  std::call_once(once, [] {
    static MachineSchedRegistry entry("nibble", "loops as the attributes of functions say", makeScheduler);
    cl::getRegisteredOptions().lookup("misched")->addOccurrence(0, "misched", "nibble");
  });
}

} // namespace nibble
