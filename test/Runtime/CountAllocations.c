/*===- CountAllocations.c - who asks for memory, and when ------------------===*
 *
 * What:  linked into a program with --wrap for each function here, counts the calls
 *        of the allocator and of the system's memory calls, before the first step of
 *        the model and from then on, and prints both at the end.
 * Why:   "no allocation after start-up" is a promise about calls, not about what the
 *        address space looks like afterwards.
 *
 *===----------------------------------------------------------------------===*/
#include "nibble/abi.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* [0]: start-up, [1]: from the first step on. */
static unsigned long allocations[2], mappings[2], steps;

static int phase(void) { return steps != 0; }

#define ALLOCATOR(name, parameters, arguments)                                                                         \
  void *__real_##name parameters;                                                                                      \
  void *__wrap_##name parameters {                                                                                     \
    ++allocations[phase()];                                                                                            \
    return __real_##name arguments;                                                                                    \
  }
ALLOCATOR(malloc, (size_t size), (size))
ALLOCATOR(calloc, (size_t count, size_t size), (count, size))
ALLOCATOR(realloc, (void *old, size_t size), (old, size))
ALLOCATOR(memalign, (size_t alignment, size_t size), (alignment, size))
ALLOCATOR(aligned_alloc, (size_t alignment, size_t size), (alignment, size))

#define MAPPER(name)                                                                                                   \
  void *__real_##name(void *address, size_t size, int protection, int flags, int file, long offset);                   \
  void *__wrap_##name(void *address, size_t size, int protection, int flags, int file, long offset) {                  \
    ++mappings[phase()];                                                                                               \
    return __real_##name(address, size, protection, flags, file, offset);                                              \
  }
MAPPER(mmap)
MAPPER(__mmap)

void *__real___sbrk(long increment);
void *__wrap___sbrk(long increment) {
  ++mappings[phase()];
  return __real___sbrk(increment);
}

#define ENTRY(name)                                                                                                    \
  void __real_##name(const nibble_step *step, int32_t tid, int32_t nthreads);                                          \
  void __wrap_##name(const nibble_step *step, int32_t tid, int32_t nthreads) {                                         \
    if (tid == 0)                                                                                                      \
      ++steps;                                                                                                         \
    __real_##name(step, tid, nthreads);                                                                                \
  }
ENTRY(nibble_decode)
ENTRY(nibble_prefill)

__attribute__((destructor)) static void report(void) {
  char text[256];
  int length = snprintf(text, sizeof(text),
                        "%lu steps; at start-up %lu allocations, %lu mappings; later %lu allocations, %lu mappings\n",
                        steps, allocations[0], mappings[0], allocations[1], mappings[1]);
  if (write(2, text, (size_t)length) != length)
    _exit(1);
}
