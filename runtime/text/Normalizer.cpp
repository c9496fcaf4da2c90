//===- Normalizer.cpp - text as the vocabulary was trained on it -----------===//
//
// See Normalizer.h. Text is unpacked to code points, which the steps carry from one
// half of the workspace to the other.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Normalizer.h"

#include "runtime/text/UTF8.h"

#include <cstring>

namespace nibble::rt {

using schema::CodeMap;
using schema::NormalizerOp;
using schema::NormalizerStep;

/// How an invalid byte is kept among code points.
static constexpr uint32_t ByteMark = 0x80000000;
static constexpr uint32_t CodeBlock = 256;
static constexpr uint32_t CodeEnd = 0x110000;

// Hangul syllables: L leads, V vowels, T trails with none among them (Unicode 15, section 3.12).
static constexpr uint32_t SBase = 0xAC00, LBase = 0x1100, VBase = 0x1161, TBase = 0x11A7;
static constexpr uint32_t LCount = 19, VCount = 21, TCount = 28, SCount = LCount * VCount * TCount;

namespace {

/// Code points in one half of the workspace.
struct Codes {
  uint32_t *data;
  size_t size;
};

class Run {
public:
  Run(std::span<std::byte> workspace)
      : capacity(workspace.size() / (2 * sizeof(uint32_t))), text{reinterpret_cast<uint32_t *>(workspace.data()), 0},
        other(text.data + capacity) {}

  bool unpack(std::string_view bytes);
  bool step(const NormalizerStep &step);
  std::string_view pack(std::span<std::byte> workspace);

private:
  bool map(const CodeMap &map);
  void order(const CodeMap &classes);
  void sortMarks(const CodeMap &classes, size_t begin, size_t end);
  void compose(const NormalizerStep &step);
  bool isolate(std::span<const uint32_t> ranges, bool keep);
  bool replace(std::span<const uint32_t> from, std::span<const uint32_t> to);
  bool prepend(std::span<const uint32_t> to);
  void strip(bool left, bool right);

  bool put(uint32_t code) {
    if (made == capacity)
      return false;
    other[made++] = code;
    return true;
  }
  /// What was put is the text now.
  void turn() {
    uint32_t *old = text.data;
    text = {other, made};
    other = old;
    made = 0;
  }

  size_t capacity;
  Codes text;
  uint32_t *other; // where a step's result goes
  size_t made = 0;
};

} // namespace

/// The index of `code` among the keys, or -1.
static int64_t findKey(const CodeMap &map, uint32_t code) {
  if (code >= CodeEnd)
    return -1;
  const uint16_t *blocks = map.block_first()->data();
  const uint32_t *keys = map.keys()->data();
  uint32_t low = blocks[code / CodeBlock], high = blocks[code / CodeBlock + 1];
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (keys[middle] < code)
      low = middle + 1;
    else
      high = middle;
  }
  return low < blocks[code / CodeBlock + 1] && keys[low] == code ? int64_t(low) : -1;
}

/// The combining class; 0 of a code point that starts a sequence.
static uint32_t classOf(const CodeMap &classes, uint32_t code) {
  int64_t key = findKey(classes, code);
  return key < 0 ? 0 : classes.codes()->Get(uint32_t(key));
}

static std::span<const uint32_t> spanOf(const flatbuffers::Vector<uint32_t> *codes) {
  return codes ? std::span<const uint32_t>(codes->data(), codes->size()) : std::span<const uint32_t>();
}

bool Run::unpack(std::string_view bytes) {
  for (size_t offset = 0; offset < bytes.size();) {
    Character c = decodeCharacter(bytes.data() + offset, bytes.size() - offset);
    if (!put(c.code == Character::Invalid ? ByteMark | uint8_t(bytes[offset]) : c.code))
      return false;
    offset += c.length;
  }
  turn();
  return true;
}

bool Run::map(const CodeMap &map) {
  const uint32_t *first = map.first()->data(), *codes = map.codes()->data();
  for (size_t i = 0; i < text.size; ++i) {
    uint32_t code = text.data[i];
    if (map.hangul() && code - SBase < SCount) {
      uint32_t s = code - SBase, trail = s % TCount;
      if (!put(LBase + s / (VCount * TCount)) || !put(VBase + s / TCount % VCount) || (trail && !put(TBase + trail)))
        return false;
      continue;
    }
    int64_t key = findKey(map, code);
    if (key < 0) {
      if (!put(code))
        return false;
      continue;
    }
    for (uint32_t j = first[key]; j < first[key + 1]; ++j)
      if (!put(codes[j]))
        return false;
  }
  turn();
  return true;
}

/// Sorts text[begin, end), all of them marks, by class; equal ones keep their order. Counting keeps long runs linear.
void Run::sortMarks(const CodeMap &classes, size_t begin, size_t end) {
  uint32_t starts[257] = {};
  for (size_t i = begin; i < end; ++i)
    ++starts[(classOf(classes, text.data[i]) & 255) + 1];
  for (unsigned i = 1; i < 257; ++i)
    starts[i] += starts[i - 1];
  for (size_t i = begin; i < end; ++i)
    other[starts[classOf(classes, text.data[i]) & 255]++] = text.data[i];
  std::memcpy(text.data + begin, other, (end - begin) * sizeof(uint32_t));
}

void Run::order(const CodeMap &classes) {
  for (size_t i = 0; i < text.size;) {
    uint32_t last = classOf(classes, text.data[i]);
    size_t begin = i++;
    if (last == 0)
      continue;
    bool sorted = true;
    for (; i < text.size; ++i) {
      uint32_t next = classOf(classes, text.data[i]);
      if (next == 0)
        break;
      sorted &= last <= next;
      last = next;
    }
    if (!sorted)
      sortMarks(classes, begin, i);
  }
}

/// What `first` and `second` compose to; 0 if they don't.
static uint32_t composition(const NormalizerStep &step, uint32_t first, uint32_t second) {
  if (first - LBase < LCount && second - VBase < VCount)
    return SBase + ((first - LBase) * VCount + (second - VBase)) * TCount;
  if (first - SBase < SCount && (first - SBase) % TCount == 0 && second - TBase - 1 < TCount - 1)
    return first + (second - TBase);
  const auto &pairs = *step.compositions();
  uint32_t low = 0, high = pairs.size();
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    const schema::Composition &pair = *pairs.Get(middle);
    if (pair.first() == first && pair.second() == second)
      return pair.composed();
    if (pair.first() < first || (pair.first() == first && pair.second() < second))
      low = middle + 1;
    else
      high = middle;
  }
  return 0;
}

/// In place: a mark joins the last starter unless another mark of its class or a higher one lies between.
void Run::compose(const NormalizerStep &step) {
  constexpr size_t NoStarter = ~size_t(0);
  size_t starter = NoStarter, size = 0;
  uint32_t lastClass = 0;
  for (size_t i = 0; i < text.size; ++i) {
    uint32_t code = text.data[i], codeClass = classOf(*step.map(), code);
    if (starter != NoStarter && (size == starter + 1 || lastClass < codeClass))
      if (uint32_t composed = composition(step, text.data[starter], code)) {
        text.data[starter] = composed;
        continue;
      }
    if (codeClass == 0)
      starter = size;
    lastClass = codeClass;
    text.data[size++] = code;
  }
  text.size = size;
}

/// Whether one of the ranges (first, last, …, ascending) holds `code`.
static bool contains(std::span<const uint32_t> ranges, uint32_t code) {
  size_t low = 0, high = ranges.size() / 2; // the first range that doesn't end before the code point
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (ranges[2 * middle + 1] < code)
      low = middle + 1;
    else
      high = middle;
  }
  return low < ranges.size() / 2 && ranges[2 * low] <= code;
}

/// Puts spaces around the code points of the ranges, or drops them.
bool Run::isolate(std::span<const uint32_t> ranges, bool keep) {
  for (size_t i = 0; i < text.size; ++i) {
    uint32_t code = text.data[i];
    bool found = contains(ranges, code);
    if (found && !keep)
      continue;
    if ((found && !put(' ')) || !put(code) || (found && !put(' ')))
      return false;
  }
  turn();
  return true;
}

bool Run::replace(std::span<const uint32_t> from, std::span<const uint32_t> to) {
  for (size_t i = 0; i < text.size;) {
    bool equal = from.size() <= text.size - i &&
                 std::memcmp(text.data + i, from.data(), from.size() * sizeof(uint32_t)) == 0;
    if (!equal) {
      if (!put(text.data[i++]))
        return false;
      continue;
    }
    for (uint32_t code : to)
      if (!put(code))
        return false;
    i += from.size();
  }
  turn();
  return true;
}

bool Run::prepend(std::span<const uint32_t> to) {
  if (text.size == 0)
    return true;
  if (to.size() + text.size > capacity)
    return false;
  for (uint32_t code : to)
    put(code);
  std::memcpy(other + made, text.data, text.size * sizeof(uint32_t));
  made += text.size;
  turn();
  return true;
}

void Run::strip(bool left, bool right) {
  while (right && text.size > 0 && isWhiteSpace(text.data[text.size - 1]))
    --text.size;
  size_t begin = 0;
  while (left && begin < text.size && isWhiteSpace(text.data[begin]))
    ++begin;
  text.size -= begin;
  std::memmove(text.data, text.data + begin, text.size * sizeof(uint32_t));
}

bool Run::step(const NormalizerStep &step) {
  switch (step.op()) {
  case NormalizerOp::Map:
    return map(*step.map());
  case NormalizerOp::Order:
    order(*step.map());
    return true;
  case NormalizerOp::Compose:
    compose(step);
    return true;
  case NormalizerOp::Remove:
  case NormalizerOp::Space:
    return isolate(spanOf(step.from()), step.op() == NormalizerOp::Space);
  case NormalizerOp::Replace:
    return replace(spanOf(step.from()), spanOf(step.to()));
  case NormalizerOp::Prepend:
    return prepend(spanOf(step.to()));
  case NormalizerOp::Strip:
    strip(step.left(), step.right());
    return true;
  }
  return false;
}

/// The text as UTF-8 at the end of the workspace, by way of the half where it isn't.
std::string_view Run::pack(std::span<std::byte> workspace) {
  char *bytes = reinterpret_cast<char *>(other);
  size_t size = 0;
  for (size_t i = 0; i < text.size; ++i) {
    uint32_t code = text.data[i];
    if (code & ByteMark)
      bytes[size++] = char(code);
    else
      size += encodeCharacter(code, bytes + size);
  }
  char *end = reinterpret_cast<char *>(workspace.data()) + workspace.size();
  std::memmove(end - size, bytes, size);
  return {end - size, size};
}

bool Normalizer::touches(std::string_view text) const {
  if (!table)
    return false;
  if (!table->touched())
    return true;
  std::span<const uint32_t> ranges = spanOf(table->touched());
  for (size_t offset = 0; offset < text.size();) {
    if (uint8_t(text[offset]) < 0x80 && (ranges.empty() || uint8_t(text[offset]) < ranges[0])) {
      ++offset;
      continue;
    }
    Character c = decodeCharacter(text.data() + offset, text.size() - offset);
    if (contains(ranges, c.code))
      return true;
    offset += c.length;
  }
  return false;
}

TextError Normalizer::run(std::string_view text, std::span<std::byte> workspace, std::string_view &result) const {
  Run run(workspace);
  if (!run.unpack(text))
    return TextError::WorkspaceTooSmall;
  for (uint32_t i = 0; i < table->steps()->size(); ++i)
    if (!run.step(*table->steps()->Get(i)))
      return TextError::WorkspaceTooSmall;
  result = run.pack(workspace);
  return TextError::None;
}

} // namespace nibble::rt
