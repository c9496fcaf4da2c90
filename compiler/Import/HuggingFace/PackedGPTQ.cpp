//===- PackedGPTQ.cpp - Checkpoints of GPTQ -------------------------------===//
//
//   qweight  I32 (columns · bits / 32, rows)   codes, along columns
//   scales   F16 (groups, rows)
//   qzeros   I32 (groups, rows · bits / 32)    zero points, along rows; less one
//                                              in the first version
//   g_idx    I32 (columns)                     the group of each column
//
// A value is scale · (code - zero). Sources: AutoGPTQ, qlinear_cuda_old.py (pack,
// forward); GPTQModel, `checkpoint_format` gptq_v2. Frantar et al., arXiv
// 2210.17323.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/PackedWeights.h"
#include "compiler/Import/ImportError.h"

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

static const StringRef codeParts[] = {"qweight"}, codeTypes[] = {"I32"},
                       otherParts[] = {"scales", "qzeros", "g_idx"};

namespace {

struct Settings {
  uint64_t bits, group; ///< Columns of a group; 0 = all.
  bool isSymmetric, isFirstVersion, isReordered;
};

} // namespace

/// Columns of a group; -1 stands for all.
static llvm::Expected<uint64_t> readGroup(const JSONView &settings) {
  const llvm::json::Value *value = settings.find("group_size");
  if (value && value->getAsInteger() == -1)
    return 0;
  auto group = settings.findUInt("group_size", 1, 1 << 24);
  if (!group)
    return group.takeError();
  return group->value_or(0);
}

static llvm::Expected<Settings> readSettings(const JSONView &settings) {
  auto bits = settings.findUInt("bits", 1, 8);
  if (!bits)
    return bits.takeError();
  uint64_t width = bits->value_or(0);
  if (width != 2 && width != 3 && width != 4 && width != 8)
    return settings.unsupportedKey("bits", "expected 2, 3, 4 or 8, found " +
                                               Twine(width));
  auto group = readGroup(settings);
  if (!group)
    return group.takeError();
  auto symmetric = settings.findBool("sym");
  if (!symmetric)
    return symmetric.takeError();
  auto format = settings.findString("checkpoint_format");
  if (!format)
    return format.takeError();
  StringRef version = format->value_or("gptq");
  if (version != "gptq" && version != "gptq_v2")
    return settings.unsupportedKey("checkpoint_format",
                                   "expected gptq or gptq_v2, found " +
                                       quote(version));
  auto overrides = settings.findObject("dynamic");
  if (!overrides)
    return overrides.takeError();
  if (*overrides && !(*overrides)->get().empty())
    return settings.unsupportedKey("dynamic",
                                   "unsupported: settings of single layers");
  auto reorders = settings.findBool("desc_act");
  if (!reorders)
    return reorders.takeError();
  return Settings{width, *group, symmetric->value_or(true), version == "gptq",
                  reorders->value_or(false)};
}

/// Zero points that are all the middle of the codes stay in the type.
static Error readZeros(const PackedModule &module, const Settings &settings,
                       uint64_t groups, PackedWeight &weight) {
  if (weight.rows * settings.bits % 32 != 0)
    return module.malformedPart("qzeros", "expected zero points that fill "
                                          "words, found " +
                                              Twine(weight.rows) + " of " +
                                              Twine(settings.bits) + " bits");
  auto zeros = module.get("qzeros", {"I32"},
                          {groups, weight.rows * settings.bits / 32},
                          "gptq_zeros");
  if (!zeros)
    return zeros.takeError();
  PackedTensor &packed = weight.packed;
  packed.zeros = *zeros;
  packed.zeroPlus = settings.isFirstVersion ? 1 : 0;
  if (settings.isSymmetric) {
    auto common = findCommonZero(module, weight, groups);
    if (!common)
      return common.takeError();
    if (*common && **common == int64_t(1) << (settings.bits - 1)) {
      packed.zeros = PackedPart();
      packed.zeroPlus = 0;
      packed.zero = {.form = lowbit::ZeroKind::Point, .point = **common};
      return Error::success();
    }
  }
  subtractZeros(packed);
  return Error::success();
}

static Error readGPTQ(const PackedModule &module, const JSONView &view,
                      PackedWeight &weight) {
  auto settings = readSettings(view);
  if (!settings)
    return settings.takeError();
  auto shape = module.shapeOf("qweight", {"I32"}, 2);
  if (!shape)
    return shape.takeError();
  if ((*shape)[0] * 32 % settings->bits != 0)
    return module.malformedPart("qweight", "expected whole columns of " +
                                               Twine(settings->bits) +
                                               " bits, found " +
                                               Twine((*shape)[0]) + " words");
  weight.rows = (*shape)[1];
  weight.columns = (*shape)[0] * 32 / settings->bits;
  PackedTensor &packed = weight.packed;
  packed.label = "gptq-u" + std::to_string(settings->bits);
  packed.packing = lowbit::findPacking("gptq");
  packed.code = lowbit::CodeKind(static_cast<unsigned>(settings->bits), false);
  auto groups = cutIntoGroups(module, weight, settings->group);
  if (!groups)
    return groups.takeError();
  auto scales = module.getScales("scales", {*groups, weight.rows});
  if (!scales)
    return scales.takeError();
  packed.scales = *scales;
  packed.byGroup = true;
  packed.scale.floatKind = scaleKindOf(*scales);
  if (Error error = readZeros(module, *settings, *groups, weight))
    return error;
  if (module.has("g_idx"))
    return takeColumnOrder(module, "g_idx", weight, *groups);
  if (settings->isReordered && *groups > 1)
    return module.malformedPart("g_idx", "expected the groups of columns, as "
                                         "desc_act is true; found no such "
                                         "tensor");
  return Error::success();
}

const PackedMethod nibble::gptqMethod = {"gptq", codeParts, codeTypes,
                                         otherParts, readGPTQ};
