//===- CpuFeatures.h - does this processor run the code? ---------*- C++ -*-===//
//
// What:  answers, for LLVM's feature names, whether this processor has them and
//        the operating system saves their registers.
// Why:   a program built for another machine should say so, not die of SIGILL.
// Sources: Intel SDM vol. 2 CPUID; AMD APM vol. 3 appendix E; Linux
//        Documentation/arch/arm64/elf_hwcaps.rst.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <string_view>

namespace nibble::rt {

enum class FeatureState {
  Present,
  Missing,
  Unknown, // not in the table; nobody can vouch for it
};

FeatureState cpuFeature(std::string_view name);

/// The machine part of a triple this runtime was compiled for: "x86_64" or "aarch64".
std::string_view machineName();

} // namespace nibble::rt
