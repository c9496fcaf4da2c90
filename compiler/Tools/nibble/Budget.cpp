//===- Budget.cpp - making a program fit -----------------------------------===//
#include "compiler/Tools/nibble/Budget.h"

#include "compiler/Import/Inspect.h"

#include "llvm/Support/Format.h"

namespace nibble {

/// A cache of this many positions is the smallest that is proposed: a shorter one holds no conversation.
static constexpr uint64_t kLeastContext = 64;

namespace {

/// Plans the model with other options. The texts are read once.
class Planner {
public:
  /// With `keepThreads`, plans count the usual number of threads, whether they fit or not.
  explicit Planner(const CompileOptions &options, bool keepThreads = false) : options(options), first(quiet) {
    quiet = options;
    if (keepThreads)
      quiet.memoryBudget.reset();
    quiet.quiet = quiet.silent = true;
    quiet.reportFile.clear(), quiet.prefixFile.clear();
    works = first.plan() == kDone;
  }
  bool isPossible() const { return works; }
  const ArtifactDescription &getDescription() const { return first.getDescription(); }

  /// Bytes of the plan, or none if these options cannot be compiled.
  template <typename Change> std::optional<uint64_t> bytesWith(Change change) {
    CompileOptions other = quiet;
    change(other);
    Compilation compilation(other);
    if (compilation.plan(&first) != kDone)
      return std::nullopt;
    return plannedBytes(compilation.getDescription());
  }
  bool fits(std::optional<uint64_t> bytes) const { return bytes && *bytes <= *options.memoryBudget; }

private:
  const CompileOptions &options;
  CompileOptions quiet;
  Compilation first;
  bool works = false;
};

/// Changes that are taken one by one and all together.
struct Change {
  std::string text;
  std::function<void(CompileOptions &)> apply;
};

class Search {
public:
  explicit Search(const CompileOptions &options) : options(options), planner(options) {}

  std::vector<Alternative> run() {
    if (!planner.isPossible())
      return {};
    if (std::optional<Change> change = chooseContext())
      record(*change);
    if (std::optional<Change> change = chooseCache())
      record(*change);
    if (std::optional<Change> change = chooseWeights())
      record(*change);
    if (std::optional<Change> change = chooseChunk())
      record(*change);
    bool anyFits = llvm::any_of(found, [](const Alternative &one) { return one.fits; });
    if (!anyFits && smallest.size() > 1)
      record(allTogether());
    return found;
  }

private:
  /// The largest context that fits: its bytes grow with it.
  std::optional<Change> chooseContext() {
    uint64_t high = planner.getDescription().context, low = kLeastContext;
    if (high <= low)
      return std::nullopt;
    auto at = [](uint64_t context) {
      return Change{"--context=" + std::to_string(context), [context](CompileOptions &other) {
                      other.import.context = context;
                      other.import.chunk = std::min(other.import.chunk, context);
                    }};
    };
    smallest.push_back(at(low));
    if (!planner.fits(planner.bytesWith(at(low).apply)))
      return at(low);
    while (high - low > 16) { // low fits, high does not
      uint64_t middle = (low + high) / 32 * 16;
      if (middle <= low)
        break;
      (planner.fits(planner.bytesWith(at(middle).apply)) ? low : high) = middle;
    }
    return at(low);
  }

  /// Of changes from the mildest to the harshest the first that fits, else the last that makes the program smaller.
  std::optional<Change> firstThatFits(llvm::ArrayRef<Change> changes) {
    uint64_t now = plannedBytes(planner.getDescription());
    std::optional<Change> last;
    for (const Change &change : changes) {
      std::optional<uint64_t> bytes = planner.bytesWith(change.apply);
      if (!bytes || *bytes >= now)
        continue;
      last = change;
      if (planner.fits(bytes))
        break;
    }
    if (last)
      smallest.push_back(*last);
    return last;
  }

  std::optional<Change> chooseCache() {
    llvm::SmallVector<Change> changes;
    for (auto [name, type] : {std::pair("f16", KVType::F16), std::pair("q8", KVType::Q8), std::pair("q4", KVType::Q4)})
      changes.push_back(
          {std::string("--kv=") + name, [type = type](CompileOptions &other) { other.import.kv = type; }});
    return firstThatFits(changes);
  }

  /// Only where the weights would keep the file's formats: rounding them again is for the user to decide.
  std::optional<Change> chooseWeights() {
    llvm::SmallVector<Change> changes;
    if (options.pipeline.weights == "keep")
      for (const char *format : {"q8_0", "q6_k", "q4_0", "q2_k"})
        changes.push_back({std::string("--weights=") + format,
                           [format](CompileOptions &other) { other.pipeline.weights = format; }});
    return firstThatFits(changes);
  }

  std::optional<Change> chooseChunk() {
    llvm::SmallVector<Change> changes;
    for (uint64_t chunk = planner.getDescription().chunk / 2; chunk; chunk /= 2)
      changes.push_back(
          {"--chunk=" + std::to_string(chunk), [chunk](CompileOptions &other) { other.import.chunk = chunk; }});
    return firstThatFits(changes);
  }

  Change allTogether() const {
    Change all;
    for (const Change &change : smallest)
      all.text += (all.text.empty() ? "" : " ") + change.text;
    all.apply = [changes = smallest](CompileOptions &other) {
      for (const Change &change : changes)
        change.apply(other);
    };
    return all;
  }

  void record(const Change &change) {
    if (std::optional<uint64_t> bytes = planner.bytesWith(change.apply))
      found.push_back({change.text, *bytes, planner.fits(bytes)});
  }

  const CompileOptions &options;
  Planner planner;
  std::vector<Change> smallest; ///< each as far as it goes
  std::vector<Alternative> found;
};

} // namespace

/// The largest chunk that fits, of the one in the options, half of it …, by the size of the code in the options.
static std::optional<uint64_t> largestChunk(const CompileOptions &options, bool keepThreads) {
  Planner planner(options, keepThreads);
  if (!planner.isPossible())
    return std::nullopt;
  for (uint64_t chunk = planner.getDescription().chunk; chunk; chunk /= 2)
    if (planner.fits(planner.bytesWith([chunk](CompileOptions &other) { other.import.chunk = chunk; })))
      return chunk;
  return std::nullopt;
}

static std::optional<uint64_t> chunkWithin(const CompileOptions &options) {
  std::optional<uint64_t> chunk = largestChunk(options, /*keepThreads=*/true);
  return chunk ? chunk : largestChunk(options, /*keepThreads=*/false);
}

void fitBudget(CompileOptions &options, bool chooseChunk) {
  for (;;) {
    std::optional<uint64_t> size = measureProgram(options);
    if (!size)
      return;
    options.programBytes = *size;
    if (!chooseChunk || options.import.chunk == 1)
      return;
    // The code of another chunk may be a little larger, so it is measured, too.
    uint64_t chunk = chunkWithin(options).value_or(1);
    if (chunk == options.import.chunk)
      return;
    options.import.chunk = chunk;
  }
}

std::vector<Alternative> findAlternatives(const CompileOptions &options) {
  CompileOptions others = options;
  if (others.programBytes)
    *others.programBytes += kCodeMargin;
  return Search(others).run();
}

void printAlternatives(llvm::ArrayRef<Alternative> alternatives) {
  bool anyFits = llvm::any_of(alternatives, [](const Alternative &one) { return one.fits; });
  llvm::errs() << "nibble: note: " << (anyFits ? "it would fit with one of" : "none of these is enough") << ":\n";
  for (const Alternative &one : alternatives)
    if (one.fits == anyFits)
      llvm::errs() << llvm::format("nibble: note:   %-32s %14llu bytes  ", one.options.c_str(),
                                   static_cast<unsigned long long>(one.bytes))
                   << formatBytes(one.bytes) << "\n";
}

llvm::json::Array toJSON(llvm::ArrayRef<Alternative> alternatives) {
  llvm::json::Array rows;
  for (const Alternative &one : alternatives)
    rows.push_back(llvm::json::Object{{"options", one.options}, {"bytes", one.bytes}, {"fits", one.fits}});
  return rows;
}

} // namespace nibble
