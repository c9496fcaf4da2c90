//===- StackDepthTest.cpp - the stack of emitted code -----------------------===//
#include "codegen/Emit/Emit.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace nibble;

extern "C" void LLVMInitializeX86AsmParser(); // of directives that warn

namespace {

/// The depth of the module's code, or what is wrong with it. `said` gets the code generator's warnings.
std::string depthOf(const char *source, StackDepth &depth, std::string *said = nullptr) {
  DialectRegistry registry;
  registry.insert<LLVM::LLVMDialect>();
  registerEmitDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (said && diagnostic.getSeverity() == DiagnosticSeverity::Warning)
      *said += diagnostic.str();
    return success(said != nullptr);
  });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(source, &context);
  if (!module)
    return "the test's module is wrong";
  TargetInfo target;
  target.triple = "x86_64-linux-gnu";
  target.cpu = "x86-64";
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  auto found = emitModule(*module, target, EmitKind::Object, out);
  if (!found)
    return llvm::toString(found.takeError());
  depth = *found;
  return "";
}

// Frames of a chain of calls add up; what lies beside it doesn't.
TEST(StackDepth, AddsFramesOfCalls) {
  StackDepth depth;
  ASSERT_EQ(depthOf(R"(
    llvm.func @use(!llvm.ptr)
    llvm.func @leaf() attributes {no_inline} {
      %n = llvm.mlir.constant(3000 : i64) : i64
      %p = llvm.alloca %n x i8 : (i64) -> !llvm.ptr
      llvm.call @use(%p) : (!llvm.ptr) -> ()
      llvm.return
    }
    llvm.func @other() attributes {no_inline} {
      %n = llvm.mlir.constant(2000 : i64) : i64
      %p = llvm.alloca %n x i8 : (i64) -> !llvm.ptr
      llvm.call @use(%p) : (!llvm.ptr) -> ()
      llvm.return
    }
    llvm.func @entry() {
      %n = llvm.mlir.constant(5000 : i64) : i64
      %p = llvm.alloca %n x i8 : (i64) -> !llvm.ptr
      llvm.call @use(%p) : (!llvm.ptr) -> ()
      llvm.call @other() : () -> ()
      llvm.call @leaf() : () -> ()
      llvm.call @use(%p) : (!llvm.ptr) -> ()
      llvm.return
    })", depth), "");
  EXPECT_EQ(depth.function, "entry");
  EXPECT_GE(depth.bytes, 8000u);
  EXPECT_LT(depth.bytes, 8500u);
}

// What the code generator warns of is passed on, what it calls an error is one.
TEST(StackDepth, PassesOnWhatTheCodeGeneratorSays) {
  LLVMInitializeX86AsmParser();
  StackDepth depth;
  std::string said;
  EXPECT_EQ(depthOf(R"(
    llvm.func @warns() {
      llvm.inline_asm has_side_effects ".warning \"take care\"", "" : () -> ()
      llvm.return
    })", depth, &said), "");
  EXPECT_NE(said.find("take care"), std::string::npos) << said;
  EXPECT_NE(depthOf(R"(
    llvm.func @fails() {
      llvm.inline_asm has_side_effects ".error \"not so\"", "" : () -> ()
      llvm.return
    })", depth).find("not so"), std::string::npos);
}

TEST(StackDepth, RefusesWhatHasNoBound) {
  StackDepth depth;
  EXPECT_EQ(depthOf(R"(
    llvm.func @use(!llvm.ptr)
    llvm.func @grows(%n: i64) {
      %p = llvm.alloca %n x i8 : (i64) -> !llvm.ptr
      llvm.call @use(%p) : (!llvm.ptr) -> ()
      llvm.return
    })", depth), "the stack frame of grows grows at run time");
  EXPECT_EQ(depthOf(R"(
    llvm.func @calls(%f: !llvm.ptr) {
      llvm.call %f() : !llvm.ptr, () -> ()
      llvm.return
    })", depth), "calls calls a function that is not known");
  EXPECT_EQ(depthOf(R"(
    llvm.func @use(!llvm.ptr)
    llvm.func @again(%p: !llvm.ptr) attributes {no_inline} {
      llvm.call @again(%p) : (!llvm.ptr) -> ()
      llvm.call @use(%p) : (!llvm.ptr) -> ()
      llvm.return
    })", depth), "again calls itself, so its stack has no bound");
}

} // namespace
