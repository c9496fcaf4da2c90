//===- WeightSection.cpp - the bytes of a program's weights ---------------===//
#include "compiler/Link/WeightSection.h"

#include "compiler/Bufferize/Passes.h"
#include "compiler/Import/BoundedReader.h"
#include "compiler/Import/PackedRows.h"
#include "compiler/Import/RopeTable.h"
#include "compiler/Import/SourceChanges.h"
#include "compiler/Link/FoldedScales.h"
#include "compiler/Link/Packer.h"
#include "dialects/LowBit/Casts.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <deque>

using namespace mlir;

namespace nibble {

static llvm::Error invalid(const llvm::Twine &message) {
  return llvm::createStringError(std::make_error_code(std::errc::invalid_argument), message);
}

std::string PlacedWeight::formatName() const {
  std::string name;
  for (Attribute attr : sources) {
    auto source = dyn_cast<lm::SourceAttr>(attr);
    std::string part = source ? source.getFormat().str() : "computed";
    if (source && source.getRequantized() && type.getEncoding())
      llvm::raw_string_ostream(part = "") << numbers;
    if (name.find(part) == std::string::npos)
      name += (name.empty() ? "" : "+") + part;
  }
  return name;
}

/// What the sources of a weight hold or are rounded to.
static Type numbersOf(lm::WeightOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  if (auto before = op->getAttrOfType<TypeAttr>(lowbit::kCastFromAttr))
    return before.getValue();
  auto layout = dyn_cast_or_null<mpgemm::LayoutAttr>(type.getEncoding());
  return layout ? layout.getElement() : type.getElementType();
}

llvm::Expected<std::vector<PlacedWeight>> collectWeights(ModuleOp module) {
  std::vector<PlacedWeight> weights;
  for (lm::WeightOp op : module.getOps<lm::WeightOp>()) {
    if (!op.getOffset())
      return invalid("weight '" + op.getSymName() + "' has no place yet; weights are collected after bufferize");
    auto type = cast<RankedTensorType>(op.getType());
    uint64_t bits = uint64_t(type.getNumElements()) * type.getElementTypeBitWidth();
    weights.push_back({op.getSymName().str(), type, op.getSources(), numbersOf(op), uint64_t(*op.getOffset()),
                       bits / 8});
  }
  std::sort(weights.begin(), weights.end(),
            [](const PlacedWeight &a, const PlacedWeight &b) { return a.offset < b.offset; });
  return weights;
}

namespace {

/// Opens each source file once.
class SourceFiles {
public:
  llvm::Expected<const InputFile *> get(StringRef path) {
    std::unique_ptr<InputFile> &file = files[path];
    if (!file) {
      auto opened = InputFile::open(path);
      if (!opened)
        return opened.takeError();
      file = std::move(*opened);
    }
    return file.get();
  }

private:
  llvm::StringMap<std::unique_ptr<InputFile>> files;
};

/// The rows of a source whose codes, scales and zero points lie apart: their parts, or, where they are changed or
/// rounded next, their values.
llvm::Expected<PackSource> packedSource(lm::SourceAttr source, int64_t columns) {
  llvm::Expected<PackedRows> opened = PackedRows::open(source, columns);
  if (!opened)
    return opened.takeError();
  auto packed = std::make_shared<PackedRows>(std::move(*opened));
  PackSource result;
  result.rows = packed->rows();
  if (!source.isChanged() && !source.getRequantized()) {
    result.readParts = [packed](int64_t first, int64_t count) { return packed->parts(first, count); };
    return result;
  }
  auto values = std::make_shared<std::vector<float>>();
  result.format = lowbit::findFormat("f32");
  result.readRows = [=](int64_t first, int64_t count) -> llvm::Expected<ArrayRef<uint8_t>> {
    values->resize(count * columns);
    if (llvm::Error error = packed->values(first, count, values->data()))
      return error;
    return ArrayRef(reinterpret_cast<const uint8_t *>(values->data()), values->size() * sizeof(float));
  };
  return result;
}

/// The rows of one source, read in pieces.
llvm::Expected<PackSource> packSource(SourceFiles &files, lm::SourceAttr source, int64_t columns) {
  if (source.getPacking())
    return packedSource(source, columns);
  const lowbit::Format *format = lowbit::findFormat(source.getFormat());
  if (!format)
    return invalid("unknown storage format '" + source.getFormat() + "'");
  int64_t rowBytes = columns / format->blockElements * format->blockBytes;
  if (columns % format->blockElements != 0 || rowBytes == 0 || source.getSize() % rowBytes != 0)
    return invalid("a source of " + llvm::Twine(source.getSize()) + " bytes is no whole number of rows of " +
                   llvm::Twine(columns) + " " + source.getFormat());
  llvm::Expected<const InputFile *> file = files.get(source.getFile());
  if (!file)
    return file.takeError();
  auto buffer = std::make_shared<std::vector<uint8_t>>();
  auto read = [file = *file, source, rowBytes, buffer](int64_t first,
                                                       int64_t count) -> llvm::Expected<ArrayRef<uint8_t>> {
    buffer->resize(count * rowBytes);
    if (llvm::Error error = file->readAt(source.getOffset() + first * rowBytes, *buffer))
      return error;
    return ArrayRef<uint8_t>(*buffer);
  };
  return PackSource{format, int64_t(source.getSize() / rowBytes), read};
}

/// The same rows as f32, changed as the source says.
llvm::Expected<PackSource> changedSource(PackSource rows, lm::SourceAttr source, int64_t columns) {
  llvm::Expected<SourceChanges> opened = SourceChanges::open(source, rows.rows, columns);
  if (!opened)
    return opened.takeError();
  auto changes = std::make_shared<SourceChanges>(std::move(*opened));
  auto values = std::make_shared<std::vector<float>>();
  auto read = [=](int64_t first, int64_t count) -> llvm::Expected<ArrayRef<uint8_t>> {
    llvm::Expected<ArrayRef<uint8_t>> bytes = rows.readRows(first, count);
    if (!bytes)
      return bytes.takeError();
    if (int64_t index = lowbit::findInexact(*rows.format, *bytes); index >= 0)
      return invalid("number " + llvm::Twine(first * columns + index) + " of the " + source.getFormat() + " is no f32");
    values->resize(count * columns);
    lowbit::decodeBlocks(*rows.format, *bytes, values->size() / rows.format->blockElements, values->data());
    changes->apply(first, count, values->data());
    return ArrayRef(reinterpret_cast<const uint8_t *>(values->data()), values->size() * sizeof(float));
  };
  return PackSource{lowbit::findFormat("f32"), rows.rows, read};
}

/// The numbers that the layout has codes for: each element's own.
Type withoutGrid(Type type) {
  auto block = dyn_cast<lowbit::BlockType>(type);
  return block ? Type(lowbit::withoutGrid(block)) : type;
}

llvm::Error writePacked(SourceFiles &files, const PlacedWeight &weight, mpgemm::LayoutAttr layout,
                        InputMoments *moments, ArtifactWriter &writer,
                        std::vector<RequantizedTensor> &requantized) {
  std::vector<PackSource> sources;
  std::deque<RequantizedTensor> reports; // stay where they are while rows pass by
  for (Attribute attr : weight.sources) {
    auto source = dyn_cast<lm::SourceAttr>(attr);
    if (!source)
      return invalid("a computed table cannot be packed");
    llvm::Expected<PackSource> rows = packSource(files, source, layout.getK());
    if (!rows)
      return rows.takeError();
    if (source.isChanged())
      rows = changedSource(std::move(*rows), source, layout.getK());
    if (!rows)
      return rows.takeError();
    // The packer compares shapes of blocks; that the codes stand for the same numbers is known here.
    Type stored = rows->format ? lowbit::elementType(layout.getContext(), *rows->format)
                               : source.getPacking().getElement();
    if (source.getRequantized()) {
      RequantizedTensor &report = reports.emplace_back();
      report.name = source.getRequantized().str();
      llvm::Expected<const InputMoments::Matrix *> known = moments ? moments->of(source) : nullptr;
      if (!known)
        return known.takeError();
      *rows = requantize(std::move(*rows), weight.numbers, layout.getK(), report, *known);
      report.from = source.getFormat().str();
    } else if (isa<lowbit::BlockType>(layout.getElement()) && withoutGrid(stored) != withoutGrid(weight.numbers)) {
      return invalid("a source in " + source.getFormat() + " does not hold the numbers of the weight's layout");
    }
    if (withoutGrid(weight.numbers) != layout.getElement()) {
      auto numbers = dyn_cast<lowbit::BlockType>(withoutGrid(weight.numbers));
      if (!numbers || lowbit::withFoldedScales(numbers) != layout.getElement())
        return invalid("no packing makes the numbers of the weight's layout of its own");
      *rows = foldScales(std::move(*rows), numbers, layout.getK());
    }
    sources.push_back(std::move(*rows));
  }
  if (llvm::Error error = packWeight(layout.getPanelLayout(), sources,
                                     [&](ArrayRef<uint8_t> panel) { return writer.append(panel); }))
    return error;
  requantized.insert(requantized.end(), reports.begin(), reports.end());
  return llvm::Error::success();
}

/// 0 for an unknown format, which has its own error.
int64_t elementsOf(lm::SourceAttr source) {
  const lowbit::Format *format = lowbit::findFormat(source.getFormat());
  return format ? int64_t(source.getSize() / format->blockBytes * format->blockElements) : 0;
}

/// Floats in the order of the file: norms, biases.
llvm::Error writePlain(SourceFiles &files, const PlacedWeight &weight, ArtifactWriter &writer) {
  for (Attribute attr : weight.sources) {
    if (auto table = dyn_cast<lm::RopeTableAttr>(attr)) {
      std::vector<float> values = computeRopeTable(table, weight.type.getDimSize(0));
      if (llvm::Error error = writer.append(values.data(), values.size() * sizeof(float)))
        return error;
      continue;
    }
    if (auto columns = dyn_cast<lm::ColumnOrderAttr>(attr)) {
      llvm::Expected<std::vector<int32_t>> order = readColumnOrder(columns.getGroups());
      if (!order)
        return order.takeError();
      if (llvm::Error error = writer.append(order->data(), order->size() * sizeof(int32_t)))
        return error;
      continue;
    }
    auto source = cast<lm::SourceAttr>(attr);
    if (source.getPacking())
      return invalid("packed codes are those of a matrix");
    // A vector that is put together from several sources is one row of each.
    int64_t columns = weight.type.getRank() == 1 ? elementsOf(source) : weight.type.getShape().back();
    llvm::Expected<PackSource> rows = packSource(files, source, columns);
    bool isF32 = weight.type.getElementType().isF32();
    if (source.isChanged() && !isF32)
      return invalid("a changed source of plain values must be f32");
    if (rows && (source.isChanged() || (isF32 && source.getFormat() != "f32")))
      rows = changedSource(std::move(*rows), source, columns);
    if (!rows)
      return rows.takeError();
    llvm::Expected<ArrayRef<uint8_t>> bytes = rows->readRows(0, rows->rows);
    if (!bytes)
      return bytes.takeError();
    if (llvm::Error error = writer.append(*bytes))
      return error;
  }
  return llvm::Error::success();
}

} // namespace

llvm::Error writeWeights(ArrayRef<PlacedWeight> weights, InputMoments *moments, ArtifactWriter &writer,
                         std::vector<RequantizedTensor> &requantized) {
  SourceFiles files;
  for (const PlacedWeight &weight : weights) {
    if (llvm::Error error = writer.align(kBufferAlignment))
      return error;
    if (writer.weightBytes() != weight.offset)
      return invalid("internal error: weight '" + weight.name + "' would start at " +
                     llvm::Twine(writer.weightBytes()) + " instead of " + llvm::Twine(weight.offset));
    writer.beginTensor();
    auto layout = dyn_cast_or_null<mpgemm::LayoutAttr>(weight.type.getEncoding());
    llvm::Error error =
        layout ? writePacked(files, weight, layout, moments, writer, requantized) : writePlain(files, weight, writer);
    if (error)
      return llvm::joinErrors(invalid("while writing the weight '" + weight.name + "':"), std::move(error));
    if (writer.weightBytes() != weight.offset + weight.bytes)
      return invalid("weight '" + weight.name + "' took " + llvm::Twine(writer.weightBytes() - weight.offset) +
                     " bytes, but " + llvm::Twine(weight.bytes) + " were planned");
    writer.endTensor();
  }
  return writer.align(kBufferAlignment);
}

} // namespace nibble
