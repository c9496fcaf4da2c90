//===- SourceChanges.cpp - Values that a source has and its file has not --===//
//
// Sums are in f64 and rounded to f32 once, so the result does not depend on the
// order in which an implementation adds.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/SourceChanges.h"

#include "compiler/Import/BoundedReader.h"
#include "dialects/LowBit/Formats.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace nibble;

/// All of a source as f32, `count` values.
static llvm::Expected<std::vector<float>> readAll(lm::SourceAttr source,
                                                  int64_t count) {
  const lowbit::Format *format = lowbit::findFormat(source.getFormat());
  bool fits = format && count % format->blockElements == 0 &&
              source.getSize() == static_cast<uint64_t>(count) /
                                      format->blockElements * format->blockBytes;
  if (!fits)
    return llvm::createStringError(
        llvm::formatv("{0}: {1} bytes of {2} are not {3} values",
                      source.getFile(), source.getSize(), source.getFormat(),
                      count));
  auto file = InputFile::open(source.getFile());
  if (!file)
    return file.takeError();
  std::vector<uint8_t> bytes(source.getSize());
  if (llvm::Error error = (*file)->readAt(source.getOffset(), bytes))
    return std::move(error);
  std::vector<float> values(count);
  lowbit::decodeBlocks(*format, bytes, count / format->blockElements,
                       values.data());
  return values;
}

llvm::Expected<SourceChanges::Adapter>
SourceChanges::read(lm::LoraAttr lora, int64_t rows, int64_t columns) {
  Adapter adapter;
  adapter.rank = static_cast<int64_t>(lora.getRank());
  adapter.heads = static_cast<int64_t>(lora.getHeads());
  adapter.scale = lora.getScale().getValueAsDouble();
  if (adapter.heads && rows % (2 * adapter.heads) != 0)
    return llvm::createStringError(llvm::formatv(
        "{0} rows are not {1} heads of pairs", rows, adapter.heads));
  auto a = readAll(lora.getA(), adapter.rank * columns);
  if (!a)
    return a.takeError();
  auto b = readAll(lora.getB(), rows * adapter.rank);
  if (!b)
    return b.takeError();
  adapter.a = std::move(*a);
  adapter.b = std::move(*b);
  if (lm::SourceAttr source = lora.getMagnitude()) {
    auto magnitude = readAll(source, rows);
    if (!magnitude)
      return magnitude.takeError();
    adapter.magnitude = std::move(*magnitude);
  }
  return adapter;
}

llvm::Expected<SourceChanges>
SourceChanges::open(lm::SourceAttr source, int64_t rows, int64_t columns) {
  SourceChanges changes;
  changes.rows = rows;
  changes.columns = columns;
  if (source.getPlus())
    changes.plus = static_cast<float>(source.getPlus().getValueAsDouble());
  if (!source.getAdapters())
    return changes;
  for (auto lora : source.getAdapters().getAsRange<lm::LoraAttr>()) {
    auto adapter = read(lora, rows, columns);
    if (!adapter)
      return adapter.takeError();
    changes.adapters.push_back(std::move(*adapter));
  }
  return changes;
}

void SourceChanges::merge(const Adapter &adapter, int64_t row, float *values,
                          std::vector<double> &sum) const {
  int64_t from = row;
  if (adapter.heads) { // (head, pair, half) to (head, half, pair)
    int64_t dims = rows / adapter.heads, inHead = row % dims;
    from = row - inHead + inHead % 2 * (dims / 2) + inHead / 2;
  }
  sum.assign(columns, 0);
  for (int64_t r = 0; r < adapter.rank; ++r) {
    double factor = adapter.b[from * adapter.rank + r];
    const float *a = &adapter.a[r * columns];
    for (int64_t column = 0; column < columns; ++column)
      sum[column] += factor * a[column];
  }
  double squares = 0;
  for (int64_t column = 0; column < columns; ++column) {
    sum[column] = values[column] + adapter.scale * sum[column];
    squares += sum[column] * sum[column];
  }
  double factor = 1;
  if (!adapter.magnitude.empty() && squares > 0)
    factor = adapter.magnitude[from] / std::sqrt(squares);
  for (int64_t column = 0; column < columns; ++column)
    values[column] = static_cast<float>(factor * sum[column]);
}

void SourceChanges::apply(int64_t first, int64_t count, float *values) const {
  std::vector<double> sum;
  for (int64_t row = first; row < first + count; ++row, values += columns) {
    if (plus != 0)
      for (int64_t column = 0; column < columns; ++column)
        values[column] += plus;
    for (const Adapter &adapter : adapters)
      merge(adapter, row, values, sum);
  }
}
