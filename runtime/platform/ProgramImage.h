//===- ProgramImage.h - memory of a program's segments -----------*- C++ -*-===//
//
// What:  how much address space the loader gives to the code and the static data of
//        an ELF file: its PT_LOAD segments, in whole pages.
// Why:   it is a row of the memory plan. The compiler counts it in the file that it
//        has linked, the program in its own headers in memory, by one function.
// Contract: 64-bit little-endian ELF, the only kind that Nibble emits.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <elf.h>

namespace nibble::rt {

/// Bytes of the segments, in pages of the largest size that the machine's kernels are configured with.
inline uint64_t segmentBytes(const Elf64_Phdr *headers, size_t count, uint16_t machine) {
  uint64_t page = machine == EM_AARCH64 ? 65536 : 4096, sum = 0;
  for (size_t i = 0; i < count; ++i)
    if (headers[i].p_type == PT_LOAD) {
      uint64_t begin = headers[i].p_vaddr / page * page;
      sum += (headers[i].p_vaddr + headers[i].p_memsz - begin + page - 1) / page * page;
    }
  return sum;
}

} // namespace nibble::rt
