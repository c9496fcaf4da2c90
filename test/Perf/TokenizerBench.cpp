//===- TokenizerBench.cpp - how fast text becomes tokens ------------------===//
//
// Prints, for each tokenizer, megabytes of text a second of one thread, tokens, and
// what was looked at for a byte (EncodeOptions::steps), which time is proportional to
// and no other program disturbs. The text is always the same: sentences of the tale
// beside it, code, numbers and other scripts, in an order drawn with a fixed seed.
//
//   TokenizerBench MODEL…     whatever `nibble tokenize` takes
//
//===----------------------------------------------------------------------===//
#include "compiler/Import/OpenModel.h"
#include "compiler/Import/Text/TokenizerBuilder.h"
#include "compiler/Import/TokenizerMetadata.h"
#include "runtime/text/Tokenizer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstdio>
#include <ctime>
#include <random>

using namespace nibble;

static constexpr size_t textBytes = 300000;
static constexpr int repetitions = 7;

static constexpr llvm::StringRef others[] = {
    "for (int i = 0; i < n; ++i) {\n    x[i] += y->z * 0x7f; // 1,000,000\n}\n",
    "def main(argv):\n\tprint(f\"{len(argv):>4} arguments, 3.14159 %\")\n",
    "Größe, Übermut, Straße; être où ça naïve. ",
    "Быстрая коричневая лиса перепрыгивает через ленивую собаку. ",
    "素早い茶色の狐がのろまな犬を飛び越える。敏捷的棕色狐狸跳过了懒狗。",
    "हिन्दी में। مرحبا بالعالم 👍🏽 🇩🇪 ",
    "http://example.org/a_b-c?d=e&f=12345 \"HTTPServer\"\n\n",
};

/// Three pieces of four are sentences of the tale.
static std::string makeText() {
  auto file = llvm::MemoryBuffer::getFile(NIBBLE_TALE);
  if (!file) {
    std::fprintf(stderr, "%s: %s\n", NIBBLE_TALE, file.getError().message().c_str());
    std::exit(2);
  }
  llvm::SmallVector<llvm::StringRef> sentences;
  (*file)->getBuffer().split(sentences, '.', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  std::mt19937 random(1);
  std::string text;
  while (text.size() < textBytes) {
    uint32_t draw = random();
    if (draw % 4 != 0)
      text += sentences[draw / 4 % sentences.size()].str() + ".";
    else
      text += others[draw / 4 % std::size(others)];
  }
  return text;
}

/// Time that this thread has run: other programs cost less of it than of the clock on the wall.
static double seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

static llvm::Expected<std::vector<uint8_t>> build(const char *path) {
  auto file = openTexts(path);
  if (!file)
    return file.takeError();
  auto source = readTokenizer(**file);
  if (!source)
    return source.takeError();
  return buildTokenizer(*source);
}

static llvm::Error measure(const char *path, const std::string &text) {
  auto table = build(path);
  if (!table)
    return table.takeError();
  rt::Tokenizer tokenizer;
  rt::TextError error = rt::Tokenizer::open(flatbuffers::GetRoot<schema::Tokenizer>(table->data()), tokenizer);
  std::vector<std::byte> workspace(rt::Tokenizer::workspaceSize(text.size()));
  std::vector<int32_t> ids(rt::Tokenizer::maxTokens(text.size()));
  double shortest = 1e9;
  size_t tokens = 0, steps = 0;
  for (int i = 0; i < repetitions && error == rt::TextError::None; ++i) {
    rt::EncodeOptions options;
    options.steps = &(steps = 0);
    double start = seconds();
    error = tokenizer.encode(text, options, workspace, ids, tokens);
    shortest = std::min(shortest, seconds() - start);
    // A vocabulary of a test may lack bytes.
    if (error == rt::TextError::UnknownBytes)
      error = rt::TextError::None;
  }
  if (error != rt::TextError::None)
    return llvm::createStringError(std::string(path) + ": " + rt::describe(error));
  llvm::StringRef name = llvm::StringRef(path).rtrim('/').rsplit('/').second;
  auto size = double(text.size());
  std::printf("| %s | %s | %d | %.1f | %zu | %.1f |\n", (name.empty() ? llvm::StringRef(path) : name).str().c_str(),
              schema::EnumNameTokenizerKind(tokenizer.schemaTable().kind()), tokenizer.vocabularySize(),
              size / shortest / 1e6, tokens, double(steps) / size);
  return llvm::Error::success();
}

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: TokenizerBench MODEL…\n");
    return 2;
  }
  std::string text = makeText();
  std::printf(
      "| tokenizer | kind | vocabulary | MB/s | tokens of %zu bytes | steps a byte |\n|---|---|---|---|---|---|\n",
      text.size());
  for (const char *path : llvm::ArrayRef(argv + 1, argc - 1))
    if (llvm::Error error = measure(path, text)) {
      std::fprintf(stderr, "%s\n", llvm::toString(std::move(error)).c_str());
      return 1;
    }
}
