//===- Requantizer.cpp - a source whose values are rounded while it is packed //
#include "compiler/Link/Requantizer.h"

#include "dialects/LowBit/Compensation.h"
#include "dialects/LowBit/Encoder.h"
#include "dialects/LowBit/LearnedBook.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <memory>
#include <optional>

using namespace mlir;
using nibble::lowbit::BlockType;
using nibble::lowbit::Format;
using nibble::lowbit::Planes;

namespace nibble {

/// Values that are decoded at once: enough rows to keep the cores busy, few enough to stay in a cache.
static constexpr int64_t kValuesAtOnce = 1 << 18;

double RequantizedTensor::error() const { return squares > 0 ? std::sqrt(errorSquares / squares) : 0; }

double bitsOf(Type element, int64_t columns) {
  auto block = dyn_cast<BlockType>(element);
  if (!block)
    return element.getIntOrFloatBitWidth();
  int64_t span = block.hasWholeRows() ? columns : block.getScaleSpan();
  double floats = 8.0 * byteWidth(block.getScale().floatKind) * (block.hasMin() ? 2 : 1) / double(span);
  double integers = block.getScale().sub.width + (block.hasMin() ? block.getZero().min.sub.width : 0);
  const lowbit::CodeKind code = block.getCode();
  if (code.stored == lowbit::CodeKind::Row) // of a tensor: next to nothing
    floats += 8.0 * double(lowbit::bytesOfBook(code)) / double(columns);
  return code.width + floats + (block.isTwoLevel() ? integers / block.getGroup() : 0);
}

namespace {

/// Rows of a source in the weight's type, some at a time; a call for rows that are at hand costs nothing.
class RoundedRows {
public:
  RoundedRows(PackSource source, Type element, int64_t columns, RequantizedTensor &report)
      : source(std::move(source)), element(element), columns(columns),
        rowsAtOnce(std::max<int64_t>(1, kValuesAtOnce / columns)), report(report) {}

  llvm::Expected<const Planes *> parts(int64_t first, int64_t count);
  llvm::Expected<llvm::ArrayRef<uint8_t>> bytes(int64_t first, int64_t count);
  void compensateBy(const std::vector<float> &moments) {
    compensation.emplace(moments, columns);
  }

private:
  llvm::Error decode(int64_t first, int64_t count);
  llvm::Error findShared();
  llvm::Error fillParts(int64_t first);
  void measure(int64_t first, int64_t count, int64_t block);

  PackSource source;
  Type element;
  int64_t columns, rowsAtOnce;
  RequantizedTensor &report;
  std::optional<lowbit::Compensation> compensation;
  std::optional<lowbit::SharedParts> shared; ///< once they are found
  int64_t begin = 0, end = 0; ///< rows in `ahead`
  Planes ahead, wanted;
  std::vector<float> values, rounded;
  std::vector<uint8_t> out;
};

} // namespace

llvm::Error RoundedRows::decode(int64_t first, int64_t count) {
  const Format &format = *source.format;
  auto bytes = source.readRows(first, count);
  if (!bytes)
    return bytes.takeError();
  values.resize(count * columns);
  rounded.resize(count * columns);
  decodeBlocks(format, *bytes, values.size() / format.blockElements, values.data());
  return llvm::Error::success();
}

/// What all rows have in common, if the type has such parts.
llvm::Error RoundedRows::findShared() {
  shared.emplace();
  auto block = cast<BlockType>(element);
  if (!lowbit::SharedSearch::isNeeded(block))
    return llvm::Error::success();
  lowbit::SharedSearch search(block, source.rows, columns);
  for (int64_t row = 0; row < source.rows; ++row) {
    if (!search.wants(row))
      continue;
    if (llvm::Error error = decode(row, 1))
      return error;
    search.add(values.data());
  }
  shared = search.find();
  return llvm::Error::success();
}

/// Adds rows to the report; `block` columns share a scale.
void RoundedRows::measure(int64_t first, int64_t count, int64_t block) {
  for (int64_t start = 0; start < count * columns; start += block) {
    double squares = 0, errors = 0;
    for (int64_t i = start; i < start + block; ++i) {
      double miss = double(values[i]) - rounded[i];
      squares += double(values[i]) * values[i], errors += miss * miss;
    }
    report.squares += squares, report.errorSquares += errors;
    double relative = squares > 0 ? std::sqrt(errors / squares) : 0;
    if (relative > report.worst) {
      report.worst = relative;
      report.worstRow = first + start / columns, report.worstColumn = start % columns;
    }
  }
  report.values += count * columns;
}

llvm::Error RoundedRows::fillParts(int64_t first) {
  auto block = cast<BlockType>(element);
  if (!shared)
    if (llvm::Error error = findShared())
      return error;
  begin = first, end = std::min(source.rows, first + rowsAtOnce);
  if (llvm::Error error = decode(begin, end - begin))
    return error;
  if (llvm::Error error = lowbit::encodeRows(block, values.data(), end - begin, columns, ahead, &*shared,
                                             compensation ? &*compensation : nullptr))
    return error;
  lowbit::decodePlanes(block, ahead, end - begin, columns, rounded.data());
  measure(begin, end - begin, block.getGroupIn(columns));
  return llvm::Error::success();
}

/// Rows [from, from + count) of one list of parts, `perRow` of which make a row.
template <typename T>
static void copyRows(const std::vector<T> &all, int64_t rows, int64_t from, int64_t count, std::vector<T> &out) {
  int64_t perRow = int64_t(all.size()) / rows;
  out.insert(out.end(), all.begin() + from * perRow, all.begin() + (from + count) * perRow);
}

llvm::Expected<const Planes *> RoundedRows::parts(int64_t first, int64_t count) {
  wanted.codes.clear(), wanted.scale.clear(), wanted.min.clear(), wanted.subScale.clear(), wanted.subMin.clear();
  wanted.books.clear();
  for (int64_t row = first; row < first + count;) {
    if (row < begin || row >= end)
      if (llvm::Error error = fillParts(row))
        return error;
    int64_t piece = std::min(first + count, end) - row, rows = end - begin, from = row - begin;
    copyRows(ahead.codes, rows, from, piece, wanted.codes);
    copyRows(ahead.scale, rows, from, piece, wanted.scale);
    copyRows(ahead.min, rows, from, piece, wanted.min);
    copyRows(ahead.subScale, rows, from, piece, wanted.subScale);
    copyRows(ahead.subMin, rows, from, piece, wanted.subMin);
    if (shared->book.empty())
      copyRows(ahead.books, rows, from, piece, wanted.books);
    row += piece;
  }
  if (!shared->book.empty())
    wanted.books = shared->book;
  return &wanted;
}

/// Plain floats in the bytes of their type.
llvm::Expected<llvm::ArrayRef<uint8_t>> RoundedRows::bytes(int64_t first, int64_t count) {
  if (llvm::Error error = decode(first, count))
    return error;
  FloatKind kind = element.isF16() ? FloatKind::F16 : element.isBF16() ? FloatKind::BF16 : FloatKind::F32;
  out.resize(values.size() * byteWidth(kind));
  for (size_t i = 0; i < values.size(); ++i) {
    uint32_t bits = bitsOfNearest(kind, values[i]);
    uint8_t *place = &out[i * byteWidth(kind)];
    std::memcpy(place, &bits, byteWidth(kind)); // the low bytes come first
    rounded[i] = toFloat(kind, place);
  }
  measure(first, count, columns);
  return llvm::ArrayRef<uint8_t>(out);
}

static std::string textOf(Type element) {
  std::string text;
  llvm::raw_string_ostream(text) << element;
  llvm::StringRef inner(text);
  if (inner.consume_front("!lowbit.block<"))
    return inner.drop_back().str();
  return text;
}

PackSource requantize(PackSource source, Type element, int64_t columns, RequantizedTensor &report,
                      const std::vector<float> *moments) {
  report.from = source.format->name;
  report.to = textOf(element);
  report.bits = bitsOf(element, columns);
  if (lowbit::elementType(element.getContext(), *source.format) == element)
    return source;
  auto rows = std::make_shared<RoundedRows>(source, element, columns, report);
  PackSource result;
  result.rows = source.rows;
  if (isa<BlockType>(element)) {
    report.isCalibrated = moments;
    if (moments)
      rows->compensateBy(*moments);
    result.readParts = [rows](int64_t first, int64_t count) { return rows->parts(first, count); };
    return result;
  }
  result.format = lowbit::findFormat(report.to);
  result.readRows = [rows](int64_t first, int64_t count) { return rows->bytes(first, count); };
  return result;
}

void printErrors(llvm::ArrayRef<RequantizedTensor> tensors, llvm::raw_ostream &out) {
  size_t name = 6, from = 4, to = 2;
  for (const RequantizedTensor &tensor : tensors) {
    name = std::max(name, tensor.name.size());
    from = std::max(from, tensor.from.size());
    to = std::max(to, tensor.to.size());
  }
  auto pad = [&](llvm::StringRef text, size_t width) { out << llvm::left_justify(text, width + 2); };
  pad("tensor", name), pad("from", from), pad("to", to);
  out << "  bits  rel. RMSE  worst block (row, column)\n";
  RequantizedTensor sum;
  double bits = 0;
  for (const RequantizedTensor &tensor : tensors) {
    pad(tensor.name, name), pad(tensor.from, from), pad(tensor.to, to);
    out << llvm::format("%6.3f  %9.5f  %9.5f  (%lld, %lld)", tensor.bits, tensor.error(), tensor.worst,
                        static_cast<long long>(tensor.worstRow), static_cast<long long>(tensor.worstColumn));
    out << (tensor.isCalibrated ? "  calibrated\n" : "\n");
    sum.squares += tensor.squares, sum.errorSquares += tensor.errorSquares, sum.values += tensor.values;
    sum.worst = std::max(sum.worst, tensor.worst);
    bits += tensor.bits * double(tensor.values);
  }
  pad("all", name), pad("", from), pad("", to);
  out << llvm::format("%6.3f  %9.5f  %9.5f\n", sum.values ? bits / double(sum.values) : 0, sum.error(), sum.worst);
}

} // namespace nibble
