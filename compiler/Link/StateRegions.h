//===- StateRegions.h - what of the state is saved ------------------------===//
//
// The description of a program names the parts of its state that --save-state writes and a compiled-in prefix holds:
// the KV cache as far as positions have filled it, and whatever else lives from one step to the next.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Link/ArtifactWriter.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

#include <string>
#include <vector>

namespace nibble {

/// States that have to be saved, and whether each goes by positions (a cache, dialects/LM/CacheLayout.h, or the history
/// of lm.short_conv): of such only what has been filled is saved. Rows that only lm.state_write and lm.state_read use
/// are left out: the next step makes them anew. Of a module before `bufferize`, which still says who uses what.
llvm::StringMap<bool> findLastingStates(mlir::ModuleOp module);

/// The parts of a bufferized module's state, of the states named.
std::vector<schema::StateRegion> collectStateRegions(mlir::ModuleOp module, const llvm::StringMap<bool> &lasting);

/// What two programs have in common that can load each other's states: the model's shape, what its weights and tables
/// stand for, and the layout of a position in the cache; not the target, the chunk or the size of the context. With the
/// hash of the model's files, its checksum is the description's stateIdentity.
std::string stateKey(const ArtifactDescription &description, mlir::ModuleOp module);

} // namespace nibble
