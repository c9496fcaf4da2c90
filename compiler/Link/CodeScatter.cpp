//===- CodeScatter.cpp - the codes of a row into bit planes ---------------===//
//
// See CodeScatter.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Link/CodeScatter.h"

#include "dialects/MPGEMM/LookupLayout.h"

#include <cstring>

using namespace nibble;
using mpgemm::BitPlane;
using mpgemm::PanelLayout;

/// Stores one plane of all units of a record's row. `units` is the place of the
/// row's first kr bytes in the record's first unit.
template <typename Word, unsigned Width>
static void scatterPlane(const CodeScatter::Units &shape, const CodeScatter::Plane &plane, const uint8_t *codes,
                         uint8_t *units) {
  constexpr Word ones = Word(Word(~Word(0)) / 255); // 0x…010101
  constexpr Word mask = Word(ones * ((1u << Width) - 1));
  const Word flip = Word(ones * shape.bias);
  const unsigned firstBit = plane.firstBit;
  const int64_t vectors = plane.vectors, vectorBytes = shape.vectorBytes;
  for (int64_t unit = 0; unit < shape.count; ++unit) {
    uint8_t *out = units + unit * shape.bytes + plane.offset;
    for (int64_t vector = 0; vector < vectors; ++vector) {
      Word packed = 0;
      for (unsigned field = 0; field < 8 / Width; ++field) {
        Word word;
        std::memcpy(&word, codes + (field * vectors + vector) * sizeof(Word), sizeof(Word));
        // The mask clears what the shift brings over from the next code.
        packed |= Word(Word(word >> firstBit & mask) << (field * Width));
      }
      packed ^= flip;
      std::memcpy(out, &packed, sizeof(Word));
      out += vectorBytes;
    }
    codes += shape.span;
  }
}

template <typename Word> static decltype(CodeScatter::Plane::scatter) scatterFunctionFor(unsigned width) {
  switch (width) {
  case 1:
    return scatterPlane<Word, 1>;
  case 2:
    return scatterPlane<Word, 2>;
  case 4:
    return scatterPlane<Word, 4>;
  default:
    return scatterPlane<Word, 8>;
  }
}

static decltype(CodeScatter::Plane::scatter) scatterFunctionFor(int64_t kr, unsigned width) {
  switch (kr) {
  case 1:
    return scatterFunctionFor<uint8_t>(width);
  case 2:
    return scatterFunctionFor<uint16_t>(width);
  case 4:
    return scatterFunctionFor<uint32_t>(width);
  default:
    return scatterFunctionFor<uint64_t>(width);
  }
}

CodeScatter::CodeScatter(const PanelLayout &layout)
    : layout(layout), shape{layout.unitsPerRecord(), layout.unitSpan(), layout.unitBytes(), layout.vectorBytes(),
                            layout.bias} {
  if (layout.lookup)
    return;
  for (BitPlane plane : layout.planes())
    planes.push_back({scatterFunctionFor(layout.kr, plane.width), plane.firstBit, layout.vectorOffset(plane, 0),
                      layout.vectorsOf(plane)});
}

/// Indices instead of numbers (LookupLayout.h): a quad's bits, one nibble for each bit of the code.
void CodeScatter::scatterIndices(const uint8_t *codes, int64_t r, uint8_t *units) const {
  for (int64_t unit = 0; unit < layout.unitsPerRecord(); ++unit, units += layout.unitBytes())
    for (int64_t column = 0; column < layout.unitSpan(); column += mpgemm::kQuadColumns, codes += mpgemm::kQuadColumns)
      for (BitPlane plane : layout.planes()) {
        unsigned index = 0;
        for (unsigned i = 0; i < mpgemm::kQuadColumns; ++i)
          index |= (codes[i] >> plane.firstBit & 1u) << i;
        mpgemm::CodeLocation place = layout.locate(plane, column, r);
        units[place.offset] |= uint8_t(index << place.shift);
      }
}
