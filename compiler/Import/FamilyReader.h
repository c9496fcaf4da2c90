//===- FamilyReader.h - Building blocks to read a model family --*- C++ -*-===//
//
// What the pages of Families/ are written with. Each member reads one thing that several families have, checks it, and
// returns it. The first error is kept and everything after it does nothing: a page reads as the list of what a family
// has, and the reader's owner asks once, at the end, whether all of it was there.
//
// Keys are given without the architecture that they start with; names of a layer's tensors without "blk.N.". A tensor
// that no page asked for is an error in the end: ignoring one would change what the model computes.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_FAMILYREADER_H
#define NIBBLE_COMPILER_IMPORT_FAMILYREADER_H

#include "compiler/Import/Decoder.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringSet.h"

namespace nibble {

class FamilyReader {
public:
  FamilyReader(const ModelFile &file, llvm::StringRef architecture);

  /// The model, if everything was there and all tensors of the file were read.
  llvm::Expected<Decoder> finish();

  Decoder model;
  const ModelFile &file;

  //===--- keys -----------------------------------------------------------===//
  /// An integer from 1 to 2^24 that must be there.
  uint64_t count(llvm::StringRef key);
  uint64_t count(llvm::StringRef key, uint64_t fallback);
  /// A finite number. Converters write 0 for "the usual": it counts as absent.
  double number(llvm::StringRef key, double fallback);
  bool flag(llvm::StringRef key, bool fallback);
  /// One integer a layer; empty if the key is absent or one number.
  std::vector<uint64_t> perLayer(llvm::StringRef key);
  bool has(llvm::StringRef key) const { return file.find(prefix + key.str()) != nullptr; }

  //===--- the model's numbers --------------------------------------------===//
  /// Layers, widths, context and epsilon. The key of epsilon tells RMS norms from layer norms. `causal`: rows see
  /// those before them only, which the file must not deny.
  void shape(llvm::StringRef epsilon = "attention.layer_norm_rms_epsilon", bool causal = true);
  /// Heads, their width and the scale of scores; everything else as in Attention's defaults. `perLayer`: the key of
  /// key-value heads may be one number a layer, each of them 0 or the same.
  Attention heads(bool perLayer = false);
  /// attention.sliding_window, as far as it is shorter than the context; 0 without.
  uint64_t window();
  /// Which layers slide: attention.sliding_window_pattern, one flag a layer or a period whose last layer attends to
  /// all; without it, `period`.
  std::vector<bool> slidingLayers(uint64_t period);
  /// The keys rope.* for heads of `headDim`, added to model.ropes. `reordered`: GGUF files of this architecture hold
  /// query and key rows such that the dimensions 2i and 2i+1 of a head turn together.
  RopeSettings &rope(uint64_t headDim, bool reordered = false);
  /// Rotary settings of sliding layers, with the base rope.freq_base_swa and no scaling; returns which they are.
  int slidingRope(double base);
  /// The embedding table, and with it the vocabulary.
  void table();
  /// Embedding table, final norm (`centred`: a layer norm), output matrix.
  void ends(bool centred = false, llvm::StringRef normName = "output_norm");
  uint64_t layerCount() const { return failed() ? 0 : layers; }

  //===--- a layer --------------------------------------------------------===//
  /// Calls `read` for each layer until something is wrong.
  void eachLayer(llvm::function_ref<void(uint64_t index, Layer &layer)> read);
  Norm norm(llvm::StringRef name, uint64_t size);
  Norm norm(llvm::StringRef name) { return norm(name, model.embedding); }
  Norm layerNorm(llvm::StringRef name, uint64_t size);
  Norm layerNorm(llvm::StringRef name) { return layerNorm(name, model.embedding); }
  Linear linear(llvm::StringRef name, uint64_t rows, uint64_t columns);
  /// A tensor of f32 of a layer; `dims` in the order of the file.
  Weight floats(llvm::StringRef name, llvm::ArrayRef<uint64_t> dims);
  /// `weight`, which must be of floats, as f32; `what` says what it is, for the error.
  Weight widened(Weight weight, llvm::StringRef what);
  /// attn_q, attn_k, attn_v and attn_output, or attn_qkv in place of the first three.
  Attention attention(Attention shape);
  /// ffn_gate, ffn_up and ffn_down; without a gate, ffn_up holds both.
  FeedForward feedForward(lm::Activation activation = lm::Activation::SiLU);
  /// expert_count, expert_used_count, expert_feed_forward_length and expert_weights_norm.
  Experts expertShape();
  /// ffn_gate_inp and the experts' ffn_gate, ffn_up and ffn_down; with `sharedInner`, the unit that all tokens share,
  /// too.
  Experts experts(Experts shape, uint64_t sharedInner = 0);
  bool hasTensor(const std::string &name) const { return file.findTensor(block + name) != nullptr; }

  /// A tensor by its whole name; `dims` in the order of the file.
  Weight tensor(const std::string &name, llvm::ArrayRef<uint64_t> dims, bool required = true);
  Weight vector(const std::string &name, uint64_t size, bool required = true);

  //===--- errors ---------------------------------------------------------===//
  bool failed() const { return bool(problem); }
  void fail(llvm::Error error);
  /// The key is there, and asks for what Nibble cannot do.
  void unsupportedKey(llvm::StringRef key, const llvm::Twine &message);
  /// A mixture of experts is a family of its own.
  void refuseExperts();

private:
  uint64_t readKeyValueHeads(uint64_t heads, bool mayVary);
  Weight expertMatrices(llvm::StringRef name, uint64_t rows, uint64_t columns, uint64_t count);
  Weight expertOrders(const Weight &matrices);
  template <typename T> bool take(llvm::Expected<T> value, T &into);
  void refusePerLayer(llvm::StringRef key);
  void refuseSurplus();

  std::string prefix, block;
  uint64_t layers = 0;
  llvm::StringSet<> used;
  std::optional<llvm::Error> problem;
};

/// The keys `PREFIX.rope.*` and the divisors of frequencies, which files hold as tensors or as arrays. The names of the
/// tensors that were read are added to `used`.
llvm::Expected<RopeSettings> readRope(const ModelFile &file, llvm::StringRef prefix, uint64_t headDim,
                                      uint64_t trainedContext, llvm::StringSet<> &used);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_FAMILYREADER_H
