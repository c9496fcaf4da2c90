//===- WordPatterns.cpp - Regular expressions to automata -----------------===//
//
// See WordPatterns.h. An expression becomes a nondeterministic automaton whose
// threads have an order; the deterministic one has a state for each ordered list
// of threads. A transition is taken on the next symbol, so that a look ahead is
// known when it is asked, and says whether a match ends before that symbol. A
// thread behind one that matches can never win and is dropped.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Text/WordPatterns.h"

#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/Regex.h"
#include "runtime/text/UnicodeClass.h"

#include "llvm/ADT/STLExtras.h"

#include <map>

using namespace nibble;
using llvm::Error;
using llvm::StringRef;

static constexpr uint16_t endSymbol = 0, acceptBit = 0x8000;
/// Bounds of what a hostile file can ask for; GPT-4o's expression takes 30 states.
static constexpr size_t maxNodes = 20000, maxStates = 256, maxSymbols = 255;

namespace {

/// A thread of the automaton stands at a node.
struct Node {
  enum class Kind { Set, Ahead, Fork, Match } kind;
  unsigned set = 0;                // Set, Ahead: number of the set
  bool atEnd = false;              // Ahead
  unsigned next = 0, other = 0;    // Fork: `next` comes first
};

class Automaton {
public:
  Automaton(std::vector<CodePointSet> &sets) : sets(sets) {}

  Error build(const Regex &regex);
  Error determine(llvm::ArrayRef<std::vector<bool>> setsOfSymbol, WordPatternTables::Pattern &pattern, StringRef text);

private:
  /// Adds what `regex` and then `next` match; returns its first node.
  unsigned add(const Regex &regex, unsigned next);
  unsigned addRepeat(const Regex &regex, unsigned next);
  unsigned addNode(Node node);
  unsigned numberOf(const CodePointSet &set);
  void follow(unsigned node, uint16_t symbol, std::vector<unsigned> &threads);

  std::vector<CodePointSet> &sets;
  std::vector<Node> nodes;
  unsigned start = 0;

  // While a transition is made:
  llvm::ArrayRef<std::vector<bool>> setsOfSymbol;
  std::vector<unsigned> seenAt; // by node: the last transition that reached it
  unsigned transition = 0;
  bool matched = false;
};

} // namespace

unsigned Automaton::addNode(Node node) {
  nodes.push_back(node);
  return static_cast<unsigned>(nodes.size() - 1);
}

unsigned Automaton::numberOf(const CodePointSet &set) {
  auto same = llvm::find_if(sets, [&](const CodePointSet &other) { return other.ranges() == set.ranges(); });
  if (same == sets.end())
    same = sets.insert(sets.end(), set);
  return static_cast<unsigned>(same - sets.begin());
}

unsigned Automaton::addRepeat(const Regex &regex, unsigned next) {
  const Regex &inner = regex.children[0];
  if (regex.most == Regex::unbounded) {
    unsigned loop = addNode({Node::Kind::Fork, 0, false, 0, next});
    unsigned body = add(inner, loop);
    nodes[loop].next = body;
    next = loop;
  } else {
    unsigned behind = next;
    for (unsigned i = regex.least; i < regex.most && nodes.size() <= maxNodes; ++i)
      next = addNode({Node::Kind::Fork, 0, false, add(inner, next), behind});
  }
  for (unsigned i = 0; i < regex.least && nodes.size() <= maxNodes; ++i)
    next = add(inner, next);
  return next;
}

unsigned Automaton::add(const Regex &regex, unsigned next) {
  if (nodes.size() > maxNodes)
    return next;
  switch (regex.kind) {
  case Regex::Kind::Set:
    return addNode({Node::Kind::Set, numberOf(regex.set), false, next, 0});
  case Regex::Kind::Ahead:
    return addNode({Node::Kind::Ahead, numberOf(regex.set), regex.atEnd, next, 0});
  case Regex::Kind::Repeat:
    return addRepeat(regex, next);
  case Regex::Kind::Sequence:
    for (const Regex &child : llvm::reverse(regex.children))
      next = add(child, next);
    return next;
  case Regex::Kind::Alternative: {
    unsigned first = add(regex.children.back(), next);
    for (const Regex &child : llvm::reverse(llvm::ArrayRef(regex.children).drop_back()))
      first = addNode({Node::Kind::Fork, 0, false, add(child, next), first});
    return first;
  }
  }
  return next;
}

Error Automaton::build(const Regex &regex) {
  unsigned match = addNode({Node::Kind::Match});
  start = add(regex, match);
  if (nodes.size() > maxNodes)
    return unsupported("a regular expression with too many repetitions");
  return Error::success();
}

/// Where the thread at `node` gets by reading `symbol`, in the order of preference. Nothing is added behind a match.
void Automaton::follow(unsigned first, uint16_t symbol, std::vector<unsigned> &threads) {
  std::vector<unsigned> stack = {first};
  while (!stack.empty() && !matched) {
    unsigned index = stack.back();
    stack.pop_back();
    if (seenAt[index] == transition)
      continue;
    seenAt[index] = transition;
    const Node &node = nodes[index];
    switch (node.kind) {
    case Node::Kind::Set:
      if (symbol != endSymbol && setsOfSymbol[symbol][node.set] && !llvm::is_contained(threads, node.next))
        threads.push_back(node.next);
      break;
    case Node::Kind::Ahead:
      if (symbol == endSymbol ? node.atEnd : bool(setsOfSymbol[symbol][node.set]))
        stack.push_back(node.next);
      break;
    case Node::Kind::Fork:
      stack.push_back(node.other);
      stack.push_back(node.next);
      break;
    case Node::Kind::Match:
      matched = true;
      break;
    }
  }
}

/// Whether a search may look at the same text again and again.
///
/// An automaton that goes on without ending a match reads ahead of what it takes: far, if it goes in a circle. That is
/// harmless if a search that begins inside of such text takes it, up to a bounded rest, or gives up within a bounded
/// way: if it can't go in a circle without a match on the symbols of that circle.
class ReadAhead {
public:
  ReadAhead(llvm::ArrayRef<uint16_t> transitions, size_t symbols)
      : transitions(transitions), symbols(symbols), states(transitions.size() / symbols) {}

  bool isUnbounded() const {
    std::vector<std::vector<bool>> reached;
    for (size_t state = 0; state < states; ++state)
      reached.push_back(reachable(state, std::vector<bool>(symbols, true), /*byMatches=*/false));
    for (size_t state = 1; state < states; ++state) {
      std::vector<bool> circle(symbols); // the symbols of the circles through the state
      for (size_t from = 1; from < states; ++from)
        for (size_t symbol = 0; symbol < symbols && reached[state][from]; ++symbol)
          if (uint16_t entry = at(from, symbol); isSilent(entry) && (entry == state || reached[entry][state]))
            circle[symbol] = true;
      if (reached[state][state] && circlesOn(circle))
        return true;
    }
    return false;
  }

private:
  uint16_t at(size_t state, size_t symbol) const { return transitions[state * symbols + symbol]; }
  static bool isSilent(uint16_t entry) { return entry != 0 && !(entry & acceptBit); }

  /// The states that come after `from` on the symbols of `allowed`; with or without transitions that end a match.
  std::vector<bool> reachable(size_t from, const std::vector<bool> &allowed, bool byMatches) const {
    std::vector<bool> seen(states);
    std::vector<size_t> open = {from};
    while (!open.empty()) {
      size_t state = open.back();
      open.pop_back();
      for (size_t symbol = 0; symbol < symbols; ++symbol) {
        uint16_t entry = at(state, symbol), next = entry & ~acceptBit;
        if (!allowed[symbol] || next == 0 || seen[next] || !(byMatches || isSilent(entry)))
          continue;
        seen[next] = true;
        open.push_back(next);
      }
    }
    return seen;
  }

  /// Whether a search can go in a circle without a match on the symbols of `allowed` alone.
  bool circlesOn(const std::vector<bool> &allowed) const {
    std::vector<bool> met = reachable(1, allowed, /*byMatches=*/true);
    for (size_t state = 1; state < states; ++state)
      if (met[state] && reachable(state, allowed, /*byMatches=*/false)[state])
        return true;
    return false;
  }

  llvm::ArrayRef<uint16_t> transitions;
  size_t symbols, states;
};

/// Whether every match is a run of the symbols that begin one: from the first state to one that keeps to itself.
static bool isRun(llvm::ArrayRef<uint16_t> transitions, size_t symbols) {
  if (transitions.size() != 3 * symbols)
    return false;
  for (size_t symbol = 0; symbol < symbols; ++symbol) {
    uint16_t first = transitions[symbols + symbol] & ~acceptBit, loop = transitions[2 * symbols + symbol] & ~acceptBit;
    if (first != loop || (first != 0 && first != 2))
      return false;
  }
  return true;
}

/// State 0 is where no thread is left, state 1 the start.
Error Automaton::determine(llvm::ArrayRef<std::vector<bool>> symbolSets, WordPatternTables::Pattern &pattern,
                           StringRef text) {
  setsOfSymbol = symbolSets;
  size_t symbols = symbolSets.size();
  seenAt.assign(nodes.size(), 0);
  std::map<std::vector<unsigned>, uint16_t> numbers = {{{}, 0}, {{start}, 1}};
  std::vector<std::vector<unsigned>> states = {{}, {start}};
  pattern.transitions.assign(symbols, 0);
  for (size_t state = 1; state < states.size(); ++state)
    for (uint16_t symbol = 0; symbol < symbols; ++symbol) {
      std::vector<unsigned> threads;
      ++transition;
      matched = false;
      for (unsigned thread : std::vector<unsigned>(states[state]))
        follow(thread, symbol, threads);
      if (matched && state == 1)
        return unsupported("unsupported regular expression, which matches nothing: " + quote(text));
      auto [entry, inserted] = numbers.try_emplace(threads, static_cast<uint16_t>(states.size()));
      if (inserted)
        states.push_back(threads);
      if (states.size() > maxStates)
        return unsupported("unsupported regular expression with too many states: " + quote(text));
      pattern.transitions.push_back(static_cast<uint16_t>(entry->second | (matched ? acceptBit : 0)));
    }
  pattern.isRun = isRun(pattern.transitions, symbols);
  if (!pattern.isRun && ReadAhead(pattern.transitions, symbols).isUnbounded())
    return unsupported("unsupported regular expression, which may look at text again and again: " + quote(text));
  return Error::success();
}

/// Gives one symbol to all characters that the same sets hold. `setsOfSymbol`: by symbol, the sets; 0 is the end.
static Error chooseSymbols(llvm::ArrayRef<CodePointSet> sets, WordPatternTables &tables,
                           std::vector<std::vector<bool>> &setsOfSymbol) {
  std::vector<uint32_t> bounds = {0, CodePointSet::invalid};
  for (const CodePointSet &set : sets)
    for (auto [first, last] : set.ranges())
      bounds.insert(bounds.end(), {first, last + 1});
  llvm::sort(bounds);
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  std::map<std::vector<bool>, uint8_t> symbolOf;
  setsOfSymbol.assign(1, std::vector<bool>(sets.size()));
  std::vector<uint8_t> symbols(CodePointSet::invalid + rt::ClassBlockSize);
  for (size_t i = 0; i < bounds.size() && bounds[i] <= CodePointSet::invalid; ++i) {
    std::vector<bool> member;
    for (const CodePointSet &set : sets)
      member.push_back(set.contains(bounds[i]));
    auto [entry, inserted] = symbolOf.try_emplace(member, static_cast<uint8_t>(setsOfSymbol.size()));
    if (inserted)
      setsOfSymbol.push_back(member);
    if (setsOfSymbol.size() > maxSymbols)
      return unsupported("unsupported regular expressions with too many classes of characters");
    uint32_t end =
        i + 1 < bounds.size() ? std::min(bounds[i + 1], CodePointSet::invalid + 1) : CodePointSet::invalid + 1;
    std::fill(symbols.begin() + bounds[i], symbols.begin() + end, entry->second);
  }
  tables.symbols = static_cast<uint16_t>(setsOfSymbol.size());
  tables.invalidClass = symbols[CodePointSet::invalid];
  std::map<std::vector<uint8_t>, uint16_t> known;
  for (uint32_t index = 0; index < rt::ClassBlockCount; ++index) {
    auto begin = symbols.begin() + index * rt::ClassBlockSize;
    std::vector<uint8_t> block(begin, begin + rt::ClassBlockSize);
    auto [entry, inserted] = known.try_emplace(block, static_cast<uint16_t>(known.size()));
    if (inserted)
      tables.classes.insert(tables.classes.end(), block.begin(), block.end());
    tables.blocks.push_back(entry->second);
  }
  return Error::success();
}

llvm::Expected<WordPatternTables> nibble::buildWordPatterns(llvm::ArrayRef<WordPatternSource> sources) {
  WordPatternTables tables;
  std::vector<CodePointSet> sets;
  std::vector<Automaton> automata;
  for (const WordPatternSource &source : sources) {
    auto regex = parseRegex(source.regex);
    if (!regex)
      return regex.takeError();
    automata.emplace_back(sets);
    if (Error error = automata.back().build(*regex))
      return std::move(error);
  }
  std::vector<std::vector<bool>> setsOfSymbol;
  if (Error error = chooseSymbols(sets, tables, setsOfSymbol))
    return std::move(error);
  for (size_t i = 0; i < sources.size(); ++i) {
    auto &pattern = tables.patterns.emplace_back();
    pattern.keepsMatches = sources[i].keepsMatches;
    pattern.keepsOthers = sources[i].keepsOthers;
    if (Error error = automata[i].determine(setsOfSymbol, pattern, sources[i].regex))
      return std::move(error);
  }
  return tables;
}

flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<schema::WordPattern>>>
nibble::writeWordPatterns(const WordPatternTables &tables, flatbuffers::FlatBufferBuilder &builder) {
  std::vector<flatbuffers::Offset<schema::WordPattern>> rows;
  for (const WordPatternTables::Pattern &pattern : tables.patterns) {
    auto transitions = builder.CreateVector(pattern.transitions);
    rows.push_back(schema::CreateWordPattern(builder, tables.symbols, transitions, pattern.isRun, pattern.keepsMatches,
                                             pattern.keepsOthers));
  }
  return builder.CreateVector(rows);
}
