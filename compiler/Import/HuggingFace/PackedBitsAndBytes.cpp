//===- PackedBitsAndBytes.cpp - Checkpoints of bitsandbytes ---------------===//
//
// Four bits, of a weight whose rows stand one after the other:
//
//   weight               U8 (rows · columns / 2, 1)   two codes, the first high
//   weight.quant_map     F32 (16)                     what codes stand for
//   weight.absmax        F32 or U8 (blocks)           a scale for 64 values
//   weight.nested_*      F32                          of scales that are bytes
//   weight.quant_state.bitsandbytes__nf4 (or fp4)     JSON, as U8
//
// A byte of absmax stands for nested_quant_map[byte] · nested_absmax[block / 256]
// + nested_offset. Eight bits:
//
//   weight               I8 (rows, columns)
//   SCB                  F32 (rows)                   a value is code · SCB / 127
//
// Sources: bitsandbytes, functional.py (QuantState.as_dict,
// dequantize_blockwise, int8_vectorwise_dequant). Dettmers et al., arXiv
// 2305.14314 (QLoRA), 2208.07339 (LLM.int8).
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/PackedWeights.h"
#include "compiler/Import/ImportError.h"

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

static constexpr StringRef nf4State = "weight.quant_state.bitsandbytes__nf4",
                           fp4State = "weight.quant_state.bitsandbytes__fp4";
static const StringRef codeParts[] = {"weight"}, codeTypes[] = {"U8", "I8"},
                       otherParts[] = {"SCB",
                                       "weight_format",
                                       "weight.absmax",
                                       "weight.quant_map",
                                       "weight.nested_absmax",
                                       "weight.nested_quant_map",
                                       nf4State,
                                       fp4State};

/// Scales that are quantized themselves.
static Error readNested(const PackedModule &module, const JSONView &state,
                        uint64_t blocks, PackedTensor &packed) {
  auto group = state.findUInt("nested_blocksize", 1, 1 << 24);
  if (!group)
    return group.takeError();
  auto offset = state.findNumber("nested_offset");
  if (!offset)
    return offset.takeError();
  packed.outerGroup = group->value_or(256);
  packed.outerOffset = offset->value_or(0);
  auto levels =
      module.get("weight.nested_quant_map", {"F32"}, {256}, "f32");
  if (!levels)
    return levels.takeError();
  auto outer =
      module.get("weight.nested_absmax", {"F32"},
                 {(blocks + packed.outerGroup - 1) / packed.outerGroup}, "f32");
  if (!outer)
    return outer.takeError();
  packed.levels = *levels;
  packed.outerScales = *outer;
  return Error::success();
}

/// What the sixteen codes stand for is in the file.
static Error readCodebook(const PackedModule &module, PackedTensor &packed) {
  auto part = module.get("weight.quant_map", {"F32"}, {16}, "f32");
  if (!part)
    return part.takeError();
  auto bytes = module.read(*part);
  if (!bytes)
    return bytes.takeError();
  float levels[16];
  std::memcpy(levels, bytes->data(), sizeof levels);
  for (float level : levels)
    if (!std::isfinite(level))
      return module.malformedPart("weight.quant_map",
                                  "expected sixteen finite numbers");
  packed.code = lowbit::CodeKind(lowbit::getCodebook(levels));
  return Error::success();
}

static Error readShape(const PackedModule &module, StringRef part,
                       const JSONView &state, PackedWeight &weight) {
  auto shape = state.findArray("shape");
  if (!shape)
    return shape.takeError();
  auto matrix = *shape ? readRowsAndColumns(**shape) : std::nullopt;
  if (!matrix)
    return module.malformedPart(part, "'shape': expected rows and columns");
  weight.rows = matrix->rows;
  weight.columns = matrix->columns;
  return Error::success();
}

static Error readFourBits(const PackedModule &module, StringRef part,
                          PackedWeight &weight) {
  auto object = module.readJSON(part);
  if (!object)
    return object.takeError();
  std::string file = module.describe(part);
  JSONView state(file, *object);
  if (Error error = readShape(module, part, state, weight))
    return error;
  auto block = state.findUInt("blocksize", 1, 1 << 24);
  if (!block)
    return block.takeError();
  auto groups = cutIntoGroups(module, weight, block->value_or(64));
  if (!groups)
    return groups.takeError();
  uint64_t values = weight.rows * weight.columns, blocks = weight.rows * *groups;
  auto codes = module.get("weight", {"U8"}, {values / 2, 1});
  if (!codes)
    return codes.takeError();
  PackedTensor &packed = weight.packed;
  packed.label = part == nf4State ? "bnb-nf4" : "bnb-fp4";
  packed.packing = lowbit::findPacking("bytes_high_first");
  packed.scale.floatKind = FloatKind::F32;
  if (Error error = readCodebook(module, packed))
    return error;
  bool isNested = module.typeOf("weight.absmax") == "U8";
  auto scales = module.get("weight.absmax", {"U8", "F32"}, {blocks},
                           isNested ? "u8" : "f32");
  if (!scales)
    return scales.takeError();
  packed.scales = *scales;
  return isNested ? readNested(module, state, blocks, packed)
                  : Error::success();
}

static Error readEightBits(const PackedModule &module, PackedWeight &weight) {
  auto shape = module.shapeOf("weight", {"I8"}, 2);
  if (!shape)
    return shape.takeError();
  weight.rows = (*shape)[0];
  weight.columns = (*shape)[1];
  PackedTensor &packed = weight.packed;
  packed.label = "bnb-i8";
  packed.packing = lowbit::findPacking("bytes");
  packed.code = lowbit::CodeKind(8, true);
  auto scales = module.get("SCB", {"F32"}, {weight.rows}, "f32");
  if (!scales)
    return scales.takeError();
  packed.scales = *scales;
  packed.scale.floatKind = FloatKind::F32;
  packed.factor = 0.007874015718698502; // 1 / 127 as an f32
  if (!module.has("weight_format"))
    return Error::success();
  // 0 stands for rows; others are orders of tiles for one GPU or another.
  auto format = module.get("weight_format", {"U8"}, {});
  if (!format)
    return format.takeError();
  auto byte = module.read(*format);
  if (!byte)
    return byte.takeError();
  return byte->front() == 0
             ? Error::success()
             : module.unsupportedPart("weight_format",
                                      "unsupported: expected 0, weights in "
                                      "rows, found " +
                                          Twine(unsigned(byte->front())));
}

static Error readBitsAndBytes(const PackedModule &module, const JSONView &,
                              PackedWeight &weight) {
  for (StringRef part : {nf4State, fp4State})
    if (module.has(part))
      return readFourBits(module, part, weight);
  if (module.typeOf("weight") == "I8")
    return readEightBits(module, weight);
  return module.malformedPart(nf4State, "expected beside a weight of bytes, "
                                        "found no such tensor");
}

const PackedMethod nibble::bitsAndBytesMethod = {
    "bitsandbytes", codeParts, codeTypes, otherParts, readBitsAndBytes};
