// Executes the calls that KernelProgram.cpp wrote to standard input, and writes all buffers to standard output.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint64_t u64;
extern void (*const functions[])(void);

static u64 get(void) {
  u64 value;
  if (fread(&value, sizeof value, 1, stdin) != 1)
    exit(1);
  return value;
}

static void invoke(void (*f)(void), void **b, u64 count, u64 n, u64 tid, u64 threads) {
  switch (count) {
  case 2:
    ((void (*)(void *, void *, u64, u64, u64))f)(b[0], b[1], n, tid, threads);
    break;
  case 3:
    ((void (*)(void *, void *, void *, u64, u64, u64))f)(b[0], b[1], b[2], n, tid, threads);
    break;
  case 4:
    ((void (*)(void *, void *, void *, void *, u64, u64, u64))f)(b[0], b[1], b[2], b[3], n, tid, threads);
    break;
  case 5:
    ((void (*)(void *, void *, void *, void *, void *, u64, u64, u64))f)(b[0], b[1], b[2], b[3], b[4], n, tid, threads);
    break;
  case 6:
    ((void (*)(void *, void *, void *, void *, void *, void *, u64, u64, u64))f)(b[0], b[1], b[2], b[3], b[4], b[5], n,
                                                                                tid, threads);
    break;
  case 7:
    ((void (*)(void *, void *, void *, void *, void *, void *, void *, u64, u64, u64))f)(b[0], b[1], b[2], b[3], b[4],
                                                                                        b[5], b[6], n, tid, threads);
    break;
  default:
    exit(2);
  }
}

int main(void) {
  for (u64 calls = get(); calls > 0; --calls) {
    u64 function = get(), count = get(), n = get(), threads = get(), sizes[8];
    void *buffers[8];
    for (u64 i = 0; i < count; ++i) {
      sizes[i] = get();
      buffers[i] = malloc(sizes[i] + 1);
      if (fread(buffers[i], 1, sizes[i], stdin) != sizes[i])
        return 1;
    }
    for (u64 tid = 0; tid < threads; ++tid)
      invoke(functions[function], buffers, count, n, tid, threads);
    for (u64 i = 0; i < count; ++i) {
      fwrite(buffers[i], 1, sizes[i], stdout);
      free(buffers[i]);
    }
  }
  return 0;
}
