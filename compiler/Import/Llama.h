//===- Llama.h - The architecture `llama` in GGUF files ---------*- C++ -*-===//
//
// What a llama file says, checked and gathered: the numbers of the model and
// the tensor of each role. It is split from the building of IR (LlamaIR.cpp) so
// that `nibble inspect` can tell whether a model is supported without MLIR, and
// so that building IR cannot fail.
//
// The architecture (Touvron et al., arXiv 2302.13971): residual blocks of
// RMS norm, grouped-query attention with rotary positions, and a SiLU-gated
// feed-forward; a final norm; an output matrix that may be the embedding table.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_LLAMA_H
#define NIBBLE_COMPILER_IMPORT_LLAMA_H

#include "compiler/Import/ModelFile.h"
#include "dialects/LowBit/Formats.h"

#include <optional>
#include <vector>

namespace nibble {

/// Rotary position embedding as the file asks for it; see lm.rope_table.
struct RopeSettings {
  enum class Scaling { None, Linear, Llama3, Yarn };

  double base = 10000;
  uint64_t dims = 0; // rotated dimensions of a head, even
  Scaling scaling = Scaling::None;
  double factor = 1;
  double lowFrequencyFactor = 1;  // llama3
  double highFrequencyFactor = 4; // llama3
  double originalContext = 0;     // llama3, yarn
  double attentionFactor = 1;     // scale of cosine and sine
  double betaFast = 32;           // yarn
  double betaSlow = 1;            // yarn
  double extrapolationFactor = 1; // yarn
  const GGUFTensor *factors = nullptr; // dims/2 divisors of the frequencies
};

struct LlamaConfig {
  uint64_t layers, embedding, heads, kvHeads, headDim, feedForward, vocabulary;
  /// Positions the model was trained for.
  uint64_t trainedContext;
  double normEpsilon, attentionScale;
  RopeSettings rope;
};

/// A matrix of rows × columns, or a vector (rows only), in the file.
struct LlamaWeight {
  const GGUFTensor *tensor = nullptr;
  const lowbit::Format *format = nullptr;

  explicit operator bool() const { return tensor != nullptr; }
};

/// A projection; the bias is optional.
struct LlamaLinear {
  LlamaWeight weight, bias;
};

struct LlamaLayer {
  LlamaWeight attentionNorm, feedForwardNorm;
  LlamaLinear query, key, value, attentionOutput, gate, up, down;
};

struct LlamaModel {
  LlamaConfig config;
  LlamaWeight embedding, outputNorm;
  /// The output matrix; the embedding table itself where the two are tied.
  LlamaWeight output;
  bool tied = false;
  std::vector<LlamaLayer> layers;
};

/// Checks all of the metadata and tensors that the architecture uses. `prefix`
/// is the architecture's name, which starts its keys. Tensors that the
/// architecture does not have are an error: ignoring one would change what the
/// model computes.
llvm::Expected<LlamaModel> readLlama(const ModelFile &file,
                                     llvm::StringRef prefix);

/// The keys `PREFIX.rope.*` and the tensor rope_freqs.weight.
llvm::Expected<RopeSettings> readRope(const ModelFile &file,
                                      llvm::StringRef prefix, uint64_t headDim,
                                      uint64_t trainedContext);

llvm::StringRef getName(RopeSettings::Scaling scaling);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_LLAMA_H
