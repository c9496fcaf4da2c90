//===- Encoder.cpp - numbers into low-bit codes --------------------------===//
//
// What: a row is encoded span by span, a span being the numbers that share a
// float scale. One level: the best scale (and minimum) of the group, rounded to
// its float type, then the nearest codes. Two levels:
//
//   1. every group finds its own best scale (and minimum);
//   2. the span's float maps the largest of them to the largest integer, and all
//      others are rounded to integers;
//   3. with the codes that follow from this, the span's floats are the solution
//      of least squares, and with these each group tries the neighbours of its
//      integers. Step 3 is done twice.
//
// With a compensation, columns that it counts more weigh more in these fits, and
// when a row has its scales, all its codes are chosen again, each by what the
// columns before it err by.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Encoder.h"

#include "dialects/LowBit/BlockFit.h"
#include "dialects/LowBit/Compensation.h"
#include "dialects/LowBit/LearnedBook.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Parallel.h"

#include <algorithm>
#include <cmath>

#pragma STDC FP_CONTRACT OFF

using namespace nibble;
using namespace nibble::lowbit;

//===----------------------------------------------------------------------===//
// Floats of a scale's type
//===----------------------------------------------------------------------===//

/// Kinds of so few numbers that the nearest one need not be the best.
static bool isCoarse(FloatKind kind) { return byteWidth(kind) == 1; }

/// Columns that share a float scale.
static int64_t spanOf(BlockType type, int64_t columns) {
  return type.hasWholeRows() ? columns : type.getScaleSpan();
}

//===----------------------------------------------------------------------===//
// One span
//===----------------------------------------------------------------------===//

namespace {
/// A group of a span with two levels.
struct Group {
  Sample sample;
  Fit fit;              ///< Of its own, before integers.
  int sub = 0, min = 0; ///< Its integers.
};

using ScaleBits = decltype(Planes::scale)::value_type;

/// Where the parts of one row go.
struct RowParts {
  uint8_t *codes;
  int16_t *subScale, *subMin;
  ScaleBits *scale, *min;
};

/// Encodes the spans of rows; one for each thread.
class RowEncoder {
public:
  RowEncoder(BlockType type, const Levels &levels, int64_t columns,
             const SharedParts &shared, const Compensation *compensation)
      : type(type), levels(levels), columns(columns), shared(shared),
        compensation(compensation), span(spanOf(type, columns)), group(type.getGroupIn(columns)),
        stride((group + 7) / 8 * 8),
        isNegative(type.isTwoLevel() ? type.getScale().sub.isSigned
                                     : !isCoarse(type.getScale().floatKind)) {}

  void encode(const float *x, RowParts out);

private:
  void load(const float *x, int64_t first);
  uint32_t bestNeighbour(uint32_t bits, float minimum);
  Fit fitOneLevel(uint32_t &bits);
  void encodeOneLevel(RowParts &out);
  void encodeTwoLevels(RowParts &out);
  void chooseIntegers(float scale, float min);
  void refineFloats(float &scale, float &min);
  void addSums(const Group &part, float scale, float min, double sums[5]);
  void refineGroup(Group &part, float scale, float min);
  Fit fitOf(const Group &part, float scale, float min) const;
  /// The bits of a number of the span, and the number that they hold.
  uint32_t bitsOf(float scale) const {
    return finiteBits(type.getScale().floatKind, scale * unit);
  }
  float rounded(float scale) const {
    return toFloat(type.getScale().floatKind, bitsOf(scale)) / unit;
  }
  void storeCodes(const Sample &sample, Fit fit, uint8_t *codes);
  void compensate(const float *x, uint8_t *codes);

  BlockType type;
  const Levels &levels;
  int64_t columns;
  const SharedParts &shared;
  const Compensation *compensation; ///< Or null.
  int64_t span, group, stride;
  bool isNegative;
  float unit = 1; ///< A power of two that was taken out of the span's numbers.
  std::vector<float> values, weights; ///< Of a span, each group padded.
  std::vector<Group> groups;
  std::vector<Fit> fits;     ///< Of the row's groups, in the values' own magnitude.
  std::vector<float> errors; ///< With compensation: of the columns in its order.
  Scratch scratch;
};
} // namespace

void RowEncoder::load(const float *x, int64_t first) {
  float largest = 0, sum = 0;
  for (int64_t i = 0; i < span; ++i)
    largest = std::max(largest, std::abs(x[i]));
  unit = largest > 0 ? std::ldexp(1.0f, std::ilogb(largest)) : 1.0f;
  for (int64_t i = 0; i < span; ++i)
    sum += (x[i] / unit) * (x[i] / unit);
  float meanSquare = sum / float(span);
  groups.assign(span / group, Group());
  values.assign(groups.size() * stride, 0.0f);
  weights.assign(groups.size() * stride, 0.0f);
  for (size_t g = 0; g < groups.size(); ++g) {
    float *value = &values[g * stride], *weight = &weights[g * stride];
    for (int64_t i = 0; i < group; ++i) {
      value[i] = x[g * group + i] / unit;
      weight[i] = importance(value[i], meanSquare);
      if (compensation)
        weight[i] *= compensation->count(first + int64_t(g) * group + i);
    }
    groups[g].sample = {value, weight, size_t(stride)};
  }
}

/// The row's codes again, for the scales that it has.
void RowEncoder::compensate(const float *x, uint8_t *codes) {
  errors.resize(columns);
  for (int64_t place = 0; place < columns; ++place) {
    int64_t column = compensation->columnAt(place);
    Fit fit = fits[column / group];
    float aim[8] = {}, level[8]; // as many as nearest() takes
    aim[0] = x[column] + compensation->owed(place, errors.data());
    levels.nearest(aim, fit.minimum, inverseOf(fit.scale), 8, level);
    codes[column] = levels.codeOf(level[0]);
    errors[place] = x[column] - (level[0] * fit.scale + fit.minimum);
  }
}

void RowEncoder::storeCodes(const Sample &sample, Fit fit, uint8_t *codes) {
  fits.push_back({fit.scale * unit, fit.minimum * unit});
  scratch.resize(sample.count);
  levels.nearest(sample.x, fit.minimum, inverseOf(fit.scale),
                 sample.count, scratch.data());
  for (int64_t i = 0; i < group; ++i)
    codes[i] = levels.codeOf(scratch[i]);
}

/// Of a scale's code and those beside it, the one with the least error.
uint32_t RowEncoder::bestNeighbour(uint32_t bits, float minimum) {
  FloatKind kind = type.getScale().floatKind;
  uint32_t last = kind == FloatKind::E8M0 ? 0xfe : 0x7e, best = bits;
  double least = INFINITY;
  for (uint32_t code = bits ? bits - 1 : 0; code <= std::min(bits + 1, last);
       ++code) {
    float scale = toFloat(kind, code) / unit;
    double error =
        errorOf(groups.front().sample, levels, {scale, minimum}, scratch);
    if (error < least)
      least = error, best = code;
  }
  return best;
}

/// The group's scale and minimum, and the bits of the scale.
Fit RowEncoder::fitOneLevel(uint32_t &bits) {
  const Sample &sample = groups.front().sample;
  FloatKind kind = type.getScale().floatKind;
  Fit fit;
  if (type.hasMin())
    fit = fitScaleAndMinimum(sample, levels, /*below=*/false, scratch);
  else
    fit.scale = fitScale(sample, levels, isNegative, scratch);
  bits = bitsOf(fit.scale);
  if (isCoarse(kind))
    bits = bestNeighbour(bits, fit.minimum);
  return fit;
}

void RowEncoder::encodeOneLevel(RowParts &out) {
  FloatKind kind = type.getScale().floatKind;
  uint32_t bits = shared.scale.value_or(0), minBits = shared.min.value_or(0);
  if (!shared.scale) {
    Fit fit = fitOneLevel(bits);
    minBits = bitsOf(fit.minimum);
  }
  Fit fit = {toFloat(kind, bits) / unit, 0};
  *out.scale++ = ScaleBits(bits);
  if (type.hasMin()) {
    *out.min++ = ScaleBits(minBits);
    fit.minimum = toFloat(kind, minBits) / unit;
  }
  storeCodes(groups.front().sample, fit, out.codes);
}

//===----------------------------------------------------------------------===//
// Two levels
//===----------------------------------------------------------------------===//

/// What a group's integers make of the span's floats, as the type defines it.
Fit RowEncoder::fitOf(const Group &part, float scale, float min) const {
  return {scale * float(part.sub), type.hasMin() ? -(min * float(part.min)) : 0};
}

static int nearestInteger(float value, IntegerKind kind) {
  return int(std::clamp<float>(std::nearbyint(value), float(kind.min()),
                               float(kind.max())));
}

void RowEncoder::chooseIntegers(float scale, float min) {
  for (Group &part : groups) {
    part.sub = scale == 0 ? 0
                          : nearestInteger(part.fit.scale / scale,
                                           type.getScale().sub);
    if (type.hasMin())
      part.min = min == 0 ? 0
                          : nearestInteger(-part.fit.minimum / min,
                                           type.getZero().min.sub);
  }
}

/// Adds what the group contributes to the equations of the span's floats: with
/// a = sub·v and b = -min, sums += (aa, ab, bb, ax, bx).
void RowEncoder::addSums(const Group &part, float scale, float min,
                         double sums[5]) {
  const Sample &sample = part.sample;
  Fit fit = fitOf(part, scale, min);
  scratch.resize(sample.count);
  levels.nearest(sample.x, fit.minimum, inverseOf(fit.scale),
                 sample.count, scratch.data());
  for (size_t i = 0; i < sample.count; ++i) {
    double w = sample.w[i], a = part.sub * double(scratch[i]), b = -part.min;
    sums[0] += w * a * a;
    sums[1] += w * a * b;
    sums[2] += w * b * b;
    sums[3] += w * a * sample.x[i];
    sums[4] += w * b * sample.x[i];
  }
}

/// The floats of the span by least squares, for the present integers and codes.
void RowEncoder::refineFloats(float &scale, float &min) {
  double sums[5] = {};
  for (const Group &part : groups)
    addSums(part, scale, min, sums);
  auto [aa, ab, bb, ax, bx] = sums;
  double determinant = aa * bb - ab * ab;
  if (type.hasMin() && determinant > 1e-12 * aa * bb) {
    scale = float((ax * bb - bx * ab) / determinant);
    min = float((bx * aa - ax * ab) / determinant);
  } else if (aa > 0) {
    scale = float((ax - ab * min) / aa);
  }
}

/// The best of a group's integers and their neighbours.
void RowEncoder::refineGroup(Group &part, float scale, float min) {
  IntegerKind sub = type.getScale().sub, below = type.getZero().min.sub;
  Group best = part, tried = part;
  double least = errorOf(part.sample, levels, fitOf(part, scale, min), scratch);
  int reach = type.hasMin() ? 1 : 0;
  for (int s = -1; s <= 1; ++s)
    for (int m = -reach; m <= reach; ++m) {
      tried.sub = part.sub + s, tried.min = part.min + m;
      if ((s == 0 && m == 0) || !sub.contains(tried.sub) ||
          (reach && !below.contains(tried.min)))
        continue;
      double error =
          errorOf(part.sample, levels, fitOf(tried, scale, min), scratch);
      if (error < least)
        least = error, best = tried;
    }
  part = best;
}

void RowEncoder::encodeTwoLevels(RowParts &out) {
  IntegerKind sub = type.getScale().sub, below = type.getZero().min.sub;
  float largest = 0, lowest = 0;
  for (Group &part : groups) {
    if (type.hasMin())
      part.fit = fitScaleAndMinimum(part.sample, levels, /*below=*/true, scratch);
    else
      part.fit.scale = fitScale(part.sample, levels, isNegative, scratch);
    if (std::abs(part.fit.scale) > std::abs(largest))
      largest = part.fit.scale;
    lowest = std::min(lowest, part.fit.minimum);
  }
  // Signed integers reach one further below zero.
  float scale = largest / float(sub.isSigned ? sub.min() : sub.max());
  float min = type.hasMin() ? -lowest / float(below.max()) : 0;
  chooseIntegers(scale, min);
  for (int round = 0; round < 2; ++round) {
    refineFloats(scale, min);
    scale = rounded(scale);
    min = rounded(min);
    for (Group &part : groups)
      refineGroup(part, scale, min);
  }
  *out.scale++ = ScaleBits(bitsOf(scale));
  if (type.hasMin())
    *out.min++ = ScaleBits(bitsOf(min));
  for (size_t g = 0; g < groups.size(); ++g) {
    *out.subScale++ = int16_t(groups[g].sub);
    if (type.hasMin())
      *out.subMin++ = int16_t(groups[g].min);
    storeCodes(groups[g].sample, fitOf(groups[g], scale, min),
               out.codes + g * group);
  }
}

void RowEncoder::encode(const float *x, RowParts out) {
  fits.clear();
  uint8_t *codes = out.codes;
  for (int64_t first = 0; first < columns; first += span) {
    load(x + first, first);
    if (type.isTwoLevel())
      encodeTwoLevels(out);
    else
      encodeOneLevel(out);
    out.codes += span;
  }
  if (compensation)
    compensate(x, codes);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

const char *lowbit::whyNotEncodable(BlockType type, int64_t columns) {
  if (type.getCode().grid)
    return "vectors of a grid have no encoder";
  if (type.getGroup() == kTensorGroup && type.getCode().stored == CodeKind::Row)
    return "a row's own codebook needs a scale of the row's own";
  if (columns % spanOf(type, columns) != 0)
    return "its rows are no multiple of the columns that share a scale";
  return nullptr;
}

static llvm::Error checkFinite(const float *values, int64_t rows,
                               int64_t columns) {
  for (int64_t index = 0; index < rows * columns; ++index)
    if (!std::isfinite(values[index]))
      return llvm::createStringError(
          llvm::formatv("cannot round {0} at row {1}, column {2} to low bits",
                        values[index], index / columns, index % columns));
  return llvm::Error::success();
}

/// What the rows share, if they are all that the tensor has.
static SharedParts findShared(BlockType type, const float *values, int64_t rows,
                              int64_t columns) {
  if (!SharedSearch::isNeeded(type))
    return {};
  SharedSearch search(type, rows, columns);
  for (int64_t row = 0; row < rows; ++row)
    if (search.wants(row))
      search.add(values + row * columns);
  return search.find();
}

/// The levels of one row: those of the type, or of a codebook.
static Levels levelsOfRow(BlockType type, const uint8_t *book) {
  return book ? Levels(numbersOfBook(type.getCode(), book)) : Levels::of(type);
}

llvm::Error lowbit::encodeRows(BlockType type, const float *values,
                               int64_t rows, int64_t columns, Planes &planes,
                               const SharedParts *given,
                               const Compensation *compensation) {
  if (const char *reason = whyNotEncodable(type, columns))
    return llvm::createStringError(reason);
  if (llvm::Error error = checkFinite(values, rows, columns))
    return error;
  SharedParts shared =
      given ? *given : findShared(type, values, rows, columns);
  int64_t scales = columns / spanOf(type, columns);
  int64_t subs = type.isTwoLevel() ? columns / type.getGroup() : 0;
  int64_t mins = type.hasMin() ? 1 : 0;
  bool learns = type.getCode().stored == CodeKind::Row;
  size_t bookBytes = learns ? bytesOfBook(type.getCode()) : 0;
  planes.codes.resize(rows * columns);
  planes.scale.resize(rows * scales);
  planes.min.resize(rows * scales * mins);
  planes.subScale.resize(rows * subs);
  planes.subMin.resize(rows * subs * mins);
  planes.books = shared.book;
  planes.books.resize(learns ? rows * bookBytes : shared.book.size());
  const uint8_t *common = shared.book.empty() ? nullptr : shared.book.data();
  const std::optional<Levels> levels =
      learns ? std::nullopt : std::optional(levelsOfRow(type, common));
  auto encodeRow = [&](int64_t row) {
    const float *from = values + row * columns;
    std::optional<Levels> own;
    if (learns) {
      PaddedGroups groups(from, columns, type.getGroupIn(columns));
      std::vector<uint8_t> book = learnBook(type, groups.samples());
      own = levelsOfRow(type, book.data());
      std::copy(book.begin(), book.end(), &planes.books[row * bookBytes]);
    }
    RowEncoder(type, learns ? *own : *levels, columns, shared, compensation)
        .encode(from, {planes.codes.data() + row * columns,
                       planes.subScale.data() + row * subs,
                       planes.subMin.data() + row * subs * mins,
                       planes.scale.data() + row * scales,
                       planes.min.data() + row * scales * mins});
  };
  llvm::parallelFor(0, rows, [&](size_t row) { encodeRow(int64_t(row)); });
  return llvm::Error::success();
}

llvm::Error lowbit::roundRows(mlir::Type element, int64_t rows, int64_t columns,
                              float *values) {
  if (auto block = mlir::dyn_cast<BlockType>(element)) {
    Planes planes;
    if (llvm::Error error = encodeRows(block, values, rows, columns, planes))
      return error;
    decodePlanes(block, planes, rows, columns, values);
    return llvm::Error::success();
  }
  FloatKind kind = element.isF16()    ? FloatKind::F16
                   : element.isBF16() ? FloatKind::BF16
                                      : FloatKind::F32;
  for (int64_t index = 0; index < rows * columns; ++index)
    values[index] = toFloat(kind, bitsOfNearest(kind, values[index]));
  return llvm::Error::success();
}

void lowbit::decodePlanes(BlockType type, const Planes &planes, int64_t rows,
                          int64_t columns, float *out) {
  CodeKind code = type.getCode();
  bool isStored = code.stored != CodeKind::None;
  std::vector<float> number;
  if (!isStored)
    number = valuesOfCodes(type);
  FloatKind kind = type.getScale().floatKind;
  int64_t group = type.getGroupIn(columns), span = spanOf(type, columns);
  for (int64_t first = 0; first < rows * columns; first += group) {
    if (isStored && first % columns == 0)
      number = numbersOfBook(code, planes.books.data() +
                                       (code.stored == CodeKind::Row ? first / columns * bytesOfBook(code) : 0));
    int64_t s = first / span, g = first / group;
    float scale = toFloat(kind, planes.scale[s]);
    float min = type.hasMin() ? toFloat(kind, planes.min[s]) : 0.0f;
    if (type.isTwoLevel()) {
      scale = float(planes.subScale[g]) * scale;
      if (type.hasMin())
        min = float(planes.subMin[g]) * min;
    }
    for (int64_t i = first; i < first + group; ++i) {
      float value = number[planes.codes[i]] * scale;
      if (type.hasMin())
        value = type.isTwoLevel() ? value - min : value + min;
      out[i] = value;
    }
  }
}
