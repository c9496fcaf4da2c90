//===- Rematerialize.cpp - values made again instead of spilled -----------===//
//
// See Rematerialize.h.
//
//===----------------------------------------------------------------------===//
#include "codegen/Emit/Rematerialize.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/CodeGen/MachineRegisterInfo.h"
#include "llvm/CodeGen/TargetRegisterInfo.h"
#include "llvm/CodeGen/TargetSubtargetInfo.h"

#include <limits>
#include <optional>

using namespace llvm;

namespace nibble {
namespace {

constexpr unsigned kNever = std::numeric_limits<unsigned>::max();

class Rematerializer {
public:
  Rematerializer(MachineBasicBlock &block, MachineBasicBlock::iterator begin, MachineBasicBlock::iterator end,
                 LiveIntervals &intervals);
  void run();

private:
  using Registers = SmallSetVector<Register, 8>;
  /// What is known of a virtual register.
  struct Value {
    MachineInstr *made = nullptr; ///< what can be repeated; null if nothing
    bool isOutside = false;       ///< made before the instructions
    bool livesIn = false;
    unsigned until = kNever;    ///< the first instruction that it cannot be made again before
    SmallVector<unsigned> reads; ///< by which instructions, ascending
  };
  struct Repeat {
    unsigned before; ///< which instruction
    Register reg;
  };

  void noteOperands(unsigned number);
  bool isRepeatable(const MachineInstr &instruction) const;
  bool takesRegistersOf(Register reg, const MachineInstr &instruction) const;
  void noteLimit(Value &value, unsigned from);
  unsigned nextRead(const Value &value, unsigned after) const;
  void count(Register reg, int sign);
  void enter(Register reg);
  void leave(Register reg);
  std::optional<unsigned> overloaded() const;
  bool isOf(Register reg, unsigned set) const;
  bool relieve(unsigned number, const Registers &kept);
  bool plan();
  bool giveUpOneOutside();
  void apply();

  MachineBasicBlock &block;
  LiveIntervals &intervals;
  MachineRegisterInfo &registers;
  const TargetRegisterInfo &target;
  SmallVector<MachineInstr *> instructions;
  SlotIndex start, end;
  MapVector<Register, Value> values;
  DenseMap<Register, SmallVector<unsigned>> writes; ///< instructions that write a register
  SmallVector<unsigned> stores;                     ///< instructions that write memory
  SmallVector<int> limits;                          ///< of each set of registers that share a file

  // Of a plan:
  Registers absent; ///< made before the instructions, and again for each read
  SmallSetVector<Register, 32> resident;
  SmallVector<int> pressure;
  SmallVector<Repeat> repeats;
  unsigned shortSet = 0; ///< the set of which there were too few
};

} // namespace

Rematerializer::Rematerializer(MachineBasicBlock &block, MachineBasicBlock::iterator begin,
                               MachineBasicBlock::iterator stop, LiveIntervals &intervals)
    : block(block), intervals(intervals), registers(block.getParent()->getRegInfo()),
      target(*block.getParent()->getSubtarget().getRegisterInfo()) {
  for (MachineInstr &instruction : make_range(begin, stop))
    if (!instruction.isDebugInstr())
      instructions.push_back(&instruction);
  if (instructions.empty())
    return;
  start = intervals.getInstructionIndex(*instructions.front()).getBaseIndex();
  end = stop == block.end() ? intervals.getMBBEndIdx(&block).getPrevSlot() : intervals.getInstructionIndex(*stop);
  for (unsigned set = 0; set < target.getNumRegPressureSets(); ++set)
    limits.push_back(int(target.getRegPressureSetLimit(*block.getParent(), set)));
  for (unsigned number = 0; number < instructions.size(); ++number)
    noteOperands(number);
  for (auto &[reg, value] : values) {
    value.livesIn = intervals.getInterval(reg).liveAt(start);
    bool isLiveOut = intervals.getInterval(reg).liveAt(end);
    MachineInstr *made = registers.hasOneDef(reg) ? registers.getVRegDef(reg) : nullptr;
    if (!made || !isRepeatable(*made) || value.livesIn != isLiveOut)
      continue;
    value.isOutside = value.livesIn;
    if (!value.isOutside)
      noteLimit(value, writes[reg].front());
    else if (made->getParent() == &block || (made->mayLoad() && !made->isDereferenceableInvariantLoad()))
      continue;
    value.made = made;
  }
}

void Rematerializer::noteOperands(unsigned number) {
  const MachineInstr &instruction = *instructions[number];
  if (instruction.mayStore() || instruction.hasUnmodeledSideEffects())
    stores.push_back(number);
  for (const MachineOperand &operand : instruction.operands()) {
    if (!operand.isReg() || !operand.getReg().isVirtual())
      continue;
    Value &value = values[operand.getReg()];
    if (operand.readsReg() && (value.reads.empty() || value.reads.back() != number))
      value.reads.push_back(number);
    if (operand.isDef())
      writes[operand.getReg()].push_back(number);
  }
}

/// Whether an instruction shares registers of a file with what it makes, so that keeping what it reads saves nothing.
bool Rematerializer::takesRegistersOf(Register reg, const MachineInstr &instruction) const {
  Register made = instruction.getOperand(0).getReg();
  for (const int *set = target.getRegClassPressureSets(registers.getRegClass(made)); *set >= 0; ++set)
    if (isOf(reg, unsigned(*set)))
      return true;
  return false;
}

/// One result, made of memory, constants and registers of another file, or such as live on anyway.
bool Rematerializer::isRepeatable(const MachineInstr &instruction) const {
  if (instruction.isPHI() || instruction.isCall() || instruction.isInlineAsm() || instruction.isCopyLike() ||
      instruction.mayStore() || instruction.hasUnmodeledSideEffects() || instruction.getNumExplicitDefs() != 1 ||
      (instruction.mayLoad() && instruction.hasOrderedMemoryRef()))
    return false;
  for (const MachineOperand &operand : instruction.operands()) {
    if (!operand.isReg() || !operand.getReg() || &operand == &instruction.getOperand(0))
      continue;
    Register reg = operand.getReg();
    if (operand.isDef() || operand.isTied() || (reg.isPhysical() && !registers.isConstantPhysReg(reg)))
      return false;
    if (reg.isPhysical())
      continue;
    bool isInside = instruction.getParent() == &block, livesOn = intervals.getInterval(reg).liveAt(end);
    if (!isInside && !registers.hasOneDef(reg))
      return false;
    if (takesRegistersOf(reg, instruction) && !livesOn)
      return false;
  }
  return true;
}

/// It can be repeated until what it reads is written.
void Rematerializer::noteLimit(Value &value, unsigned from) {
  // (From its own place on, which is not what `made` says of the block's order.)
  auto limit = [&](ArrayRef<unsigned> numbers) {
    for (unsigned number : numbers)
      if (number > from)
        value.until = std::min(value.until, number + 1);
  };
  const MachineInstr &made = *instructions[from];
  for (const MachineOperand &operand : made.uses())
    if (operand.isReg() && operand.getReg().isVirtual())
      limit(writes.lookup(operand.getReg()));
  if (made.mayLoad())
    limit(stores);
}

unsigned Rematerializer::nextRead(const Value &value, unsigned after) const {
  auto *next = upper_bound(value.reads, after);
  return next == value.reads.end() ? kNever : *next;
}

bool Rematerializer::isOf(Register reg, unsigned set) const {
  for (const int *of = target.getRegClassPressureSets(registers.getRegClass(reg)); *of >= 0; ++of)
    if (unsigned(*of) == set)
      return true;
  return false;
}

void Rematerializer::count(Register reg, int sign) {
  const TargetRegisterClass *kind = registers.getRegClass(reg);
  for (const int *set = target.getRegClassPressureSets(kind); *set >= 0; ++set)
    pressure[*set] += sign * int(target.getRegClassWeight(kind).RegWeight);
}

void Rematerializer::enter(Register reg) {
  if (resident.insert(reg))
    count(reg, 1);
}

void Rematerializer::leave(Register reg) {
  if (resident.remove(reg))
    count(reg, -1);
}

std::optional<unsigned> Rematerializer::overloaded() const {
  for (auto [set, weight] : enumerate(pressure))
    if (weight > limits[set])
      return unsigned(set);
  return std::nullopt;
}

/// Brings what is resident behind (or at) an instruction down to the limits, if it can.
bool Rematerializer::relieve(unsigned number, const Registers &kept) {
  while (std::optional<unsigned> set = overloaded()) {
    Register victim;
    unsigned farthest = number + 1;
    for (Register reg : resident) {
      const Value &value = values.find(reg)->second;
      if (!value.made || kept.contains(reg) || (value.isOutside && !absent.contains(reg)) || !isOf(reg, *set))
        continue;
      unsigned next = nextRead(value, number);
      if (next != kNever && next > farthest && next < value.until)
        farthest = next, victim = reg;
    }
    if (!victim) {
      shortSet = *set;
      return false;
    }
    leave(victim);
  }
  return true;
}

/// Which values are made again, and where. False if that was not enough somewhere.
bool Rematerializer::plan() {
  bool fits = true;
  pressure.assign(limits.size(), 0);
  resident.clear();
  repeats.clear();
  for (const auto &[reg, value] : values)
    if (value.livesIn && !absent.contains(reg))
      enter(reg);
  for (unsigned number = 0; number < instructions.size(); ++number) {
    Registers read, made;
    for (const MachineOperand &operand : instructions[number]->operands())
      if (operand.isReg() && operand.getReg().isVirtual()) {
        if (operand.readsReg())
          read.insert(operand.getReg());
        if (operand.isDef())
          made.insert(operand.getReg());
      }
    for (Register reg : read)
      if (!resident.contains(reg)) {
        repeats.push_back({number, reg});
        enter(reg);
      }
    fits &= relieve(number, read);
    SlotIndex behind = intervals.getInstructionIndex(*instructions[number]).getDeadSlot();
    auto dies = [&](Register reg) {
      if (absent.contains(reg))
        return nextRead(values.find(reg)->second, number) == kNever;
      return !intervals.getInterval(reg).liveAt(behind);
    };
    for (Register reg : read)
      if (dies(reg))
        leave(reg);
    for (Register reg : made)
      enter(reg);
    fits &= relieve(number, made);
    for (Register reg : made)
      if (dies(reg))
        leave(reg);
  }
  return fits;
}

/// Of the values that were made before the instructions one more is no longer kept: the one that is read least often.
bool Rematerializer::giveUpOneOutside() {
  Register best;
  size_t fewest = std::numeric_limits<size_t>::max();
  for (const auto &[reg, value] : values)
    if (value.made && value.isOutside && !absent.contains(reg) && isOf(reg, shortSet) && value.reads.size() < fewest)
      best = reg, fewest = value.reads.size();
  return best && absent.insert(best);
}

void Rematerializer::apply() {
  DenseMap<Register, Register> current;
  Registers changed;
  MachineFunction &function = *block.getParent();
  const Repeat *next = repeats.begin();
  for (auto [number, instruction] : enumerate(instructions)) {
    for (; next != repeats.end() && next->before == number; ++next) {
      MachineInstr *again = function.CloneMachineInstr(values.find(next->reg)->second.made);
      Register reg = registers.cloneVirtualRegister(next->reg);
      again->getOperand(0).setReg(reg);
      for (const MachineOperand &operand : again->uses())
        if (operand.isReg() && operand.getReg().isVirtual()) {
          registers.clearKillFlags(operand.getReg());
          changed.insert(operand.getReg());
        }
      again->clearKillInfo();
      block.insert(instruction->getIterator(), again);
      intervals.InsertMachineInstrInMaps(*again);
      current[next->reg] = reg;
      changed.insert(next->reg), changed.insert(reg);
    }
    for (MachineOperand &operand : instruction->operands())
      if (operand.isReg() && operand.getReg().isVirtual() && operand.isUse())
        if (auto renamed = current.find(operand.getReg()); renamed != current.end())
          operand.setReg(renamed->second);
  }
  for (const Repeat &repeat : repeats) {
    const Value &value = values.find(repeat.reg)->second;
    if (value.isOutside || !registers.use_nodbg_empty(repeat.reg) || registers.def_empty(repeat.reg))
      continue;
    for (const MachineOperand &operand : value.made->uses()) // of which it was the last, perhaps
      if (operand.isReg() && operand.getReg().isVirtual())
        changed.insert(operand.getReg());
    intervals.RemoveMachineInstrFromMaps(*value.made);
    value.made->eraseFromParent();
  }
  for (Register reg : changed) {
    registers.clearKillFlags(reg);
    if (intervals.hasInterval(reg))
      intervals.removeInterval(reg);
    if (!registers.reg_nodbg_empty(reg))
      intervals.createAndComputeVirtRegInterval(reg);
  }
}

void Rematerializer::run() {
  if (instructions.empty())
    return;
  bool fits = plan();
  while (!fits && giveUpOneOutside())
    fits = plan();
  if (!fits && !absent.empty()) { // which did not help
    absent.clear();
    plan();
  }
  if (!repeats.empty())
    apply();
}

void rematerialize(MachineBasicBlock &block, MachineBasicBlock::iterator begin, MachineBasicBlock::iterator end,
                   LiveIntervals &intervals) {
  Rematerializer(block, begin, end, intervals).run();
}

} // namespace nibble
