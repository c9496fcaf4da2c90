//===- MemoryPlan.h - what a program occupies, row by row --------*- C++ -*-===//
//
// What:  the sizes of all buffers of an emitted program, from the numbers of its
//        description. The runtime maps one block of planBytes() and carves it in
//        this order; the compiler prints the same rows and checks the budget.
// Why:   one function on both sides, so the plan cannot differ from the program.
// Contract: constexpr. Every row is a multiple of its alignment, so the rows' sum is
//        the block. Texts that exceed textBytes are refused with a message.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/Sampler.h"
#include "runtime/core/TextStream.h"
#include "runtime/platform/Memory.h"
#include "runtime/text/Tokenizer.h"
#include "runtime/threads/Team.h"

#include <cstddef>
#include <cstdint>

namespace nibble::rt {

struct PlanInputs {
  uint64_t arenaBytes = 0, stateBytes = 0;
  uint32_t vocab = 0, context = 0, chunk = 0;
  uint32_t maxTokenBytes = 0; // longest token of the vocabulary
  uint32_t threads = 1;       // members of the team
  uint64_t chatBytes = 0;     // workspace of the chat template, 0 without one
};

struct MemoryPlan {
  uint64_t arena, state, stacks;
  uint64_t logits, candidates, history, chunkTokens;
  uint64_t text, rendered, ids, tokenizer, chat, stream;
  uint32_t textBytes; // capacity of text and rendered
  uint64_t idCount;   // capacity of ids

  constexpr uint64_t runtimeBytes() const {
    return logits + candidates + history + chunkTokens + text + rendered + ids + tokenizer + chat + stream;
  }
  constexpr uint64_t planBytes() const { return arena + state + stacks + runtimeBytes(); }
};

/// Longest --stop text and how many; they size the stream's buffer.
inline constexpr size_t MaxStops = 8, MaxStopBytes = 256;

/// Arena, state and stacks begin on the largest page of AArch64 Linux.
inline constexpr size_t RegionAlignment = 65536;

/// Messages of a conversation that are kept; older ones are forgotten first.
inline constexpr size_t MaxMessages = 256;

constexpr MemoryPlan computeMemoryPlan(const PlanInputs &in) {
  auto buffer = [](uint64_t bytes) { return alignTo(bytes, CarveAlignment); };
  auto region = [](uint64_t bytes) { return alignTo(bytes, RegionAlignment); };
  MemoryPlan plan = {};
  // Text averages four bytes a token; twice that, and room for a page, is what a full context can need.
  plan.textBytes = 8 * in.context + 4096;
  plan.idCount = Tokenizer::maxTokens(plan.textBytes);
  plan.arena = region(in.arenaBytes);
  plan.state = region(in.stateBytes);
  plan.stacks = region((in.threads - 1) * uint64_t(ThreadStackBytes));
  plan.logits = buffer(uint64_t(in.vocab) * sizeof(float));
  plan.candidates = buffer(uint64_t(in.vocab) * sizeof(Candidate));
  plan.history = buffer(uint64_t(in.context) * sizeof(int32_t));
  plan.chunkTokens = buffer(uint64_t(in.chunk) * sizeof(int32_t));
  plan.text = buffer(plan.textBytes);
  plan.rendered = buffer(plan.textBytes);
  plan.ids = buffer(plan.idCount * sizeof(int32_t));
  plan.tokenizer = buffer(Tokenizer::workspaceSize(plan.textBytes));
  plan.chat = buffer(in.chatBytes);
  plan.stream = buffer(TextStream::pendingBytes(in.maxTokenBytes, MaxStopBytes));
  return plan;
}

} // namespace nibble::rt
