/*===- full_disk.c - a disk that fills up, for the error tests ------------===*
 *
 * What:  preloaded into a process, lets write() fail with ENOSPC once the files
 *        below $FULL_DISK_FOLDER have taken $FULL_DISK_BYTES bytes in all.
 * Why:   a real full disk needs a file system of its own, which needs privileges;
 *        a limit on file sizes comes as a signal instead, which is another case.
 * Contract: a write that crosses the limit is short, the next one fails, as the
 *        kernel does it. Other files and other calls are untouched.
 *
 *===----------------------------------------------------------------------===*/
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static size_t taken;

ssize_t write(int fd, const void *data, size_t size) {
  const char *folder = getenv("FULL_DISK_FOLDER"), *limit = getenv("FULL_DISK_BYTES");
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof(path) - 1);
  if (folder && limit && length > 0 && strncmp(path, folder, strlen(folder)) == 0) {
    size_t free = strtoull(limit, NULL, 10) - taken;
    if (free == 0) {
      errno = ENOSPC;
      return -1;
    }
    size = size < free ? size : free;
    taken += size;
  }
  return syscall(SYS_write, fd, data, size);
}
