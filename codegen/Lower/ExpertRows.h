//===- ExpertRows.h - the rows of an expert, one behind the other -*- C++ -*-===//
//
// What: the product of many rows with the experts that were chosen for them:
//
//   for expert
//     for up to 32 rows that chose it    activations copied, so that they lie as rows of a matrix
//       for place of this thread         the expert's panel: unpacked once for these rows (MmaAhead.h, MmaWhole.h)
//         sums → the rows' places
//
// Why: a chunk's rows choose at random; taken one by one, each unpacks its panel again. The panels of experts that no
// row chose are not touched. Copies of integers for an instruction that multiplies pairs of rows lie interleaved
// (dialects/MPGEMM/ActivationLayout.h). A look-up has one row, and nothing to unpack: its tables stay where they are,
// and a panel stays in the first-level cache for all of the rows. Contract: a row's sums are the same chain of
// operations as for a single row.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_EXPERTROWS_H
#define NIBBLE_CODEGEN_LOWER_EXPERTROWS_H

#include "codegen/Lower/MmaAhead.h"
#include "codegen/Lower/MmaKernel.h"
#include "codegen/Lower/MmaWhole.h"
#include "dialects/MPGEMM/ActivationLayout.h"

namespace nibble {

/// What mpgemm.expert_mma has beside a product's operands.
struct ExpertOperands {
  mlir::Value weight, chosen, out;
  int64_t experts = 0, perRow = 0; ///< perRow: rows of the result for each row of activations
  int64_t outStride = 0;
};

class ExpertRows {
public:
  /// How many rows of a product whose result has `rows` are taken together; 0 if they are to be taken one by one.
  static int64_t together(const MmaOperands &mma, int64_t rows);
  /// Takes memory of the stack: the builder must stand in the kernel's entry block.
  ExpertRows(KernelBuilder &k, const MmaOperands &mma, const ExpertOperands &operands, int64_t together);

  /// `rows`: of the result.
  void emit(mlir::Value rows, mlir::Value tid, mlir::Value nthreads);

private:
  /// A matrix of activations and the copy of some of its rows.
  struct Gathered {
    RowMatrix from;
    RowMatrix *to;
    mlir::Type type;
    int64_t group; ///< columns of a number, 1 for codes and floats
  };
  void allocateCopies();
  void gather(mlir::Value expert, mlir::Value rows);
  void copyRow(mlir::Value row, mlir::Value place);
  void copyPlain(const Gathered &matrix, mlir::Value from, mlir::Value place);
  void copyCodes(const Gathered &matrix, mlir::Value from, mlir::Value place);
  void copyNumbers(const Gathered &matrix, mlir::Value from, mlir::Value place);
  mlir::Value numberOf(mlir::Value copy);
  void multiply(mlir::Value panel, mlir::Value place);
  void multiplyTile(MmaOperands of, mlir::Value panel, mlir::Value place, mlir::Value row0, int64_t tokens);
  void storeTile(llvm::ArrayRef<mlir::Value> sums, mlir::Value place, mlir::Value row0, int64_t tokens,
                 mlir::Value first, int64_t vectors);

  KernelBuilder &k;
  ExpertOperands operands;
  int64_t most;
  MmaOperands mma; ///< of the copies
  mpgemm::PanelLayout panelLayout;
  int64_t tile; ///< rows of the largest tile
  mpgemm::ActivationLayout order; ///< of integers that are copied
  llvm::SmallVector<Gathered> matrices;
  mlir::Value numbers;      ///< i32: which row of the result each copy is for
  mlir::Value next, count;  ///< memory, i64: the row to look at, copies that there are
  SumPlace waiting;
  std::optional<AheadPanel> ahead;
  std::optional<WholePanel> whole;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_EXPERTROWS_H
