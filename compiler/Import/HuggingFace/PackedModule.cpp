//===- PackedModule.cpp - Tensors of one quantized linear layer -----------===//
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/PackedModule.h"

#include "compiler/Import/ImportError.h"
#include "compiler/Import/PackedCodes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

std::string PackedModule::describe(StringRef part) const {
  auto entry = parts.find(part.str());
  StringRef file = entry == parts.end()
                       ? model.getPath()
                       : model.getFile(entry->second->fileIndex).getPath();
  return (file + ": tensor " + quote(name + "." + part.str())).str();
}

Error PackedModule::malformedPart(StringRef part, const Twine &message) const {
  return malformed(describe(part) + ": " + message);
}

Error PackedModule::unsupportedPart(StringRef part,
                                    const Twine &message) const {
  return unsupported(describe(part) + ": " + message);
}

StringRef PackedModule::typeOf(StringRef part) const {
  auto entry = parts.find(part.str());
  return entry == parts.end() ? StringRef() : entry->second->tensor.type->name;
}

static std::string describeShape(PackedModule::Shape shape) {
  std::string text;
  for (uint64_t size : shape)
    text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text.empty() ? "one number" : text;
}

Expected<std::vector<uint64_t>>
PackedModule::shapeOf(StringRef part, Types types, size_t rank) const {
  auto entry = parts.find(part.str());
  if (entry == parts.end())
    return malformedPart(part, "expected beside the others of its layer, found "
                               "no such tensor");
  const SafetensorsTensor &tensor = entry->second->tensor;
  if (!llvm::is_contained(types, tensor.type->name))
    return unsupportedPart(part, "unsupported tensor type: expected " +
                                     llvm::join(types, " or ") + ", found " +
                                     tensor.type->name);
  if (tensor.shape.size() != rank || llvm::is_contained(tensor.shape, 0u))
    return malformedPart(part, "expected " + Twine(rank) +
                                   " dimensions of at least 1, found " +
                                   describeShape(tensor.shape));
  return tensor.shape;
}

Expected<PackedPart> PackedModule::get(StringRef part, Types types, Shape shape,
                                       StringRef format) const {
  auto found = shapeOf(part, types, shape.size());
  if (!found)
    return found.takeError();
  if (llvm::ArrayRef(*found) != shape)
    return malformedPart(part, "expected dimensions " + describeShape(shape) +
                                   ", found " + describeShape(*found));
  const StoredTensor &stored = *parts.find(part.str())->second;
  return PackedPart{stored.fileIndex, stored.tensor.offset,
                    stored.tensor.byteSize, format.str()};
}

Expected<PackedPart> PackedModule::getScales(StringRef part,
                                             Shape shape) const {
  static const StringRef floats[] = {"F16", "BF16", "F32"};
  StringRef type = typeOf(part);
  auto scales = get(part, floats, shape);
  if (scales)
    scales->format = type.lower();
  return scales;
}

Expected<std::vector<uint8_t>>
PackedModule::read(const PackedPart &part) const {
  std::vector<uint8_t> bytes(part.byteSize);
  if (Error error = model.readAt(part.fileIndex, part.offset, bytes))
    return std::move(error);
  return bytes;
}

Expected<llvm::json::Object> PackedModule::readJSON(StringRef part) const {
  auto shape = shapeOf(part, {"U8"}, 1);
  if (!shape)
    return shape.takeError();
  const StoredTensor &stored = *parts.find(part.str())->second;
  return parseJSONObject(model.getFile(stored.fileIndex), stored.tensor.offset,
                         stored.tensor.byteSize);
}

Expected<double> PackedModule::readNumber(StringRef part) const {
  auto found = get(part, {"F32"}, storedShape(part), "f32");
  if (!found)
    return found.takeError();
  auto bytes = read(*found);
  if (!bytes)
    return bytes.takeError();
  float number = 0;
  if (bytes->size() == sizeof number)
    std::memcpy(&number, bytes->data(), sizeof number);
  if (!std::isfinite(number) || number == 0)
    return malformedPart(part, "expected one finite number that is not 0");
  return number;
}

PackedModule::Shape PackedModule::storedShape(StringRef part) const {
  auto entry = parts.find(part.str());
  return entry == parts.end() ? Shape() : Shape(entry->second->tensor.shape);
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

Expected<uint64_t> nibble::cutIntoGroups(const PackedModule &module,
                                         PackedWeight &weight, uint64_t size) {
  if (size == 0) {
    weight.packed.group = lowbit::kRowGroup;
    return 1;
  }
  if (size > weight.columns || weight.columns % size != 0)
    return module.unsupportedPart(
        weight.part, "unsupported: expected rows of whole groups of " +
                         Twine(size) + " columns, found " +
                         Twine(weight.columns) + " columns");
  weight.packed.group = static_cast<int64_t>(size);
  return weight.columns / size;
}

std::optional<ScaleBlock> nibble::readRowsAndColumns(const llvm::json::Array &sizes) {
  constexpr int64_t limit = 1 << 24;
  bool isPair = sizes.size() == 2;
  auto rows = isPair ? sizes[0].getAsInteger() : std::nullopt;
  auto columns = isPair ? sizes[1].getAsInteger() : std::nullopt;
  if (!rows || !columns || *rows < 1 || *columns < 1 || *rows > limit || *columns > limit)
    return std::nullopt;
  return ScaleBlock{static_cast<uint64_t>(*rows), static_cast<uint64_t>(*columns)};
}

Expected<ScaleBlock> nibble::readScaleBlock(const JSONView &settings,
                                            StringRef key) {
  auto sizes = settings.findArray(key);
  if (!sizes)
    return sizes.takeError();
  if (!*sizes)
    return ScaleBlock();
  if (std::optional<ScaleBlock> block = readRowsAndColumns(**sizes))
    return *block;
  return settings.malformedKey(key, "expected rows and columns of a block");
}

Expected<uint64_t> nibble::takeScales(const PackedModule &module,
                                      StringRef part, ScaleBlock block,
                                      PackedWeight &weight) {
  PackedModule::Shape stored = module.storedShape(part);
  PackedTensor &packed = weight.packed;
  std::vector<uint64_t> shape(stored);
  uint64_t size = 0;
  bool isOne = llvm::all_of(stored, [](uint64_t size) { return size == 1; });
  if (block.rows && !isOne) {
    packed.scaleRows = block.rows;
    size = block.columns;
    shape = {(weight.rows + block.rows - 1) / block.rows,
             (weight.columns + size - 1) / size};
  } else if (isOne) {
    packed.scaleRows = weight.rows;
  } else if (stored.size() == 2 && stored[1] > 1) {
    size = weight.columns / stored[1];
    shape = {weight.rows, stored[1]};
    if (size == 0 || weight.columns % stored[1] != 0)
      return module.malformedPart(part, "expected " + Twine(weight.columns) +
                                            " columns to be whole groups, "
                                            "found " +
                                            Twine(stored[1]) + " groups");
  } else {
    shape.front() = weight.rows;
  }
  auto groups = cutIntoGroups(module, weight, size);
  if (!groups)
    return groups.takeError();
  auto scales = module.getScales(part, shape);
  if (!scales)
    return scales.takeError();
  packed.scales = *scales;
  packed.scale.floatKind = scaleKindOf(*scales);
  return *groups;
}

FloatKind nibble::scaleKindOf(const PackedPart &scales) {
  return scales.format == "f16"    ? FloatKind::F16
         : scales.format == "bf16" ? FloatKind::BF16
                                   : FloatKind::F32;
}

Expected<std::optional<int64_t>>
nibble::findCommonZero(const PackedModule &module, const PackedWeight &weight,
                       uint64_t groups) {
  const PackedTensor &packed = weight.packed;
  auto rows = static_cast<int64_t>(weight.rows);
  PackedMatrix matrix = {lowbit::findPacking(packed.zeros.format),
                         packed.code.width, rows, static_cast<int64_t>(groups),
                         packed.zeros.offset};
  std::vector<uint8_t> codes(weight.rows * groups);
  if (Error error = readCodes(module.getFile(packed.zeros.fileIndex), matrix, 0,
                              rows, codes.data()))
    return std::move(error);
  if (!llvm::all_equal(codes))
    return std::nullopt;
  return packed.code.decode(codes.front()) + packed.zeroPlus;
}

void nibble::subtractZeros(PackedTensor &packed) {
  packed.scale.floatKind = FloatKind::F32;
  packed.zero = {.form = lowbit::ZeroKind::Min, .min = {FloatKind::F32}};
}

Error nibble::takeColumnOrder(const PackedModule &module, StringRef part,
                              PackedWeight &weight, uint64_t groups) {
  auto order = module.get(part, {"I32"}, {weight.columns}, "i32");
  if (!order)
    return order.takeError();
  auto bytes = module.read(*order);
  if (!bytes)
    return bytes.takeError();
  std::vector<int32_t> numbers(weight.columns);
  std::memcpy(numbers.data(), bytes->data(), bytes->size());
  std::vector<uint64_t> members(groups);
  for (int32_t number : numbers) {
    if (number < 0 || static_cast<uint64_t>(number) >= groups)
      return module.malformedPart(part, "expected numbers of groups below " +
                                            Twine(groups) + ", found " +
                                            Twine(number));
    ++members[number];
  }
  if (!llvm::all_equal(members))
    return module.unsupportedPart(
        part, "unsupported: expected groups of one size, found one of " +
                  Twine(*llvm::min_element(members)) + " and one of " +
                  Twine(*llvm::max_element(members)) + " columns");
  if (llvm::is_sorted(numbers))
    return Error::success();
  weight.packed.order = *order;
  weight.packed.orderBytes.assign(bytes->begin(), bytes->end());
  return Error::success();
}
