//===- TargetInfo.cpp - CPU name → features -------------------------------===//
#include "compiler/Target/TargetInfo.h"

#include "dialects/MPGEMM/MPGEMM.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"

#include <algorithm>
#include <mutex>

extern "C" {
void LLVMInitializeX86TargetInfo();
void LLVMInitializeX86TargetMC();
void LLVMInitializeAArch64TargetInfo();
void LLVMInitializeAArch64TargetMC();
}

using namespace llvm;

namespace nibble {

/// Features that generated code may use and whose absence makes it trap. The runtime checks those that the CPU has.
static constexpr StringLiteral kX86Features[] = {"avx",     "avx2",     "f16c",     "fma",        "avx512f",
                                                 "avx512bw", "avx512vl", "avx512vnni", "avx512dq", "avxvnni",
                                                 "avx512bf16", "avx512vbmi", "bmi",   "bmi2"};
static constexpr StringLiteral kAArch64Features[] = {"dotprod", "fullfp16", "i8mm", "bf16", "sve", "sve2", "lse", "rdm"};

ArrayRef<StringRef> supportedTriples() {
  static const StringRef triples[] = {"x86_64-linux-gnu", "aarch64-linux-gnu"};
  return triples;
}

static void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64TargetMC();
  });
}

static std::unique_ptr<MCSubtargetInfo> makeSubtarget(const Triple &triple, StringRef cpu, StringRef features) {
  initializeTargets();
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  return std::unique_ptr<MCSubtargetInfo>(target->createMCSubtargetInfo(triple, cpu, features));
}

bool TargetInfo::has(StringRef name) const { return subtarget && subtarget->checkFeatures(("+" + name).str()); }

std::vector<std::string> TargetInfo::requiredFeatures() const {
  ArrayRef<StringLiteral> known = isX86() ? ArrayRef<StringLiteral>(kX86Features) : ArrayRef(kAArch64Features);
  std::vector<std::string> result;
  for (StringRef name : known)
    if (has(name))
      result.push_back(name.str());
  std::sort(result.begin(), result.end());
  return result;
}

/// LLVM lists the CPUs of all generations; those without 64-bit instructions cannot run a 64-bit program.
static bool has64Bit(const Triple &triple, const MCSubtargetInfo &subtarget) {
  return !triple.isX86() || subtarget.checkFeatures("+64bit");
}

std::vector<std::string> cpuNames(StringRef triple) {
  std::vector<std::string> names;
  if (auto subtarget = makeSubtarget(Triple(triple), "", ""))
    for (const SubtargetSubTypeKV &entry : subtarget->getAllProcessorDescriptions())
      if (has64Bit(Triple(triple), *makeSubtarget(Triple(triple), entry.Key, "")))
        names.push_back(entry.Key);
  std::sort(names.begin(), names.end());
  return names;
}

static Error unknownTarget(StringRef target) {
  return createStringError(std::errc::invalid_argument,
                           "unknown target '%s'; the targets are native, %s", target.str().c_str(),
                           join(supportedTriples(), ", ").c_str());
}

/// The features of the machine this runs on, as LLVM writes them.
static std::string hostFeatures() {
  SubtargetFeatures features;
  for (const auto &[name, enabled] : sys::getHostCPUFeatures())
    features.AddFeature(name, enabled);
  return features.getString();
}

Expected<TargetInfo> TargetInfo::get(StringRef target, StringRef cpu, StringRef features) {
  Triple host(sys::getProcessTriple());
  TargetInfo info;
  if (target == "native")
    info.triple = host.isX86() ? "x86_64-linux-gnu" : host.isAArch64() ? "aarch64-linux-gnu" : "";
  else if (is_contained(supportedTriples(), target))
    info.triple = target.str();
  if (info.triple.empty())
    return unknownTarget(target);

  Triple triple(info.triple);
  bool isHost = triple.getArch() == host.getArch();
  bool native = cpu == "native" || (cpu.empty() && target == "native");
  if (native && !isHost)
    return createStringError(std::errc::invalid_argument,
                             "--cpu=native asks for this machine's CPU, but the target is %s", info.triple.c_str());
  info.features = features.str();
  if (native) {
    info.cpu = sys::getHostCPUName().str();
    // A virtual machine may hide features that the CPU's name promises.
    info.features = hostFeatures() + (features.empty() ? "" : "," + features.str());
  } else if (cpu.empty()) {
    info.cpu = triple.isX86() ? "x86-64" : "generic";
  } else {
    info.cpu = cpu.str();
    std::vector<std::string> known = cpuNames(info.triple);
    if (!is_contained(known, info.cpu))
      return createStringError(std::errc::invalid_argument, "unknown CPU '%s' for %s; known are: %s",
                               info.cpu.c_str(), info.triple.c_str(), join(known, " ").c_str());
  }
  info.subtarget = makeSubtarget(triple, info.cpu, info.features);
  if (!info.subtarget)
    return createStringError(std::errc::not_supported, "this LLVM has no code generator for %s", info.triple.c_str());
  return info;
}

mlir::FailureOr<TargetInfo> TargetInfo::fromModule(mlir::ModuleOp module) {
  auto attr = module->getAttrOfType<mpgemm::TargetAttr>(mpgemm::kTargetAttrName);
  if (!attr)
    return module.emitError() << "the module has no attribute " << mpgemm::kTargetAttrName
                              << " of kind #mpgemm.target, which says what machine to compile for";
  Expected<TargetInfo> info = get(attr.getTriple(), attr.getCpu(), attr.getFeatures());
  if (!info)
    return module.emitError(toString(info.takeError()));
  return *info;
}

void TargetInfo::attachTo(mlir::ModuleOp module) const {
  mlir::MLIRContext *context = module.getContext();
  context->loadDialect<mpgemm::MPGEMMDialect>();
  module->setAttr(mpgemm::kTargetAttrName, mpgemm::TargetAttr::get(context, triple, cpu, features));
}

} // namespace nibble
