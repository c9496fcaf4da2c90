//===- Packer.cpp - weights from file order into panel order -------------===//
//
// What: packWeight(). A panel is filled row by row: a row's blocks are unpacked
// into their parts (dialects/LowBit/Formats.h) and the parts scattered to the
// row's places in every record.
//
//===----------------------------------------------------------------------===//

#include "compiler/Link/Packer.h"

#include "compiler/Link/CodeScatter.h"

#include "llvm/Support/FormatVariadic.h"

#include <optional>

using namespace nibble;
using lowbit::Format;
using lowbit::Planes;
using mpgemm::PanelLayout;

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

namespace {
/// The parts of one row, in the middle of some Planes.
struct RowParts {
  const uint8_t *codes;
  const int16_t *subScale, *subMin;
  const uint32_t *scale, *min;
  const uint8_t *book; ///< Null if none is stored, or none is to be.
};
} // namespace

/// Of one stored codebook.
static int64_t bytesOfBook(const PanelLayout &layout) { return layout.bookBytes() / layout.bookRows(); }

static RowParts partsOfRow(const PanelLayout &layout, const Planes &planes, int64_t row) {
  int64_t scales = layout.k / layout.scaleSpan();
  int64_t groups = layout.k / layout.group;
  return {planes.codes.data() + row * layout.k,
          planes.subScale.data() + row * groups,
          planes.subMin.data() + row * groups,
          planes.scale.data() + row * scales,
          planes.min.data() + row * scales,
          planes.books.empty() ? nullptr : planes.books.data() + (layout.bookPerRow ? row : 0) * bytesOfBook(layout)};
}

namespace {
/// Writes rows of low-bit records.
class RecordWriter {
public:
  explicit RecordWriter(const PanelLayout &layout)
      : layout(layout), codes(layout), runs(layout.runsPerRecord()), runsPerGroup(layout.group / layout.runSpan()) {
    for (int64_t run = 0; layout.isTwoLevel() && run < runs; ++run)
      subScales.push_back(layout.subScaleOffset(run)), subMins.push_back(layout.subMinOffset(run));
  }
  /// Writes row r of a panel.
  void scatterRow(RowParts row, int64_t r, uint8_t *panel) const;

private:
  void scatterScales(RowParts &row, int64_t r, uint8_t *record) const;

  PanelLayout layout;
  CodeScatter codes;
  int64_t runs, runsPerGroup;
  std::vector<int64_t> subScales, subMins; ///< places of the runs of row 0
};
} // namespace

/// The low `bytes` bytes of a number.
static void storeBits(uint8_t *out, uint32_t bits, unsigned bytes) {
  for (unsigned byte = 0; byte < bytes; ++byte)
    out[byte] = uint8_t(bits >> (8 * byte));
}

/// Moves `row` on to the next record's scales.
void RecordWriter::scatterScales(RowParts &row, int64_t r, uint8_t *record) const {
  const unsigned bytes = byteWidth(layout.scaleKind);
  for (int64_t s = 0; s < layout.scalesPerRecord(); ++s) {
    storeBits(record + layout.scaleOffset(s, r), *row.scale++, bytes);
    if (layout.hasMin)
      storeBits(record + layout.minOffset(s, r), *row.min++, bytes);
  }
  if (!layout.isTwoLevel())
    return;
  for (int64_t run = 0; run < runs; ++run) {
    record[subScales[run] + r] = uint8_t(row.subScale[run / runsPerGroup]);
    if (layout.hasMin)
      record[subMins[run] + r] = uint8_t(row.subMin[run / runsPerGroup]);
  }
  row.subScale += runs / runsPerGroup;
  if (layout.hasMin)
    row.subMin += runs / runsPerGroup;
}

void RecordWriter::scatterRow(RowParts row, int64_t r, uint8_t *panel) const {
  const int64_t entry = layout.bookEntryBytes;
  for (int64_t code = 0; row.book && code * entry < bytesOfBook(layout); ++code)
    std::memcpy(panel + layout.bookOffset(code, r), row.book + code * entry, entry);
  panel += layout.recordOffset(0);
  const int64_t records = layout.records(), bytes = layout.recordBytes();
  const int64_t span = layout.recordSpan(), units = layout.codesOffset();
  for (int64_t record = 0; record < records; ++record, panel += bytes) {
    scatterScales(row, r, panel);
    codes.scatter(row.codes, r, panel + units);
    row.codes += span;
  }
}

/// Writes row r of a panel of floats; `values` has layout.k of them.
template <typename Bits>
static void scatterFloats(const PanelLayout &layout, const uint8_t *values, int64_t r, uint8_t *panel) {
  for (int64_t column = 0; column < layout.k; ++column)
    std::memcpy(panel + layout.elementOffset(column, r), values + column * sizeof(Bits), sizeof(Bits));
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

template <typename... Args> static llvm::Error packError(const char *format, Args &&...args) {
  return llvm::createStringError(llvm::formatv(format, std::forward<Args>(args)...).str());
}

/// Whether the layout can hold the format's numbers as they are.
static llvm::Error checkFormat(const PanelLayout &layout, const Format &format) {
  if (layout.k % format.blockElements != 0)
    return packError("cannot pack {0}: rows of {1} columns are not whole "
                     "blocks of {2}",
                     format.name, layout.k, format.blockElements);
  if (layout.isFloat()) {
    if (layout.element == FloatKind::F32 ||
        (format.isFloat && format.plain == Format::Same && format.floatKind == layout.element))
      return llvm::Error::success();
    return packError("cannot pack {0} as {1} without changing values", format.name, spelling(layout.element));
  }
  int64_t superGroup = format.isTwoLevel() ? format.blockElements : 0;
  lowbit::CodeKind code = format.codeKind();
  if (format.isFloat || code.width != layout.codeBits || code.isSigned != layout.codeSigned || layout.bookEntryBytes ||
      format.group != layout.group || superGroup != layout.superGroup || format.hasMin() != layout.hasMin ||
      format.floatKind != layout.scaleKind)
    return packError("cannot pack {0}: its codes, groups or scales are not "
                     "those of the layout",
                     format.name);
  return llvm::Error::success();
}

/// Parts have no format of their own: they are those of the layout.
static llvm::Error checkParts(const PanelLayout &layout) {
  return layout.isFloat() ? packError("cannot pack codes as {0}", spelling(layout.element)) : llvm::Error::success();
}

static llvm::Error checkAll(const PanelLayout &layout, llvm::ArrayRef<PackSource> sources) {
  if (const char *reason = layout.check())
    return packError("cannot pack: {0}", reason);
  if (!layout.isFloat() && !layout.lookup && layout.kr != 1 && layout.kr != 2 && layout.kr != 4 && layout.kr != 8)
    return packError("cannot pack with kr = {0}: it must be 1, 2, 4 or 8", layout.kr);
  int64_t rows = 0;
  for (const PackSource &source : sources) {
    llvm::Error error = source.readParts ? checkParts(layout) : checkFormat(layout, *source.format);
    if (error)
      return error;
    rows += source.rows;
  }
  if (rows != layout.n)
    return packError("cannot pack: the sources have {0} rows, the layout {1}", rows, layout.n);
  return llvm::Error::success();
}

/// Sub-scales are stored as i8, sub-minima as u8.
static llvm::Error checkSubScales(const Format &format, const Planes &planes) {
  for (int16_t value : planes.subScale)
    if (value < -128 || value > 127)
      return packError("cannot pack {0}: sub-scale {1} does not fit into i8", format.name, value);
  for (int16_t value : planes.subMin)
    if (value < 0 || value > 255)
      return packError("cannot pack {0}: sub-minimum {1} does not fit into u8", format.name, value);
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Panels
//===----------------------------------------------------------------------===//

namespace {
/// Fills one panel after the other.
class PanelWriter {
public:
  PanelWriter(const PanelLayout &layout, PackSink sink) : layout(layout), sink(sink), panel(layout.panelBytes()) {
    if (!layout.isFloat())
      records.emplace(layout);
  }

  llvm::Error addSource(const PackSource &source);
  llvm::Error finish();

private:
  llvm::Error addParts(const PackSource &source);
  llvm::Error addRows(const Format &format, llvm::ArrayRef<uint8_t> bytes, int64_t count);
  void addFloats(const Format &format, llvm::ArrayRef<uint8_t> bytes, int64_t count);
  llvm::Error flush();

  const PanelLayout &layout;
  PackSink sink;
  std::optional<RecordWriter> records; ///< Of a low-bit layout.
  std::vector<uint8_t> panel;
  int64_t filled = 0; ///< Rows of the panel that are written.
  Planes planes;
  std::vector<float> values;
};
} // namespace

llvm::Error PanelWriter::addParts(const PackSource &source) {
  for (int64_t row = 0; row < source.rows;) {
    int64_t count = std::min(source.rows - row, layout.nr - filled);
    llvm::Expected<const Planes *> parts = source.readParts(row, count);
    if (!parts)
      return parts.takeError();
    int64_t books = layout.bookPerRow ? count : 1;
    if (int64_t((*parts)->books.size()) != books * bytesOfBook(layout))
      return packError("cannot pack: {0} bytes of codebooks for {1} rows", (*parts)->books.size(), count);
    for (int64_t r = 0; r < count; ++r)
      records->scatterRow(partsOfRow(layout, **parts, r), filled + r, panel.data());
    row += count, filled += count;
    if (filled == layout.nr)
      if (llvm::Error error = flush())
        return error;
  }
  return llvm::Error::success();
}

llvm::Error PanelWriter::addSource(const PackSource &source) {
  if (source.readParts)
    return addParts(source);
  const Format &format = *source.format;
  int64_t rowBytes = layout.k / format.blockElements * format.blockBytes;
  for (int64_t row = 0; row < source.rows;) {
    int64_t count = std::min(source.rows - row, layout.nr - filled);
    llvm::Expected<llvm::ArrayRef<uint8_t>> bytes = source.readRows(row, count);
    if (!bytes)
      return bytes.takeError();
    if (int64_t(bytes->size()) != count * rowBytes)
      return packError("cannot pack: {0} rows of {1} need {2} bytes, found {3}", count, format.name, count * rowBytes,
                       bytes->size());
    if (llvm::Error error = addRows(format, *bytes, count))
      return error;
    row += count;
  }
  return llvm::Error::success();
}

llvm::Error PanelWriter::addRows(const Format &format, llvm::ArrayRef<uint8_t> bytes, int64_t count) {
  if (layout.isFloat()) {
    if (int64_t index = findInexact(format, bytes); index >= 0)
      return packError("cannot pack {0}: number {1} of these rows is no f32", format.name, index);
    addFloats(format, bytes, count);
  } else {
    unpackBlocks(format, bytes, count * layout.k / format.blockElements, planes);
    if (llvm::Error error = checkSubScales(format, planes))
      return error;
    for (int64_t row = 0; row < count; ++row)
      records->scatterRow(partsOfRow(layout, planes, row), filled + row, panel.data());
  }
  filled += count;
  return filled == layout.nr ? flush() : llvm::Error::success();
}

void PanelWriter::addFloats(const Format &format, llvm::ArrayRef<uint8_t> bytes, int64_t count) {
  if (layout.element != FloatKind::F32) { // the same element type: move bits
    for (int64_t row = 0; row < count; ++row)
      scatterFloats<uint16_t>(layout, bytes.data() + row * layout.k * 2, filled + row, panel.data());
    return;
  }
  values.resize(count * layout.k);
  decodeBlocks(format, bytes, values.size() / format.blockElements, values.data());
  for (int64_t row = 0; row < count; ++row)
    scatterFloats<float>(layout, reinterpret_cast<const uint8_t *>(&values[row * layout.k]), filled + row,
                         panel.data());
}

llvm::Error PanelWriter::flush() {
  filled = 0;
  llvm::Error error = sink(panel);
  if (layout.lookup)
    std::fill(panel.begin(), panel.end(), uint8_t(0)); // two rows share a byte
  return error;
}

/// Pads the last panel with zero codes under zero scales.
llvm::Error PanelWriter::finish() {
  if (filled == 0)
    return llvm::Error::success();
  if (layout.isFloat()) {
    std::vector<uint8_t> zeros(layout.k * byteWidth(layout.element));
    for (; filled < layout.nr; ++filled)
      layout.element == FloatKind::F32 ? scatterFloats<float>(layout, zeros.data(), filled, panel.data())
                                       : scatterFloats<uint16_t>(layout, zeros.data(), filled, panel.data());
  } else {
    Planes zeros;
    zeros.codes.resize(layout.k);
    if (layout.bookPerRow)
      zeros.books.resize(layout.bookBytes());
    zeros.subScale.resize(layout.k / layout.group);
    zeros.subMin.resize(layout.k / layout.group);
    zeros.scale.resize(layout.k / layout.scaleSpan());
    zeros.min.resize(layout.k / layout.scaleSpan());
    for (; filled < layout.nr; ++filled)
      records->scatterRow(partsOfRow(layout, zeros, 0), filled, panel.data());
  }
  return flush();
}

llvm::Error nibble::packWeight(const PanelLayout &layout, llvm::ArrayRef<PackSource> sources, PackSink sink) {
  if (llvm::Error error = checkAll(layout, sources))
    return error;
  PanelWriter writer(layout, sink);
  for (const PackSource &source : sources)
    if (llvm::Error error = writer.addSource(source))
      return error;
  return writer.finish();
}
