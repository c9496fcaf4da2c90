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
constexpr int64_t kSmallGroup = 16;

/// Columns of a super block: as many as divide the row, of these the most, as ggml's K-quants have them.
constexpr uint64_t kSuperBlock = 256, kLeastSuperBlock = 64;

constexpr lowbit::IntegerKind kByte = {8, /*isSigned=*/false};

constexpr uint64_t kBytesAtOnce = 1 << 20;

std::optional<float> nibble::splitScales(ArrayRef<float> scales, int16_t *bytes) {
  float largest = *llvm::max_element(scales);
  if (!std::isfinite(largest))
    return std::nullopt;
  float unit = largest > 0 ? std::ldexp(1.0f, std::ilogb(largest) + 1 - int(kByte.width)) : 1;
  for (float scale : scales) {
    float number = scale / unit;
    if (!(number >= 0) || number != std::floor(number))
      return std::nullopt;
    *bytes++ = static_cast<int16_t>(number);
  }
  return unit;
}

namespace {

/// Scales of one byte for small groups of a matrix: between the codes, in blocks, or one after another.
struct SmallScales {
  const lowbit::Format *blocks = nullptr;
  FloatKind kind = FloatKind::UE4M3;
  PackedPart bytes; ///< with the codes of blocks
  lowbit::CodeKind code;
  int64_t group = 0, zeroPoint = 0;
  double factor = 1;

  bool areSmall() const { return byteWidth(kind) == 1 && group > 0 && group <= kSmallGroup; }
  bool divide(uint64_t columns) const { return columns % (blocks ? blocks->blockElements : group) == 0; }
  /// Bytes in which the scales of so many columns lie.
  uint64_t bytesOf(uint64_t columns) const {
    return blocks ? columns / blocks->blockElements * blocks->blockBytes : columns / group;
  }
};

} // namespace

static bool isMatrix(const GGUFTensor &tensor) {
  StringRef name = tensor.name;
  return (name.starts_with("blk.") || name.starts_with("output.")) && name.ends_with(".weight") &&
         tensor.dims.size() >= 2 && tensor.plus == 0 && !tensor.isColumnOrder;
}

/// The scales of a matrix that could be split, or none.
static std::optional<SmallScales> scalesOf(const GGUFTensor &tensor) {
  const PackedTensor *packed = tensor.packed.get();
  SmallScales scales;
  scales.blocks = packed ? packed->blocks : lowbit::findFormatByGGUFId(tensor.typeId);
  scales.factor = packed ? packed->factor : 1;
  if (const lowbit::Format *format = scales.blocks) {
    if (format->isFloat || format->grid || format->isTwoLevel() || format->hasMin())
      return std::nullopt;
    scales.kind = format->floatKind;
    scales.bytes = {tensor.fileIndex, tensor.offset, tensor.byteSize, format->name};
    scales.code = format->codeKind();
    scales.group = format->group;
    scales.zeroPoint = format->zeroPoint;
  } else if (packed) {
    std::optional<FloatKind> kind = floatKindOf(packed->scales.format);
    bool isPlain = kind && packed->scaleRows == 1 && !packed->byGroup && !packed->inverse && !packed->levels &&
                   !packed->zeros && !packed->order && packed->zero.form == lowbit::ZeroKind::None;
    if (!isPlain)
      return std::nullopt;
    scales.kind = *kind;
    scales.bytes = packed->scales;
    scales.code = packed->code;
    scales.group = packed->group;
  }
  return isMatrix(tensor) && scales.areSmall() ? std::optional(scales) : std::nullopt;
}

/// Whether the scales of every super block are bytes times a power of two; super blocks lie one after another.
static Expected<bool> canSplit(const ModelFile &file, const SmallScales &scales, uint64_t superGroup) {
  uint64_t together = superGroup / scales.group, superBytes = scales.bytesOf(superGroup);
  uint64_t step = kBytesAtOnce / superBytes * superBytes;
  std::vector<uint8_t> bytes;
  std::vector<float> floats;
  std::vector<int16_t> integers(together);
  lowbit::Planes planes;
  for (uint64_t done = 0; done < scales.bytes.byteSize; done += step) {
    bytes.resize(std::min(step, scales.bytes.byteSize - done));
    if (Error error = file.readAt(scales.bytes.fileIndex, scales.bytes.offset + done, bytes))
      return std::move(error);
    if (scales.blocks)
      lowbit::unpackScales(*scales.blocks, bytes, bytes.size() / scales.blocks->blockBytes, planes);
    else
      planes.scale.assign(bytes.begin(), bytes.end());
    floats.clear();
    for (uint32_t bits : planes.scale)
      floats.push_back(toFloat(scales.kind, bits));
    for (size_t at = 0; at < floats.size(); at += together) {
      std::optional<float> unit = splitScales(ArrayRef(floats).slice(at, together), integers.data());
      if (!unit || (scales.factor != 0 && !std::isnormal(static_cast<float>(scales.factor * *unit))))
        return false;
    }
  }
  return true;
}

/// The same matrix with two levels.
static std::shared_ptr<const PackedTensor> splitTensor(const GGUFTensor &tensor, const SmallScales &scales,
                                                       uint64_t superGroup) {
  auto split = std::make_shared<PackedTensor>();
  if (tensor.packed)
    *split = *tensor.packed;
  else
    split->label = tensor.getTypeName();
  split->blocks = scales.blocks;
  split->code = scales.code;
  split->group = scales.group;
  if (scales.zeroPoint)
    split->zero = {.form = lowbit::ZeroKind::Point, .point = scales.zeroPoint};
  // Powers of two are floats of 16 bits, as K-quants have them; products with a factor are not.
  split->scale = {tensor.packed ? FloatKind::F32 : FloatKind::F16, kByte, static_cast<int64_t>(superGroup)};
  return split;
}

Expected<SplitTensors> nibble::findSplitTensors(const ModelFile &file) {
  SplitTensors found;
  for (const GGUFTensor &tensor : file.tensors()) {
    std::optional<SmallScales> scales = scalesOf(tensor);
    uint64_t superGroup = scales ? std::gcd(tensor.dims[0], kSuperBlock) : 0;
    if (superGroup < kLeastSuperBlock || !scales->divide(superGroup))
      continue;
    auto fits = canSplit(file, *scales, superGroup);
    if (!fits)
      return fits.takeError();
    if (*fits)
      found[&tensor] = splitTensor(tensor, *scales, superGroup);
  }
  return found;
}
