//===- LoopOrder.h - loops in orders that need few registers ----*- C++ -*-===//
//
// What: the order of the instructions of inner loops, where LLVM's own wants more
// registers than there are. An attribute of a function gives such loops one of these:
//
//   written      as the kernel asks for them: kernels are written sum after sum
//   registers    from the last instruction upwards, always the one that leaves the
//                fewest registers live above it, of several the one whose result was
//                wanted last: one sum is followed to its loads before the next one
//   sums         the same, but a sum is wanted anew with each number that is added to it, so that it goes on to its end
//   downwards    LLVM's choice of the next instruction, from the first one on
//   usual        LLVM's own
//
// In all of them values that one instruction makes, such as loads, are made again instead of waiting in registers that
// there are not (Rematerialize.h).
//
// Why: LLVM starts many sums at once, and gives up on that only where its estimate of
// registers says so, too late for kernels that are to fill them. Out-of-order cores find
// the parallel sums themselves.
//
// Contract: an order changes no value. All other blocks are left to LLVM.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/CodeGen/MachineBasicBlock.h"
#include "llvm/IR/Function.h"

#include <optional>
#include <utility>

namespace nibble {

/// The names of the orders, those first that need the fewest instructions most often.
llvm::ArrayRef<llvm::StringRef> loopOrders();

/// How many blocks of LLVM IR stand in front of the one that this was made of; none if it was made of none. (That is
/// the same each time code is generated; blocks' own numbers need not be.)
std::optional<unsigned> numberOfBlock(const llvm::MachineBasicBlock &block);

/// The numbers of loops' first blocks in LLVM IR, and the loops' orders.
using LoopOrders = llvm::SmallVector<std::pair<unsigned, llvm::StringRef>>;

/// Gives innermost loops of a function an order other than LLVM's.
void setLoopOrders(llvm::Function &function, const LoopOrders &orders);

/// Makes LLVM's code generator follow setLoopOrders(), from now on. May be called any number of times.
void useLoopOrders();

} // namespace nibble
