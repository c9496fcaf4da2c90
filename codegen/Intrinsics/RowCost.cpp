//===- RowCost.cpp - what a product with a weight costs ----------------===//
//
// See RowCost.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Intrinsics/RowCost.h"

#include "codegen/Intrinsics/CodesInPlace.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <utility>

using namespace nibble::mpgemm;

namespace nibble {

namespace {

/// Instructions of a row for the products of one vector of quads, with codes of up to 7 bits and with bytes.
struct ProductCost {
  llvm::StringLiteral row;
  double narrow, bytes;
};

} // namespace

static constexpr ProductCost kProductCosts[] = {
#define NIBBLE_PRODUCT_COST(row, narrow, bytes) {#row, narrow, bytes},
#include "codegen/Intrinsics/InstructionTable.def"
};

/// Rows, and the formats' levels of scales up to which they do so.
static constexpr std::pair<llvm::StringLiteral, int> kAddsGroupsInFloat[] = {
#define NIBBLE_ADDS_GROUPS_IN_FLOAT(row, levels) {#row, levels},
#include "codegen/Intrinsics/InstructionTable.def"
};

/// Rows, and the formats up to which they do so.
static constexpr std::pair<llvm::StringLiteral, SuperBlocks> kScalesSuperBlocks[] = {
#define NIBBLE_SCALES_SUPER_BLOCKS(row, formats) {#row, SuperBlocks::formats},
#include "codegen/Intrinsics/InstructionTable.def"
};

static constexpr llvm::StringLiteral kLooksUpMinima[] = {
#define NIBBLE_LOOKS_UP_MINIMA(row) #row,
#include "codegen/Intrinsics/InstructionTable.def"
};

/// One where the table says nothing: an instruction that multiplies and adds.
static double productCost(const InstructionRow &row, unsigned codeBits) {
  for (const ProductCost &cost : kProductCosts)
    if (cost.row == row.name)
      return codeBits < 8 ? cost.narrow : cost.bytes;
  return 1;
}

bool widthIsFree(const InstructionRow &row) {
  unsigned bytes = 8;
  return productCost(row, bytes) == productCost(row, bytes - 1);
}

bool addsGroupsInFloat(const InstructionRow &row, bool isTwoLevel) {
  return llvm::any_of(kAddsGroupsInFloat,
                      [&](const auto &entry) { return entry.first == row.name && entry.second > int(isTwoLevel); });
}

bool scalesSuperBlocks(const InstructionRow &row, SuperBlocks formats) {
  return llvm::any_of(kScalesSuperBlocks,
                      [&](const auto &entry) { return entry.first == row.name && entry.second >= formats; });
}

bool looksUpMinima(const InstructionRow &row) { return llvm::is_contained(kLooksUpMinima, row.name); }

/// Load, shift and mask of one vector of codes. A bit field needs no shift at the bottom of a byte and no mask at its
/// top.
static double unpackCost(const PanelLayout &layout) {
  double cost = layout.codeSigned && layout.codeBits < 8 ? 1 : 0;
  for (BitPlane plane : layout.planes()) {
    double fields = 8.0 / plane.width;
    cost += 1 / fields + 2 * (fields - 1) / fields;
    cost += plane.firstBit > 0 ? 1 : 0; // joined with the planes before
  }
  return cost;
}

/// The same where the codes of a single row's weights stay in their bit fields (codegen/Lower/CodeFields.h): no shift,
/// but one of the sum for each field of a run. Rows that add products in 16 bits leave half of the fields in place.
static double unpackInPlaceCost(const InstructionRow &row, const PanelLayout &layout, double run) {
  BitPlane plane = layout.planes()[0];
  double fields = 8.0 / plane.width, span = double(layout.vectorsOf(plane) * layout.kr);
  double cost = 1 / fields + 1 + std::max(1.0, run / span - 1) / (run / double(layout.kr));
  return productCost(row, layout.codeBits) > 1 ? (cost + unpackCost(layout)) / 2 : cost;
}

/// Per run and vector of rows: scale loaded and widened, times the activation's, the sum to float, one multiply-add;
/// and what zero points, minima and integer sub-scales add.
static double rescaleCost(const PanelLayout &layout) {
  return 5 + (layout.hasMin ? 4 : 1) + (layout.isTwoLevel() ? 3 : 0) + (layout.isTwoLevel() && layout.hasMin ? 3 : 0);
}

static RowCost dotCost(const InstructionRow &row, const PanelLayout &layout, double run) {
  // A column of a vector of rows; a run of it.
  double weights = static_cast<double>(row.lanes), quads = run / kQuadColumns;
  RowCost cost;
  cost.products = quads * productCost(row, layout.codeBits) / (run * weights);
  double unpack = multipliesInPlace(row, layout) ? unpackInPlaceCost(row, layout, run) : unpackCost(layout);
  cost.instructions = cost.products + quads * (unpack + 1.0 / row.vectors) / (run * weights) +
                      rescaleCost(layout) / (run * weights);
  return cost;
}

static RowCost lookupCost(const InstructionRow &row, const PanelLayout &layout, double run) {
  double rows = kLookupRows, steps = run / row.kr(), bits = layout.codeBits, vectors = rows / row.lanes;
  RowCost cost;
  double parts = row.averages ? 1 : 2, looks = 2 * parts, quads = double(row.kr()) / kQuadColumns;
  cost.lookups = steps * bits * looks / (run * rows);
  // A step loads a table for each part; a bit of it loads indices, masks and shifts them, and for both halves of the
  // rows looks parts up and adds or averages them. At the end of a run each bit's two halves of rows become words;
  // these become floats. Averages of a vector's quads fold onto each other.
  double step = parts + bits * (3 + looks * (productCost(row, layout.codeBits) + 1));
  double end = bits * 2 * (row.averages ? 2 * quads : 4) + vectors * (2 + rescaleCost(layout));
  if (row.isa == Isa::X86 && row.averages)
    step += bits; // bytes are shifted as words and masked
  else if (row.isa == Isa::X86) {
    // Bytes are shifted as words and masked, words are interleaved and reordered; of sixteen registers the sums of two
    // bits take half, those of more spill. Counted for 1024 weights with minima: 140, 232 and 317 instructions; this
    // gives 134, 218 and 302.
    step += 1.5 + bits + 6 * (bits - 1);
    end += bits * 4 + 16;
  }
  cost.instructions = (steps * step + end) / (run * rows);
  return cost;
}

/// Codes become floats one by one; the scale and the minimum are a multiply-add.
static RowCost floatCost(const InstructionRow &row, const PanelLayout &layout) {
  RowCost cost;
  double lanes = static_cast<double>(row.lanes);
  cost.products = (layout.isFloat() ? 1 : 2) / lanes;
  cost.instructions = cost.products + (layout.isFloat() ? 1 : unpackCost(layout) / 4 + 2) / lanes;
  return cost;
}

RowCost costOf(const InstructionRow &row, const PanelLayout &layout) {
  double run = static_cast<double>(std::min<int64_t>(std::max<int64_t>(layout.group, 1), 32));
  RowCost cost = row.kind == RowKind::Float    ? floatCost(row, layout)
                    : row.kind == RowKind::Lookup ? lookupCost(row, layout, run)
                                                  : dotCost(row, layout, run);
  cost.bytes = static_cast<double>(layout.totalBytes()) / static_cast<double>(layout.n * layout.k);
  return cost;
}

} // namespace nibble
