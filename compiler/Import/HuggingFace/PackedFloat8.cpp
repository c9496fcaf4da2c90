//===- PackedFloat8.cpp - Checkpoints of 8-bit floats ---------------------===//
//
//   weight            F8_E4M3 or F8_E5M2 (rows, columns)
//   weight_scale_inv  F32 or BF16 (rows / 128, columns / 128), method fp8: blocks
//                     of `weight_block_size`; one number without it
//   weight_scale      F32 (rows, 1), method fbgemm_fp8
//
// A value is scale · number: `weight_scale_inv`, named after what quantization
// multiplies with, is multiplied with, too. A folder that names no method may
// have tensors of these types without scales. Sources: transformers,
// integrations/finegrained_fp8.py, fbgemm_fp8.py; DeepSeek-V3, arXiv 2412.19437,
// section 3.3; OCP 8-bit Floating Point v1.0.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/PackedWeights.h"

using namespace nibble;
using llvm::Error;
using llvm::StringRef;

static const StringRef codeParts[] = {"weight"},
                       codeTypes[] = {"F8_E4M3", "F8_E5M2"},
                       otherParts[] = {"weight_scale_inv", "weight_scale",
                                       "activation_scale", "input_scale",
                                       "input_scale_ub"};

Error nibble::readFloat8(const PackedModule &module, StringRef label,
                         StringRef scales, ScaleBlock block,
                         PackedWeight &weight) {
  auto shape = module.shapeOf(weight.part, codeTypes, 2);
  if (!shape)
    return shape.takeError();
  weight.rows = (*shape)[0];
  weight.columns = (*shape)[1];
  StringRef number =
      module.typeOf(weight.part) == "F8_E4M3" ? "e4m3" : "e5m2";
  PackedTensor &packed = weight.packed;
  packed.label = (label + "-" + number).str();
  packed.packing = lowbit::findPacking("bytes");
  packed.code = lowbit::CodeKind(lowbit::findCodebook(number));
  packed.scale.floatKind = FloatKind::F32;
  if (scales.empty())
    return Error::success();
  auto groups = takeScales(module, scales, block, weight);
  return groups ? Error::success() : groups.takeError();
}

static Error readFP8(const PackedModule &module, const JSONView &settings,
                     PackedWeight &weight) {
  auto block = readScaleBlock(settings, "weight_block_size");
  if (!block)
    return block.takeError();
  return readFloat8(module, "fp8", "weight_scale_inv", *block, weight);
}

static Error readFbgemm(const PackedModule &module, const JSONView &,
                        PackedWeight &weight) {
  return readFloat8(module, "fbgemm", "weight_scale", {}, weight);
}

static Error readPlain(const PackedModule &module, const JSONView &,
                       PackedWeight &weight) {
  for (StringRef scales : {"weight_scale_inv", "weight_scale"})
    if (module.has(scales))
      return module.unsupportedPart(
          scales, "unsupported: expected the method that it belongs to as "
                  "'quantization_config' in config.json, found none");
  return readFloat8(module, "f8", "", {}, weight);
}

const PackedMethod nibble::float8Method = {"fp8", codeParts, codeTypes,
                                           otherParts, readFP8};
const PackedMethod nibble::fbgemmMethod = {"fbgemm_fp8", codeParts, codeTypes,
                                           otherParts, readFbgemm};
const PackedMethod nibble::plainFloat8Method = {"", codeParts, codeTypes,
                                                otherParts, readPlain};
