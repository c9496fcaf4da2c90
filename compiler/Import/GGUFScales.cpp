//===- GGUFScales.cpp - A scale for all of a tensor -----------------------===//
//
// See GGUFScales.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/GGUFScales.h"

#include "dialects/LowBit/Formats.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

#include <cmath>
#include <cstring>

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

/// The format of blocks whose scales can be multiplied, or null.
static const lowbit::Format *formatOf(const GGUFTensor &tensor) {
  const lowbit::Format *format = lowbit::findFormatByGGUFId(tensor.typeId);
  bool isPlain = format && !format->isFloat && !format->grid &&
                 !format->isTwoLevel() && !format->hasMin();
  return isPlain ? format : nullptr;
}

/// Tensors of layers, and the output head: what is multiplied as a matrix.
static StringRef stemOf(StringRef name) {
  bool isMatrix = name.starts_with("blk.") || name.starts_with("output.");
  return isMatrix && name.consume_back(".weight") ? name : StringRef();
}

/// The numbers of the scale `name`; none if there is no such tensor of f32 with
/// a number for each of `matrices`.
static Expected<std::vector<float>> readScales(const ModelFile &file,
                                               const std::string &name,
                                               uint64_t matrices) {
  std::vector<float> scales;
  const GGUFTensor *tensor = file.findTensor(name);
  if (!tensor || tensor->getType().name != "f32" || tensor->dims.size() != 1 ||
      tensor->dims[0] != matrices)
    return scales;
  std::vector<uint8_t> bytes(tensor->byteSize);
  if (Error error = file.readAt(tensor->fileIndex, tensor->offset, bytes))
    return std::move(error);
  scales.resize(matrices);
  std::memcpy(scales.data(), bytes.data(), bytes.size());
  for (float scale : scales)
    if (!std::isfinite(scale))
      return file.tensorError(*tensor, "expected finite numbers, found " +
                                           Twine(std::isnan(scale)
                                                     ? "one that is none"
                                                     : "an infinity"));
  return scales;
}

static std::shared_ptr<const PackedTensor>
scaledBlocks(const lowbit::Format &format, float scale) {
  auto packed = std::make_shared<PackedTensor>();
  packed->label = format.name;
  packed->blocks = &format;
  packed->code = format.codeKind();
  packed->group = format.group;
  packed->scale.floatKind = FloatKind::F32;
  if (format.zeroPoint)
    packed->zero = {.form = lowbit::ZeroKind::Point,
                    .point = format.zeroPoint};
  packed->factor = scale;
  return packed;
}

/// A tensor, or one for each expert, as files of the first converters have them.
static void addScaled(const GGUFTensor &tensor, const lowbit::Format &format,
                      llvm::ArrayRef<float> scales,
                      std::vector<GGUFTensor> &tensors) {
  if (tensor.dims.size() < 3) {
    tensors.push_back(tensor);
    tensors.back().packed = scaledBlocks(format, scales[0]);
    return;
  }
  StringRef stem = stemOf(tensor.name);
  stem.consume_back("_exps");
  for (auto [expert, scale] : llvm::enumerate(scales)) {
    GGUFTensor one = tensor;
    one.name = (stem + "." + Twine(expert) + ".weight").str();
    one.origin = tensor.name;
    one.dims.resize(2);
    one.byteSize = tensor.byteSize / scales.size();
    one.offset = tensor.offset + expert * one.byteSize;
    one.packed = scaledBlocks(format, scale);
    tensors.push_back(std::move(one));
  }
}

Expected<std::vector<GGUFTensor>>
nibble::applyTensorScales(const ModelFile &file) {
  std::vector<GGUFTensor> tensors;
  llvm::StringSet<> applied;
  for (const GGUFTensor &tensor : file.tensors()) {
    const lowbit::Format *format = formatOf(tensor);
    std::string stem = stemOf(tensor.name).str();
    bool isMatrix = format && !stem.empty() &&
                    (tensor.dims.size() == 2 ||
                     (tensor.dims.size() == 3 &&
                      StringRef(stem).ends_with("_exps")));
    if (!isMatrix) {
      tensors.push_back(tensor);
      continue;
    }
    uint64_t matrices = tensor.dims.size() == 3 ? tensor.dims[2] : 1;
    auto scales = readScales(file, stem + ".scale", matrices);
    if (!scales)
      return scales.takeError();
    if (scales->empty()) {
      tensors.push_back(tensor);
      continue;
    }
    addScaled(tensor, *format, *scales, tensors);
    for (const char *part : {".scale", ".input_scale"})
      applied.insert(stem + part);
  }
  llvm::erase_if(tensors, [&](const GGUFTensor &tensor) {
    return applied.contains(tensor.name);
  });
  return tensors;
}
