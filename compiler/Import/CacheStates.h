//===- CacheStates.h - the key-value cache as lm.state symbols --*- C++ -*-===//
//
// What: decides which lm.state symbols hold the keys and values of a model's
// layers, and tells each layer which of them, and where in it, is its own.
// Why: layers differ (heads, dimensions, windows); those that are equal share one
// state, so that they can share one function, too.
// Contract: a layer that attends to a window keeps its window and a chunk, as a
// ring; every other layer keeps the context. Positions are rounded up to whole
// blocks of 16 (CacheLayout.h). Building cannot fail; checkCache() says before
// what cannot be cached.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_CACHESTATES_H
#define NIBBLE_COMPILER_IMPORT_CACHESTATES_H

#include "dialects/LM/LM.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace nibble {

/// How numbers of the cache are kept; see !lm.cached.
enum class KVType { F16, F32, Q8, Q4, Q4Plain };

/// The types of keys and values, as --kv gives them.
struct KVTypes {
  KVType keys = KVType::F16, values = KVType::F16;

  KVTypes() = default;
  KVTypes(KVType both) : keys(both), values(both) {}
  KVTypes(KVType keys, KVType values) : keys(keys), values(values) {}

  /// "q8", "k:q8,v:q4"; an error lists what there is.
  static llvm::Expected<KVTypes> parse(llvm::StringRef text);
  /// The text that parse() takes.
  std::string str() const;
  bool isQuantized() const;
};

/// What one layer wants to cache.
struct CacheSpec {
  uint64_t kvHeads = 0, headDim = 0;
  uint64_t window = 0; ///< positions that a row sees; 0: all

  bool operator==(const CacheSpec &) const = default;
};

/// Empty, or why vectors of `headDim` numbers cannot be kept so.
std::string checkCache(KVTypes types, uint64_t headDim);

class CacheStates {
public:
  /// One spec a layer; layers without attention have a spec of no heads.
  CacheStates(mlir::MLIRContext *context, std::vector<CacheSpec> layers,
              uint64_t positions, uint64_t chunk, KVTypes types);

  /// Where a layer's keys and values are.
  struct Place {
    std::string keys, values; ///< names of the states
    mlir::MemRefType keysType, valuesType;
    int64_t index; ///< of the layer in the states: the operand %layer
  };
  Place placeOf(uint64_t layer) const;

  /// Makes the lm.state symbols.
  void build(mlir::OpBuilder &builder, mlir::Location loc) const;

private:
  /// Layers that share a state.
  struct Group {
    CacheSpec spec;
    int64_t layers = 0;
  };
  mlir::MemRefType typeOf(const Group &group, KVType type) const;
  std::string nameOf(llvm::StringRef name, size_t group) const;

  mlir::MLIRContext *context;
  uint64_t positions, chunk;
  KVTypes types;
  std::vector<Group> groups;
  std::vector<std::pair<size_t, int64_t>> places; ///< group, index; a layer each
};

/// By how many positions the caches of a module can be taken back: a row that
/// stands there must find its window in every ring.
uint32_t maxRewind(mlir::ModuleOp module);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_CACHESTATES_H
