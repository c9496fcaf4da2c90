//===- Memory.cpp - the one block of memory ------------------------------===//
//
// See Memory.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/platform/Memory.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace nibble::rt {

Status Block::map(size_t size) {
  void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return Status::failure(Exit::Internal,
                           "cannot get %zu MiB of memory: %s; a program compiled with a smaller --context needs less",
                           size >> 20, strerror(errno));
  base = static_cast<uint8_t *>(memory);
  capacity = size;
  offset = 0;
  return Status::success();
}

void Block::unmap() {
  if (base)
    munmap(base, capacity);
  base = nullptr;
  capacity = offset = 0;
}

uint8_t *Block::carveBytes(size_t size, size_t alignment) {
  size_t start = alignTo(offset, alignment);
  if (start > capacity || size > capacity - start) {
    static const char message[] = "internal error: a buffer exceeds the memory plan\n";
    [[maybe_unused]] ssize_t ignored = write(2, message, sizeof(message) - 1);
    _exit(static_cast<int>(Exit::Internal));
  }
  offset = start + size;
  return base + start;
}

uint64_t peakResidentBytes() {
  int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return 0;
  char text[4096];
  ssize_t size = read(file, text, sizeof(text) - 1);
  close(file);
  if (size <= 0)
    return 0;
  text[size] = 0;
  const char *row = strstr(text, "VmHWM:");
  return row ? strtoull(row + strlen("VmHWM:"), nullptr, 10) * 1024 : 0;
}

} // namespace nibble::rt
