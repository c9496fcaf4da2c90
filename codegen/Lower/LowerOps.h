//===- LowerOps.h - Operations in buffer form → kernels --------*- C++ -*-===//
//
// One function per operation. Each checks the operands' types, and emits at `op` the call
// of a kernel that does a thread's share of the work; it leaves `op` in place.
//
// Contract
//  * `op` stands in buffer form (memrefs, no results, filled buffers last).
//  * On failure a diagnostic has been emitted at `op`.
//  * The work is split by (tid, nthreads); rows at and after `n` are neither computed
//    nor stored. A row's result does not depend on the number of rows or threads.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_LOWEROPS_H
#define NIBBLE_CODEGEN_LOWER_LOWEROPS_H

#include "codegen/Lower/KernelLibrary.h"

namespace nibble {

mlir::LogicalResult lowerEmbed(mlir::Operation *op, KernelLibrary &library);
/// mpgemm.quantize, norm_quantize and glu_quantize: split by rows × blocks of columns (Quantizer.h).
mlir::LogicalResult lowerQuantize(mlir::Operation *op, KernelLibrary &library);
mlir::LogicalResult lowerNormQuantize(mlir::Operation *op, KernelLibrary &library);
mlir::LogicalResult lowerGluQuantize(mlir::Operation *op, KernelLibrary &library);
mlir::LogicalResult lowerRound(mlir::Operation *op, KernelLibrary &library);
mlir::LogicalResult lowerLutBuild(mlir::Operation *op, KernelLibrary &library);
mlir::LogicalResult lowerMma(mlir::Operation *op, KernelLibrary &library);

/// lm.rms_norm and lm.layer_norm: split by rows × heads, row by row.
mlir::LogicalResult lowerRMSNorm(mlir::Operation *op, KernelLibrary &library);
mlir::LogicalResult lowerLayerNorm(mlir::Operation *op, KernelLibrary &library);
/// lm.reorder: every row split by blocks of 32 columns. Not in place.
mlir::LogicalResult lowerReorder(mlir::Operation *op, KernelLibrary &library);
/// lm.residual and lm.logits: every row split by blocks of 32 columns. In place or not.
mlir::LogicalResult lowerResidual(mlir::Operation *op, KernelLibrary &library);
mlir::LogicalResult lowerLogits(mlir::Operation *op, KernelLibrary &library);
/// mpgemm.expert_mma: split by the panels of an expert.
mlir::LogicalResult lowerExpertMma(mlir::Operation *op, KernelLibrary &library);
/// lm.expert_reorder: every row of the result split by blocks of 32 columns. Not in place.
mlir::LogicalResult lowerExpertReorder(mlir::Operation *op, KernelLibrary &library);
/// lm.top_k: split by rows.
mlir::LogicalResult lowerTopK(mlir::Operation *op, KernelLibrary &library);
/// lm.expert_sum and lm.add_positions: every row split by blocks of 32 columns. The sum in place or not.
mlir::LogicalResult lowerExpertSum(mlir::Operation *op, KernelLibrary &library);
mlir::LogicalResult lowerAddPositions(mlir::Operation *op, KernelLibrary &library);
/// lm.pool: the first thread of one; one vector is not split.
mlir::LogicalResult lowerPool(mlir::Operation *op, KernelLibrary &library);
/// lm.rope: split by rows × heads, row by row. In place or not.
mlir::LogicalResult lowerRope(mlir::Operation *op, KernelLibrary &library);
/// lm.kv_append: split by rows × kv heads, row by row.
mlir::LogicalResult lowerKVAppend(mlir::Operation *op, KernelLibrary &library);
/// lm.attention: split by kv heads × tiles of rows.
mlir::LogicalResult lowerAttention(mlir::Operation *op, KernelLibrary &library);
/// lm.short_conv: all rows split by blocks of 32 channels.
mlir::LogicalResult lowerShortConv(mlir::Operation *op, KernelLibrary &library);
/// lm.attention_partials: split by kv heads × chunks of positions.
mlir::LogicalResult lowerAttentionPartials(mlir::Operation *op, KernelLibrary &library);
/// lm.attention_combine: split by blocks of 32 columns, or by heads.
mlir::LogicalResult lowerAttentionCombine(mlir::Operation *op, KernelLibrary &library);
/// lm.glu and lm.activate: every row split by blocks of 32 columns. In place or not.
mlir::LogicalResult lowerGlu(mlir::Operation *op, KernelLibrary &library);
mlir::LogicalResult lowerActivate(mlir::Operation *op, KernelLibrary &library);
/// lm.state_write: split by rows.
mlir::LogicalResult lowerStateWrite(mlir::Operation *op, KernelLibrary &library);
/// lm.state_read: the first thread of one; one row is not split.
mlir::LogicalResult lowerStateRead(mlir::Operation *op, KernelLibrary &library);

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_LOWEROPS_H
