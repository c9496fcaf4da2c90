//===- PackedAWQ.cpp - Checkpoints of AWQ ---------------------------------===//
//
//   qweight  I32 (columns, rows / 8)   four-bit codes, along rows, even ones first
//   qzeros   I32 (groups, rows / 8)    zero points, packed alike
//   scales   F16 (groups, rows)
//
// A value is scale · (code - zero). Source: AutoAWQ, modules/linear/gemm.py
// (from_linear) and utils/packing_utils.py. Lin et al., arXiv 2306.00978.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/PackedWeights.h"
#include "compiler/Import/ImportError.h"

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

static const StringRef codeParts[] = {"qweight"}, codeTypes[] = {"I32"},
                       otherParts[] = {"scales", "qzeros"};

/// Columns of a group; anything but what this page knows is an error.
static llvm::Expected<uint64_t> readSettings(const JSONView &settings) {
  auto bits = settings.findUInt("bits", 1, 8);
  if (!bits)
    return bits.takeError();
  if (bits->value_or(4) != 4)
    return settings.unsupportedKey("bits",
                                   "expected 4, found " + Twine(**bits));
  auto version = settings.findString("version");
  if (!version)
    return version.takeError();
  if (!version->value_or("gemm").equals_insensitive("gemm"))
    return settings.unsupportedKey("version", "expected the layout gemm, found " +
                                                  quote(**version));
  auto hasZeros = settings.findBool("zero_point");
  if (!hasZeros)
    return hasZeros.takeError();
  if (!hasZeros->value_or(true))
    return settings.unsupportedKey("zero_point", "expected true, found false");
  auto group = settings.findUInt("group_size", 1, 1 << 24);
  if (!group)
    return group.takeError();
  return group->value_or(128);
}

static Error readAWQ(const PackedModule &module, const JSONView &view,
                     PackedWeight &weight) {
  auto group = readSettings(view);
  if (!group)
    return group.takeError();
  auto shape = module.shapeOf("qweight", {"I32"}, 2);
  if (!shape)
    return shape.takeError();
  weight.rows = (*shape)[1] * 8;
  weight.columns = (*shape)[0];
  PackedTensor &packed = weight.packed;
  packed.label = "awq-u4";
  packed.packing = lowbit::findPacking("awq");
  packed.code = lowbit::CodeKind(4, false);
  auto groups = cutIntoGroups(module, weight, *group);
  if (!groups)
    return groups.takeError();
  auto scales = module.getScales("scales", {*groups, weight.rows});
  if (!scales)
    return scales.takeError();
  auto zeros =
      module.get("qzeros", {"I32"}, {*groups, weight.rows / 8}, "awq");
  if (!zeros)
    return zeros.takeError();
  packed.scales = *scales;
  packed.byGroup = true;
  packed.zeros = *zeros;
  subtractZeros(packed);
  return Error::success();
}

const PackedMethod nibble::awqMethod = {"awq", codeParts, codeTypes, otherParts,
                                        readAWQ};
