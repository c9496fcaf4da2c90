//===- TargetInfo.cpp - CPU name → features -------------------------------===//
#include "compiler/Target/TargetInfo.h"

#include "codegen/Intrinsics/InstructionTable.h"
#include "compiler/Target/HostVectorLength.h"
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
static constexpr StringLiteral kAArch64Features[] = {"dotprod", "fullfp16", "i8mm", "bf16",
                                                     "sve",     "sve2",     "lse",  "rdm"};

/// CPUs whose SVE vectors are longer than 128 bits (Arm's technical reference manuals, Fujitsu's A64FX manual).
static constexpr std::pair<StringLiteral, int64_t> kLongVectors[] = {{"a64fx", 512}, {"neoverse-v1", 256}};
static constexpr StringLiteral kVectorLengthSuffix = "-bit";
/// The lengths that there are rows for.
static constexpr int64_t kVectorLengths[] = {128, 256, 512};

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

bool TargetInfo::has(StringRef name) const {
  if (!subtarget || name.ends_with(kVectorLengthSuffix))
    return subtarget && scalableBits != 0 && name == vectorLengthFeature(scalableBits);
  return subtarget->checkFeatures(("+" + name).str());
}

std::vector<std::string> TargetInfo::requiredFeatures() const {
  ArrayRef<StringLiteral> known = isX86() ? ArrayRef<StringLiteral>(kX86Features) : ArrayRef(kAArch64Features);
  std::vector<std::string> result;
  for (StringRef name : known)
    if (has(name))
      result.push_back(name.str());
  if (scalableBits > 128) // nothing is compiled for a length of 128 bits only
    result.push_back(vectorLengthFeature(scalableBits));
  std::sort(result.begin(), result.end());
  return result;
}

/// Takes "sve-N-bit" out of a list of features, and gives N, or 0.
static Expected<int64_t> takeVectorLength(std::string &features) {
  SmallVector<StringRef> names, others;
  StringRef(features).split(names, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  int64_t bits = 0;
  for (StringRef name : names)
    if (StringRef number = name; number.consume_front("+sve-") && number.consume_back(kVectorLengthSuffix)) {
      if (number.getAsInteger(10, bits) || !is_contained(kVectorLengths, bits))
        return createStringError(std::errc::invalid_argument,
                                 "SVE vectors of %s bits: Nibble compiles for 128, 256 and 512", number.str().c_str());
    } else {
      others.push_back(name);
    }
  features = join(others, ",");
  return bits;
}

/// Length of the SVE vectors of a CPU that has them. The name "generic" says nothing about it.
static int64_t vectorLengthOf(StringRef cpu) {
  for (auto [name, bits] : kLongVectors)
    if (cpu == name)
      return bits;
  return cpu == "generic" || cpu.starts_with("neoverse-512") ? 0 : 128;
}

/// This machine's, if there are rows for it.
static int64_t nativeVectorLength() {
  int64_t bits = hostVectorLength();
  return is_contained(kVectorLengths, bits) ? bits : 0;
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
  std::string others = features.str();
  Expected<int64_t> bits = takeVectorLength(others);
  if (!bits)
    return bits.takeError();
  info.features = others;
  if (native) {
    info.cpu = sys::getHostCPUName().str();
    // A virtual machine may hide features that the CPU's name promises.
    info.features = hostFeatures() + (others.empty() ? "" : "," + others);
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
  bool sve = info.isAArch64() && info.has("sve");
  if (*bits && !sve)
    return createStringError(std::errc::invalid_argument,
                             "vectors of %d bits are SVE's, which the CPU %s does not have; add +sve to its features",
                             int(*bits), info.cpu.c_str());
  if (sve)
    info.scalableBits = *bits ? *bits : native ? nativeVectorLength() : vectorLengthOf(info.cpu);
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
  // Where the CPU's name does not say it, the attribute does.
  std::string all = features;
  if (scalableBits && scalableBits != vectorLengthOf(cpu))
    all += (all.empty() ? "+" : ",+") + vectorLengthFeature(scalableBits);
  module->setAttr(mpgemm::kTargetAttrName, mpgemm::TargetAttr::get(context, triple, cpu, all));
}

} // namespace nibble
