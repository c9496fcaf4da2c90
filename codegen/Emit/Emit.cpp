//===- Emit.cpp - from the llvm dialect to files --------------------------===//
#include "codegen/Emit/Emit.h"

#include "codegen/Emit/LoopOrder.h"
#include "codegen/Emit/LoopSpills.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"

#include <mutex>
#include <optional>

extern "C" {
void LLVMInitializeX86TargetInfo();
void LLVMInitializeX86Target();
void LLVMInitializeX86TargetMC();
void LLVMInitializeX86AsmPrinter();
void LLVMInitializeAArch64TargetInfo();
void LLVMInitializeAArch64Target();
void LLVMInitializeAArch64TargetMC();
void LLVMInitializeAArch64AsmPrinter();
}

using namespace llvm;

namespace nibble {

void registerEmitDialects(mlir::DialectRegistry &registry) {
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
}

static void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo(), LLVMInitializeX86Target(), LLVMInitializeX86TargetMC(),
        LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo(), LLVMInitializeAArch64Target(), LLVMInitializeAArch64TargetMC(),
        LLVMInitializeAArch64AsmPrinter();
  });
}

static Expected<std::unique_ptr<TargetMachine>> makeMachine(const TargetInfo &target) {
  initializeTargets();
  Triple triple(target.triple);
  std::string error;
  const Target *llvmTarget = TargetRegistry::lookupTarget(triple, error);
  if (!llvmTarget)
    return createStringError(std::errc::not_supported, "%s", error.c_str());
  TargetOptions options;
  options.MCOptions.AsmVerbose = true; // loops, and what goes to the stack
  std::unique_ptr<TargetMachine> machine(llvmTarget->createTargetMachine(
      triple, target.cpu, target.features, options, Reloc::PIC_, std::nullopt, CodeGenOptLevel::Aggressive));
  if (!machine)
    return createStringError(std::errc::not_supported, "no code generator for %s", target.triple.c_str());
  return machine;
}

static void optimize(Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager graphs;
  ModuleAnalysisManager modules;
  PipelineTuningOptions tuning;
  // Kernels come vectorised and unrolled as their instruction row wants it.
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = false;
  PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2).run(module, modules);
}

/// Runs the code generator, which leaves the module in a state of its own.
static Error generate(Module &module, TargetMachine &machine, EmitKind kind, raw_pwrite_stream &out) {
  useLoopOrders();
  legacy::PassManager passes;
  auto type = kind == EmitKind::Asm ? CodeGenFileType::AssemblyFile : CodeGenFileType::ObjectFile;
  if (machine.addPassesToEmitFile(passes, out, nullptr, type))
    return createStringError(std::errc::not_supported, "the code generator cannot write this kind of file");
  passes.run(module);
  return Error::success();
}

/// Of a target with so many vector registers loops that spill are generated again in other orders. With 16 there are
/// tiles that keep sums in memory in any order; no order made a program for AVX2 faster, and compiling took twice as
/// long.
static constexpr unsigned kOrderedRegisters = 32;

static unsigned vectorRegisters(Module &module, TargetMachine &machine) {
  for (Function &function : module)
    if (!function.isDeclaration()) {
      TargetTransformInfo info = machine.getTargetTransformInfo(function);
      return info.getNumberOfRegisters(info.getRegisterClassForType(/*Vector=*/true));
    }
  return 0;
}

/// generate(), where loops that spill get another order if they spill less in it (LoopSpills.h).
static Expected<StackDepth> generateOrdered(Module &module, TargetMachine &machine, EmitKind kind,
                                            raw_pwrite_stream &out, FrameSizes::Remark remark) {
  SmallVector<char, 0> bitcode, code; // the code generator changes what it reads
  raw_svector_ostream saved(bitcode), buffer(code);
  WriteBitcodeToFile(module, saved, /*ShouldPreserveUseListOrder=*/true);
  LoopSpills &spills = LoopSpills::watch(module.getContext());
  FrameSizes usualFrames(module, remark);
  if (Error error = generate(module, machine, kind, buffer))
    return error;
  auto load = [&] { return cantFail(parseBitcodeFile(MemoryBufferRef(saved.str(), "model"), module.getContext())); };
  auto again = [&](Module &some) {
    raw_null_ostream nothing;
    cantFail(generate(some, machine, kind, nothing));
  };
  LoopChoices choices(load, spills, again);
  while (choices.hasOrders()) {
    std::unique_ptr<Module> ordered = load();
    choices.setOrders(*ordered);
    SmallVector<char, 0> orderedCode;
    raw_svector_ostream stream(orderedCode);
    FrameSizes frames(*ordered, remark);
    if (Error error = generate(*ordered, machine, kind, stream))
      return error;
    if (choices.mendWorse(spills.take()))
      continue;
    out << stream.str();
    return frames.deepest();
  }
  out << buffer.str();
  return usualFrames.deepest();
}

Expected<StackDepth> emitModule(mlir::ModuleOp source, const TargetInfo &target, EmitKind kind,
                                raw_pwrite_stream &out) {
  Expected<std::unique_ptr<TargetMachine>> machine = makeMachine(target);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  std::unique_ptr<Module> module = mlir::translateModuleToLLVMIR(source, context, "model");
  if (!module)
    return createStringError(std::errc::invalid_argument, "the module could not be translated to LLVM IR");
  module->setTargetTriple(Triple(target.triple));
  module->setDataLayout((*machine)->createDataLayout());
  for (Function &function : *module)
    if (!function.isDeclaration())
      function.addFnAttr(Attribute::NoUnwind); // no unwind tables: the program throws nothing
  optimize(*module, **machine);
  if (kind == EmitKind::LLVM) {
    module->print(out, nullptr);
    return StackDepth();
  }
  auto remark = [&](DiagnosticSeverity severity, const std::string &text) {
    (severity == DS_Warning ? source.emitWarning() : source.emitRemark()) << text;
  };
  if (vectorRegisters(*module, **machine) >= kOrderedRegisters)
    return generateOrdered(*module, **machine, kind, out, remark);
  FrameSizes frames(*module, remark);
  if (Error error = generate(*module, **machine, kind, out))
    return error;
  return frames.deepest();
}

} // namespace nibble
