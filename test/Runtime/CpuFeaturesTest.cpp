// CPU features: what /proc/cpuinfo lists is found, what no processor has is missing, what nobody knows is said so.
#include "runtime/platform/CpuFeatures.h"

#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>
#include <string>

using namespace nibble::rt;

TEST(CpuFeatures, AgreeWithTheKernel) {
  std::ifstream file("/proc/cpuinfo");
  std::set<std::string> flags;
  for (std::string line; flags.empty() && std::getline(file, line);)
    if (line.starts_with("flags") || line.starts_with("Features")) {
      std::istringstream words(line.substr(line.find(':') + 1));
      for (std::string word; words >> word;)
        flags.insert(word);
    }
  if (flags.empty() || machineName() != "x86_64")
    GTEST_SKIP() << "no flags in /proc/cpuinfo";
  const std::pair<const char *, const char *> names[] = {// LLVM's name, the kernel's
                                                         {"avx", "avx"},           {"avx2", "avx2"},
                                                         {"fma", "fma"},           {"f16c", "f16c"},
                                                         {"avx512f", "avx512f"},   {"avx512bw", "avx512bw"},
                                                         {"avx512vl", "avx512vl"}, {"avx512vnni", "avx512_vnni"},
                                                         {"avxvnni", "avx_vnni"},  {"sse4.2", "sse4_2"},
                                                         {"bmi2", "bmi2"},         {"amx-int8", "amx_int8"},
                                                         {"lzcnt", "abm"},         {"vaes", "vaes"}};
  for (auto [ours, kernel] : names)
    EXPECT_EQ(cpuFeature(ours), flags.count(kernel) ? FeatureState::Present : FeatureState::Missing) << ours;
}

TEST(CpuFeatures, UnknownNamesAreNotMissing) {
  EXPECT_EQ(cpuFeature("avx4096"), FeatureState::Unknown);
  EXPECT_EQ(cpuFeature(""), FeatureState::Unknown);
}
