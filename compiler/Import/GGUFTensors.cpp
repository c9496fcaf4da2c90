//===- GGUFTensors.cpp - The tensors that a GGUF header lists -------------===//
//
// See GGUFParser.h. Shapes, types and sizes of tensors, and that their data lies in the file without an overlap.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/GGUFParser.h"

#include "compiler/Import/ImportError.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <tuple>

using namespace nibble;
using llvm::Error;
using llvm::Twine;

Error GGUFParser::parseTensor() {
  GGUFTensor tensor;
  tensor.fileIndex = fileIndex;
  tensor.infoOffset = reader.getPosition();
  std::string what = "tensor " + std::to_string(tensors.size());
  if (Error error = parseString(tensor.name, GGUFLimits::nameBytes, what))
    return error;
  if (tensor.name.empty() || tensor.name.find('\0') != std::string::npos)
    return reader.malformedAt(tensor.infoOffset, what + ": expected a name, found " + quote(tensor.name));
  what = "tensor " + quote(tensor.name);
  if (Error error = parseDims(tensor, what))
    return error;
  if (Error error = parseTensorType(tensor, what))
    return error;
  if (Error error = reader.read(tensor.offset, what + ": offset"))
    return error;
  if (Error error = computeByteSize(tensor, what))
    return error;
  tensors.push_back(std::move(tensor));
  return Error::success();
}

Error GGUFParser::parseDims(GGUFTensor &tensor, const llvm::Twine &what) {
  uint64_t start = reader.getPosition();
  uint32_t count = 0;
  if (Error error = reader.read(count, what + ": number of dimensions"))
    return error;
  if (count < 1 || count > GGUFLimits::dimensions)
    return reader.malformedAt(start, what + ": expected 1 to " + Twine(GGUFLimits::dimensions) + " dimensions, found " +
                                         Twine(count));
  for (uint32_t i = 0; i < count; ++i) {
    start = reader.getPosition();
    uint64_t dim = 0;
    if (Error error = reader.read(dim, what + ": dimension"))
      return error;
    // Signed 64-bit arithmetic follows in every consumer.
    if (dim < 1 || dim > static_cast<uint64_t>(INT64_MAX))
      return reader.malformedAt(start, what + ": dimension " + Twine(i) +
                                           ": expected at least 1 and less "
                                           "than 2^63, found " +
                                           Twine(dim));
    tensor.dims.push_back(dim);
  }
  return Error::success();
}

Error GGUFParser::parseTensorType(GGUFTensor &tensor, const llvm::Twine &what) {
  uint64_t start = reader.getPosition();
  if (Error error = reader.read(tensor.typeId, what + ": type"))
    return error;
  const GGMLType *type = findGGMLType(tensor.typeId);
  if (!type)
    return reader.unsupportedAt(start, what +
                                           ": unsupported tensor type: expected the id of a known "
                                           "storage type, found " +
                                           Twine(tensor.typeId));
  if (type->isWithdrawn())
    return reader.unsupportedAt(start, what +
                                           ": unsupported tensor type: expected a current storage "
                                           "type, found " +
                                           type->name + " (id " + Twine(type->id) +
                                           "), which ggml has withdrawn; convert the model again");
  return Error::success();
}

Error GGUFParser::computeByteSize(GGUFTensor &tensor, const llvm::Twine &what) {
  const GGMLType &type = tensor.getType();
  if (tensor.dims[0] % type.blockElements != 0)
    return reader.malformedAt(tensor.infoOffset, what + ": expected rows of a multiple of " +
                                                     Twine(type.blockElements) + " elements for " + type.name +
                                                     ", found dimensions " + describeDims(tensor.dims));
  bool overflow = false, step = false;
  uint64_t size = llvm::SaturatingMultiply<uint64_t>(tensor.dims[0] / type.blockElements, type.blockBytes, &overflow);
  for (uint64_t dim : llvm::ArrayRef(tensor.dims).drop_front()) {
    size = llvm::SaturatingMultiply<uint64_t>(size, dim, &step);
    overflow |= step;
  }
  // The element count must be a number, too; a block may be less than a byte
  // per element.
  uint64_t elements = 1;
  for (uint64_t dim : tensor.dims) {
    elements = llvm::SaturatingMultiply<uint64_t>(elements, dim, &step);
    overflow |= step;
  }
  if (overflow || elements > static_cast<uint64_t>(INT64_MAX))
    return reader.malformedAt(tensor.infoOffset, what +
                                                     ": expected a size below 2^63, found "
                                                     "dimensions " +
                                                     describeDims(tensor.dims));
  tensor.byteSize = size;
  return Error::success();
}

Error GGUFParser::placeTensors() {
  uint64_t fileSize = reader.getFile().getSize();
  // Neither sum can wrap: the position is at most the file's size.
  uint64_t dataStart = llvm::alignTo(reader.getPosition(), alignment);
  for (GGUFTensor &tensor : tensors) {
    std::string what = "tensor " + quote(tensor.name);
    if (tensor.offset % alignment != 0)
      return reader.malformedAt(tensor.infoOffset, what +
                                                       ": expected an offset that is a multiple "
                                                       "of the alignment " +
                                                       Twine(alignment) + ", found " + Twine(tensor.offset));
    if (dataStart > fileSize || tensor.offset > fileSize - dataStart ||
        tensor.byteSize > fileSize - dataStart - tensor.offset)
      return reader.malformedAt(tensor.infoOffset, what + ": expected " + Twine(tensor.byteSize) +
                                                       " bytes of data in the file at offset " + Twine(tensor.offset) +
                                                       " after byte " + Twine(dataStart) +
                                                       ", found the end of the file at " + Twine(fileSize) +
                                                       "; was the file downloaded completely?");
    tensor.offset += dataStart;
  }
  std::vector<const GGUFTensor *> order;
  for (const GGUFTensor &tensor : tensors)
    order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const auto *a, const auto *b) {
    return std::tie(a->offset, a->infoOffset) < std::tie(b->offset, b->infoOffset);
  });
  for (size_t i = 1; i < order.size(); ++i) {
    const GGUFTensor &before = *order[i - 1], &tensor = *order[i];
    if (tensor.offset - before.offset < before.byteSize)
      return reader.malformedAt(tensor.infoOffset, "tensor " + quote(tensor.name) + ": expected data after that of " +
                                                       "tensor " + quote(before.name) + ", which ends at byte " +
                                                       Twine(before.offset + before.byteSize) + ", found it at byte " +
                                                       Twine(tensor.offset));
  }
  return Error::success();
}
