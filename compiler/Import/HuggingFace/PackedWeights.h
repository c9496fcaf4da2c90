//===- PackedWeights.h - Checkpoints that are quantized already -*- C++ -*-===//
//
// Finds the weights of a folder that a method of quantization packed, as
// `quantization_config` of config.json names it, and puts their tensors together.
// Contract: a weight is low-bit in its tensors and low-bit in the model, with the
// numbers that the method's own dequantization gives; a setting that would mean
// other numbers is an error that names it. What a method rounds activations to
// is no part of it.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_HUGGINGFACE_PACKEDWEIGHTS_H
#define NIBBLE_COMPILER_IMPORT_HUGGINGFACE_PACKEDWEIGHTS_H

#include "compiler/Import/HuggingFace/PackedModule.h"

#include "llvm/ADT/StringSet.h"

namespace nibble {

/// A method of quantization.
struct PackedMethod {
  llvm::StringRef name; ///< `quant_method`; "" for none.
  /// Which tensors are codes: the last part of the name, and the type.
  llvm::ArrayRef<llvm::StringRef> codes, types;
  /// The other tensors of a layer.
  llvm::ArrayRef<llvm::StringRef> parts;
  llvm::Error (*read)(const PackedModule &module, const JSONView &settings,
                      PackedWeight &weight);
};

extern const PackedMethod awqMethod, bitNetMethod, bitsAndBytesMethod,
    compressedTensorsMethod, fbgemmMethod, float8Method, gptqMethod,
    mxfp4Method, plainFloat8Method;

/// A weight of 8-bit floats. `scales` is the part that holds them, or "".
llvm::Error readFloat8(const PackedModule &module, llvm::StringRef label,
                       llvm::StringRef scales, ScaleBlock block,
                       PackedWeight &weight);

struct PackedWeights {
  struct Entry {
    std::string module; ///< The weight is `MODULE.weight`.
    const StoredTensor *codes;
    PackedWeight weight;
  };
  llvm::StringRef method; ///< "" if none is named.
  std::vector<Entry> weights;
  /// Names of all tensors that belong to them.
  llvm::StringSet<> tensors;
};

/// `config` is config.json; the tensors must outlive the result.
llvm::Expected<PackedWeights>
findPackedWeights(const JSONView &config, const ModelFile &model,
                  llvm::ArrayRef<StoredTensor> stored);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_HUGGINGFACE_PACKEDWEIGHTS_H
