//===- MmaKernel.h - the body of a matrix product --------------*- C++ -*-===//
//
// What LowerMma.cpp (work split, tiles, epilogue) and the two ways of summing up
// a panel (MmaDot.cpp, MmaFloat.cpp) share.
//
// The result of one output element is one chain of f32 operations in ascending
// order of columns, whatever the number of rows computed at once:
//
//   dot, look-up (the same integers, MmaLookup.cpp; by averages others, MmaAverage.cpp)
//          per run of min(group, 32) columns:  acc = fma(dw · da, float(Σ w·a), acc)
//          and with minima                     acc = fma(mw, da · float(Σ a), acc)
//          dw = d, or d · sub;  mw = m, or -(dmin · subMin)
//          with integer sub-scales of groups below 32, per 32 columns:
//                                              acc = fma(d · da, float(Σ sub · Σ w·a), acc)
//          (Σ sub · Σ w·a is exact in i32), then the minima of its runs in order
//          rows that add groups in f32 (FoldedScales.h; of some formats), for groups below 32, per 32 columns:
//                                              s = dw · float(Σ w·a) of the first group,
//                                              s = fma(dw, float(Σ w·a), s) of the others,
//                                              acc = fma(da, s, acc), then the minima
//          rows that scale super blocks (FoldedScales.h), with such sub-scales, per super block:
//                                              b = fma(da, float(Σ sub · Σ w·a), b) from 0 on, per 32 columns,
//                                              acc = fma(d, b, acc), then the minima of all its runs
//          and those that look up minima (the same), per super block instead of these:
//                                              c = c + subMin · (da · float(Σ a)) from 0 on, per run,
//                                              acc = fma(-dmin, c, acc)
//   float  per column:                         acc = fma(x, w, acc), w decoded as the format says
//
// then + bias, then + residual. So results are the same bits for every M, tile
// and number of threads.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_MMAKERNEL_H
#define NIBBLE_CODEGEN_LOWER_MMAKERNEL_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "codegen/Lower/KernelBuilder.h"
#include "codegen/Lower/PanelReader.h"
#include "codegen/Targets/DotEmitter.h"

#include <optional>

namespace nibble {

/// A matrix of activations: `pointer` to row 0, distance of rows in elements.
struct RowMatrix {
  mlir::Value pointer;
  int64_t stride = 0;
};

/// Memory of a tile's f32 sums, in the order in which accumulateDot() gives them, for as many integer ones, and for
/// those of a super block.
struct SumPlace {
  mlir::Value sums, totals, blockSums;
};

/// What sums of products start with in a run, or in parts of it (DotEmitter::partOf).
struct PartStarts {
  RowMatrix numbers;   ///< i32, rows × k/columns; null: they start with nothing
  int64_t columns = 0; ///< of a part
  int64_t offset = 0;  ///< of the bytes, that the starts take away
};

struct MmaOperands {
  const InstructionRow *row = nullptr;
  mpgemm::LayoutAttr layout;
  RowMatrix x;         ///< i8 codes (dot), i8 tables (look-up), f32 (float)
  RowMatrix scales;    ///< f32 (rows × k/activationGroup), not for float
  RowMatrix sums;      ///< i32 (rows × k/sumGroup), not for float
  RowMatrix bases;     ///< i32 (rows × k/sumGroup), look-up only
  /// Rows of a block of activations (dialects/MPGEMM/ActivationLayout.h); strides are of plain ones.
  int64_t interleaved = 1;
  int64_t columns = 0; ///< of a row of activations, where a block that was unpacked ahead has fewer; 0: layout's
  bool joinsHalves = false;    ///< of activations (ActivationLayout.h), whose products are unpacked ahead
  int64_t activationGroup = 0; ///< 32, or k
  int64_t sumGroup = 0;
  std::optional<int64_t> ahead; ///< as in CpuModel.def: bytes to fetch ahead in a stream of weights; none in the cache
  int64_t firstVector = 0, vectors = 0; ///< of the panel: those to multiply with
  /// Of a block that was unpacked ahead (MmaAhead.h): what its bytes are, and how many records (columns of floats) it
  /// has.
  std::optional<CodeRange> range;
  unsigned height = 0; ///< its bytes are 2^height times their numbers
  mlir::Value records;
  int64_t recordsOfBlock = 0; ///< records of a super block whose float scale meets its sum; 0: it meets each record's
  bool countsMinima = false; ///< its minima are integers, and minus dmin is where a second group's scale would be
  int64_t run = 0; ///< columns that it sums up as integers; 0: those of a group, up to 32
  /// Of such a block: integer scales of groups below 32 columns, apart from it (LevelPlace), null if it has none; what
  /// `sums` are; and, where there are minima, each sum times its activation scale (f32, rows × k/min(group, 32)).
  mlir::Value levels;
  SumForm sumForm = SumForm::Codes;
  PartStarts starts;
  RowMatrix scaledSums;
  MinimaPairs pairs = MinimaPairs::None; ///< whose minima meet these two by two: packed in the place of two groups'
  int64_t scaledTogether = 1; ///< rows whose numbers of a group lie side by side there; a tile starts at one of them
  mlir::Value tables; ///< placeOfTables(); null: codes of a stored codebook are looked up without
  SumPlace memory; ///< where the tile's sums are while registers are short; null: in registers
};

/// Vectors of a panel that a tile of so many rows takes at once.
int64_t vectorsTogether(const MmaOperands &mma, int64_t tokens);

/// Memory of the stack for the sums of the row's largest tile: the builder must stand in the kernel's entry block.
SumPlace placeOfSums(KernelBuilder &k, const InstructionRow &row);
/// What of `place` a tile's sums are to wait in, since registers are short: all of it beside many integer sums, when
/// each span reads and writes the f32 sums once, or `sums` alone beside those of a super block; nothing where they
/// fit. Otherwise LLVM would choose what else to spill.
SumPlace waitingSums(KernelBuilder &k, const MmaOperands &mma, int64_t tokens, const SumPlace &place);

/// f32 sums of `tokens` rows × mma.vectors vectors, token-major.
using PanelSums = KernelBuilder::Values;

/// Multiplies rows [row0, row0 + tokens) with the panel at `panel` and adds to `sums`, or to zero if there are none;
/// with mma.memory to those there, and returns none.
/// Sums of integer products are in the order of strips, which dotRows() undoes.
PanelSums accumulateDot(KernelBuilder &k, const MmaOperands &mma, mlir::Value panel, mlir::Value row0,
                        int64_t tokens, PanelSums sums = {});
PanelSums accumulateFloat(KernelBuilder &k, const MmaOperands &mma, mlir::Value panel, mlir::Value row0,
                          int64_t tokens, PanelSums sums = {});
PanelSums dotRows(KernelBuilder &k, const MmaOperands &mma, int64_t tokens, llvm::ArrayRef<mlir::Value> sums);

/// The sums of a tile of rows with a panel, rows in order; `memory` is for those that wait.
PanelSums sumTile(KernelBuilder &k, MmaOperands mma, const SumPlace &memory, mlir::Value panel, mlir::Value row0,
                  int64_t tokens);

/// Columns column … column + columns - 1 of a unit, which have one scale and one base.
struct LookupRun {
  const InstructionRow *row;
  mpgemm::LayoutAttr layout;
  mlir::Value codes;  ///< of the unit
  mlir::Value tables; ///< at the run's first column
  mlir::Value base;   ///< i32
  int64_t column, columns;
};

/// Σ code·activation of the run as i32, row->vectors vectors; codes as PanelReader::range() has them.
llvm::SmallVector<mlir::Value> lookUpRun(KernelBuilder &k, const LookupRun &run);
/// The same for a row that averages, which is near that (dialects/MPGEMM/AveragedSums.h).
llvm::SmallVector<mlir::Value> averageRun(KernelBuilder &k, const LookupRun &run);

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_MMAKERNEL_H
