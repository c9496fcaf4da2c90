//===- LoopOrder.h - loops in orders that need few registers ----*- C++ -*-===//
//
// What: the order of the instructions of inner loops, where LLVM's own wants more
// registers than there are. An attribute of a function gives such loops one of these:
//
//   written      as the kernel asks for them: kernels are written sum after sum
//   registers    from the last instruction upwards, always the one that leaves the
//                fewest registers live above it, of several the one whose result was
//                wanted last: one sum is followed to its loads before the next one
//   late         the same, but of several the one that was written last
//   downwards    LLVM's choice of the next instruction, from the first one on
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
#include "llvm/IR/Function.h"

#include <utility>

namespace nibble {

/// The names of the orders, those first that differ most from LLVM's own.
llvm::ArrayRef<llvm::StringRef> loopOrders();

/// The numbers of loops' first blocks when registers are allocated, and the loops' orders.
using LoopOrders = llvm::SmallVector<std::pair<int, llvm::StringRef>>;

/// Gives innermost loops of a function an order other than LLVM's.
void setLoopOrders(llvm::Function &function, const LoopOrders &orders);

/// Makes LLVM's code generator follow setLoopOrders(), from now on. May be called any number of times.
void useLoopOrders();

} // namespace nibble
