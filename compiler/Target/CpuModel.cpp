//===- CpuModel.cpp - what a core does in a cycle and reads in a second ---===//
#include "compiler/Target/CpuModel.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace llvm;

namespace nibble {

static constexpr CpuModel kModels[] = {
#define NIBBLE_CPU_MODEL(names, clock, instructions, products, lookups, bandwidth, ahead)                              \
  {names, clock, instructions, products, lookups, bandwidth, ahead},
#include "compiler/Target/CpuModel.def"
};

ArrayRef<CpuModel> cpuModels() { return kModels; }

double CpuModel::cyclesFor(const RowCost &cost) const {
  return std::max({cost.instructions / instructions, cost.products / products, cost.lookups / lookups});
}

double CpuModel::secondsFor(const RowCost &cost, double weights) const {
  return weights * std::max(cyclesFor(cost) / clock, cost.bytes / bandwidth) * 1e-9;
}

const CpuModel &cpuModelOf(const TargetInfo &target) {
  auto named = [](StringRef name) {
    return find_if(kModels, [&](const CpuModel &model) {
      SmallVector<StringRef> names;
      StringRef(model.names).split(names, ',');
      return is_contained(names, name);
    });
  };
  const CpuModel *found = named(target.cpu);
  return found != std::end(kModels) ? *found : *named(target.isX86() ? "x86_64" : "aarch64");
}

} // namespace nibble
