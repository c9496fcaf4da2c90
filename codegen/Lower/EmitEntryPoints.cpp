//===- EmitEntryPoints.cpp - pass emit-entry-points ------------------------===//
//
// The ABI between generated code and runtime, runtime/include/nibble/abi.h, seen from the generated side.
//
//===----------------------------------------------------------------------===//
#include "codegen/Lower/Passes.h"
#include "nibble/abi.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLExtras.h"

#include <cstddef>

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_EMITENTRYPOINTS
#include "codegen/Lower/Passes.h.inc"

namespace {

/// A member of nibble_step, by its place.
struct Field {
  int64_t offset;
  bool isPointer;
};

constexpr Field kArena = {offsetof(nibble_step, arena), true}, kState = {offsetof(nibble_step, state), true},
                kWeights = {offsetof(nibble_step, weights), true}, kTokens = {offsetof(nibble_step, tokens), true},
                kPos = {offsetof(nibble_step, pos), false}, kN = {offsetof(nibble_step, n), false},
                kRow = {offsetof(nibble_step, row), false}, kLogits = {offsetof(nibble_step, logits), true},
                kTeam = {offsetof(nibble_step, team), true};

/// An entry point of the model and what its arguments are, up to tid and nthreads.
struct EntryPoint {
  StringRef name;
  SmallVector<Field> arguments;
};

struct EmitEntryPoints : impl::EmitEntryPointsBase<EmitEntryPoints> {
  void runOnOperation() override {
    const EntryPoint entries[] = {
        {"decode", {kArena, kState, kWeights, kTokens, kPos, kN, kLogits, kTeam}},
        {"prefill", {kArena, kState, kWeights, kTokens, kPos, kN, kTeam}},
        {"head", {kArena, kState, kWeights, kRow, kLogits, kTeam}},
    };
    OpBuilder builder = OpBuilder::atBlockEnd(getOperation().getBody());
    for (const EntryPoint &entry : entries)
      if (auto func = getOperation().lookupSymbol<LLVM::LLVMFuncOp>(entry.name))
        if (failed(wrap(builder, func, entry)))
          return signalPassFailure();
    LLVM::GlobalOp::create(builder, getOperation().getLoc(), builder.getI32Type(), /*isConstant=*/true,
                           LLVM::Linkage::External, "nibble_abi_version_of_model",
                           builder.getI32IntegerAttr(NIBBLE_ABI_VERSION));
  }

private:
  LogicalResult wrap(OpBuilder &builder, LLVM::LLVMFuncOp func, const EntryPoint &entry);
};

/// nibble_NAME(step, tid, nthreads): loads the fields and calls @NAME.
LogicalResult EmitEntryPoints::wrap(OpBuilder &builder, LLVM::LLVMFuncOp func, const EntryPoint &entry) {
  if (func.getNumArguments() != entry.arguments.size() + 2)
    return func.emitError() << "entry point '" << entry.name << "' has " << func.getNumArguments()
                            << " arguments, but the ABI gives it " << entry.arguments.size() + 2;
  OpBuilder::InsertionGuard guard(builder);
  Location loc = func.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(&getContext()), i32 = builder.getI32Type(), i64 = builder.getI64Type();
  for (auto [index, field] : llvm::enumerate(entry.arguments)) {
    Type given = field.isPointer ? pointer : i64, taken = func.getArgumentTypes()[index];
    if (taken != given)
      return func.emitError() << "entry point '" << entry.name << "' takes " << taken << " as argument " << index
                              << ", but the ABI gives it " << given;
  }
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()), {pointer, i32, i32});
  auto wrapper = LLVM::LLVMFuncOp::create(builder, loc, ("nibble_" + entry.name).str(), type);
  Block *block = wrapper.addEntryBlock(builder);
  builder.setInsertionPointToStart(block);
  SmallVector<Value> arguments;
  for (const Field &field : entry.arguments) {
    Value address = LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), block->getArgument(0),
                                        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(field.offset)});
    arguments.push_back(LLVM::LoadOp::create(builder, loc, field.isPointer ? pointer : i64, address));
  }
  for (unsigned number : {1u, 2u})
    arguments.push_back(LLVM::SExtOp::create(builder, loc, i64, block->getArgument(number)));
  LLVM::CallOp::create(builder, loc, func, arguments);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
  func.setLinkage(LLVM::Linkage::Internal);
  return success();
}

} // namespace
} // namespace nibble
