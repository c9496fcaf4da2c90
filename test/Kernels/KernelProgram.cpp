//===- KernelProgram.cpp - compile operations, run them, look at the bytes ===//
//
// See KernelProgram.h. For qemu, the buffers and the calls go into a file, and a small
// static program (EmulatedMain.c) that is linked with the object executes the calls.
//
//===----------------------------------------------------------------------===//
#include "test/Kernels/KernelProgram.h"

#include "codegen/Emit/Emit.h"
#include "codegen/Lower/Passes.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include <unistd.h>

using namespace mlir;

namespace nibble::test {

/// vpdpbusd by its definition (Intel SDM, volume 2, VPDPBUSD): lane i of the result is lane i of the sum plus the
/// products of bytes 4i … 4i+3, the weight's without a sign, the activation's with one.
static LLVM::LLVMFuncOp dotProductFunction(ModuleOp module, LLVM::CallIntrinsicOp call) {
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  Location loc = call.getLoc();
  int64_t lanes = cast<VectorType>(call.getArgs()[0].getType()).getNumElements();
  std::string name = "spelled_out_vpdpbusd_" + std::to_string(lanes);
  if (auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return function;
  auto type = LLVM::LLVMFunctionType::get(call.getResult(0).getType(), llvm::to_vector(call.getArgs().getTypes()));
  auto function = LLVM::LLVMFuncOp::create(b, loc, name, type, LLVM::Linkage::Internal);
  function.setNoInline(true);
  Block *body = function.addEntryBlock(b);
  b.setInsertionPointToStart(body);
  Value sum = body->getArgument(0);
  auto wide = VectorType::get({4 * lanes}, b.getI32Type());
  Value products = LLVM::MulOp::create(b, loc, LLVM::ZExtOp::create(b, loc, wide, body->getArgument(1)),
                                       LLVM::SExtOp::create(b, loc, wide, body->getArgument(2)));
  for (int32_t byte = 0; byte < 4; ++byte) {
    SmallVector<int32_t> mask;
    for (int32_t lane = 0; lane < lanes; ++lane)
      mask.push_back(4 * lane + byte);
    sum = LLVM::AddOp::create(b, loc, sum, LLVM::ShuffleVectorOp::create(b, loc, products, products, mask));
  }
  LLVM::ReturnOp::create(b, loc, sum);
  return function;
}

/// The same as vdpbf16ps (Intel SDM, volume 2, VDPBF16PS): the product of the second elements is added to the sum, then
/// that of the first ones, each with one rounding. The numbers of the tests are no denormals, which it takes for zeros.
static Value bfloatProducts(OpBuilder &b, LLVM::CallIntrinsicOp call) {
  Location loc = call.getLoc();
  Value sum = call.getArgs()[0];
  auto floats = cast<VectorType>(sum.getType());
  auto pairs = VectorType::get(floats.getShape(), b.getI32Type());
  auto number = [&](Value operand, bool second) { // the upper half of a float's bits
    Value bits = LLVM::BitcastOp::create(b, loc, pairs, operand);
    Value shift = LLVM::ConstantOp::create(b, loc, pairs, DenseElementsAttr::get(pairs, b.getI32IntegerAttr(16)));
    if (second)
      bits = LLVM::LShrOp::create(b, loc, bits, shift);
    return LLVM::BitcastOp::create(b, loc, floats, LLVM::ShlOp::create(b, loc, bits, shift)).getResult();
  };
  for (bool second : {true, false})
    sum = LLVM::FMAOp::create(b, loc, number(call.getArgs()[1], second), number(call.getArgs()[2], second), sum);
  return sum;
}

/// The elements of one or two tables, vectors of 64 bytes, by as many indices (Intel SDM, volume 2, VPERMB, VPERMI2B,
/// VPERMPS).
static LLVM::LLVMFuncOp permuteFunction(ModuleOp module, LLVM::CallIntrinsicOp call) {
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  Location loc = call.getLoc();
  bool two = call.getArgs().size() == 3;
  auto vector = cast<VectorType>(call.getResult(0).getType());
  Type element = vector.getElementType();
  int64_t lanes = vector.getNumElements();
  std::string name = element.isF32() ? "spelled_out_vpermps" : two ? "spelled_out_vpermi2b" : "spelled_out_vpermb";
  if (auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return function;
  auto type = LLVM::LLVMFunctionType::get(call.getResult(0).getType(), llvm::to_vector(call.getArgs().getTypes()));
  auto function = LLVM::LLVMFuncOp::create(b, loc, name, type, LLVM::Linkage::Internal);
  function.setNoInline(true);
  Block *body = function.addEntryBlock(b);
  b.setInsertionPointToStart(body);
  auto number = [&](int64_t value) {
    return LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(value));
  };
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto at = [&](Value base, Value index) {
    return LLVM::GEPOp::create(b, loc, pointer, element, base, ValueRange{index});
  };
  Value table = LLVM::AllocaOp::create(b, loc, pointer, b.getI8Type(), number(128), /*alignment=*/64);
  LLVM::StoreOp::create(b, loc, body->getArgument(0), table);
  if (two)
    LLVM::StoreOp::create(b, loc, body->getArgument(2), at(table, number(lanes)));
  Value indices = body->getArgument(1), result = LLVM::PoisonOp::create(b, loc, call.getResult(0).getType());
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value index = LLVM::ExtractElementOp::create(b, loc, indices, number(lane));
    Value mask = number((two ? 2 : 1) * lanes - 1);
    index = LLVM::AndOp::create(b, loc, LLVM::ZExtOp::create(b, loc, b.getI64Type(), index), mask);
    Value entry = LLVM::LoadOp::create(b, loc, element, at(table, index));
    result = LLVM::InsertElementOp::create(b, loc, result, entry, number(lane));
  }
  LLVM::ReturnOp::create(b, loc, result);
  return function;
}

/// An instruction on 512-bit registers that does the same in every 128 bits (Intel SDM, VPSHUFB and VPMADDUBSW) by two
/// of its 256-bit form, `narrow`.
static Value inHalves(OpBuilder &b, LLVM::CallIntrinsicOp call, StringRef narrow) {
  auto lanesFrom = [&](Value vector, int64_t first, int64_t count) {
    return LLVM::ShuffleVectorOp::create(b, call.getLoc(), vector, vector,
                                         llvm::to_vector(llvm::seq<int32_t>(first, first + count)))
        .getResult();
  };
  auto type = cast<VectorType>(call.getResult(0).getType());
  auto half = VectorType::get({type.getNumElements() / 2}, type.getElementType());
  SmallVector<Value> parts;
  for (int64_t part : {0, 1}) {
    SmallVector<Value> operands;
    for (Value operand : call.getArgs()) {
      int64_t count = cast<VectorType>(operand.getType()).getNumElements() / 2;
      operands.push_back(lanesFrom(operand, part * count, count));
    }
    parts.push_back(
        LLVM::CallIntrinsicOp::create(b, call.getLoc(), half, b.getStringAttr(narrow), operands).getResult(0));
  }
  auto all = llvm::to_vector(llvm::seq<int32_t>(0, type.getNumElements()));
  return LLVM::ShuffleVectorOp::create(b, call.getLoc(), parts[0], parts[1], all);
}

using Definition = llvm::function_ref<Value(OpBuilder &b, LLVM::CallIntrinsicOp call)>;
using FunctionOf = llvm::function_ref<LLVM::LLVMFuncOp(ModuleOp module, LLVM::CallIntrinsicOp call)>;

/// Replaces each instruction whose intrinsic has one of these names by its definition. What is left of a kernel runs on
/// any CPU, so that all of it but these instructions is executed even where they are missing.
static void spellOut(ModuleOp module, ArrayRef<StringRef> names, Definition definition) {
  SmallVector<LLVM::CallIntrinsicOp> calls;
  module.walk([&](LLVM::CallIntrinsicOp call) {
    if (llvm::any_of(names, [&](StringRef name) { return call.getIntrin().contains(name); }))
      calls.push_back(call);
  });
  for (LLVM::CallIntrinsicOp call : calls) {
    OpBuilder b(call);
    call.getResults().replaceAllUsesWith(definition(b, call));
    call.erase();
  }
}

/// The same by a call of the definition, because hundreds of copies of a long one took minutes to compile.
static void spellOutAsCall(ModuleOp module, ArrayRef<StringRef> names, FunctionOf functionOf) {
  spellOut(module, names, [&](OpBuilder &b, LLVM::CallIntrinsicOp call) {
    return LLVM::CallOp::create(b, call.getLoc(), functionOf(module, call), call.getArgs()).getResult();
  });
}

static void spellOutInstructions(ModuleOp module) {
  spellOutAsCall(module, {"vpdpbusd"}, dotProductFunction);
  spellOutAsCall(module, {"permvar.qi", "vpermi2var.qi", "permvar.sf"}, permuteFunction);
  spellOut(module, {"dpbf16ps"}, bfloatProducts);
  const std::pair<StringRef, StringRef> halves[] = {{"llvm.x86.avx512.pshuf.b.512", "llvm.x86.avx2.pshuf.b"},
                                                    {"llvm.x86.avx512.pmaddubs.w.512", "llvm.x86.avx2.pmadd.ub.sw"}};
  for (auto [wide, narrow] : halves)
    spellOut(module, {wide}, [narrow](OpBuilder &b, LLVM::CallIntrinsicOp call) { return inHalves(b, call, narrow); });
}

llvm::Expected<TargetInfo> targetOf(llvm::StringRef triple, llvm::StringRef cpu) {
  auto [name, features] = cpu.split('+');
  return TargetInfo::get(triple, name, features.empty() ? "" : "+" + features.str());
}

/// The machine that code for `target` is executed on: this one, if it is of the same architecture and lacks features.
static TargetInfo standIn(const TargetInfo &target) {
  auto native = TargetInfo::get("native", "native");
  if (!native || native->triple != target.triple)
    return target;
  for (const std::string &feature : target.requiredFeatures())
    if (!native->has(feature))
      return *native;
  return target;
}

/// Object or assembly of `source` for `target`, executable on `machine`; `errors` gets the diagnostics.
static std::string build(const std::string &source, const TargetInfo &target, const TargetInfo &machine, EmitKind kind,
                         std::string &errors) {
  DialectRegistry registry;
  registry
      .insert<mpgemm::MPGEMMDialect, lm::LMDialect, lowbit::LowBitDialect, func::FuncDialect, arith::ArithDialect,
              memref::MemRefDialect, scf::SCFDialect, vector::VectorDialect, LLVM::LLVMDialect, math::MathDialect>();
  registerEmitDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { errors += diagnostic.str() + "\n"; });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(source, &context);
  if (!module)
    return "";
  target.attachTo(*module);
  PassManager passes(&context);
  addLowerPasses(passes);
  if (failed(passes.run(*module)))
    return "";
  if (machine.cpu != target.cpu)
    spellOutInstructions(*module);
  llvm::SmallVector<char, 0> buffer;
  llvm::raw_svector_ostream stream(buffer);
  if (auto depth = emitModule(*module, machine, kind, stream); !depth) {
    errors += llvm::toString(depth.takeError());
    return "";
  }
  return std::string(buffer.begin(), buffer.end());
}

std::string KernelProgram::compile(const TargetInfo &target) {
  std::string errors;
  emulated = llvm::Triple(target.triple).getArch() != llvm::Triple(llvm::sys::getProcessTriple()).getArch();
  if (target.scalableBits)
    emulatedCpu = "max,sve-max-vq=" + std::to_string(target.scalableBits / 128);
  object = build(source, target, standIn(target), EmitKind::Object, errors);
  return object.empty() && errors.empty() ? "no object came out" : errors;
}

std::vector<std::string> KernelProgram::undefinedSymbols() const {
  auto file = llvm::cantFail(llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object, "kernels.o")));
  std::vector<std::string> names;
  for (const llvm::object::SymbolRef &symbol : file->symbols())
    if (std::string name = llvm::cantFail(symbol.getName()).str();
        !name.empty() && llvm::cantFail(symbol.getFlags()) & llvm::object::SymbolRef::SF_Undefined)
      names.push_back(name);
  return names;
}

std::string KernelProgram::assembly(const TargetInfo &target, std::string &errors) {
  return build(source, target, target, EmitKind::Asm, errors);
}

std::string KernelProgram::run(std::vector<Call> &calls) { return emulated ? runEmulated(calls) : runHere(calls); }

/// Calls a function of `buffers` pointers and three integers.
template <typename... Pointers>
static void invoke(void *function, const std::vector<std::shared_ptr<Bytes>> &buffers, int64_t n, int64_t tid,
                   int64_t threads, Pointers... pointers) {
  if constexpr (sizeof...(Pointers) < 8) {
    if (sizeof...(Pointers) < buffers.size())
      return invoke(function, buffers, n, tid, threads, pointers...,
                    static_cast<void *>(buffers[sizeof...(Pointers)]->data()));
  }
  reinterpret_cast<void (*)(Pointers..., int64_t, int64_t, int64_t)>(function)(pointers..., n, tid, threads);
}

std::string KernelProgram::load() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto created = llvm::orc::LLJITBuilder().create();
  if (!created)
    return llvm::toString(created.takeError());
  jit = std::move(*created);
  if (llvm::Error error = jit->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(object, "kernels.o")))
    return llvm::toString(std::move(error));
  auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess('\0'); // memset and the like
  if (!process)
    return llvm::toString(process.takeError());
  jit->getMainJITDylib().addGenerator(std::move(*process));
  return "";
}

void *KernelProgram::find(const std::string &function) {
  if (!jit && !load().empty())
    return nullptr;
  auto address = jit->lookup(function);
  if (!address)
    llvm::consumeError(address.takeError());
  return address ? address->toPtr<void *>() : nullptr;
}

std::string KernelProgram::runHere(std::vector<Call> &calls) {
  for (Call &call : calls) {
    void *function = find(call.function);
    if (!function)
      return "no function " + call.function;
    for (int32_t tid = 0; tid < call.threads; ++tid)
      invoke(function, call.buffers, call.n, tid, call.threads);
  }
  return "";
}

static std::string shell(const std::string &command) {
  return std::system(command.c_str()) == 0 ? "" : "failed: " + command;
}

namespace {

/// The number of each function and of each buffer in the emulated program. A buffer that calls share has one number, so
/// that a call sees what earlier ones wrote.
struct Numbers {
  std::map<std::string, uint64_t> functions;
  llvm::MapVector<Bytes *, uint64_t> buffers;

  explicit Numbers(const std::vector<Call> &calls) {
    for (const Call &call : calls) {
      functions.emplace(call.function, functions.size());
      for (auto &buffer : call.buffers)
        buffers.insert({buffer.get(), buffers.size()});
    }
  }
};

} // namespace

/// All buffers, then all calls, as EmulatedMain.c reads them.
static void writeInput(std::ofstream output, const std::vector<Call> &calls, Numbers &numbers) {
  auto put = [&](uint64_t value) { output.write(reinterpret_cast<const char *>(&value), sizeof value); };
  put(numbers.buffers.size());
  for (auto &[buffer, number] : numbers.buffers) {
    put(buffer->size());
    output.write(reinterpret_cast<const char *>(buffer->data()), buffer->size());
  }
  put(calls.size());
  for (const Call &call : calls) {
    put(numbers.functions[call.function]), put(call.n), put(call.threads), put(call.buffers.size());
    for (auto &buffer : call.buffers)
      put(numbers.buffers[buffer.get()]);
  }
}

std::string KernelProgram::runEmulated(std::vector<Call> &calls) {
  namespace fs = std::filesystem;
  fs::path directory = fs::temp_directory_path() / ("nibble-kernels-" + std::to_string(getpid()));
  fs::create_directories(directory);
  Numbers numbers(calls);

  std::ofstream(directory / "kernels.o", std::ios::binary) << object;
  std::ofstream table(directory / "table.c");
  for (auto &[name, i] : numbers.functions)
    table << "extern void " << name << "(void);\n";
  table << "void (*const functions[])(void) = {\n";
  for (auto &[name, i] : numbers.functions)
    table << "  [" << i << "] = " << name << ",\n";
  table << "};\n";
  table.close();

  writeInput(std::ofstream(directory / "input", std::ios::binary), calls, numbers);

  std::string base = directory.string();
  std::string error =
      shell(std::string(NIBBLE_CLANG) + " --target=aarch64-linux-gnu -fuse-ld=lld -O1 -static " + NIBBLE_EMULATED_MAIN +
            " " + base + "/table.c " + base + "/kernels.o -o " + base + "/program");
  if (error.empty())
    error = shell(std::string(NIBBLE_QEMU_AARCH64) + " -cpu " + emulatedCpu + " " + base + "/program < " + base +
                  "/input > " + base + "/results");
  if (error.empty()) {
    std::ifstream output(directory / "results", std::ios::binary);
    for (auto &[buffer, number] : numbers.buffers)
      if (!output.read(reinterpret_cast<char *>(buffer->data()), buffer->size()))
        error = "the emulated program wrote too little";
  }
  fs::remove_all(directory);
  return error;
}

std::string whyNotRunnable(const TargetInfo &target) {
  llvm::Triple host(llvm::sys::getProcessTriple());
  if (llvm::Triple(target.triple).getArch() != host.getArch()) {
    if (!target.isAArch64())
      return "no emulator for " + target.triple;
    return std::string(NIBBLE_QEMU_AARCH64).empty() ? "qemu-aarch64 was not found" : "";
  }
  return ""; // on this machine, or on a stand-in of the same architecture
}

} // namespace nibble::test
