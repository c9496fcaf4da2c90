//===- CalibrateModel.cpp - the option --calibrate -------------------------===//
#include "compiler/Tools/nibble/CalibrateModel.h"

#include "compiler/Calibrate/Calibration.h"
#include "compiler/Calibrate/MadeUpTexts.h"

namespace nibble {

llvm::Expected<InputMoments> calibrateModel(const CompileOptions &options, const ModelFile &file, uint64_t context,
                                            llvm::ArrayRef<uint8_t> table, mlir::MLIRContext &mlirContext) {
  if (options.calibrationTokens == 0)
    return InputMoments();
  rt::Tokenizer tokenizer;
  if (rt::TextError error = rt::Tokenizer::open(flatbuffers::GetRoot<schema::Tokenizer>(table.data()), tokenizer);
      error != rt::TextError::None)
    return llvm::createStringError(rt::describe(error));
  ImportOptions import;
  import.context = import.chunk = std::min<uint64_t>(kLongestMadeUp, context);
  import.kv = KVType::F32;
  auto texts = makeUpTexts(tokenizer, int64_t(options.calibrationTokens), int64_t(*import.context));
  if (!texts)
    return texts.takeError();
  auto module = importGGUF(file, import, &mlirContext);
  if (!module)
    return module.takeError();
  if (llvm::Error error = applyAdapters(**module, file, options.adapters, /*rounds=*/true))
    return std::move(error);
  return calibrate(**module, *texts);
}

} // namespace nibble
