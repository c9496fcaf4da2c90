//===- ImportGGUF.cpp - From a GGUF file to the lm dialect ----------------===//
//
// Reads the model and checks the options.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ImportGGUF.h"

#include "compiler/Import/DecoderIR.h"
#include "compiler/Import/Families.h"
#include "compiler/Import/TokenizerMetadata.h"
#include "dialects/LM/LM.h"
#include "dialects/LowBit/LowBit.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"

#include <algorithm>

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

uint64_t nibble::getDefaultContext(uint64_t trainedContext) {
  return std::min(trainedContext, ImportOptions::defaultContext);
}

Error nibble::checkSupported(const ModelFile &file) {
  if (Error error = readModel(file).takeError())
    return error;
  if (Error error = readTokenizer(file).takeError())
    return error;
  if (Error error = readChatTemplate(file).takeError())
    return error;
  return readGenerationDefaults(file).takeError();
}

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
nibble::importGGUF(const ModelFile &file, const ImportOptions &options,
                   mlir::MLIRContext *context) {
  auto model = readModel(file);
  if (!model)
    return model.takeError();
  uint64_t trained = model->trainedContext;
  uint64_t positions = options.context.value_or(getDefaultContext(trained));
  if (positions < 1 || positions > trained)
    return unsupported(file.getPath() + ": context: expected 1 to " +
                       Twine(trained) +
                       " positions, for which the model was trained; found " +
                       Twine(positions));
  // A chunk longer than the context could never be filled.
  uint64_t chunk = std::min(options.chunk, positions);
  if (model->encoder) {
    // Each row sees all the others.
    if (options.chunkIsGiven && options.chunk != positions)
      return unsupported(file.getPath() + ": chunk: an encoder takes texts whole, " + Twine(positions) +
                         " positions at once; found " + Twine(options.chunk));
    chunk = positions;
  }
  if (chunk < 1)
    return unsupported(file.getPath() +
                       ": chunk: expected at least 1 token, found 0");

  auto split = findSplitTensors(file);
  if (!split)
    return split.takeError();

  if (std::string problem = checkCache(options.kv, model->firstAttention().headDim);
      !problem.empty())
    return unsupported(file.getPath() + ": " + problem);

  context->loadDialect<lm::LMDialect, lowbit::LowBitDialect,
                       mlir::arith::ArithDialect, mlir::func::FuncDialect,
                       mlir::memref::MemRefDialect,
                       mlir::tensor::TensorDialect>();
  ProgramShape shape{positions, chunk, options.kv};
  mlir::OwningOpRef<mlir::ModuleOp> module =
      DecoderBuilder(file, *model, *split, shape, context).build();
  if (mlir::failed(mlir::verify(*module)))
    return llvm::createStringError(
        "internal error: the importer built a module that does not verify");
  return std::move(module);
}
