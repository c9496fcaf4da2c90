//===- Calibration.cpp - what the linears of a model read -----------------===//
#include "compiler/Calibrate/Calibration.h"

#include "llvm/Support/Parallel.h"

using namespace mlir;
using namespace nibble::reference;

namespace nibble {

static std::string placeOf(lm::SourceAttr source) {
  return source.getFile().str() + ":" + std::to_string(source.getOffset());
}

/// Adds `factor` · x·xᵀ of the first n rows.
static void addMoments(const Rows &x, int64_t n, float factor, InputMoments::Matrix &sums) {
  int64_t columns = x.width;
  sums.resize(columns * columns);
  std::vector<float> values(x.values.begin(), x.values.begin() + n * columns);
  llvm::parallelFor(0, columns, [&](size_t i) {
    for (int64_t row = 0; row < n; ++row) {
      const float *from = &values[row * columns];
      float *to = &sums[i * columns], scaled = factor * from[i];
      for (int64_t j = int64_t(i); j < columns; ++j)
        to[j] += scaled * from[j];
    }
  });
}

static ReferenceOptions observedBy(LinearObserver observer) {
  ReferenceOptions options;
  options.observe = std::move(observer);
  return options;
}

Calibration::Calibration(OwningOpRef<ModuleOp> owned, std::vector<std::vector<int32_t>> texts,
                         ArrayRef<lm::SourceAttr> wanted, uint64_t limit)
    : module(std::move(owned)), texts(std::move(texts)), limit(limit),
      interpreter(*module, observedBy([this](StringRef weight, const Rows &x, int64_t n) { observe(weight, x, n); })) {
  llvm::StringMap<uint64_t> columns;
  for (auto weight : module->getOps<lm::WeightOp>()) {
    auto source = weight.getSources().size() == 1 ? dyn_cast<lm::SourceAttr>(weight.getSources()[0]) : lm::SourceAttr();
    if (!source)
      continue;
    places[weight.getSymName()] = placeOf(source);
    columns[placeOf(source)] = uint64_t(cast<ShapedType>(weight.getType()).getShape().back());
  }
  for (lm::SourceAttr source : wanted) {
    auto known = columns.find(placeOf(source));
    if (known == columns.end() || !turns.try_emplace(known->getKey(), order.size()).second)
      continue;
    order.push_back(known->getKey().str());
    bytes.push_back(known->second * known->second * sizeof(float));
  }
}

void Calibration::observe(StringRef weight, const Rows &x, int64_t n) {
  auto place = places.find(weight);
  if (place == places.end())
    return;
  auto turn = turns.find(place->second);
  if (turn != turns.end() && turn->second >= begin && turn->second < end)
    addMoments(x, n, factor, matrices[turn->second - begin]);
}

/// Runs all texts for the group that begins with the wanted source of that number.
llvm::Error Calibration::gather(size_t first) {
  begin = end = first;
  uint64_t sum = 0;
  do
    sum += bytes[end++];
  while (end < order.size() && sum + bytes[end] <= limit);
  matrices.assign(end - begin, {});
  ++runCount;
  for (const std::vector<int32_t> &text : texts) {
    // A text's vector is the mean of its rows, and the next token is that of one row: a row of a short text counts
    // more.
    factor = 1 / float(text.size());
    if (failed(interpreter.prefill(text)))
      return llvm::createStringError("a text to calibrate with cannot be computed");
  }
  return llvm::Error::success();
}

llvm::Expected<const InputMoments::Matrix *> Calibration::of(lm::SourceAttr source) {
  auto turn = turns.find(placeOf(source));
  if (turn == turns.end())
    return nullptr;
  if (turn->second < begin || turn->second >= end)
    if (llvm::Error error = gather(turn->second))
      return std::move(error);
  const Matrix &found = matrices[turn->second - begin];
  return found.empty() ? nullptr : &found;
}

} // namespace nibble
