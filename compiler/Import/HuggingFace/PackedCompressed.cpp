//===- PackedCompressed.cpp - Checkpoints of compressed-tensors -----------===//
//
//   weight_packed      I32 (rows, columns / (32 / bits))   codes plus 2^(bits-1)
//   weight_shape       I64 (2)
//   weight             I8 or F8_E4M3 (rows, columns)       or codes as they are
//   weight_scale       one number; (rows, 1); (rows, groups); (blocks, blocks)
//   weight_zero_point  I8 like the scales; packed along rows with packed codes
//   weight_g_idx       I32 (columns)                       the group of each column
//
// and of four-bit floats (e2m1): weight_packed U8 (rows, columns / 2), the first
// of two low, with scales of e8m0 (mxfp4) or of e4m3 that weight_global_scale
// divides (nvfp4). A value is scale · (code - zero). What activations are rounded
// to (input_scale, …) is left to --activations.
//
// weight_zero_point and weight_g_idx may be absent whatever `symmetric` and
// `actorder` say: the library leaves zeros, and orders that were not found, out.
//
// Source: compressed-tensors, compressors/{pack_quantized,naive_quantized,fp4}
// and quantization/lifecycle/forward.py (_dequantize).
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/PackedWeights.h"
#include "compiler/Import/ImportError.h"

#include "llvm/ADT/STLExtras.h"

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

static const StringRef codeParts[] = {"weight_packed", "weight"},
                       codeTypes[] = {"I32", "U8", "I8", "F8_E4M3"},
                       otherParts[] = {"weight_shape",
                                       "weight_scale",
                                       "weight_zero_point",
                                       "weight_g_idx",
                                       "weight_global_scale",
                                       "input_scale",
                                       "input_zero_point",
                                       "input_global_scale"};

namespace {

/// The part `weights` of the groups of layers, which must agree. Shapes tell the
/// strategies apart but for the size of blocks.
struct Settings {
  uint64_t bits = 8;
  ScaleBlock block;

  bool operator==(const Settings &other) const {
    return bits == other.bits && block.rows == other.block.rows &&
           block.columns == other.block.columns;
  }
};

} // namespace

static Error readWeightArguments(const JSONView &arguments,
                                 Settings &settings) {
  auto bits = arguments.findUInt("num_bits", 1, 8);
  if (!bits)
    return bits.takeError();
  settings.bits = bits->value_or(8);
  auto strategy = arguments.findString("strategy");
  if (!strategy)
    return strategy.takeError();
  if (strategy->value_or("") == "block") {
    auto block = readScaleBlock(arguments, "block_structure");
    if (!block)
      return block.takeError();
    settings.block = *block;
  }
  return Error::success();
}

static Error checkFormat(const JSONView &settings) {
  static const StringRef known[] = {
      "pack-quantized",  "int-quantized",        "float-quantized",
      "naive-quantized", "mxfp4-pack-quantized", "nvfp4-pack-quantized"};
  auto format = settings.findString("format");
  if (!format)
    return format.takeError();
  if (*format && !llvm::is_contained(known, **format))
    return settings.unsupportedKey("format", "unsupported: expected " +
                                                 llvm::join(llvm::ArrayRef(known), ", ") +
                                                 "; found " + quote(**format));
  auto sparsity = settings.findObject("sparsity_config");
  if (!sparsity || !*sparsity)
    return sparsity.takeError();
  auto sparse = (*sparsity)->findString("format");
  if (!sparse)
    return sparse.takeError();
  if (sparse->value_or("dense") != "dense")
    return settings.unsupportedKey("sparsity_config",
                                   "unsupported: sparse weights");
  return Error::success();
}

static llvm::Expected<Settings> readSettings(const JSONView &view) {
  if (Error error = checkFormat(view))
    return std::move(error);
  auto groups = view.findObject("config_groups");
  if (!groups)
    return groups.takeError();
  std::optional<Settings> result;
  if (*groups)
    for (const auto &[name, value] : (*groups)->get()) {
      auto group = (*groups)->findObject(name);
      if (!group)
        return group.takeError();
      if (!*group)
        continue;
      if (Error error = checkFormat(**group))
        return std::move(error);
      auto weights = (*group)->findObject("weights");
      if (!weights)
        return weights.takeError();
      Settings settings;
      if (*weights)
        if (Error error = readWeightArguments(**weights, settings))
          return std::move(error);
      if (*weights && result && !(*result == settings))
        return view.unsupportedKey("config_groups",
                                   "unsupported: groups of layers with other "
                                   "numbers of bits or blocks of scales");
      if (*weights)
        result = settings;
    }
  if (!result)
    return view.malformedKey("config_groups",
                             "expected the settings of weights, found none");
  return *result;
}

//===----------------------------------------------------------------------===//
// Kinds of codes
//===----------------------------------------------------------------------===//

/// The number of columns is no multiple of the codes of a word.
static Error readTrueShape(const PackedModule &module, uint64_t perWord,
                           PackedWeight &weight) {
  if (!module.has("weight_shape"))
    return Error::success();
  bool isWide = module.typeOf("weight_shape") == "I64";
  auto part = module.get("weight_shape", {"I64", "I32"}, {2});
  if (!part)
    return part.takeError();
  auto bytes = module.read(*part);
  if (!bytes)
    return bytes.takeError();
  uint64_t sizes[2] = {0, 0};
  for (int i = 0; i < 2; ++i)
    std::memcpy(&sizes[i], bytes->data() + i * (isWide ? 8 : 4),
                isWide ? 8 : 4);
  if (sizes[0] != weight.rows || sizes[1] > weight.columns ||
      sizes[1] + perWord <= weight.columns)
    return module.malformedPart("weight_shape",
                                "expected " + Twine(weight.rows) + " x " +
                                    Twine(weight.columns) + ", found " +
                                    Twine(sizes[0]) + " x " + Twine(sizes[1]));
  weight.columns = sizes[1];
  return Error::success();
}

/// Zero points that are stored are subtracted; without any, the middle of the
/// codes is, if codes are stored from 0 on.
static Error readZeros(const PackedModule &module, uint64_t groups,
                       bool isPacked, uint64_t bits, PackedWeight &weight) {
  PackedTensor &packed = weight.packed;
  if (!module.has("weight_zero_point")) {
    if (isPacked)
      packed.zero = {.form = lowbit::ZeroKind::Point,
                     .point = int64_t(1) << (bits - 1)};
    return Error::success();
  }
  if (packed.scaleRows != 1)
    return module.unsupportedPart("weight_zero_point",
                                  "unsupported: zero points of blocks or of a "
                                  "tensor");
  uint64_t perWord = 32 / bits;
  auto zeros =
      isPacked
          ? module.get("weight_zero_point", {"I32"},
                       {(weight.rows + perWord - 1) / perWord, groups},
                       "words_of_rows")
          : module.get("weight_zero_point", {"I8"}, {weight.rows, groups},
                       "bytes");
  if (!zeros)
    return zeros.takeError();
  packed.zeros = *zeros;
  subtractZeros(packed);
  return Error::success();
}

static Error readIntegers(const PackedModule &module, const Settings &settings,
                          PackedWeight &weight) {
  bool isPacked = weight.part == "weight_packed";
  auto shape = module.shapeOf(weight.part, {isPacked ? "I32" : "I8"}, 2);
  if (!shape)
    return shape.takeError();
  // Codes that are not packed have a byte each, whatever their bits.
  uint64_t bits = isPacked ? settings.bits : 8, perWord = 32 / bits;
  weight.rows = (*shape)[0];
  weight.columns = isPacked ? (*shape)[1] * perWord : (*shape)[1];
  if (isPacked)
    if (Error error = readTrueShape(module, perWord, weight))
      return error;
  PackedTensor &packed = weight.packed;
  packed.label = (isPacked ? "ct-u" : "ct-i") + std::to_string(bits);
  packed.packing = lowbit::findPacking(isPacked ? "words" : "bytes");
  packed.code = lowbit::CodeKind(static_cast<unsigned>(bits), !isPacked);
  auto groups = takeScales(module, "weight_scale", settings.block, weight);
  if (!groups)
    return groups.takeError();
  if (Error error = readZeros(module, *groups, isPacked, bits, weight))
    return error;
  return module.has("weight_g_idx")
             ? takeColumnOrder(module, "weight_g_idx", weight, *groups)
             : Error::success();
}

static Error readFourBitFloats(const PackedModule &module,
                               PackedWeight &weight) {
  auto shape = module.shapeOf("weight_packed", {"U8"}, 2);
  if (!shape)
    return shape.takeError();
  weight.rows = (*shape)[0];
  weight.columns = (*shape)[1] * 2;
  PackedTensor &packed = weight.packed;
  packed.packing = lowbit::findPacking("bytes");
  packed.code = lowbit::CodeKind(lowbit::findCodebook("e2m1"));
  bool isNV = module.typeOf("weight_scale") == "F8_E4M3";
  auto groups = cutIntoGroups(module, weight, isNV ? 16 : 32);
  if (!groups)
    return groups.takeError();
  auto scales =
      module.get("weight_scale", {isNV ? "F8_E4M3" : "U8"},
                 {weight.rows, *groups}, isNV ? "ue4m3" : "e8m0");
  if (!scales)
    return scales.takeError();
  packed.scales = *scales;
  packed.label = isNV ? "ct-nvfp4" : "ct-mxfp4";
  packed.scale.floatKind = isNV ? FloatKind::F32 : FloatKind::E8M0;
  if (!isNV)
    return Error::success();
  auto global = module.readNumber("weight_global_scale");
  if (!global)
    return global.takeError();
  packed.factor = 1 / *global;
  return Error::success();
}

static Error readCompressed(const PackedModule &module, const JSONView &view,
                            PackedWeight &weight) {
  auto settings = readSettings(view);
  if (!settings)
    return settings.takeError();
  StringRef type = module.typeOf(weight.part);
  if (type == "F8_E4M3")
    return readFloat8(module, "ct", "weight_scale", settings->block, weight);
  if (weight.part == "weight_packed" && type == "U8")
    return readFourBitFloats(module, weight);
  return readIntegers(module, *settings, weight);
}

const PackedMethod nibble::compressedTensorsMethod = {
    "compressed-tensors", codeParts, codeTypes, otherParts, readCompressed};
