//===- Info.cpp - what this program is -----------------------------------===//
//
// --info and --version: everything comes from the description and from the memory
// plan of this run; no code of the model is called.
//
//===----------------------------------------------------------------------===//
#include "runtime/main/Program.h"
#include "runtime/platform/CpuFeatures.h"
#include "runtime/schema/artifact_generated.h"

namespace nibble::rt {

static const char *text(const flatbuffers::String *string) { return string ? string->c_str() : ""; }

/// Bytes per format of the source, in order of appearance.
struct FormatShare {
  const char *name;
  uint64_t tensors, bytes;
};

/// Sum of the plan that was printed when the program was compiled.
static uint64_t compiledPlan(const schema::Artifact &description) {
  uint64_t sum = 0;
  for (size_t i = 0; description.memory_plan() && i < description.memory_plan()->size(); ++i)
    sum += description.memory_plan()->Get(i)->bytes();
  return sum;
}

static size_t countFormats(const schema::Artifact &description, std::span<FormatShare> shares) {
  size_t count = 0;
  for (size_t i = 0; description.tensors() && i < description.tensors()->size(); ++i) {
    const schema::Tensor &tensor = *description.tensors()->Get(i);
    std::string_view name = text(tensor.format());
    size_t k = 0;
    while (k < count && shares[k].name != name)
      ++k;
    if (k == shares.size())
      continue; // more formats than any model has
    if (k == count)
      shares[count++] = {text(tensor.format()), 0, 0};
    ++shares[k].tensors;
    shares[k].bytes += tensor.bytes();
  }
  return count;
}

static void printText(Program &program) {
  Output &out = program.out;
  const schema::Artifact &d = program.description();
  const schema::Config &c = *d.config();
  out.print("model        %s (%s)\n", text(d.model_name()), text(d.architecture()));
  out.print("source       %s\n", text(d.source_name()));
  out.print("source hash  %s\n", text(d.source_hash()));
  out.print("compiler     nibble %s, artifact checksum %016llx\n", text(d.compiler_version()),
            static_cast<unsigned long long>(program.artifact.descriptionChecksum()));
  out.print("weights      checksum %016llx\n", static_cast<unsigned long long>(d.weights()->checksum()));
  out.print("target       %s, cpu %s\n", text(d.target()->triple()), text(d.target()->cpu()));
  out.write("features    ");
  for (size_t i = 0; d.target()->features() && i < d.target()->features()->size(); ++i)
    out.print(" %s", text(d.target()->features()->Get(i)));
  out.print("\nshape        %u layers, width %u, %u heads (%u for K and V) of %u, feed-forward %u, vocabulary %u\n",
            c.layers(), c.embedding(), c.heads(), c.kv_heads(), c.head_dim(), c.feed_forward(), c.vocab());
  out.print("context      %u tokens, KV cache %s, prefill chunk %u\n", c.context(), text(c.kv()), c.chunk());
  out.print("chat         %s\n", d.chat() ? "template built in" : "none (base model: --raw)");
  FormatShare shares[32];
  size_t count = countFormats(d, shares);
  for (size_t i = 0; i < count; ++i)
    out.print("%-12s %-8s %5llu tensors %14llu bytes\n", i ? "" : "formats", shares[i].name,
              static_cast<unsigned long long>(shares[i].tensors), static_cast<unsigned long long>(shares[i].bytes));
  out.print("memory       with %u threads:\n", program.threads);
  auto row = [&](const char *, const char *name, uint64_t bytes) {
    out.print("  %-32s %14llu bytes\n", name, static_cast<unsigned long long>(bytes));
  };
  program.plan.forEachRow(row);
  out.print("  %-32s %14llu bytes (%.1f MiB)\n", "sum", static_cast<unsigned long long>(program.plan.total()),
            double(program.plan.total()) / 1048576);
  out.print("  %-32s %14llu bytes\n", "as compiled, with its threads",
            static_cast<unsigned long long>(compiledPlan(d)));
  if (d.memory_budget())
    out.print("  %-32s %14llu bytes\n", "budget", static_cast<unsigned long long>(d.memory_budget()));
}

static void printJson(Program &program) {
  Output &out = program.out;
  const schema::Artifact &d = program.description();
  const schema::Config &c = *d.config();
  auto field = [&](const char *name, std::string_view value) {
    out.print("\"%s\": \"", name);
    out.writeJson(value);
    out.write("\", ");
  };
  out.write("{");
  field("model", text(d.model_name()));
  field("architecture", text(d.architecture()));
  field("source", text(d.source_name()));
  field("source_hash", text(d.source_hash()));
  field("compiler", text(d.compiler_version()));
  field("triple", text(d.target()->triple()));
  field("cpu", text(d.target()->cpu()));
  field("kv", text(c.kv()));
  out.write("\"features\": [");
  for (size_t i = 0; d.target()->features() && i < d.target()->features()->size(); ++i) {
    out.write(i ? ", \"" : "\"");
    out.writeJson(text(d.target()->features()->Get(i)));
    out.write("\"");
  }
  out.print("], \"layers\": %u, \"embedding\": %u, \"heads\": %u, \"kv_heads\": %u, \"head_dim\": %u, "
            "\"feed_forward\": %u, \"vocab\": %u, \"context\": %u, \"chunk\": %u, \"chat\": %s, "
            "\"weights_checksum\": \"%016llx\", \"file_bytes\": %llu, \"threads\": %u, \"memory\": {",
            c.layers(), c.embedding(), c.heads(), c.kv_heads(), c.head_dim(), c.feed_forward(), c.vocab(), c.context(),
            c.chunk(), d.chat() ? "true" : "false", static_cast<unsigned long long>(d.weights()->checksum()),
            static_cast<unsigned long long>(program.artifact.fileSize()), program.threads);
  program.plan.forEachRow([&](const char *key, const char *, uint64_t bytes) {
    out.print("\"%s\": %llu, ", key, static_cast<unsigned long long>(bytes));
  });
  out.print("\"sum\": %llu}, \"memory_as_compiled\": %llu, \"planned_threads\": %u, \"memory_budget\": %llu, "
            "\"formats\": {",
            static_cast<unsigned long long>(program.plan.total()), static_cast<unsigned long long>(compiledPlan(d)),
            d.planned_threads(), static_cast<unsigned long long>(d.memory_budget()));
  FormatShare shares[32];
  size_t count = countFormats(d, shares);
  for (size_t i = 0; i < count; ++i)
    out.print("%s\"%s\": %llu", i ? ", " : "", shares[i].name, static_cast<unsigned long long>(shares[i].bytes));
  out.write("}}\n");
}

int runInfo(Program &program) {
  if (program.options.json)
    printJson(program);
  else
    printText(program);
  return program.finish();
}

int runVersion(Program &program) {
  const schema::Artifact &d = program.description();
  program.out.print("%s (%s), compiled by nibble %s for %s\n", text(d.model_name()), text(d.architecture()),
                    text(d.compiler_version()), text(d.target()->triple()));
  return program.finish();
}

} // namespace nibble::rt
