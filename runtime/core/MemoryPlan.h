//===- MemoryPlan.h - what a program occupies, row by row --------*- C++ -*-===//
//
// What:  the sizes of all that an emitted program occupies, from the numbers of its
//        description. The runtime maps one block of blockBytes() and carves it in
//        this order; the compiler prints the same rows and checks the budget.
// Why:   one function on both sides, so the plan cannot differ from the program.
// Contract: total() is a bound of the address space that the process has mapped (what
//        `ulimit -v` limits), and so of its resident memory, for everything but the
//        measuring mode --perplexity, which maps the measured text besides. Texts
//        that exceed textBytes are refused with a message.
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
  uint64_t weightBytes = 0, prefixBytes = 0; // packed weights; compiled-in prefix
  uint64_t tableBytes = 0;                   // description and trailer of the file
  uint64_t programBytes = 0;                 // memory of the program's segments, see ProgramImage.h
  uint64_t arenaBytes = 0, stateBytes = 0;
  uint32_t vocab = 0;         // tokens that are sampled from
  uint32_t vector = 0;        // numbers of a text's vector; 0: the model gives logits
  uint32_t context = 0, chunk = 0;
  uint32_t maxTokenBytes = 0; // longest token of the vocabulary
  uint32_t threads = 1;       // members of the team
  uint64_t chatWorkspace = 0; // of the chat template, 0 without one; also below: see planChat
  uint64_t chatOutput = 0;
  uint32_t profiledOps = 0;   // operations of a program that was compiled with --profile
};

/// Arena, state, stacks and the whole block are multiples of the largest page of AArch64 Linux.
inline constexpr size_t RegionAlignment = 65536;

/// What the process holds besides: the stack of the first thread (the system starts with 132 KiB; arguments and
/// environment lie in it), the C library's heap (thread-local data; time zone data where a template asks for the time)
/// and the pages that the kernel maps for the clock.
inline constexpr uint64_t SystemBytes = 448 << 10;

/// Numbers that a run leaves: logits, or the vector of an encoder, which samples nothing.
constexpr uint32_t outputCount(uint32_t vocab, uint32_t vector) { return vector ? vector : vocab; }
constexpr uint32_t candidateCount(uint32_t vocab, uint32_t vector) { return vector ? 0 : vocab; }

struct MemoryPlan {
  uint64_t weights, prefix, tables; // mapped from the file
  uint64_t arena, state, stacks;
  uint64_t logits, candidates, history, chunkTokens;
  uint64_t text, rendered, segments, ids, tokenizer, chat, stream, profile;
  uint64_t program, system;
  uint64_t textBytes;   // of a prompt, and of all messages of a conversation
  uint64_t encodeBytes; // of what is tokenized: a prompt or a rendered conversation
  uint64_t idCount;     // of a tokenized text
  uint32_t threads;

  /// The one allocation: from the arena to the stream's buffer.
  constexpr uint64_t blockBytes() const {
    uint64_t buffers = logits + candidates + history + chunkTokens + text + rendered + segments + ids + tokenizer +
                       chat + stream;
    return alignTo(arena + state + stacks + buffers, RegionAlignment);
  }
  constexpr uint64_t total() const { return weights + prefix + tables + blockBytes() + program + system; }

  /// The rows of the plan as (key, what it is, bytes); their sum is total().
  template <typename Visit> constexpr void forEachRow(Visit visit) const {
    visit("weights", "weights (packed, mapped)", weights);
    if (prefix)
      visit("prefix", "compiled-in prefix", prefix);
    visit("tables", "tokenizer and other tables", tables);
    visit("state", "state (KV cache, hidden rows)", state);
    visit("arena", "arena (activations)", arena);
    visit("stacks", "thread stacks", stacks);
    visit("sampling", "logits and sampling", logits + candidates);
    visit("text", "text and tokenizer buffers", blockBytes() - arena - state - stacks - logits - candidates);
    visit("program", "program (code, static data)", program);
    visit("system", "main stack, C library", system);
  }
};

/// Longest --stop text and how many; they size the stream's buffer.
inline constexpr size_t MaxStops = 8, MaxStopBytes = 256;

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
  plan.threads = in.threads;
  plan.weights = in.weightBytes;
  plan.prefix = in.prefixBytes;
  // Weights and the rest are mapped one by one and may share a page.
  plan.tables = region(in.weightBytes) + region(in.prefixBytes + in.tableBytes) + RegionAlignment - in.weightBytes -
                in.prefixBytes;
  plan.program = in.programBytes;
  plan.system = SystemBytes;
  plan.arena = region(in.arenaBytes);
  plan.state = region(in.stateBytes);
  plan.stacks = region((in.threads - 1) * uint64_t(ThreadStackBytes));
  plan.logits = buffer(outputCount(in.vocab, in.vector) * sizeof(float));
  plan.candidates = buffer(candidateCount(in.vocab, in.vector) * sizeof(Candidate));
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
