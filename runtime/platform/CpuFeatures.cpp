//===- CpuFeatures.cpp - does this processor run the code? ---------------===//
//
// See CpuFeatures.h. One table per architecture: LLVM's name, and the bit that
// tells. Features that only a kernel can use have no bit and count as present.
//
//===----------------------------------------------------------------------===//
#include "runtime/platform/CpuFeatures.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#include <sys/prctl.h>
#endif

namespace nibble::rt {

#if defined(__x86_64__)

std::string_view machineName() { return "x86_64"; }

namespace {

/// The words that the table below refers to.
enum Word : uint8_t { L1C, L1D, L7B, L7C, L7D, L71A, L71D, LDA, X1C, X1D, X8B, Words };

/// Registers the operating system has to save for the feature (bits of XCR0): none, YMM, ZMM and masks, tiles.
enum Save : uint32_t { None = 0, Ymm = 0x6, Zmm = 0xE6, Tile = 0x60000 };

struct Feature {
  std::string_view name;
  Word word;
  uint8_t bit;
  Save save;
};

constexpr Feature Features[] = {
    {"64bit", X1D, 29, None},          {"adx", L7B, 19, None},           {"aes", L1C, 25, None},
    {"amx-bf16", L7D, 22, Tile},       {"amx-int8", L7D, 25, Tile},      {"amx-tile", L7D, 24, Tile},
    {"avx", L1C, 28, Ymm},             {"avx2", L7B, 5, Ymm},            {"avx512bf16", L71A, 5, Zmm},
    {"avx512bitalg", L7C, 12, Zmm},    {"avx512bw", L7B, 30, Zmm},       {"avx512cd", L7B, 28, Zmm},
    {"avx512dq", L7B, 17, Zmm},        {"avx512f", L7B, 16, Zmm},        {"avx512fp16", L7D, 23, Zmm},
    {"avx512ifma", L7B, 21, Zmm},      {"avx512vbmi", L7C, 1, Zmm},      {"avx512vbmi2", L7C, 6, Zmm},
    {"avx512vl", L7B, 31, Zmm},        {"avx512vnni", L7C, 11, Zmm},     {"avx512vp2intersect", L7D, 8, Zmm},
    {"avx512vpopcntdq", L7C, 14, Zmm}, {"avxifma", L71A, 23, Ymm},       {"avxneconvert", L71D, 5, Ymm},
    {"avxvnni", L71A, 4, Ymm},         {"avxvnniint16", L71D, 10, Ymm},  {"avxvnniint8", L71D, 4, Ymm},
    {"bmi", L7B, 3, None},             {"bmi2", L7B, 8, None},           {"cldemote", L7C, 25, None},
    {"clflushopt", L7B, 23, None},     {"clwb", L7B, 24, None},          {"clzero", X8B, 0, None},
    {"cmov", L1D, 15, None},           {"crc32", L1C, 20, None},         {"cx16", L1C, 13, None},
    {"cx8", L1D, 8, None},             {"f16c", L1C, 29, Ymm},           {"fma", L1C, 12, Ymm},
    {"fsgsbase", L7B, 0, None},        {"fxsr", L1D, 24, None},          {"gfni", L7C, 8, None},
    {"invpcid", L7B, 10, None},        {"lzcnt", X1C, 5, None},          {"mmx", L1D, 23, None},
    {"movbe", L1C, 22, None},          {"movdir64b", L7C, 28, None},     {"movdiri", L7C, 27, None},
    {"mwaitx", X1C, 29, None},         {"pclmul", L1C, 1, None},         {"popcnt", L1C, 23, None},
    {"prfchw", X1C, 8, None},          {"rdpid", L7C, 22, None},         {"rdrnd", L1C, 30, None},
    {"rdseed", L7B, 18, None},         {"sahf", X1C, 0, None},           {"serialize", L7D, 14, None},
    {"sha", L7B, 29, None},            {"sse", L1D, 25, None},           {"sse2", L1D, 26, None},
    {"sse3", L1C, 0, None},            {"sse4.1", L1C, 19, None},        {"sse4.2", L1C, 20, None},
    {"sse4a", X1C, 6, None},           {"ssse3", L1C, 9, None},          {"vaes", L7C, 9, Ymm},
    {"vpclmulqdq", L7C, 10, Ymm},      {"waitpkg", L7C, 5, None},        {"x87", L1D, 0, None},
    {"xsave", L1C, 26, None},          {"xsavec", LDA, 1, None},         {"xsaveopt", LDA, 0, None},
    {"xsaves", LDA, 3, None},
};

/// Names in LLVM's lists that no generated code depends on: for kernels only, or hints to the code generator.
constexpr std::string_view NoUserMeaning[] = {"evex512", "invlpgb", "pconfig", "pku",      "ptwrite", "rdpru",
                                              "shstk",   "uintr",   "wbnoinvd", "xsaves32", "hreset",  "sgx"};

struct Processor {
  uint32_t words[Words] = {};
  uint64_t saved = 0; // XCR0

  Processor() {
    unsigned a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d)) {
      words[L1C] = c;
      words[L1D] = d;
      if (c & (1u << 27)) { // OSXSAVE: xgetbv may be used
        uint32_t low, high;
        asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        saved = low | uint64_t(high) << 32;
      }
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
      words[L7B] = b;
      words[L7C] = c;
      words[L7D] = d;
      if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
        words[L71A] = a;
        words[L71D] = d;
      }
    }
    if (__get_cpuid_count(0xD, 1, &a, &b, &c, &d))
      words[LDA] = a;
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
      words[X1C] = c;
      words[X1D] = d;
    }
    if (__get_cpuid(0x80000008, &a, &b, &c, &d))
      words[X8B] = b;
  }
};

} // namespace

FeatureState cpuFeature(std::string_view name) {
  static const Processor processor; // cpuid traps under a hypervisor: once, at the first question, at start-up
  for (const Feature &feature : Features)
    if (feature.name == name) {
      bool has = (processor.words[feature.word] >> feature.bit) & 1;
      bool usable = (processor.saved & feature.save) == feature.save;
      return has && usable ? FeatureState::Present : FeatureState::Missing;
    }
  for (std::string_view other : NoUserMeaning)
    if (other == name)
      return FeatureState::Present;
  return FeatureState::Unknown;
}

#elif defined(__aarch64__)

std::string_view machineName() { return "aarch64"; }

namespace {

struct Feature {
  std::string_view name;
  uint8_t word; // 1: AT_HWCAP, 2: AT_HWCAP2
  uint8_t bit;
};

// Bit numbers of arch/arm64/include/uapi/asm/hwcap.h.
constexpr Feature Features[] = {
    {"aes", 1, 3},        {"altnzcv", 2, 7},   {"bf16", 2, 14},     {"bti", 2, 17},      {"ccdp", 2, 0},
    {"ccpp", 1, 16},      {"complxnum", 1, 14}, {"crc", 1, 7},      {"dit", 1, 24},      {"dotprod", 1, 20},
    {"f32mm", 2, 10},     {"f64mm", 2, 11},    {"flagm", 1, 27},    {"fp-armv8", 1, 0},  {"fp16fml", 1, 23},
    {"fptoint", 2, 8},    {"fullfp16", 1, 10}, {"fp16", 1, 10},     {"i8mm", 2, 13},     {"jsconv", 1, 13},
    {"lse", 1, 8},        {"lse2", 1, 25},     {"mte", 2, 18},      {"neon", 1, 1},      {"pauth", 1, 30},
    {"rand", 2, 16},      {"rcpc", 1, 15},     {"rcpc-immo", 1, 26}, {"rdm", 1, 12},     {"sb", 1, 29},
    {"sha2", 1, 6},       {"sha3", 1, 17},     {"sm4", 1, 19},      {"sme", 2, 23},      {"sme-i16i64", 2, 24},
    {"ssbs", 1, 28},      {"sve", 1, 22},      {"sve-aes", 2, 2},   {"sve-bitperm", 2, 4}, {"sve-sha3", 2, 5},
    {"sve-sm4", 2, 6},    {"sve2", 2, 1},      {"sve2-aes", 2, 2},  {"sve2-bitperm", 2, 4}, {"sve2-sha3", 2, 5},
    {"sve2-sm4", 2, 6},   {"wfxt", 2, 31},
};

/// Names in LLVM's lists that no generated code depends on: for kernels only, or hints to the code generator.
constexpr std::string_view NoUserMeaning[] = {
    "am",  "amvs", "ecv", "el2vmsa", "el3",     "ete",      "fgt",   "hcx",      "lor",    "mpam", "nv",   "pan",
    "pan-rwx", "perfmon", "predres", "ras", "rme", "sel2", "spe", "spe-eef", "specrestrict", "tlb-rmi", "tracev8.4",
    "trbe", "uaops", "vh", "xs", "contextidr-el2", "CONTEXTIDREL2"};

/// Length of this processor's SVE vectors in bits; 0 without SVE.
long vectorBits() {
  constexpr int GetLength = 51, LengthMask = 0xffff; // PR_SVE_GET_VL, PR_SVE_VL_LEN_MASK of linux/prctl.h
  int answer = prctl(GetLength);
  return answer < 0 ? 0 : 8l * (answer & LengthMask);
}

/// Features that are a length of vectors: code is compiled for one, and wrong with any other.
constexpr std::pair<std::string_view, long> VectorLengths[] = {
    {"sve-128-bit", 128}, {"sve-256-bit", 256}, {"sve-512-bit", 512}};

} // namespace

FeatureState cpuFeature(std::string_view name) {
  for (const Feature &feature : Features)
    if (feature.name == name) {
      unsigned long word = getauxval(feature.word == 1 ? AT_HWCAP : AT_HWCAP2);
      return (word >> feature.bit) & 1 ? FeatureState::Present : FeatureState::Missing;
    }
  for (auto [length, bits] : VectorLengths)
    if (length == name)
      return vectorBits() == bits ? FeatureState::Present : FeatureState::Missing;
  for (std::string_view other : NoUserMeaning)
    if (other == name)
      return FeatureState::Present;
  return FeatureState::Unknown;
}

#else
#error "the runtime knows x86-64 and AArch64"
#endif

} // namespace nibble::rt
