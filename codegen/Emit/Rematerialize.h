//===- Rematerialize.h - values made again instead of spilled ---*- C++ -*-===//
//
// What: in a part of a block where more registers would be live than there are, a value that one instruction makes is
// made again where it is wanted next, and waits in no register until then: a load from memory that nothing writes
// meanwhile, a splat of a general register, a constant. Of several values the one that is wanted last (Belady's rule).
//
// Why: the register allocator does so with constants alone. All else it stores to the stack and loads from there,
// where the same load from the weights or activations is one instruction, too.
//
// Contract: called before registers are allocated, when the order of the instructions stands. Changes no value, and
// keeps the intervals.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "llvm/CodeGen/LiveIntervals.h"
#include "llvm/CodeGen/MachineBasicBlock.h"

namespace nibble {

void rematerialize(llvm::MachineBasicBlock &block, llvm::MachineBasicBlock::iterator begin,
                   llvm::MachineBasicBlock::iterator end, llvm::LiveIntervals &intervals);

} // namespace nibble
