//===- Adapters.cpp - Attaching LoRA adapters to weights ------------------===//
//
// See the header. The files are read by AdapterFiles.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Adapters.h"

#include "compiler/Import/ImportError.h"
#include "dialects/LM/LM.h"
#include "dialects/LowBit/LowBit.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/STLExtras.h"

using namespace nibble;
using namespace mlir;
using llvm::Error;

AdapterOption nibble::parseAdapterOption(llvm::StringRef text) {
  AdapterOption option;
  auto [path, number] = text.rsplit('=');
  bool isScaled = !number.empty() && path.size() < text.size() &&
                  !number.getAsDouble(option.scale);
  if (!isScaled)
    option.scale = 1;
  option.path = (isScaled ? path : text).str();
  return option;
}

namespace {

/// Attaches one adapter.
class Attacher {
public:
  Attacher(ModuleOp module, const ModelFile &base, const Adapter &adapter,
           bool rounds)
      : module(module), base(base), adapter(adapter), rounds(rounds),
        builder(module.getContext()) {}

  Error attach(double scale);

private:
  Error attachTo(lm::WeightOp weight, const AdapterModule &part, double scale);
  Error checkShapes(lm::WeightOp weight, const AdapterModule &part) const;
  Error findHeads(lm::WeightOp weight, const AdapterModule &part,
                  uint64_t &heads) const;
  lm::SourceAttr sourceOf(const AdapterModule::Part &part) {
    return lm::SourceAttr::get(builder.getContext(), part.file, part.offset,
                               part.size, part.format);
  }
  bool turnsNeighbours() const;

  ModuleOp module;
  const ModelFile &base;
  const Adapter &adapter;
  bool rounds;
  Builder builder;
};

/// Whether the model's rows of query and key were reordered.
bool Attacher::turnsNeighbours() const {
  bool found = false;
  module->walk([&](lm::RopeOp op) {
    found |= op.getPairing() == lm::Pairing::Interleaved;
  });
  return found;
}

Error Attacher::checkShapes(lm::WeightOp weight,
                            const AdapterModule &part) const {
  auto type = cast<RankedTensorType>(weight.getType());
  auto bad = [&](const llvm::Twine &message) {
    return malformed(adapter.path + ": module " + quote(part.origin) + ": " +
                     message);
  };
  if (type.getRank() != 2)
    return bad("expected a matrix, found a weight of " +
               llvm::Twine(type.getRank()) + " dimensions");
  auto rows = static_cast<uint64_t>(type.getDimSize(0));
  auto columns = static_cast<uint64_t>(type.getDimSize(1));
  const std::vector<uint64_t> &a = part.a.shape, &b = part.b.shape;
  if (a.size() != 2 || b.size() != 2 || a[0] != b[1] || a[1] != columns ||
      b[0] != rows)
    return bad("expected factors r x " + llvm::Twine(columns) + " and " +
               llvm::Twine(rows) + " x r, found " + describeDims(a) + " and " +
               describeDims(b));
  if (!part.magnitude.shape.empty() &&
      part.magnitude.shape != std::vector<uint64_t>{rows})
    return bad("expected " + llvm::Twine(rows) + " magnitudes, found " +
               describeDims(part.magnitude.shape));
  return Error::success();
}

/// The number of heads whose rows are to be reordered, or 0.
Error Attacher::findHeads(lm::WeightOp weight, const AdapterModule &part,
                          uint64_t &heads) const {
  llvm::StringRef name = weight.getSymName();
  bool turns = name.ends_with(".attn_q.weight") ||
               name.ends_with(".attn_k.weight");
  bool reordered = base.hasInterleavedRope() && turnsNeighbours();
  heads = 0;
  if (!turns || reordered == adapter.interleaved)
    return Error::success();
  if (adapter.interleaved && !base.hasInterleavedRope())
    return unsupported(adapter.path + ": module " + quote(part.origin) +
                       ": a GGUF adapter has its rows in the order of a GGUF "
                       "model; take PEFT's original for a folder");
  if (adapter.interleaved)
    return Error::success(); // a family whose converter reorders nothing
  auto rows = cast<RankedTensorType>(weight.getType()).getDimSize(0);
  heads = static_cast<uint64_t>(rows / lm::getModel(module).getHeadDim());
  return Error::success();
}

Error Attacher::attachTo(lm::WeightOp weight, const AdapterModule &part,
                         double scale) {
  if (Error error = checkShapes(weight, part))
    return error;
  auto type = cast<RankedTensorType>(weight.getType());
  if (isa<lowbit::BlockType>(type.getElementType()) && !rounds)
    return unsupported(adapter.path + ": module " + quote(part.origin) +
                       ": the model's weight is low-bit; merging rounds it "
                       "again, which --weights=FORMAT asks for");
  if (weight.getSources().size() != 1)
    return unsupported(adapter.path + ": module " + quote(part.origin) +
                       ": unsupported: a weight of several pieces");
  auto source = cast<lm::SourceAttr>(weight.getSources()[0]);
  if (source.getPacking() && source.getPacking().getOrder())
    return unsupported(adapter.path + ": module " + quote(part.origin) +
                       ": unsupported: the model's weight has its columns in "
                       "an order of its own");
  uint64_t heads = 0;
  if (Error error = findHeads(weight, part, heads))
    return error;
  auto lora = lm::LoraAttr::get(
      builder.getContext(), sourceOf(part.a), sourceOf(part.b),
      part.a.shape[0], builder.getF64FloatAttr(part.scale * scale), heads,
      part.magnitude.shape.empty() ? lm::SourceAttr()
                                   : sourceOf(part.magnitude));
  SmallVector<Attribute> adapters;
  if (source.getAdapters())
    adapters.append(source.getAdapters().begin(), source.getAdapters().end());
  adapters.push_back(lora);
  // The sum is rounded to the weight's own type.
  auto changed = lm::SourceAttr::get(
      builder.getContext(), source.getFile(), source.getOffset(),
      source.getSize(), source.getFormat(), weight.getSymNameAttr(),
      source.getPlus(), builder.getArrayAttr(adapters), source.getPacking());
  weight.setSourcesAttr(builder.getArrayAttr({changed}));
  return Error::success();
}

Error Attacher::attach(double scale) {
  SymbolTable symbols(module);
  std::string missing;
  for (const AdapterModule &part : adapter.modules)
    if (!symbols.lookup<lm::WeightOp>(part.weight))
      missing += (missing.empty() ? "" : ", ") + quote(part.origin);
  if (!missing.empty())
    return malformed(adapter.path + ": the model has no modules " + missing);
  for (const AdapterModule &part : adapter.modules)
    if (Error error = attachTo(symbols.lookup<lm::WeightOp>(part.weight), part,
                               scale))
      return error;
  return Error::success();
}

} // namespace

Error nibble::applyAdapters(ModuleOp module, const ModelFile &base,
                            llvm::ArrayRef<AdapterOption> options,
                            bool rounds) {
  for (const AdapterOption &option : options) {
    auto adapter = readAdapter(option.path);
    if (!adapter)
      return adapter.takeError();
    if (Error error =
            Attacher(module, base, *adapter, rounds).attach(option.scale))
      return error;
  }
  return Error::success();
}
