//===- CalibrateModel.cpp - the option --calibrate -------------------------===//
#include "compiler/Tools/nibble/CalibrateModel.h"

#include "compiler/Calibrate/Calibration.h"
#include "compiler/Calibrate/GivenTexts.h"
#include "compiler/Calibrate/MadeUpTexts.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;

namespace nibble {

int readCalibration(const std::string &text, CompileOptions &options) {
  if (text.empty())
    return kDone;
  if (options.pipeline.weights == "keep")
    return reportError(kUsage, "--calibrate says how --weights rounds; without --weights nothing is rounded");
  if (llvm::all_of(text, llvm::isDigit)) {
    if (!llvm::to_integer(text, options.calibrationTokens, 10) || options.calibrationTokens == 0 ||
        options.calibrationTokens > uint64_t(1) << 31)
      return reportError(kUsage, "--calibrate: " + text + " is no number of tokens from 1 to 2147483648");
    return kDone;
  }
  auto buffer = llvm::MemoryBuffer::getFile(text);
  if (!buffer)
    return reportError(kUsage, "--calibrate: cannot read '" + text + "': " + buffer.getError().message() +
                                   "; it takes a number of tokens, or a file with a text a line");
  options.calibrationTexts = (*buffer)->getBuffer().str();
  if (StringRef(options.calibrationTexts).trim().empty())
    return reportError(kUsage, "--calibrate: '" + text + "' holds no text");
  return kDone;
}

/// The sources that are rounded, in the order of packing.
static std::vector<lm::SourceAttr> roundedSources(ArrayRef<PlacedWeight> weights) {
  std::vector<lm::SourceAttr> sources;
  for (const PlacedWeight &weight : weights)
    for (Attribute attr : weight.sources)
      if (auto source = dyn_cast<lm::SourceAttr>(attr); source && source.getRequantized())
        sources.push_back(source);
  return sources;
}

llvm::Expected<std::unique_ptr<InputMoments>> calibrateModel(const CompileOptions &options, const ModelFile &file,
                                                             ArrayRef<PlacedWeight> weights, uint64_t context,
                                                             ArrayRef<uint8_t> table, MLIRContext &mlirContext) {
  if (!options.calibrates())
    return nullptr;
  rt::Tokenizer tokenizer;
  if (rt::TextError error = rt::Tokenizer::open(flatbuffers::GetRoot<schema::Tokenizer>(table.data()), tokenizer);
      error != rt::TextError::None)
    return llvm::createStringError(rt::describe(error));
  bool isGiven = options.calibrationTokens == 0;
  ImportOptions import;
  import.context = import.chunk = std::min<uint64_t>(isGiven ? kLongestGiven : kLongestMadeUp, context);
  import.kv = KVType::F32;
  auto longest = int64_t(*import.context);
  auto texts = isGiven ? encodeLines(tokenizer, options.calibrationTexts, longest)
                       : makeUpTexts(tokenizer, int64_t(options.calibrationTokens), longest);
  if (!texts)
    return texts.takeError();
  auto module = importGGUF(file, import, &mlirContext);
  if (!module)
    return module.takeError();
  if (llvm::Error error = applyAdapters(**module, file, options.adapters, /*rounds=*/true))
    return std::move(error);
  return std::make_unique<Calibration>(std::move(*module), std::move(*texts), roundedSources(weights));
}

} // namespace nibble
