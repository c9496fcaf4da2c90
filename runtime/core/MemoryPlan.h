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
#include "runtime/text/ChatTemplate.h"
#include "runtime/text/Tokenizer.h"
#include "runtime/threads/OpTimes.h"
#include "runtime/threads/Team.h"

#include <cstddef>
#include <cstdint>

namespace nibble::rt {

struct PlanInputs {
  uint64_t arenaBytes = 0, stateBytes = 0;
  uint32_t vocab = 0, context = 0, chunk = 0;
  uint32_t maxTokenBytes = 0; // longest token of the vocabulary
  uint32_t threads = 1;       // members of the team
  uint64_t chatWorkspace = 0; // of the chat template, 0 without one; also below: see planChat
  uint64_t chatOutput = 0;
  uint32_t profiledOps = 0;   // operations of a program that was compiled with --profile
};

struct MemoryPlan {
  uint64_t arena, state, stacks;
  uint64_t logits, candidates, history, chunkTokens;
  uint64_t text, rendered, segments, ids, tokenizer, chat, stream, profile;
  uint64_t textBytes;   // of a prompt, and of all messages of a conversation
  uint64_t encodeBytes; // of what is tokenized: a prompt or a rendered conversation
  uint64_t idCount;     // of a tokenized text

  constexpr uint64_t runtimeBytes() const {
    return logits + candidates + history + chunkTokens + text + rendered + segments + ids + tokenizer + chat + stream +
           profile;
  }
  constexpr uint64_t planBytes() const { return arena + state + stacks + runtimeBytes(); }
};

/// Longest --stop text and how many; they size the stream's buffer.
inline constexpr size_t MaxStops = 8, MaxStopBytes = 256;

/// Arena, state and stacks begin on the largest page of AArch64 Linux.
inline constexpr size_t RegionAlignment = 65536;

/// Messages of a conversation that are kept; older ones are forgotten first.
inline constexpr size_t MaxMessages = 128;

/// Bytes of a prompt: text averages four bytes a token; twice that, and room for a page, is what a full context can
/// need.
constexpr uint64_t promptBytes(uint32_t context) { return 8 * uint64_t(context) + 4096; }

/// Sizes what a chat template needs; null: a base model.
inline void planChat(const schema::ChatTemplate *table, PlanInputs &in) {
  ChatTemplate chat;
  if (!table || ChatTemplate::open(table, chat) != TextError::None)
    return;
  in.chatWorkspace = chat.workspaceSize(MaxMessages, promptBytes(in.context));
  in.chatOutput = chat.outputSize(MaxMessages, promptBytes(in.context));
}

constexpr MemoryPlan computeMemoryPlan(const PlanInputs &in) {
  auto buffer = [](uint64_t bytes) { return alignTo(bytes, CarveAlignment); };
  auto region = [](uint64_t bytes) { return alignTo(bytes, RegionAlignment); };
  MemoryPlan plan = {};
  plan.textBytes = promptBytes(in.context);
  plan.encodeBytes = plan.textBytes > in.chatOutput ? plan.textBytes : in.chatOutput;
  plan.idCount = Tokenizer::maxTokens(plan.encodeBytes);
  plan.arena = region(in.arenaBytes);
  plan.state = region(in.stateBytes);
  plan.stacks = region((in.threads - 1) * uint64_t(ThreadStackBytes));
  plan.logits = buffer(uint64_t(in.vocab) * sizeof(float));
  plan.candidates = buffer(uint64_t(in.vocab) * sizeof(Candidate));
  plan.history = buffer(uint64_t(in.context) * sizeof(int32_t));
  plan.chunkTokens = buffer(uint64_t(in.chunk) * sizeof(int32_t));
  plan.text = buffer(plan.textBytes);
  plan.rendered = buffer(in.chatOutput);
  plan.segments = buffer(in.chatOutput ? ChatTemplate::segmentCount(MaxMessages) * sizeof(Segment) : 0);
  plan.ids = buffer(plan.idCount * sizeof(int32_t));
  plan.tokenizer = buffer(Tokenizer::workspaceSize(plan.encodeBytes));
  plan.chat = buffer(in.chatWorkspace);
  plan.stream = buffer(TextStream::pendingBytes(in.maxTokenBytes, MaxStopBytes));
  plan.profile = buffer(OpTimes::workspaceSize(in.threads, in.profiledOps));
  return plan;
}

} // namespace nibble::rt
