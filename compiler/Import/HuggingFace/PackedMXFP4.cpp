//===- PackedMXFP4.cpp - Checkpoints of MXFP4 -----------------------------===//
//
//   weight_blocks  U8 (rows, columns / 32, 16)   two e2m1 a byte, the first low
//   weight_scales  U8 (rows, columns / 32)       e8m0
//
// Sources: OCP Microscaling Formats (MX) v1.0; transformers,
// integrations/mxfp4.py (convert_moe_packed_tensors).
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/PackedWeights.h"

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

static const StringRef codeParts[] = {"weight_blocks"}, codeTypes[] = {"U8"},
                       otherParts[] = {"weight_scales"};

static Error readMXFP4(const PackedModule &module, const JSONView &,
                       PackedWeight &weight) {
  auto shape = module.shapeOf("weight_blocks", {"U8"}, 3);
  if (!shape)
    return shape.takeError();
  if ((*shape)[2] != 16)
    return module.malformedPart("weight_blocks",
                                "expected blocks of 16 bytes, found " +
                                    Twine((*shape)[2]));
  weight.rows = (*shape)[0];
  weight.columns = (*shape)[1] * 32;
  PackedTensor &packed = weight.packed;
  packed.label = "mxfp4";
  packed.packing = lowbit::findPacking("bytes");
  packed.code = lowbit::CodeKind(lowbit::findCodebook("e2m1"));
  packed.group = 32;
  packed.scale.floatKind = FloatKind::E8M0;
  auto scales =
      module.get("weight_scales", {"U8"}, {weight.rows, (*shape)[1]}, "e8m0");
  if (!scales)
    return scales.takeError();
  packed.scales = *scales;
  return Error::success();
}

const PackedMethod nibble::mxfp4Method = {"mxfp4", codeParts, codeTypes,
                                          otherParts, readMXFP4};
