//===- AttentionCache.h - caches for the tests of attention ----*- C++ -*-===//
//
// The shapes that the kernels of lm.kv_append and lm.attention are tested with, and
// caches of bytes that the tests read and write by the layout that
// dialects/LM/CacheLayout.h draws, number by number.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialects/LM/LM.h"
#include "test/Kernels/RowKernelOracle.h"
#include "test/Kernels/RowKernelSession.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <optional>
#include <string>

namespace nibble::test {

inline constexpr int64_t kLayers = 2, kLayer = 1, kBlock = 16;

/// Type of the numbers of a cache.
struct Element {
  std::string name; ///< f32, f16, q8, q4, q4_plain

  bool isQuantized() const { return name[0] == 'q'; }
  int64_t bits() const { return name == "f32" ? 32 : name == "f16" ? 16 : name == "q8" ? 8 : 4; }
  std::string type() const { return isQuantized() ? "!lm.cached<" + name + ">" : name; }
  std::optional<lm::CacheFormat> format() const { return lm::symbolizeCacheFormat(name); }
};

struct Shape {
  int64_t heads, kvHeads, headDim;
  Element keys, values;
  int64_t window = 0;
  double softcap = 0;
  int64_t positions = 512; ///< of the cache

  std::string name() const {
    return llvm::formatv("{0} heads, {1} cached, of {2}, {3} and {4}, window {5}, cap {6}, {7} positions", heads,
                         kvHeads, headDim, keys.name, values.name, window, softcap, positions);
  }
  /// What lm.attention has beside heads and scale.
  std::string attributes() const {
    return (window ? llvm::formatv(", window = {0} : i64", window).str() : "") +
           (softcap != 0 ? llvm::formatv(", softcap = {0:e} : f64", softcap).str() : "");
  }
  std::string cacheType(const Element &element) const {
    return llvm::formatv("memref<{0}x{1}x{2}x{3}x{4}>", kLayers, kvHeads, positions, headDim, element.type());
  }
};

/// The keys or the values of a shape. `fill` is what each byte holds at first.
struct Cache {
  const Shape shape;
  const Element element;
  const bool isKey;
  Buffer data;

  Cache(const Shape &shape, bool isKey, uint8_t fill)
      : shape(shape), element(isKey ? shape.keys : shape.values), isKey(isKey),
        data(std::make_shared<Bytes>(kLayers * shape.kvHeads * headBytes(), fill)) {}
  Cache copy() const {
    Cache other = *this;
    other.data = std::make_shared<Bytes>(*data);
    return other;
  }

  int64_t group() const { return element.bits() == 4 ? 16 : 32; }
  int64_t groups() const { return (shape.headDim + group() - 1) / group(); }
  bool hasMinima() const { return element.isQuantized() && element.bits() == 4; }
  /// Of scales and minima.
  int64_t scaleBytes() const { return element.isQuantized() ? groups() * kBlock * 2 * (hasMinima() ? 2 : 1) : 0; }
  int64_t blockBytes() const { return scaleBytes() + shape.headDim * kBlock * element.bits() / 8; }
  int64_t headBytes() const { return shape.positions / kBlock * blockBytes(); }
  std::string memoryType() const { return llvm::formatv("memref<{0}xi8>", data->size()); }
  std::string type() const { return shape.cacheType(element); }

  uint8_t *block(int64_t head, int64_t position) const {
    int64_t place = position % shape.positions;
    return data->data() + (kLayer * shape.kvHeads + head) * headBytes() + place / kBlock * blockBytes();
  }
  _Float16 &scale(int64_t head, int64_t position, int64_t d) const {
    auto scales = reinterpret_cast<_Float16 *>(block(head, position));
    return scales[d / group() * kBlock + position % kBlock];
  }
  _Float16 &minimum(int64_t head, int64_t position, int64_t d) const {
    return (&scale(head, position, d))[groups() * kBlock];
  }
  /// The byte that holds a code, and by how many bits it is shifted there.
  std::pair<uint8_t *, int> code(int64_t head, int64_t position, int64_t d) const {
    uint8_t *codes = block(head, position) + scaleBytes();
    int64_t lane = position % kBlock, first = d / group() * group(), size = std::min(group(), shape.headDim - first);
    int64_t inside = d - first;
    bool isByte = element.bits() == 8, isHigh = !isByte && inside >= size / 2;
    int64_t packed = isHigh ? inside - size / 2 : inside;
    int64_t groupBytes = first * element.bits() / 8;
    int64_t at = isKey ? groupBytes * kBlock + packed / 4 * 4 * kBlock + lane * 4 + packed % 4
                       : lane * shape.headDim * element.bits() / 8 + groupBytes + packed;
    return {codes + at, isHigh ? 4 : 0};
  }
  template <typename T> T &number(int64_t head, int64_t position, int64_t d) const {
    int64_t lane = position % kBlock;
    return reinterpret_cast<T *>(block(head, position))[isKey ? d * kBlock + lane : lane * shape.headDim + d];
  }

  double get(int64_t head, int64_t position, int64_t d) const {
    if (element.name == "f32")
      return number<float>(head, position, d);
    if (element.name == "f16")
      return double(number<_Float16>(head, position, d));
    auto [byte, shift] = code(head, position, d);
    if (hasMinima())
      return double(minimum(head, position, d)) + double(scale(head, position, d)) * (*byte >> shift & 15);
    return double(scale(head, position, d)) * int8_t(*byte);
  }
  Doubles vector(int64_t head, int64_t position) const {
    Doubles values;
    for (int64_t d = 0; d < shape.headDim; ++d)
      values.push_back(get(head, position, d));
    return values;
  }
  void setNumber(int64_t head, int64_t position, int64_t d, float value) const {
    if (element.name == "f32")
      number<float>(head, position, d) = value;
    else
      number<_Float16>(head, position, d) = value;
  }
  void setCode(int64_t head, int64_t position, int64_t d, int value) const {
    auto [byte, shift] = code(head, position, d);
    *byte = element.bits() == 8 ? uint8_t(value) : uint8_t((*byte & ~(15 << shift)) | value << shift);
  }
  /// Random numbers of about -2 … 2 in the positions begin … end-1.
  void randomize(int64_t begin, int64_t end, std::mt19937 &engine) const {
    std::uniform_real_distribution<float> numbers(-2, 2), scales(0.5, 1.5);
    int highest = element.bits() == 8 ? 127 : 15, lowest = element.bits() == 8 ? -127 : 0;
    std::uniform_int_distribution<int> codes(lowest, highest);
    for (int64_t head = 0; head < shape.kvHeads; ++head)
      for (int64_t p = begin; p < end; ++p)
        for (int64_t d = 0; d < shape.headDim; ++d)
          if (!element.isQuantized()) {
            setNumber(head, p, d, numbers(engine));
          } else {
            setCode(head, p, d, codes(engine));
            if (d % group())
              continue;
            scale(head, p, d) = _Float16((hasMinima() ? 4 : 2) * scales(engine) / highest);
            if (hasMinima())
              minimum(head, p, d) = _Float16(numbers(engine) - 2);
          }
  }
};

/// %keys and %values: views of the bytes in the buffers number `first` and first + 1.
inline std::string viewsOf(const Cache &keys, const Cache &values, int first) {
  return llvm::formatv("%keys = memref.view %b{0}[%zero][] : {1} to {2}\n  "
                       "%values = memref.view %b{3}[%zero][] : {4} to {5}\n  ",
                       first, keys.memoryType(), keys.type(), first + 1, values.memoryType(), values.type());
}

} // namespace nibble::test
