//===- StreamDecoder.cpp - token by token to whole characters --------------===//
//
// See StreamDecoder.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/StreamDecoder.h"

#include "runtime/text/UTF8.h"

#include <cstring>

namespace nibble::rt {

/// Bytes at the end of `text` that begin a well-formed sequence without finishing it: 0 … 3.
static size_t unfinishedBytes(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto *bytes = reinterpret_cast<const uint8_t *>(text.data() + text.size() - back);
    if ((bytes[0] & 0xC0) == 0x80)
      continue;
    if (sequenceLength(bytes[0]) <= back || (back > 1 && !secondByteFits(bytes[0], bytes[1])))
      return 0;
    return back;
  }
  return 0;
}

TextError StreamDecoder::push(int32_t id, std::span<char> output, size_t &size) {
  size = 0;
  if (!tokenizer.isToken(id))
    return TextError::BadToken;
  bool control = tokenizer.isControl(id);
  if (control && !options.control)
    return TextError::None;
  std::string_view text = tokenizer.tokenBytes(id);
  if (dropSpace && !control) {
    if (!text.empty() && text.front() == ' ')
      text.remove_prefix(1);
    dropSpace = false;
  }
  if (heldCount + text.size() > output.size())
    return TextError::OutputTooSmall;
  std::memcpy(output.data(), held, heldCount);
  std::memcpy(output.data() + heldCount, text.data(), text.size());
  size_t total = heldCount + text.size();
  heldCount = uint8_t(unfinishedBytes({output.data(), total}));
  size = total - heldCount;
  std::memcpy(held, output.data() + size, heldCount);
  return TextError::None;
}

TextError StreamDecoder::flush(std::span<char> output, size_t &size) {
  size = 0;
  if (heldCount > output.size())
    return TextError::OutputTooSmall;
  std::memcpy(output.data(), held, heldCount);
  size = heldCount;
  heldCount = 0;
  return TextError::None;
}

} // namespace nibble::rt
