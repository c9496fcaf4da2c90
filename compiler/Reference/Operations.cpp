//===- Operations.cpp - the lm operations in double precision ------------===//

#include "compiler/Reference/Operations.h"
#include "compiler/Reference/QuantizedCache.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <thread>

using namespace nibble;
using namespace nibble::reference;

Rows reference::embed(llvm::ArrayRef<int32_t> tokens,
                      const ReferenceWeight &table, double scale, int64_t n) {
  Rows y(tokens.size(), table.columns());
  for (int64_t m = 0; m < n; ++m) {
    table.decodeRow(tokens[m], y.row(m));
    for (int64_t k = 0; k < y.width; ++k)
      y.row(m)[k] *= scale;
  }
  return y;
}

Rows reference::rmsNorm(const Rows &x, llvm::ArrayRef<double> weight,
                        double epsilon, int64_t n) {
  Rows y(x.count, x.width);
  int64_t width = weight.size();
  for (int64_t m = 0; m < n; ++m)
    for (int64_t first = 0; first < x.width; first += width) {
      const double *in = x.row(m) + first;
      double squares = 0;
      for (int64_t k = 0; k < width; ++k)
        squares += in[k] * in[k];
      double norm = 1 / std::sqrt(squares / double(width) + epsilon);
      for (int64_t k = 0; k < width; ++k)
        y.row(m)[first + k] = in[k] * norm * weight[k];
    }
  return y;
}

Rows reference::layerNorm(const Rows &x, llvm::ArrayRef<double> weight,
                          llvm::ArrayRef<double> bias, double epsilon,
                          int64_t n) {
  int64_t width = weight.size();
  Rows centred(x.count, x.width);
  for (int64_t m = 0; m < n; ++m)
    for (int64_t first = 0; first < x.width; first += width) {
      double sum = 0;
      for (int64_t k = 0; k < width; ++k)
        sum += x.row(m)[first + k];
      for (int64_t k = 0; k < width; ++k)
        centred.row(m)[first + k] = x.row(m)[first + k] - sum / double(width);
    }
  Rows y = rmsNorm(centred, weight, epsilon, n);
  for (int64_t m = 0; m < n && !bias.empty(); ++m)
    for (int64_t k = 0; k < x.width; ++k)
      y.row(m)[k] += bias[k % width];
  return y;
}

Rows reference::residual(const Rows &x, const Rows &branch, double scale,
                         int64_t n) {
  Rows y(x.count, x.width);
  for (int64_t element = 0; element < n * x.width; ++element)
    y.values[element] = x.values[element] + scale * branch.values[element];
  return y;
}

Rows reference::scaleAndCap(const Rows &x, double scale, double cap,
                            int64_t n) {
  Rows y(x.count, x.width);
  for (int64_t element = 0; element < n * x.width; ++element) {
    double value = scale * x.values[element];
    y.values[element] = cap == 0 ? value : cap * std::tanh(value / cap);
  }
  return y;
}

/// Rows that are multiplied with a row of the weight at the same time: their sums do not wait for each other.
constexpr int64_t kRowsAtOnce = 8;

/// The first n rows of x, column by column of each kRowsAtOnce of them; zeros behind the last.
static std::vector<double> interleaved(const Rows &x, int64_t n) {
  std::vector<double> out((n + kRowsAtOnce - 1) / kRowsAtOnce * kRowsAtOnce * x.width);
  for (int64_t m = 0; m < n; ++m)
    for (int64_t k = 0; k < x.width; ++k)
      out[(m / kRowsAtOnce * x.width + k) * kRowsAtOnce + m % kRowsAtOnce] = x.row(m)[k];
  return out;
}

/// Columns begin … end-1 of y; `blocks` are the rows of x, interleaved.
static void linearColumns(llvm::ArrayRef<double> blocks, const ReferenceWeight &weight, llvm::ArrayRef<double> bias,
                          int64_t n, Rows &y, int64_t begin, int64_t end) {
  std::vector<double> w(weight.columns());
  for (int64_t j = begin; j < end; ++j) {
    weight.decodeRow(j, w.data());
    const double *x = blocks.data();
    for (int64_t m = 0; m < n; m += kRowsAtOnce) {
      double sums[kRowsAtOnce] = {};
      for (double number : w)
        for (int64_t i = 0; i < kRowsAtOnce; ++i)
          sums[i] += *x++ * number;
      for (int64_t i = 0; i < std::min(kRowsAtOnce, n - m); ++i)
        y.row(m + i)[j] = sums[i] + (bias.empty() ? 0 : bias[j]);
    }
  }
}

Rows reference::linear(const Rows &x, const ReferenceWeight &weight,
                       llvm::ArrayRef<double> bias, int64_t n,
                       unsigned threads) {
  Rows y(x.count, weight.rows());
  threads = std::max(threads, 1u);
  std::vector<double> blocks = interleaved(x, n);
  std::vector<std::thread> team;
  for (unsigned tid = 0; tid < threads; ++tid)
    team.emplace_back([&, tid] {
      linearColumns(blocks, weight, bias, n, y, y.width * tid / threads,
                    y.width * (tid + 1) / threads);
    });
  for (std::thread &thread : team)
    thread.join();
  return y;
}

Rows reference::expertLinear(const Rows &x, const ReferenceWeight &weight,
                             llvm::ArrayRef<int32_t> chosen, int64_t columns,
                             int64_t n) {
  int64_t perRow = static_cast<int64_t>(chosen.size()) / x.count;
  Rows y(chosen.size(), columns);
  std::vector<double> w(weight.columns());
  for (int64_t i = 0; i < n * perRow; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      weight.decodeRow(chosen[i] * columns + j, w.data());
      for (int64_t k = 0; k < x.width; ++k)
        y.row(i)[j] += x.row(i / perRow)[k] * w[k];
    }
  return y;
}

TopK reference::topK(const Rows &x, int64_t k, bool normalize, int64_t n) {
  TopK result{std::vector<int32_t>(x.count * k), Rows(x.count, k)};
  for (int64_t m = 0; m < n; ++m) {
    const double *row = x.row(m);
    std::vector<int32_t> order(x.width);
    for (int64_t i = 0; i < x.width; ++i)
      order[i] = static_cast<int32_t>(i);
    std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return row[a] != row[b] ? row[a] > row[b] : a < b;
    });
    double sum = 0;
    for (int64_t i = 0; i < (normalize ? k : x.width); ++i)
      sum += std::exp(row[order[i]] - row[order[0]]);
    for (int64_t slot = 0; slot < k; ++slot) {
      result.chosen[m * k + slot] = order[slot];
      result.weights.row(m)[slot] =
          std::exp(row[order[slot]] - row[order[0]]) / sum;
    }
  }
  return result;
}

Rows reference::expertSum(const Rows &x, const Rows &branch,
                          const Rows &weights, bool sigmoid, int64_t n) {
  Rows y(x.count, x.width);
  for (int64_t m = 0; m < n; ++m)
    for (int64_t k = 0; k < x.width; ++k) {
      y.row(m)[k] = x.row(m)[k];
      for (int64_t slot = 0; slot < weights.width; ++slot) {
        double weight = weights.row(m)[slot];
        if (sigmoid)
          weight = 1 / (1 + std::exp(-weight));
        y.row(m)[k] += weight * branch.row(m * weights.width + slot)[k];
      }
    }
  return y;
}

/// The numbers in[0 … count) with the scale that gives their largest the code `top`; returns the squared error.
static double roundWithScale(const double *in, double *out, int64_t count,
                             double largest, int64_t top) {
  double scale = largest / top, error = 0;
  for (int64_t k = 0; k < count; ++k) {
    // nearbyint rounds halves to even in the default rounding mode.
    out[k] = largest == 0 ? 0 : scale * std::nearbyint(in[k] / scale);
    error += (in[k] - out[k]) * (in[k] - out[k]);
  }
  return error;
}

Rows reference::roundToInt8(const Rows &x, int64_t n, int64_t group) {
  Rows y(x.count, x.width);
  std::vector<double> candidate(group);
  for (int64_t m = 0; m < n; ++m)
    for (int64_t first = 0; first < x.width; first += group) {
      int64_t count = std::min(group, x.width - first);
      const double *in = x.row(m) + first;
      double largest = 0, least = 0;
      for (int64_t k = 0; k < count; ++k)
        largest = std::max(largest, std::abs(in[k]));
      for (int64_t top : {127, 125, 123, 121}) {
        double error = roundWithScale(in, candidate.data(), count, largest, top);
        if (top != 127 && (error >= least || group > 32))
          continue;
        least = error;
        std::copy_n(candidate.begin(), count, y.row(m) + first);
      }
    }
  return y;
}

Rows reference::roundToFloat(const Rows &x, int64_t n, FloatKind kind) {
  Rows y(x.count, x.width);
  for (int64_t index = 0; index < n * x.width; ++index)
    y.values[index] =
        toFloat(kind, bitsOfNearest(kind, float(x.values[index])));
  return y;
}

Rows reference::rope(const Rows &x, const ReferenceWeight &table,
                     int64_t headDim, lm::Pairing pairing, int64_t pos,
                     int64_t n) {
  int64_t pairs = table.columns() / 2;
  std::vector<double> fine(table.columns()), coarse(table.columns());
  Rows y = x;
  for (int64_t m = 0; m < n; ++m) {
    int64_t position = pos + m;
    table.decodeRow(position % lm::kRopeFineRows, fine.data());
    table.decodeRow(lm::kRopeFineRows + position / lm::kRopeFineRows,
                    coarse.data());
    for (int64_t head = 0; head < x.width; head += headDim)
      for (int64_t i = 0; i < pairs; ++i) {
        double cosine = coarse[2 * i] * fine[2 * i] -
                        coarse[2 * i + 1] * fine[2 * i + 1];
        double sine = coarse[2 * i + 1] * fine[2 * i] +
                      coarse[2 * i] * fine[2 * i + 1];
        bool halves = pairing == lm::Pairing::Halves;
        int64_t first = head + (halves ? i : 2 * i);
        int64_t second = first + (halves ? pairs : 1);
        double a = x.row(m)[first], b = x.row(m)[second];
        y.row(m)[first] = a * cosine - b * sine;
        y.row(m)[second] = a * sine + b * cosine;
      }
  }
  return y;
}

/// Index of the first value of a cached head at a position.
static int64_t cacheIndex(const State &cache, int64_t layer, int64_t head,
                          int64_t position) {
  return ((layer * cache.shape[1] + head) * cache.shape[2] +
          position % cache.shape[2]) *
         cache.shape[3];
}

void reference::appendToCache(const Rows &rows, State &cache, int64_t layer,
                              int64_t pos, int64_t n) {
  for (int64_t m = 0; m < n; ++m)
    for (int64_t head = 0; head < cache.shape[1]; ++head)
      cache.storeVector(cacheIndex(cache, layer, head, pos + m),
                        rows.row(m) + head * cache.shape[3]);
}

/// One query head over positions begin … end-1.
static void attendHead(const double *q, const State &keys, const State &values,
                       int64_t layer, int64_t head, int64_t begin, int64_t end,
                       const AttentionScores &how, double *out) {
  int64_t headDim = keys.shape[3];
  std::vector<double> scores(end - begin), query(q, q + headDim);
  if (keys.cached)
    query = cacheQuery(query, *keys.cached);
  for (int64_t p = begin; p < end; ++p) {
    const double *key = &keys.values[cacheIndex(keys, layer, head, p)];
    double &score = scores[p - begin];
    for (int64_t d = 0; d < headDim; ++d)
      score += query[d] * key[d];
    score *= how.scale;
    if (how.softcap != 0)
      score = how.softcap * std::tanh(score / how.softcap);
  }
  double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double &score : scores) {
    score = std::exp(score - largest);
    sum += score;
  }
  for (int64_t p = begin; p < end; ++p) {
    const double *value = &values.values[cacheIndex(values, layer, head, p)];
    for (int64_t d = 0; d < headDim; ++d)
      out[d] += scores[p - begin] / sum * value[d];
  }
  if (values.cached == lm::CacheFormat::Q4) {
    std::vector<double> turned = rotateByHadamard({out, out + headDim});
    std::copy(turned.begin(), turned.end(), out);
  }
}

Rows reference::attention(const Rows &q, const State &keys, const State &values,
                          const AttentionScores &how, int64_t layer,
                          int64_t pos, int64_t n) {
  Rows y(q.count, q.width);
  int64_t headDim = keys.shape[3], sharing = how.heads / keys.shape[1];
  for (int64_t m = 0; m < n; ++m) {
    int64_t end = how.bidirectional ? pos + n : pos + m + 1;
    int64_t begin = how.window ? std::max<int64_t>(0, end - how.window) : 0;
    for (int64_t head = 0; head < how.heads; ++head)
      attendHead(q.row(m) + head * headDim, keys, values, layer, head / sharing,
                 begin, end, how, y.row(m) + head * headDim);
  }
  return y;
}

Rows reference::shortConv(const Rows &bcx, llvm::ArrayRef<double> weight,
                          State &history, int64_t layer, int64_t pos,
                          int64_t n) {
  int64_t channels = bcx.width / 3, taps = weight.size() / channels;
  int64_t base = layer * history.shape[1] * channels;
  Rows y(bcx.count, channels);
  for (int64_t m = 0; m < n; ++m)
    for (int64_t d = 0; d < channels; ++d) {
      const double *row = bcx.row(m) + d;
      history.store(base + (pos + m) * channels + d,
                    row[0] * row[2 * channels]);
      double sum = 0;
      for (int64_t back = 0; back < std::min(taps, pos + m + 1); ++back)
        sum += weight[d * taps + taps - 1 - back] *
               history.values[base + (pos + m - back) * channels + d];
      y.row(m)[d] = row[channels] * sum;
    }
  return y;
}

static double activate(lm::Activation activation, double x) {
  switch (activation) {
  case lm::Activation::SiLU:
    return x / (1 + std::exp(-x));
  case lm::Activation::GELU:
    return 0.5 * x *
           (1 + std::tanh(std::sqrt(2 / std::numbers::pi) *
                          (x + 0.044715 * x * x * x)));
  case lm::Activation::ReLU2:
    return x > 0 ? x * x : 0;
  case lm::Activation::GELUErf:
    return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
  }
  return x;
}

Rows reference::activateRows(const Rows &x, lm::Activation activation,
                             int64_t n) {
  Rows y(x.count, x.width);
  for (int64_t index = 0; index < n * x.width; ++index)
    y.values[index] = activate(activation, x.values[index]);
  return y;
}

Rows reference::addPositions(const Rows &x, const ReferenceWeight &table,
                             const ReferenceWeight &types, int64_t pos,
                             int64_t n) {
  Rows y(x.count, x.width);
  std::vector<double> place(x.width), type(x.width);
  types.decodeRow(0, type.data());
  for (int64_t m = 0; m < n; ++m) {
    table.decodeRow(pos + m, place.data());
    for (int64_t k = 0; k < x.width; ++k)
      y.row(m)[k] = x.row(m)[k] + place[k] + type[k];
  }
  return y;
}

Rows reference::pool(const Rows &x, lm::Pooling pooling, bool normalize,
                     int64_t n) {
  Rows y(1, x.width);
  int64_t count = pooling == lm::Pooling::Mean ? n : 1;
  double squares = 0;
  for (int64_t k = 0; k < x.width; ++k) {
    for (int64_t m = 0; m < count; ++m)
      y.values[k] += x.row(m)[k] / static_cast<double>(count);
    squares += y.values[k] * y.values[k];
  }
  if (normalize)
    for (double &value : y.values)
      value /= std::max(std::sqrt(squares), 1e-12);
  return y;
}

Rows reference::gatedUnit(const Rows &gate, const Rows &up,
                          lm::Activation activation, int64_t n) {
  Rows y(gate.count, gate.width);
  for (int64_t m = 0; m < n; ++m)
    for (int64_t k = 0; k < gate.width; ++k)
      y.row(m)[k] = activate(activation, gate.row(m)[k]) * up.row(m)[k];
  return y;
}
