//===- CacheStates.cpp - the key-value cache as lm.state symbols ----------===//
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/CacheStates.h"

#include "dialects/LM/CacheLayout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace nibble;
using namespace mlir;

namespace {

struct KVTypeRow {
  llvm::StringLiteral name;
  KVType type;
};

constexpr KVTypeRow kvTypes[] = {{"f16", KVType::F16},
                                 {"f32", KVType::F32},
                                 {"q8", KVType::Q8},
                                 {"q4", KVType::Q4},
                                 {"q4_plain", KVType::Q4Plain}};

StringRef nameOfType(KVType type) {
  for (const KVTypeRow &row : kvTypes)
    if (row.type == type)
      return row.name;
  return "";
}

std::optional<KVType> findType(StringRef name) {
  for (const KVTypeRow &row : kvTypes)
    if (row.name == name)
      return row.type;
  return std::nullopt;
}

bool isQuantizedType(KVType type) {
  return type != KVType::F16 && type != KVType::F32;
}

Type elementOf(MLIRContext *context, KVType type) {
  switch (type) {
  case KVType::F16:
    return Float16Type::get(context);
  case KVType::F32:
    return Float32Type::get(context);
  case KVType::Q8:
    return lm::CachedType::get(context, lm::CacheFormat::Q8);
  case KVType::Q4:
    return lm::CachedType::get(context, lm::CacheFormat::Q4);
  case KVType::Q4Plain:
    return lm::CachedType::get(context, lm::CacheFormat::Q4Plain);
  }
  return {};
}

} // namespace

llvm::Expected<KVTypes> KVTypes::parse(StringRef text) {
  KVTypes types;
  std::optional<KVType> keys, values;
  for (StringRef part : llvm::split(text, ',')) {
    bool isKeys = part.consume_front("k:"),
         isValues = !isKeys && part.consume_front("v:");
    std::optional<KVType> type = findType(part);
    bool isRepeated = (!isValues && keys) || (!isKeys && values);
    if (!type || isRepeated)
      return llvm::createStringError(
          "'" + text +
          "' is no type of a cache; it is one of f16, f32, q8, q4 and "
          "q4_plain, or two of them as k:q8,v:q4");
    if (!isValues)
      keys = type;
    if (!isKeys)
      values = type;
  }
  // What is not named stays the default.
  return KVTypes(keys.value_or(types.keys), values.value_or(types.values));
}

std::string KVTypes::str() const {
  if (keys == values)
    return nameOfType(keys).str();
  return "k:" + nameOfType(keys).str() + ",v:" + nameOfType(values).str();
}

bool KVTypes::isQuantized() const {
  return isQuantizedType(keys) || isQuantizedType(values);
}

std::string nibble::checkCache(KVTypes types, uint64_t headDim) {
  if (!types.isQuantized() || headDim % lm::kCacheUnit == 0)
    return "";
  return "a cache of type " + types.str() + " takes heads of a multiple of " +
         std::to_string(lm::kCacheUnit) + " dimensions, but they have " +
         std::to_string(headDim) + "; use f16";
}

CacheStates::CacheStates(MLIRContext *context, std::vector<CacheSpec> layers,
                         uint64_t positions, uint64_t chunk, KVTypes types)
    : context(context), positions(positions), chunk(chunk), types(types) {
  for (const CacheSpec &spec : layers) {
    auto group = llvm::find_if(
        groups, [&](const Group &group) { return group.spec == spec; });
    if (group == groups.end())
      group = groups.insert(groups.end(), Group{spec});
    places.emplace_back(group - groups.begin(), group->layers++);
  }
}

MemRefType CacheStates::typeOf(const Group &group, KVType type) const {
  uint64_t kept = positions;
  // The first row of a chunk sees window positions; the last one is chunk - 1
  // behind it.
  if (group.spec.window)
    kept = std::min(kept, group.spec.window + chunk - 1);
  return MemRefType::get({group.layers, int64_t(group.spec.kvHeads),
                          int64_t(llvm::alignTo(kept, lm::kKeyBlock)),
                          int64_t(group.spec.headDim)},
                         elementOf(context, type));
}

std::string CacheStates::nameOf(StringRef name, size_t group) const {
  return name.str() + (group == 0 ? "" : "." + std::to_string(group));
}

CacheStates::Place CacheStates::placeOf(uint64_t layer) const {
  auto [group, index] = places[layer];
  return {nameOf("kv_k", group), nameOf("kv_v", group),
          typeOf(groups[group], types.keys),
          typeOf(groups[group], types.values), index};
}

void CacheStates::build(OpBuilder &builder, Location loc) const {
  for (auto [index, group] : llvm::enumerate(groups)) {
    if (group.spec.kvHeads == 0)
      continue;
    lm::StateOp::create(builder, loc, nameOf("kv_k", index),
                        typeOf(group, types.keys), IntegerAttr());
    lm::StateOp::create(builder, loc, nameOf("kv_v", index),
                        typeOf(group, types.values), IntegerAttr());
  }
}

uint32_t nibble::maxRewind(ModuleOp module) {
  uint64_t most = std::numeric_limits<uint32_t>::max();
  lm::ModelOp model = lm::getModel(module);
  module.walk([&](lm::AttentionOp op) {
    uint64_t kept = cast<MemRefType>(op.getKeys().getType()).getDimSize(2);
    if (op.getWindow() && model && kept < uint64_t(model.getContext()))
      most = std::min<uint64_t>(most, kept - *op.getWindow() + 1);
  });
  return most;
}
