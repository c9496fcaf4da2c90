//===- MmaWhole.cpp - tiles of pairs of rows with an unpacked panel -------===//
//
// See MmaWhole.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/MmaWhole.h"

#include "codegen/Targets/DotEmitter.h"

using namespace mlir;

namespace nibble {

/// Of an unpacked panel: the first-level cache of the cores that multiply pairs of rows, and a part of a thread's
/// stack.
constexpr int64_t kMostUnpackedBytes = 48 << 10;

/// Whether tiles of pairs of rows may follow each other, and codes are not bytes already.
bool WholePanel::suits(KernelBuilder &k, const MmaOperands &mma, int64_t rows, int64_t tile) {
  auto block = dyn_cast<lowbit::BlockType>(mma.layout.getElement());
  bool isByte = block && block.getCode().isInteger() && block.getCode().width == 8;
  if (!block || isByte || mma.row->kind != RowKind::Dot || mma.row->strip == 1 || mma.interleaved == 1 ||
      rows < 2 * tile || !dotEmitter(*mma.row).unpacksAhead())
    return false;
  return PanelUnpacker(k, mma.layout, mma.row, &dotEmitter(*mma.row), /*wholePanel=*/true, /*takesOffsets=*/true)
             .blockBytes() <= kMostUnpackedBytes;
}

WholePanel::WholePanel(KernelBuilder &k, const MmaOperands &mma, int64_t tile)
    : k(k), mma(mma),
      unpacker(k, mma.layout, mma.row, &dotEmitter(*mma.row), /*wholePanel=*/true, /*takesOffsets=*/true), tile(tile) {
  unpacked = k.stack(k.i8(), unpacker.blockBytes());
  if (unpacker.levels().groups)
    levels = k.stack(k.i8(), unpacker.levelBytes());
}

Value WholePanel::emit(Value panel, Value rows, Tile visit) {
  Value end = k.mul(k.divu(rows, tile), tile);
  k.ifThen(k.slt(k.i64(0), end), [&] {
    const mpgemm::PanelLayout &source = unpacker.source();
    unpacker.emit(panel, k.i64(0), k.i64(source.k / source.unitSpan()), unpacked, levels,
                  /*fetchesNext=*/mma.ahead != 0);
    MmaOperands of = mma;
    of.layout = unpacker.layout(), of.range = unpacker.range(), of.height = unpacker.height(), of.ahead = 0;
    of.levels = levels;
    k.loop(k.i64(0), end, tile, [&](Value row0) { visit(of, unpacked, row0); });
  });
  return end;
}

} // namespace nibble
