/*===- instructions.c - counts the instructions that a program executes ----===
 *
 * A plugin of QEMU's user-mode emulator (the dynamic one: the static one has no plugins):
 *
 *     cc -O2 -shared -fPIC instructions.c -o instructions.so
 *     qemu-aarch64 -plugin ./instructions.so[,blocks=N] -d plugin program …
 *
 * At exit it prints "instructions TOTAL" and, with blocks=N, the N translation blocks in which most instructions were
 * executed: "block ADDRESS LENGTH INSTRUCTIONS", which is where a profile starts. The counters are added to without
 * locks: exact for programs of one thread.
 *
 * Debian ships no header for plugins, so what is used of the interface (version 1, QEMU 6.1 to 9) is declared here,
 * after docs/devel/tcg-plugins.rst of QEMU.
 *===--------------------------------------------------------------------------*/
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t plugin_id;
enum { ADD_U64 = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*callback)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int operation, void *counter, uint64_t value);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*callback)(plugin_id id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
void qemu_plugin_outs(const char *text);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

/* A block is translated again now and then; each translation has its own entry. Entries are never freed and never move,
 * since the emulator keeps their addresses. */
struct block {
  uint64_t address, length, executed;
  struct block *next;
};

static uint64_t total;
static struct block *blocks;
static size_t block_count, top;

static void on_translation(plugin_id id, struct qemu_plugin_tb *tb) {
  uint64_t length = qemu_plugin_tb_n_insns(tb);
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, &total, length);
  if (!top)
    return;
  struct block *block = calloc(1, sizeof *block);
  if (!block)
    abort();
  block->address = qemu_plugin_tb_vaddr(tb);
  block->length = length;
  block->next = blocks;
  blocks = block;
  ++block_count;
  qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, &block->executed, length);
}

static int by_address(const void *a, const void *b) {
  const struct block *x = *(struct block *const *)a, *y = *(struct block *const *)b;
  if (x->address != y->address)
    return x->address < y->address ? -1 : 1;
  return (x->length > y->length) - (x->length < y->length);
}

static int by_work(const void *a, const void *b) {
  const struct block *x = *(struct block *const *)a, *y = *(struct block *const *)b;
  return (x->executed < y->executed) - (x->executed > y->executed);
}

static void print_blocks(void) {
  struct block **all = malloc(block_count * sizeof *all);
  size_t count = 0, merged = 0;
  if (!all)
    abort();
  for (struct block *block = blocks; block; block = block->next)
    all[count++] = block;
  qsort(all, count, sizeof *all, by_address);
  for (size_t i = 0; i < count; ++i)
    if (merged && all[merged - 1]->address == all[i]->address && all[merged - 1]->length == all[i]->length)
      all[merged - 1]->executed += all[i]->executed;
    else
      all[merged++] = all[i];
  qsort(all, merged, sizeof *all, by_work);
  for (size_t i = 0; i < merged && i < top; ++i) {
    char line[96];
    snprintf(line, sizeof line, "block %#llx %llu %llu\n", (unsigned long long)all[i]->address,
             (unsigned long long)all[i]->length, (unsigned long long)all[i]->executed);
    qemu_plugin_outs(line);
  }
  free(all);
}

static void on_exit_of_program(plugin_id id, void *data) {
  char line[64];
  (void)id, (void)data;
  snprintf(line, sizeof line, "instructions %llu\n", (unsigned long long)total);
  qemu_plugin_outs(line);
  if (top)
    print_blocks();
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; ++i)
    if (!strncmp(argv[i], "blocks=", 7))
      top = strtoul(argv[i] + 7, NULL, 10);
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, on_exit_of_program, NULL);
  return 0;
}
