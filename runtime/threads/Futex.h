//===- Futex.h - sleeping on a 32-bit word -----------------------*- C++ -*-===//
//
// What:  the two futex operations the thread team needs, and the pause of a spin
//        loop.
// Why:   std::atomic::wait lives in the C++ library, which an emitted program does
//        not link.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <atomic>
#include <climits>
#include <cstdint>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace nibble::rt {

static_assert(sizeof(std::atomic<uint32_t>) == 4 && std::atomic<uint32_t>::is_always_lock_free);

/// Sleeps while `word` holds `expected`. May wake without cause.
inline void futexWait(std::atomic<uint32_t> &word, uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

/// Wakes all that sleep on `word`.
inline void futexWakeAll(std::atomic<uint32_t> &word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

/// Tells the core that this is a spin loop.
inline void spinPause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  // `yield` is a no-op on most cores; `isb` stalls for some tens of cycles as x86's pause does.
  asm volatile("isb" ::: "memory");
#endif
}

} // namespace nibble::rt
