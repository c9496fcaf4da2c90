//===- StateRegions.cpp - what of the state is saved ----------------------===//
#include "compiler/Link/StateRegions.h"

#include "dialects/LM/CacheLayout.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace nibble {

llvm::StringMap<bool> findLastingStates(ModuleOp module) {
  llvm::StringMap<bool> names;
  module.walk([&](lm::StateRefOp ref) {
    for (OpOperand &use : ref->getUses()) {
      auto append = dyn_cast<lm::KVAppendOp>(use.getOwner());
      auto conv = dyn_cast<lm::ShortConvOp>(use.getOwner());
      auto partials = dyn_cast<lm::AttentionPartialsOp>(use.getOwner());
      bool byPosition = (partials && partials.getK()) ||
                        (append && (use.get() == append.getKeys() || use.get() == append.getValues())) ||
                        (conv && use.get() == conv.getHistory());
      if (!isa<lm::StateWriteOp, lm::StateReadOp>(use.getOwner()))
        names[ref.getState()] |= byPosition;
    }
  });
  return names;
}

std::vector<schema::StateRegion> collectStateRegions(ModuleOp module, const llvm::StringMap<bool> &lasting) {
  std::vector<schema::StateRegion> regions;
  for (lm::StateOp state : module.getOps<lm::StateOp>()) {
    auto known = lasting.find(state.getSymName());
    if (known == lasting.end())
      continue;
    auto type = cast<MemRefType>(state.getType());
    uint64_t offset = state.getOffset().value_or(0), bytes = lm::bytesOfState(type);
    if (!known->second) {
      regions.emplace_back(offset, 1, bytes, 1, bytes, 0);
      continue;
    }
    ArrayRef<int64_t> shape = type.getShape();
    if (type.getRank() == 3) { // layers × positions × channels: the history of lm.short_conv
      uint64_t layer = bytes / shape[0];
      regions.emplace_back(offset, shape[0], layer, shape[1], layer / shape[1], 1);
      continue;
    }
    // layers × kvHeads × positions × headDim: the blocks of a head lie one behind the other.
    uint64_t repeats = shape[0] * shape[1], stride = bytes / repeats, blocks = shape[2] / lm::kKeyBlock;
    regions.emplace_back(offset, repeats, stride, blocks, stride / blocks, lm::kKeyBlock);
  }
  return regions;
}

std::string stateKey(const ArtifactDescription &description, ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << description.architecture << " " << description.layers << " "
      << description.embedding << " " << description.vocab << " " << description.kv << "\n";
  for (const ArtifactDescription::Tensor &tensor : description.tensors)
    out << tensor.name << " " << tensor.format << "\n";
  // A table holds rows for every position; what they are computed from is in its source.
  for (lm::WeightOp weight : module.getOps<lm::WeightOp>())
    for (Attribute source : weight.getSources())
      if (isa<lm::RopeTableAttr>(source))
        out << source << "\n";
  for (const schema::StateRegion &region : description.stateRegions) {
    out << region.repeats() << " " << region.block_bytes() << " " << region.block_positions();
    // A ring's slots depend on its size; a cache that holds every position has a slot for each.
    if (region.blocks() * region.block_positions() < description.context)
      out << " ring " << region.blocks();
    out << "\n";
  }
  return text;
}

} // namespace nibble
