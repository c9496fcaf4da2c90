//===- DecoderIR.h - Builds the lm module of a decoder ----------*- C++ -*-===//
//
// Private to the importer. Takes a Decoder, in which everything was checked, and cannot fail.
//
// Files: DecoderIR.cpp has the symbols and the entry points, DecoderLayers.cpp what a layer computes. A layer's
// function is built once for all layers of the same kind: `signatureOf` says what makes the kind.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_DECODERIR_H
#define NIBBLE_COMPILER_IMPORT_DECODERIR_H

#include "compiler/Import/CacheStates.h"
#include "compiler/Import/Decoder.h"
#include "compiler/Import/ImportGGUF.h"
#include "compiler/Import/SplitScales.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace nibble {

/// The options of an import, resolved against the model.
struct ProgramShape {
  uint64_t context, chunk;
  KVTypes kv;
};

class DecoderBuilder {
public:
  using Value = mlir::Value;

  DecoderBuilder(const ModelFile &file, const Decoder &model, const SplitTensors &split, const ProgramShape &shape,
                 mlir::MLIRContext *context);

  mlir::OwningOpRef<mlir::ModuleOp> build();

private:
  /// What the functions of one entry point share.
  struct EntryPoint {
    std::string name;
    int64_t rows;
    /// The layer function of each kind of layer, in the order of first use.
    llvm::SmallVector<std::pair<std::string, mlir::func::FuncOp>> layers;
  };
  /// The arguments of a layer function.
  struct LayerArguments {
    Value x, pos, n, layer;
    llvm::DenseMap<const GGUFTensor *, Value> weights;
    /// Inputs of linears in other orders of columns, by the input and the order.
    mutable llvm::DenseMap<std::pair<Value, const GGUFTensor *>, Value> ordered;

    Value of(const Weight &weight) const { return weights.lookup(weight.tensor); }
  };
  //===--- types ----------------------------------------------------------===//
  mlir::RankedTensorType rowsType(int64_t rows, uint64_t columns);
  mlir::RankedTensorType typeOf(const Weight &weight);
  lm::SourceAttr sourceOf(const GGUFTensor &tensor, llvm::StringRef format);
  mlir::ArrayAttr sourcesOf(const Weight &weight);
  lm::SourceAttr sourceOf(const PackedPart &part);
  const PackedTensor *packingOf(const Weight &weight, const GGUFTensor &tensor);
  lm::SourceAttr packedSourceOf(const GGUFTensor &tensor, const PackedTensor &packed, mlir::Type element);
  mlir::MemRefType historyType();
  mlir::MemRefType hiddenType();
  mlir::RankedTensorType ropeTableType(const RopeSettings &rope);

  //===--- symbols (DecoderIR.cpp) ----------------------------------------===//
  void buildModelOp();
  void buildWeight(const Weight &weight);
  void buildWeights();
  void buildRopeTable(int index);
  void buildStates();
  std::string ropeTableName(int index) const;

  //===--- functions (DecoderIR.cpp) --------------------------------------===//
  Value weightRef(const Weight &weight);
  Value stateRef(const llvm::Twine &name, mlir::Type type);
  mlir::func::FuncOp beginFunction(llvm::StringRef name, mlir::TypeRange arguments, mlir::TypeRange results,
                                   bool isPrivate);
  mlir::func::FuncOp layerFunction(EntryPoint &entry, uint64_t index);
  Value buildTrunk(EntryPoint &entry, mlir::func::FuncOp func);
  Value embeddings(EntryPoint &entry, mlir::func::FuncOp func);
  Value logits(Value x, Value n);
  Value pooled(Value x, Value n);
  void buildDecode();
  void buildPrefill();
  void buildHead();

  //===--- layers (DecoderLayers.cpp) -------------------------------------===//
  /// Every weight of a layer, in the order of the layer function's arguments; those that it does not have, too.
  static void forEachWeight(const Layer &layer, llvm::function_ref<void(const Weight &)> visit);
  /// Layers of equal signature share a function.
  std::string signatureOf(uint64_t index);
  Value slice(Value rows, uint64_t first, uint64_t columns);
  Value linear(const LayerArguments &arguments, const Linear &linear, Value x);
  Value norm(Value x, Value weight, Value bias, bool centred, Value n);
  Value norm(const LayerArguments &arguments, const Norm &norm, Value x);
  Value rope(const LayerArguments &arguments, const Attention &attention, Value x);
  Value attention(const LayerArguments &arguments, const Attention &attention, const CacheStates::Place &place,
                  Value x);
  Value shortConv(const LayerArguments &arguments, const ShortConv &conv, Value x);
  Value feedForward(const LayerArguments &arguments, const FeedForward &feed, Value x);
  /// x and what the chosen experts, and the shared one, make of `normed`.
  Value experts(const LayerArguments &arguments, const Experts &experts, Value x, Value normed);
  Value residual(const LayerArguments &arguments, Value x, Value branch);
  Value layerBody(const LayerArguments &arguments, uint64_t index);
  uint64_t windowOf(const Attention &attention) const;

  /// Where a layer's keys and values are: those of an encoder, which nothing reads after the layer, all in one place.
  CacheStates::Place placeOf(uint64_t layer) const { return caches.placeOf(model.encoder ? 0 : layer); }
  /// The width of what @head gives.
  uint64_t outputWidth() const { return model.encoder ? model.embedding : model.vocabulary; }

  const ModelFile &file;
  const Decoder &model;
  const SplitTensors &split;
  const ProgramShape &shape;
  CacheStates caches;
  std::vector<int64_t> stateIndex; ///< of each layer, in the states that it shares with others
  int64_t convLayers = 0;
  mlir::OpBuilder builder;
  mlir::Location loc;
  mlir::ModuleOp module;
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_DECODERIR_H
