//===- SplitScales.cpp - Scales of small groups in two levels -------------===//
//
// See SplitScales.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/SplitScales.h"

#include "compiler/Import/PackedTensor.h"
#include "dialects/LowBit/Formats.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <numeric>

using namespace nibble;
using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

/// Groups of more columns meet one scale in a run of products.
constexpr unsigned kSmallGroup = 16;

/// Columns of a super block, at most, as ggml's K-quants have them.
constexpr uint64_t kSuperBlock = 256;

constexpr lowbit::IntegerKind kByte = {8, /*isSigned=*/false};

/// Blocks that are read at once.
constexpr uint64_t kBlocksAtOnce = 1 << 15;

std::optional<float> nibble::splitScales(ArrayRef<float> scales, int16_t *bytes) {
  float largest = *llvm::max_element(scales);
  float unit = largest > 0 ? std::ldexp(1.0f, std::ilogb(largest) + 1 - int(kByte.width)) : 1;
  for (float scale : scales) {
    float number = scale / unit;
    if (!(number >= 0) || number != std::floor(number))
      return std::nullopt;
    *bytes++ = static_cast<int16_t>(number);
  }
  return unit;
}

/// The format of the blocks of a matrix whose scales could be split, or null.
static const lowbit::Format *splittable(const GGUFTensor &tensor) {
  StringRef name = tensor.name;
  bool isMatrix = (name.starts_with("blk.") || name.starts_with("output.")) && name.ends_with(".weight") &&
                  tensor.dims.size() >= 2 && tensor.plus == 0 && !tensor.isColumnOrder;
  const lowbit::Format *format =
      tensor.packed ? tensor.packed->blocks : lowbit::findFormatByGGUFId(tensor.typeId);
  bool isPlain = isMatrix && format && !format->isFloat && !format->grid && !format->isTwoLevel() && !format->hasMin();
  return isPlain && format->group <= kSmallGroup && byteWidth(format->floatKind) == 1 ? format : nullptr;
}

/// Whether every super block of so many scales is one of bytes; blocks lie one after another, super blocks, too.
static Expected<bool> canSplit(const ModelFile &file, const GGUFTensor &tensor, const lowbit::Format &format,
                               uint64_t scalesTogether) {
  uint64_t blocksTogether = scalesTogether / format.scalesPerBlock();
  uint64_t blocks = tensor.byteSize / format.blockBytes, step = kBlocksAtOnce / blocksTogether * blocksTogether;
  double factor = tensor.packed ? tensor.packed->factor : 1;
  std::vector<uint8_t> bytes;
  std::vector<float> scales;
  std::vector<int16_t> integers(scalesTogether);
  lowbit::Planes planes;
  for (uint64_t first = 0; first < blocks; first += step) {
    uint64_t count = std::min(step, blocks - first);
    bytes.resize(count * format.blockBytes);
    if (Error error = file.readAt(tensor.fileIndex, tensor.offset + first * format.blockBytes, bytes))
      return std::move(error);
    lowbit::unpackScales(format, bytes, count, planes);
    scales.clear();
    for (uint32_t bits : planes.scale)
      scales.push_back(toFloat(format.floatKind, bits));
    for (size_t at = 0; at < scales.size(); at += scalesTogether) {
      std::optional<float> unit = splitScales(ArrayRef(scales).slice(at, scalesTogether), integers.data());
      if (!unit || static_cast<float>(factor * *unit) != factor * *unit) // below 2^-149, or beyond the largest
        return false;
    }
  }
  return true;
}

/// The same matrix with two levels.
static std::shared_ptr<const PackedTensor> splitTensor(const GGUFTensor &tensor, const lowbit::Format &format,
                                                       uint64_t superGroup) {
  auto split = std::make_shared<PackedTensor>();
  if (tensor.packed)
    *split = *tensor.packed;
  split->label = format.name;
  split->blocks = &format;
  split->code = format.codeKind();
  split->group = format.group;
  if (format.zeroPoint)
    split->zero = {.form = lowbit::ZeroKind::Point, .point = format.zeroPoint};
  // Powers of two are floats of 16 bits, as K-quants have them; products with a factor are not.
  split->scale = {tensor.packed ? FloatKind::F32 : FloatKind::F16, kByte, static_cast<int64_t>(superGroup)};
  return split;
}

Expected<SplitTensors> nibble::findSplitTensors(const ModelFile &file) {
  SplitTensors found;
  for (const GGUFTensor &tensor : file.tensors()) {
    const lowbit::Format *format = splittable(tensor);
    if (!format)
      continue;
    uint64_t superGroup = std::gcd(tensor.dims[0], kSuperBlock);
    if (superGroup % format->blockElements != 0)
      continue;
    auto fits = canSplit(file, tensor, *format, superGroup / format->group);
    if (!fits)
      return fits.takeError();
    if (*fits)
      found[&tensor] = splitTensor(tensor, *format, superGroup);
  }
  return found;
}
