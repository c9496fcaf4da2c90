//===- Merger.h - merging neighbours, lowest rank first ----------*- C++ -*-===//
//
// The engine of both tokenizer families. A word begins as a list of symbols (bytes
// or characters); while two neighbours can merge, the pair of the lowest rank does,
// the leftmost among equals.
//
// A short word is an array that is searched for its minimum. A long one is a doubly
// linked list with a binary heap over its pairs:
//
//   symbol   0    1    2    3    4          order[]  heap of symbols, by (rank, index)
//   id      [h]  [e]  [l]  [l]  [o]         slot[i]  where symbol i lies in the heap, NoSymbol if outside
//   next     1    2    3    4    -          rank[i]  of the pair (i, next[i]), NoRank if it can't merge
//   rank     7    -    3    9    -
//
// The heap has at most one entry a symbol and no stale ones: a merge of (i, j) takes
// j out and re-ranks i and the symbol before it. So n symbols cost O(n log n) time
// and 28 bytes each, for any text.
//
// `Pairs` knows the vocabulary:
//   uint32_t rank(const Symbols &, i, j)   of the pair of neighbours i, j; NoRank if they don't merge
//   uint32_t merged(const Symbols &, i, j, rank)   the id of what they become
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace nibble::rt {

inline constexpr uint32_t NoRank = 0xFFFFFFFF;
inline constexpr uint32_t NoSymbol = 0xFFFFFFFF;

/// The symbols of one word, in the caller's memory. Symbol i stands for text[begin[i], endOf(i)).
struct Symbols {
  static constexpr size_t BytesEach = 7 * sizeof(uint32_t);

  const char *text;
  uint32_t textSize;
  uint32_t count;
  uint32_t *id, *begin, *previous, *next, *rank, *order, *slot;

  /// Lays the arrays for `capacity` symbols into `memory`, which is 4-byte aligned.
  void place(void *memory, uint32_t capacity) {
    uint32_t **arrays[] = {&id, &begin, &previous, &next, &rank, &order, &slot};
    auto *words = static_cast<uint32_t *>(memory);
    for (uint32_t **array : arrays) {
      *array = words;
      words += capacity;
    }
  }

  uint32_t endOf(uint32_t symbol) const { return next[symbol] == NoSymbol ? textSize : begin[next[symbol]]; }
};

/// Up to this many symbols the search for the minimum is cheaper than the heap.
inline constexpr uint32_t ShortWord = 24;

template <typename Pairs> class Merger {
public:
  Merger(Symbols &symbols, const Pairs &pairs) : s(symbols), pairs(pairs) {}

  /// Symbols that were looked at so far: what time is spent on.
  size_t steps() const { return stepCount; }

  /// Merges until nothing merges. The rest is the list that begins at symbol 0.
  void run() {
    if (s.count == 0)
      return;
    stepCount += s.count;
    link();
    if (s.count <= ShortWord)
      return mergeShort();
    build();
    while (size > 0)
      merge(s.order[0]);
  }

private:
  void link() {
    for (uint32_t i = 0; i < s.count; ++i) {
      s.previous[i] = i == 0 ? NoSymbol : i - 1;
      s.next[i] = i + 1 == s.count ? NoSymbol : i + 1;
    }
    for (uint32_t i = 0; i < s.count; ++i)
      s.rank[i] = rankOf(i);
  }

  uint32_t rankOf(uint32_t i) const { return s.next[i] == NoSymbol ? NoRank : pairs.rank(s, i, s.next[i]); }

  /// Joins (i, next[i]) to one symbol at i; the ranks are left as they are.
  uint32_t join(uint32_t i) {
    uint32_t j = s.next[i], behind = s.next[j];
    s.id[i] = pairs.merged(s, i, j, s.rank[i]);
    s.next[i] = behind;
    if (behind != NoSymbol)
      s.previous[behind] = i;
    return j;
  }

  void mergeShort() {
    for (;;) {
      uint32_t best = NoRank, at = 0;
      for (uint32_t i = 0; i != NoSymbol; i = s.next[i])
        if (++stepCount; s.rank[i] < best) {
          best = s.rank[i];
          at = i;
        }
      if (best == NoRank)
        return;
      join(at);
      s.rank[at] = rankOf(at);
      if (uint32_t before = s.previous[at]; before != NoSymbol)
        s.rank[before] = rankOf(before);
    }
  }

  void merge(uint32_t i) {
    uint32_t j = join(i);
    update(j, NoRank);
    update(i, rankOf(i));
    if (uint32_t before = s.previous[i]; before != NoSymbol)
      update(before, rankOf(before));
  }

  uint64_t key(uint32_t symbol) const { return uint64_t(s.rank[symbol]) << 32 | symbol; }

  void put(uint32_t where, uint32_t symbol) {
    s.order[where] = symbol;
    s.slot[symbol] = where;
  }

  void siftUp(uint32_t where) {
    uint32_t symbol = s.order[where];
    uint64_t mine = key(symbol);
    while (where > 0) {
      ++stepCount;
      uint32_t parent = (where - 1) / 2;
      if (key(s.order[parent]) <= mine)
        break;
      put(where, s.order[parent]);
      where = parent;
    }
    put(where, symbol);
  }

  void siftDown(uint32_t where) {
    uint32_t symbol = s.order[where];
    uint64_t mine = key(symbol);
    for (;;) {
      ++stepCount;
      uint32_t child = 2 * where + 1;
      if (child >= size)
        break;
      if (child + 1 < size && key(s.order[child + 1]) < key(s.order[child]))
        ++child;
      if (mine <= key(s.order[child]))
        break;
      put(where, s.order[child]);
      where = child;
    }
    put(where, symbol);
  }

  void build() {
    size = 0;
    for (uint32_t i = 0; i < s.count; ++i) {
      s.slot[i] = NoSymbol;
      if (s.rank[i] != NoRank)
        put(size++, i);
    }
    for (uint32_t where = size / 2; where-- > 0;)
      siftDown(where);
  }

  /// Gives `symbol` a new rank: enters, moves or leaves the heap.
  void update(uint32_t symbol, uint32_t rank) {
    uint32_t where = s.slot[symbol];
    if (where == NoSymbol) {
      s.rank[symbol] = rank;
      if (rank == NoRank)
        return;
      put(size, symbol);
      siftUp(size++);
      return;
    }
    if (rank != NoRank) {
      bool up = rank < s.rank[symbol];
      s.rank[symbol] = rank;
      return up ? siftUp(where) : siftDown(where);
    }
    s.rank[symbol] = NoRank;
    s.slot[symbol] = NoSymbol;
    uint32_t last = s.order[--size];
    if (last == symbol)
      return;
    put(where, last);
    siftUp(where);
    siftDown(s.slot[last]);
  }

  Symbols &s;
  const Pairs &pairs;
  uint32_t size = 0;
  size_t stepCount = 0;
};

} // namespace nibble::rt
