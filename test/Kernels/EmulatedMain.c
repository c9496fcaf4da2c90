// Reads buffers and calls that name them by number, as KernelProgram.cpp writes them, from standard input; executes the
// calls in their order, and writes all buffers to standard output.
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
  case 8: // look-ups with both additions
    ((void (*)(void *, void *, void *, void *, void *, void *, void *, void *, u64, u64, u64))f)(
        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], n, tid, threads);
    break;
  default:
    exit(2);
  }
}

int main(void) {
  u64 buffers = get(), *sizes = malloc(buffers * sizeof *sizes);
  void **data = malloc(buffers * sizeof *data);
  for (u64 i = 0; i < buffers; ++i) {
    sizes[i] = get();
    data[i] = malloc(sizes[i] + 1);
    if (fread(data[i], 1, sizes[i], stdin) != sizes[i])
      return 1;
  }
  for (u64 calls = get(); calls > 0; --calls) {
    u64 function = get(), n = get(), threads = get(), count = get();
    void *arguments[8];
    if (count > 8)
      return 2;
    for (u64 i = 0; i < count; ++i)
      arguments[i] = data[get()];
    for (u64 tid = 0; tid < threads; ++tid)
      invoke(functions[function], arguments, count, n, tid, threads);
  }
  for (u64 i = 0; i < buffers; ++i)
    fwrite(data[i], 1, sizes[i], stdout);
  return 0;
}
