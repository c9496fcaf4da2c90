//===- StateFile.h - a saved conversation ------------------------*- C++ -*-===//
//
// What:  the file of --save-state, and the section with a compiled-in prefix.
// Why:   a prompt that was evaluated once need not be evaluated again.
// Contract: little-endian, no padding. A program loads what any program of the same
//        model, weights and KV types saved, for whatever CPU, chunk or larger
//        context: `identity` says whether it is the same.
//
//   StateHeader
//   int32 tokens[tokenCount]       what was read and written; the KV cache holds the first `positions`
//   uint32 messages[messageCount]  size of each message's text × 4 + role
//   char texts[textBytes]          of the messages, one behind the other
//   cache[cacheBytes]              of each region of the description, repeat by repeat, the blocks that hold positions
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace nibble::schema {

/// "NIBSTAT" and a newline: text-mode transfers destroy it.
inline constexpr uint8_t StateMagic[8] = {'N', 'I', 'B', 'S', 'T', 'A', 'T', '\n'};

/// Raised when the file, or the meaning of its parts, changes.
inline constexpr uint32_t StateVersion = 1;

/// Roles of messages, in their low two bits.
enum class StateRole : uint32_t { System, User, Assistant };

struct StateHeader {
  uint8_t magic[8];
  uint32_t version;
  uint32_t headerSize;   // 168
  uint64_t identity;     // state_identity of the program's description
  uint64_t positions;    // of the context that the cache holds
  uint64_t written;      // positions that had been written: the rings of windows hold the last of these
  uint64_t tokenCount;   // positions, or one more: a token that was written but not read
  uint64_t messageCount; // 0: a text, no conversation
  uint64_t textBytes;
  uint64_t cacheBytes;
  char modelName[80];    // for messages, zero-terminated
  uint64_t bodyChecksum; // checksum64 of all that follows the header
  uint64_t checksum;     // checksum64 of the 160 bytes above
};
static_assert(sizeof(StateHeader) == 168);

} // namespace nibble::schema
