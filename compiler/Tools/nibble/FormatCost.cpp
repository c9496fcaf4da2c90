//===- FormatCost.cpp - how a format runs on a machine ----------------------===//
#include "compiler/Tools/nibble/FormatCost.h"

#include "codegen/Intrinsics/InstructionTable.h"
#include "codegen/Lower/KernelCost.h"
#include "codegen/Lower/PanelReader.h"
#include "codegen/Lower/Passes.h"
#include "compiler/Pipelines/Pipelines.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

/// Rows and columns of the layer: whole panels of every instruction row, whole blocks of every format.
static constexpr int64_t kRows = 1024, kColumns = 1024;

/// A model that is one linear layer.
static std::string layerText(Type element) {
  std::string type;
  llvm::raw_string_ostream(type) << element;
  return llvm::formatv(R"(
    lm.model @m {{architecture = "layer", layers = 1 : i64, embedding = {1} : i64, heads = 1 : i64, kv_heads = 1 : i64,
      head_dim = {1} : i64, feed_forward = {1} : i64, vocabulary = 16 : i64, context = 16 : i64, chunk = 1 : i64}
    lm.weight @table : tensor<16x{1}xf32> from [#lm.source<"", 0, 0, "f32">]
    lm.weight @w : tensor<{0}x{1}x{2}> from [#lm.source<"", 0, 0, "f32">]
    func.func @decode(%t: tensor<1xi32>, %pos: index, %n: index) -> tensor<1x{0}xf32> {{
      %e = lm.weight_ref @table : tensor<16x{1}xf32>
      %x = lm.embed %t, %e, %n : (tensor<1xi32>, tensor<16x{1}xf32>, index) -> tensor<1x{1}xf32>
      %w = lm.weight_ref @w : tensor<{0}x{1}x{2}>
      %y = lm.linear %x, %w rows %n : (tensor<1x{1}xf32>, tensor<{0}x{1}x{2}>, index) -> tensor<1x{0}xf32>
      return %y : tensor<1x{0}xf32>
    })",
                       kRows, kColumns, type)
      .str();
}

/// Runs one step; the reason if it fails.
static bool runPasses(ModuleOp module, function_ref<void(PassManager &)> add) {
  PassManager manager(module.getContext());
  add(manager);
  return succeeded(manager.run(module));
}

static std::string wayOf(Type weight, const InstructionRow &row) {
  if (row.kind == RowKind::Float)
    return "float";
  if (row.kind == RowKind::Lookup)
    return "table look-up";
  auto block = dyn_cast<lowbit::BlockType>(weight);
  bool isLooked = block && !block.getCode().isInteger();
  // A matrix instruction takes runs of eight codes, two rows at a time.
  return std::string(isLooked ? "codebook, " : "") + (row.depth > 4 ? "integer matrix" : "integer dot");
}

/// Bits of the integers that a dot or matrix instruction multiplies: of the code, or of what it stands for in its
/// codebook.
static unsigned numberBits(Type weight, const InstructionRow &row) {
  auto block = dyn_cast<lowbit::BlockType>(weight);
  if (!block || row.kind != RowKind::Dot)
    return 0;
  return block.getCode().isInteger() ? block.getCode().width : rangeOfBook(block.getCode(), &row).bits;
}

FormatCost costOf(MLIRContext &context, Type element, const TargetInfo &target) {
  std::string reason;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error && reason.empty())
      reason = diagnostic.str();
    return success();
  });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(layerText(element), &context);
  if (!module)
    return {reason, ""};
  target.attachTo(*module);
  PipelineOptions options;
  FormatCost cost;
  if (!runPasses(*module, [&](PassManager &manager) { addPhase(manager, Phase::legalize, options); }))
    return {reason, ""};
  module->walk([&](lm::LinearLike op) {
    auto compute = op->getAttrOfType<mpgemm::ComputeAttr>("compute");
    if (const InstructionRow *row = findRow(compute.getRow()))
      cost = {wayOf(compute.getWeight(), *row), row->name.str(), numberBits(compute.getWeight(), *row), 0};
  });
  if (!runPasses(*module, [&](PassManager &manager) {
        addPhase(manager, Phase::tile, options);
        addPhase(manager, Phase::bufferize, options);
        manager.addPass(createLowerKernels());
      }))
    return {reason, ""};
  const InstructionRow *row = findRow(cost.row);
  for (func::FuncOp kernel : module->getOps<func::FuncOp>())
    if (row && !kernel.isExternal() && kernel.getSymName().contains("mma_"))
      cost.operations += vectorOperations(kernel, row->lanes * 32) / double(row->nr() * kColumns);
  return cost;
}

} // namespace nibble
