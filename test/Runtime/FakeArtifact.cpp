//===- FakeArtifact.cpp - makes a program of an ELF file and a fake model -===//
//
// What:  fake-artifact ELF OUT [key=value …]: appends FakeWeights, a tokenizer of
//        bytes and letters and a description to ELF with the compiler's
//        ArtifactWriter.
// Keys:  context, chunk, triple, features (comma-separated), broken (1: NaN logits),
//        max_threads, chat (1: with a chat template),
//        profile (1: as compiled with --profile),
//        endless (1: behind z follows a, not the end), name, identity (of saved
//        states), prefix (a state file to be compiled in).
//
// A prompt that ends in "w" is answered with "xyz" (FakeTokenizer.h).
//
//===----------------------------------------------------------------------===//
#include "compiler/Import/Text/ChatTemplate.h"
#include "compiler/Import/Text/TokenizerBuilder.h"
#include "compiler/Link/ArtifactWriter.h"
#include "test/Runtime/FakeModel.h"
#include "test/Runtime/FakeTokenizer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace llvm;

namespace nibble {

/// Questions begin with q, answers with w and end with </s>; a system message stands in front as it is.
static constexpr const char *ChatSource =
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}q{{ m['content'] }}{% elif m['role'] == "
    "'system' %}"
    "{{ m['content'] }}{% else %}w{{ m['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}w{% endif %}";

static Error run(StringRef elf, StringRef out, std::map<std::string, std::string> keys) {
  auto number = [&](const char *key, int64_t standard) {
    return keys.count(key) ? std::stoll(keys[key]) : standard;
  };
  TokenizerSource tokenizer = test::fakeTokenizer();
  test::FakeWeights weights;
  weights.vocab = static_cast<int64_t>(tokenizer.tokens.size());
  weights.context = number("context", 64);
  weights.chunk = number("chunk", 8);
  weights.eos = number("endless", 0) ? 260 : tokenizer.eos;
  weights.broken = number("broken", 0);

  ArtifactDescription d;
  d.modelName = keys.count("name") ? keys["name"] : "fake";
  d.stateIdentity = static_cast<uint64_t>(number("identity", 7));
  // What a position leaves in the state is its token.
  d.stateRegions.emplace_back(0, 1, 4 * weights.context, weights.context, 4, 1);
  d.architecture = "none";
  d.layers = d.embedding = d.heads = d.kvHeads = d.headDim = d.feedForward = 1;
  d.vocab = static_cast<uint32_t>(weights.vocab);
  d.context = static_cast<uint32_t>(weights.context);
  d.chunk = static_cast<uint32_t>(weights.chunk);
  d.kv = "f16";
  d.triple = keys.count("triple") ? keys["triple"] : "x86_64-linux-gnu";
  d.cpu = "generic";
  if (keys.count("features"))
    for (StringRef feature : split(keys["features"], ','))
      d.features.push_back(feature.str());
  d.compilerVersion = "0";
  d.sourceName = "fake.gguf";
  d.sourceHash = "00";
  d.tensors.push_back({"record", "f32", 0, sizeof(weights)});
  d.memoryPlan.push_back({"weights", "weights", sizeof(weights)});
  d.arenaBytes = test::FakeArenaBytes;
  d.stateBytes = weights.stateBytes();
  d.maxThreads = static_cast<uint32_t>(number("max_threads", 64));
  d.temperature = 0;
  d.tokenizer = [&](flatbuffers::FlatBufferBuilder &builder) { return buildTokenizer(tokenizer, builder); };

  if (number("profile", 0))
    d.profile = {{"decode", "next", "1 x 1", 1000, 100, 10, 50, 4},
                 {"prefill", "hash", "2 x 2", 2000, 200, 20, 60, 6},
                 {"head", "next", "3 \"x\" 3", 3000, 300, 30, 70, 8}};
  if (number("chat", 0))
    d.chat = [&](flatbuffers::FlatBufferBuilder &builder) {
      return buildChatTemplate(ChatSource, chatTokensOf(tokenizer), builder);
    };

  auto writer = ArtifactWriter::create(out, elf);
  if (!writer)
    return writer.takeError();
  (*writer)->beginTensor();
  if (Error error = (*writer)->append(&weights, sizeof(weights)))
    return error;
  (*writer)->endTensor();
  if (Error error = (*writer)->align(4096))
    return error;
  if (!keys.count("prefix"))
    return (*writer)->finish(d);
  auto prefix = MemoryBuffer::getFile(keys["prefix"], /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!prefix)
    return createStringError(prefix.getError(), "cannot read the prefix");
  StringRef bytes = (*prefix)->getBuffer();
  return (*writer)->finish(d, ArrayRef(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
}

} // namespace nibble

int main(int argc, char **argv) {
  std::map<std::string, std::string> keys;
  for (int i = 3; i < argc; ++i) {
    auto [key, value] = StringRef(argv[i]).split('=');
    keys[key.str()] = value.str();
  }
  if (argc < 3) {
    errs() << "usage: fake-artifact ELF OUT [key=value ...]\n";
    return 2;
  }
  if (Error error = nibble::run(argv[1], argv[2], keys)) {
    errs() << "error: " << toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}
