//===- PackedSource.cpp - Bytes of a packed weight's parts ----------------===//
//
// See PackedSource.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/PackedSource.h"

#include "compiler/Import/BoundedReader.h"

using namespace nibble;
using llvm::Error;
using llvm::Expected;

Expected<std::vector<uint8_t>> nibble::readBytes(lm::SourceAttr source) {
  auto file = InputFile::open(source.getFile());
  if (!file)
    return file.takeError();
  if (source.getOffset() > (*file)->getSize() || source.getSize() > (*file)->getSize() - source.getOffset())
    return packingError("{0}: {1} bytes at byte {2} are past the end", source.getFile(), source.getSize(),
                        source.getOffset());
  std::vector<uint8_t> bytes(source.getSize());
  if (Error error = (*file)->readAt(source.getOffset(), bytes))
    return std::move(error);
  return bytes;
}

Expected<std::vector<uint32_t>> nibble::readFloats(lm::SourceAttr source, FloatKind kind, uint64_t count) {
  auto bytes = readBytes(source);
  if (!bytes)
    return bytes.takeError();
  if (bytes->size() != count * byteWidth(kind))
    return packingError("{0}: {1} bytes of {2} are not {3} scales", source.getFile(), bytes->size(), source.getFormat(),
                        count);
  std::vector<uint32_t> bits(count);
  for (uint64_t i = 0; i < count; ++i)
    bits[i] = loadBits(kind, &(*bytes)[i * byteWidth(kind)]);
  return bits;
}
