//===- UnpackPacked.cpp - what a packed weight holds ----------------------===//
//
// See UnpackPacked.h.
//
//===----------------------------------------------------------------------===//

#include "test/Link/UnpackPacked.h"

using namespace nibble;
using lowbit::Planes;
using mpgemm::BitPlane;
using mpgemm::PanelLayout;

/// The code of one column inside a unit.
static uint8_t gatherCode(const PanelLayout &layout, const uint8_t *unit, int64_t column, int64_t r) {
  unsigned code = 0;
  for (BitPlane plane : layout.planes()) {
    mpgemm::CodeLocation place = layout.locate(plane, column, r);
    unsigned bits = (unit[place.offset] ^ layout.bias) >> place.shift;
    code |= (bits & ((1u << plane.width) - 1)) << plane.firstBit;
  }
  return uint8_t(code);
}

static void gatherRecord(const PanelLayout &layout, const uint8_t *record, int64_t r, Planes &planes) {
  auto floatBits = [&](int64_t offset) { return loadBits(layout.scaleKind, record + offset); };
  for (int64_t s = 0; s < layout.scalesPerRecord(); ++s) {
    planes.scale.push_back(floatBits(layout.scaleOffset(s, r)));
    if (layout.hasMin)
      planes.min.push_back(floatBits(layout.minOffset(s, r)));
  }
  for (int64_t g = 0; layout.isTwoLevel() && g < layout.groupsPerRecord(); ++g) {
    int64_t run = g * (layout.group / layout.runSpan());
    planes.subScale.push_back(int8_t(record[layout.subScaleOffset(run, r)]));
    if (layout.hasMin)
      planes.subMin.push_back(record[layout.subMinOffset(run, r)]);
  }
  for (int64_t column = 0; column < layout.recordSpan(); ++column)
    planes.codes.push_back(
        gatherCode(layout, record + layout.unitOffset(column / layout.unitSpan()), column % layout.unitSpan(), r));
}

void nibble::unpackPacked(const PanelLayout &layout, llvm::ArrayRef<uint8_t> packed, Planes &planes) {
  planes = Planes();
  for (int64_t row = 0; row < layout.n; ++row) {
    const uint8_t *panel = packed.data() + layout.panelOffset(row / layout.nr);
    int64_t entry = layout.bookEntryBytes;
    for (int64_t at = 0; (layout.bookPerRow || row == 0) && entry && at < layout.bookBytes() / layout.bookRows(); ++at)
      planes.books.push_back(panel[layout.bookOffset(at / entry, row % layout.nr) + at % entry]);
    for (int64_t record = 0; record < layout.records(); ++record)
      gatherRecord(layout, panel + layout.recordOffset(record), row % layout.nr, planes);
  }
}

void nibble::unpackPacked(const PanelLayout &layout, llvm::ArrayRef<uint8_t> packed, std::vector<float> &values) {
  values.clear();
  for (int64_t row = 0; row < layout.n; ++row)
    for (int64_t column = 0; column < layout.k; ++column)
      values.push_back(toFloat(layout.element, packed.data() + layout.panelOffset(row / layout.nr) +
                                                   layout.elementOffset(column, row % layout.nr)));
}
