//===- GGUFFuzzTest.cpp - Seeded mutations of tiny model files ------------===//
//
// Built from the sources of the reader with undefined behaviour trapping and
// containers checking their indices, and with the address sanitizer where its
// run-time library is installed. Thousands of damaged copies of good files are opened and, if
// they open, read to the end of what the importer reads. Each must give a value
// or an error: a crash, a sanitizer report or an allocation out of proportion
// to the file is a failure (the files have some 20 KB, `allocationCap`). The seed is printed; NIBBLE_FUZZ_SEED repeats
// a run, NIBBLE_FUZZ_ITERATIONS lengthens it.
//
// Usage: gguf-fuzz FILE...
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"
#include "compiler/Import/GGUF.h"
#include "compiler/Import/ImportError.h"
#include "compiler/Import/TokenizerMetadata.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

using namespace nibble;

/// One allocation of the reader holds at most the widened form of the file: 8
/// bytes for each of it, and as much again while a vector grows. LLVM's own
/// tables and the window of the reader are below 1 MiB.
static constexpr size_t allocationCap = 1 << 20;

void *operator new(size_t size) {
  if (size > allocationCap) {
    std::fprintf(stderr, "allocation of %zu bytes\n", size);
    std::abort();
  }
  void *memory = std::malloc(size ? size : 1);
  if (!memory)
    std::abort();
  return memory;
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

namespace {

using Bytes = std::vector<uint8_t>;

struct Outcome {
  unsigned opened = 0, imported = 0, malformed = 0, unsupported = 0, other = 0;
};

/// Values that sit on the edge of something: signs, sizes, wrap-around.
constexpr uint64_t edges[] = {
    0, 1, 2, 4, 5, 7, 9, 13, 31, 32, 64, 65, 127, 255, 256, 65535, 65536, 65537,
    0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
    0x8000000000000000, 0xffffffffffffffe0, 0xffffffffffffffff};

class Mutator {
public:
  explicit Mutator(uint64_t seed) : random(seed) {}

  Bytes mutate(const Bytes &original, size_t headerBytes) {
    Bytes bytes = original;
    unsigned count = 1 + below(8) / 6;
    for (unsigned i = 0; i < count; ++i)
      mutateOnce(bytes, headerBytes);
    return bytes;
  }

  uint64_t below(uint64_t bound) { return bound ? random() % bound : 0; }

private:
  /// All but a few mutations go to the header; the data has no structure.
  void mutateOnce(Bytes &bytes, size_t headerBytes) {
    if (bytes.empty())
      return;
    size_t place = below(std::min(headerBytes, bytes.size()));
    // Two in three leave everything in its place, so that what lies behind
    // the damage is still parsed.
    switch (below(3) ? below(4) : 4 + below(3)) {
    case 0: // one bit
      bytes[place] ^= static_cast<uint8_t>(1u << below(8));
      break;
    case 1: // one byte
      bytes[place] = static_cast<uint8_t>(random());
      break;
    case 2: // a 32-bit edge
      write(bytes, place, edges[below(std::size(edges))], 4);
      break;
    case 3: // a 64-bit edge
      write(bytes, place, edges[below(std::size(edges))], 8);
      break;
    case 4: // the end
      bytes.resize(below(bytes.size()) + 1);
      break;
    case 5: // some bytes vanish
      bytes.erase(bytes.begin() + place,
                  bytes.begin() + std::min(place + 1 + below(16), bytes.size()));
      break;
    case 6: { // some bytes come twice
      size_t end = std::min(place + 1 + below(64), bytes.size());
      Bytes piece(bytes.begin() + place, bytes.begin() + end);
      bytes.insert(bytes.begin() + place, piece.begin(), piece.end());
      break;
    }
    }
  }

  static void write(Bytes &bytes, size_t place, uint64_t value, size_t size) {
    size = std::min(size, bytes.size() - place);
    std::memcpy(bytes.data() + place, &value, size);
  }

  std::mt19937_64 random;
};

/// Everything the importer reads of a file that opened.
llvm::Error readAll(const GGUFFile &file) {
  if (llvm::Error error = readModel(file).takeError())
    return error;
  if (llvm::Error error = readTokenizer(file).takeError())
    return error;
  if (llvm::Error error = readChatTemplate(file).takeError())
    return error;
  if (llvm::Error error = readGenerationDefaults(file).takeError())
    return error;
  for (const GGUFTensor &tensor : file.tensors()) {
    std::vector<uint8_t> bytes(tensor.byteSize);
    if (llvm::Error error = file.readAt(tensor.fileIndex, tensor.offset, bytes))
      return error;
  }
  return llvm::Error::success();
}

void countError(llvm::Error error, Outcome &outcome) {
  std::string message;
  switch (takeImportError(std::move(error), message)) {
  case 3:
    ++outcome.malformed;
    break;
  case 4:
    ++outcome.unsupported;
    break;
  default:
    ++outcome.other;
    std::fprintf(stderr, "unexpected kind of error: %s\n", message.c_str());
  }
}

void tryOne(const Bytes &bytes, int fd, const std::string &path,
            Outcome &outcome) {
  if (::ftruncate(fd, 0) != 0 ||
      ::pwrite(fd, bytes.data(), bytes.size(), 0) !=
          static_cast<ssize_t>(bytes.size())) {
    std::perror("cannot write the test file");
    std::exit(1);
  }
  auto file = GGUFFile::open(path);
  if (!file)
    return countError(file.takeError(), outcome);
  ++outcome.opened;
  if (llvm::Error error = readAll(**file))
    return countError(std::move(error), outcome);
  ++outcome.imported;
}

Bytes readFile(const char *path) {
  Bytes bytes;
  FILE *file = std::fopen(path, "rb");
  if (!file) {
    std::perror(path);
    std::exit(1);
  }
  uint8_t buffer[4096];
  while (size_t count = std::fread(buffer, 1, sizeof buffer, file))
    bytes.insert(bytes.end(), buffer, buffer + count);
  std::fclose(file);
  return bytes;
}

/// Where the data of the first tensor starts.
size_t getHeaderBytes(const char *path) {
  auto file = GGUFFile::open(path);
  if (!file) {
    llvm::consumeError(file.takeError());
    return 0;
  }
  uint64_t start = (*file)->getTotalBytes();
  for (const GGUFTensor &tensor : (*file)->tensors())
    start = std::min(start, tensor.offset);
  return start;
}

uint64_t getSetting(const char *name, uint64_t fallback) {
  const char *text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : fallback;
}

} // namespace

int main(int argc, char **argv) {
  uint64_t seed = getSetting("NIBBLE_FUZZ_SEED", 1);
  uint64_t iterations = getSetting("NIBBLE_FUZZ_ITERATIONS", 20000);
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  int fd = ::memfd_create("mutant", 0);
  if (fd < 0 || argc < 2) {
    std::fprintf(stderr, "usage: gguf-fuzz FILE...\n");
    return 1;
  }
  std::string path = "/proc/self/fd/" + std::to_string(fd);

  std::vector<Bytes> originals;
  std::vector<size_t> headers;
  Outcome unharmed;
  for (int i = 1; i < argc; ++i) {
    originals.push_back(readFile(argv[i]));
    tryOne(originals.back(), fd, path, unharmed);
    headers.push_back(getHeaderBytes(argv[i]));
  }
  if (unharmed.imported != originals.size()) {
    std::fprintf(stderr, "a file is refused before it was damaged\n");
    return 1;
  }

  Mutator mutator(seed);
  Outcome outcome;
  for (uint64_t i = 0; i < iterations; ++i) {
    size_t which = i % originals.size();
    tryOne(mutator.mutate(originals[which], headers[which]), fd, path, outcome);
  }
  std::printf("%llu mutants: %u opened, %u imported, %u malformed, "
              "%u unsupported\n",
              static_cast<unsigned long long>(iterations), outcome.opened,
              outcome.imported, outcome.malformed, outcome.unsupported);
  // A fuzzer whose mutants are all refused at the first check tests nothing.
  bool reachedAll = outcome.imported && outcome.malformed &&
                    outcome.unsupported && outcome.opened > outcome.imported;
  return reachedAll && outcome.other == 0 ? 0 : 1;
}
