//===- Segment.h - where a piece of text comes from --------------*- C++ -*-===//
//
// A rendered conversation is one text cut into segments by origin. The tokenizer
// matches control tokens in the template's segments only: what a user types never
// becomes a control token, although words may merge across the border, so that the
// ids are those of the whole text.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace nibble::rt {

struct Segment {
  uint32_t end;    // offset behind the last byte; a segment begins where the one before ends
  bool isTemplate; // written by the template (or bos/eos), not by a participant
};

} // namespace nibble::rt
