//===- Decoder.h - What a decoder model is made of --------------*- C++ -*-===//
//
// A model as its family's page (Families/) found it in a file: the numbers, and the tensor of each role. Everything in
// it was checked, so that building IR from it (DecoderIR.h) cannot fail, and `nibble inspect` can tell whether a model
// is supported without building any.
//
// All families are one shape with optional parts. A layer is
//
//   y = sum( x + s · post( mixer( norm(x) ) ) )      mixer: attention or a short convolution
//   z = sum( y + s · post( feed( norm(y) ) ) )       feed: a unit with or without a gate, or a choice of experts
//
// where post and sum are norms. An encoder is the same without an output matrix: its rows see each other, and become
// one. and what a family does not have is empty: a norm without a weight is the identity, a scale is 1, a window is 0.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_DECODER_H
#define NIBBLE_COMPILER_IMPORT_DECODER_H

#include "compiler/Import/ModelFile.h"
#include "mlir/IR/BuiltinOps.h"

#include "dialects/LM/LM.h"
#include "dialects/LowBit/Formats.h"

#include <optional>
#include <string>
#include <variant>
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
  double originalContext = 0;     // llama3, yarn, long factors
  double attentionFactor = 1;     // scale of cosine and sine
  double betaFast = 32;           // yarn
  double betaSlow = 1;            // yarn
  double extrapolationFactor = 1; // yarn
  std::vector<float> factors;     // dims/2 divisors of the frequencies, or none
  /// The divisors of a program whose context is longer than the original one (LongRoPE), or none.
  std::vector<float> longFactors;
};

llvm::StringRef getName(RopeSettings::Scaling scaling);

/// A matrix of rows × columns, or a vector (rows only), in the file.
struct Weight {
  const GGUFTensor *tensor = nullptr;
  const lowbit::Format *format = nullptr; ///< null if the tensor is packed, or an order of columns
  /// Held as f32, whatever float the file has.
  bool isWidened = false;
  /// A vector that is used as a matrix of one row.
  bool isRow = false;
  /// Where a file has a tensor for each expert: those behind the first, whose rows follow; and the name of them all.
  std::vector<const GGUFTensor *> others;
  std::string stackName;

  llvm::StringRef name() const { return stackName.empty() ? llvm::StringRef(tensor->name) : stackName; }
  explicit operator bool() const { return tensor != nullptr; }
};

/// A projection; bias and order are optional.
struct Linear {
  Weight weight, bias;
  /// The order in which the weight has its columns, if it is another than that of its input.
  Weight order = {};

  explicit operator bool() const { return bool(weight); }
};

/// An RMS norm (or, with `centred`, a layer norm, whose bias is optional) of whole rows or of each head.
struct Norm {
  Weight weight, bias;
  bool centred = false;

  explicit operator bool() const { return bool(weight); }
};

struct Attention {
  uint64_t heads = 1, kvHeads = 1, headDim = 1;
  double scale = 1;
  uint64_t window = 0;     ///< positions that a row attends to, itself included; 0: all
  double softcap = 0;      ///< scores become c · tanh(score / c); 0: they stay
  int rope = 0;            ///< which of the model's rotary settings; -1: positions are not encoded
  Norm queryNorm, keyNorm; ///< of each head if their weight is as wide as one
  Linear query, key, value;
  Linear fused; ///< rows of query, key and value one after another; the three are empty then
  Norm innerNorm;
  Linear output;
};

/// A gated convolution over the last `taps` rows of each channel (LFM2).
struct ShortConv {
  uint64_t taps = 1;
  Linear input; ///< rows of b, c and x, one after another
  Weight kernel;
  Linear output;
};

struct FeedForward {
  lm::Activation activation = lm::Activation::SiLU;
  Linear gate, up; ///< without a gate, the function is of what `up` gives
  Linear fused; ///< rows of gate and up one after another; the two are empty then
  Norm innerNorm;
  Linear down;
};

/// For each row, a softmax over the router's logits chooses `used` of `count` gated units.
struct Experts {
  uint64_t count = 1, used = 1, inner = 1;
  bool normalizes = false; ///< the weights of those that are used add up to 1
  lm::Activation activation = lm::Activation::SiLU;
  Linear router;
  Weight gate, up, down; ///< the rows of all experts, one expert's behind another's
  /// The orders in which each expert has its columns, if they are others than those of its input. If `up` has those of
  /// `gate`, they are held once.
  Weight gateOrder, upOrder, downOrder;
  bool sharesOrder = false;
  FeedForward shared;    ///< a unit that every row goes through, too, or an empty one
  Linear sharedGate;     ///< one logit; its sigmoid weighs the shared unit
};

struct Layer {
  Norm mixerNorm;
  std::variant<Attention, ShortConv> mixer;
  Norm postMixerNorm, mixerSumNorm;
  Norm feedForwardNorm;
  std::variant<FeedForward, Experts> feedForward;
  Norm postFeedForwardNorm, feedForwardSumNorm;
};

/// What a model of text vectors has beside its layers.
struct Encoder {
  Weight positions, types; ///< learned rows: of each position, of each sentence of a pair
  Norm norm;               ///< of the embeddings
  lm::Pooling pooling = lm::Pooling::Mean;
  bool normalizes = true;
};

struct Decoder {
  std::string architecture;
  uint64_t embedding = 1, feedForward = 1, vocabulary = 1;
  /// Positions the model was trained for.
  uint64_t trainedContext = 1;
  double normEpsilon = 0;
  double embeddingScale = 1, residualScale = 1, logitScale = 1;
  double logitSoftcap = 0; ///< logits become c · tanh(logit / c); 0: they stay
  lm::Pairing pairing = lm::Pairing::Interleaved;
  std::vector<RopeSettings> ropes;
  Weight table;
  Norm outputNorm;
  /// The output matrix; the embedding table itself where the two are tied.
  Linear output;
  bool tied = false;
  std::vector<Layer> layers;
  std::optional<Encoder> encoder; ///< without it, rows see those before them and give logits

  /// The shape of the first layer with attention.
  const Attention &firstAttention() const;
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_DECODER_H
