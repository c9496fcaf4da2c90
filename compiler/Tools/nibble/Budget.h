//===- Budget.h - making a program fit -------------------------------------===//
//
// What --memory-budget does beside refusing: it chooses the chunk of prefill, and when nothing helps it says which
// options would, each with the figure that it leads to. Every figure comes from planning the model with these options.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Tools/nibble/Compilation.h"

#include <string>
#include <vector>

namespace nibble {

/// Something to be asked for instead, and what the program would then need.
struct Alternative {
  std::string options; ///< as on the command line
  uint64_t bytes = 0;
  bool fits = false;
};

/// Compiles the code of these options to know its size, and with `chooseChunk` goes down to the largest chunk, of the
/// one in the options, half of it, a quarter …, whose plan fits the budget with the usual number of threads; if none
/// does, with fewer. Leaves that chunk and the size of its code in the options; if nothing fits, those of the chunk 1.
/// Does nothing where the model cannot be compiled: whoever compiles it next says why.
void fitBudget(CompileOptions &options, bool chooseChunk);

/// For each of context, KV type, weight format and chunk the least change that fits the budget, or else the most there
/// is to gain; and all of them together if no single one is enough.
std::vector<Alternative> findAlternatives(const CompileOptions &options);

/// One note a line, to standard error.
void printAlternatives(llvm::ArrayRef<Alternative> alternatives);
llvm::json::Array toJSON(llvm::ArrayRef<Alternative> alternatives);

} // namespace nibble
