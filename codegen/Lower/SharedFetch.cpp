//===- SharedFetch.cpp - weights that tiles of rows fetch between them ----===//
//
// See SharedFetch.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/SharedFetch.h"

using namespace mlir;

namespace nibble {

constexpr int64_t kLineBytes = 64;
constexpr int kSecondLevel = 2; ///< llvm.prefetch's locality

/// What a tile fetches at most: more would hold up its products, and tiles are few then.
constexpr int64_t kMostLines = 64;

SharedFetch::SharedFetch(KernelBuilder &k, Value from, int64_t bytes, Value rows, int64_t tokens)
    : k(k), from(from), tokens(tokens) {
  int64_t lines = (bytes + kLineBytes - 1) / kLineBytes;
  Value each = k.add(k.divu(k.i64(lines * tokens), rows), 1);
  share = k.mul(k.mins(each, kMostLines), kLineBytes);
}

void SharedFetch::emit(Value row0) {
  Value first = k.offset(from, k.mul(k.divu(row0, tokens), share));
  k.loop(k.i64(0), share, kLineBytes, [&](Value byte) { k.prefetch(k.offset(first, byte), kSecondLevel); });
}

} // namespace nibble
