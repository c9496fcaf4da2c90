//===- ReferenceCommand.cpp - nibble reference ---------------------------===//

#include "compiler/Reference/ReferenceCommand.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace nibble;

llvm::Expected<std::vector<int32_t>> reference::parseTokens(StringRef list) {
  std::vector<int32_t> tokens;
  for (StringRef part : llvm::split(list, ',')) {
    int32_t token;
    if (part.trim().getAsInteger(10, token) || token < 0)
      return llvm::createStringError(llvm::formatv(
          "expected token numbers separated by commas, found '{0}'", part));
    tokens.push_back(token);
  }
  return tokens;
}

LogicalResult reference::writeLogits(ModuleOp module, ArrayRef<int32_t> tokens,
                                     StringRef path,
                                     const ReferenceOptions &options) {
  FailureOr<std::vector<std::vector<double>>> logits =
      ReferenceInterpreter(module, options).logitsOf(tokens);
  if (failed(logits))
    return failure();
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  for (size_t row = 0; !error && row < logits->size(); ++row) {
    std::vector<float> values((*logits)[row].begin(), (*logits)[row].end());
    file.write(reinterpret_cast<const char *>(values.data()),
               values.size() * sizeof(float));
  }
  if (!error) {
    file.close();
    error = file.error();
    file.clear_error();
  }
  if (error)
    return mlir::emitError(UnknownLoc::get(module.getContext()))
           << path << ": cannot write the logits: " << error.message();
  return success();
}
