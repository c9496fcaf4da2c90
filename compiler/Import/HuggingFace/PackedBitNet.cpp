//===- PackedBitNet.cpp - Packed checkpoints of BitNet b1.58 --------------===//
//
//   weight        U8 (rows / 4, columns)   byte j holds rows j, n+j, 2n+j, 3n+j of
//                                          4n in two bits each; a code less one
//   weight_scale  one number
//
// `linear_class` tells what the scale is: autobitlinear multiplies with it,
// bitlinear divides by it. Activations are rounded to 8 bits by both, which
// --activations=int8:row does. Source: transformers, integrations/bitnet.py.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/PackedWeights.h"
#include "compiler/Import/ImportError.h"

using namespace nibble;
using llvm::Error;
using llvm::StringRef;

static const StringRef codeParts[] = {"weight"}, codeTypes[] = {"U8"},
                       otherParts[] = {"weight_scale"};

/// Whether the scale is divided by.
static llvm::Expected<bool> readSettings(const JSONView &settings) {
  auto kind = settings.findString("linear_class");
  if (!kind)
    return kind.takeError();
  StringRef name = kind->value_or("bitlinear");
  if (name != "bitlinear" && name != "autobitlinear")
    return settings.unsupportedKey("linear_class",
                                   "expected bitlinear or autobitlinear, found " +
                                       quote(name));
  auto norms = settings.findBool("use_rms_norm");
  if (!norms)
    return norms.takeError();
  if (norms->value_or(false))
    return settings.unsupportedKey("use_rms_norm",
                                   "unsupported: a norm in each linear layer");
  return name == "bitlinear";
}

static Error readBitNet(const PackedModule &module, const JSONView &view,
                        PackedWeight &weight) {
  auto divides = readSettings(view);
  if (!divides)
    return divides.takeError();
  auto shape = module.shapeOf("weight", {"U8"}, 2);
  if (!shape)
    return shape.takeError();
  weight.rows = (*shape)[0] * 4;
  weight.columns = (*shape)[1];
  PackedTensor &packed = weight.packed;
  packed.label = "bitnet-u2";
  packed.packing = lowbit::findPacking("bitnet");
  packed.code = lowbit::CodeKind(2, false);
  packed.zero = {.form = lowbit::ZeroKind::Point, .point = 1};
  auto groups = takeScales(module, "weight_scale", {}, weight);
  if (!groups)
    return groups.takeError();
  packed.scale.floatKind = FloatKind::F32;
  packed.inverse = *divides;
  return Error::success();
}

const PackedMethod nibble::bitNetMethod = {"bitnet", codeParts, codeTypes,
                                           otherParts, readBitNet};
