//===- Compilation.cpp - one model through all phases -----------------------===//
#include "compiler/Tools/nibble/Compilation.h"

#include "codegen/Emit/Emit.h"
#include "compiler/Import/Inspect.h"
#include "compiler/Import/OpenModel.h"
#include "compiler/Link/LinkProgram.h"
#include "compiler/Link/StateRegions.h"
#include "compiler/Tools/nibble/CalibrateModel.h"
#include "compiler/Tools/nibble/Prefix.h"
#include "compiler/Tools/nibble/SourceHash.h"
#include "dialects/LM/LM.h"
#include "runtime/threads/Team.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ToolOutputFile.h"

#include <chrono>

using namespace mlir;

namespace nibble {

/// Of a thread's stack: the guard page, the page in which its first frame is placed, thread-local data (some 4 KiB),
/// the runtime's functions, and spilled registers of open length (32 of 256 bytes, 16 of 32 bytes).
static constexpr uint64_t kStackReserve = 32 << 10;

Compilation::Compilation(const CompileOptions &options) : options(options) {
  DialectRegistry registry;
  registerDialects(registry);
  registerEmitDialects(registry);
  context.appendDialectRegistry(registry);
  context.printOpOnDiagnostic(false); // a user asked about a model, not about IR
  context.disableMultithreading(); // phases are short; threads would make their order of messages vary
  diagnostics = std::make_unique<ScopedDiagnosticHandler>(&context, [this](Diagnostic &diagnostic) {
    if (this->options.silent || (diagnostic.getSeverity() == DiagnosticSeverity::Remark && !this->options.remarks))
      return success();
    StringRef kind = diagnostic.getSeverity() == DiagnosticSeverity::Error     ? "error"
                     : diagnostic.getSeverity() == DiagnosticSeverity::Warning ? "warning"
                                                                               : "remark";
    llvm::errs() << "nibble: " << kind << ": ";
    if (auto name = dyn_cast<NameLoc>(diagnostic.getLocation()))
      llvm::errs() << name.getName().getValue() << ": ";
    else if (!isa<UnknownLoc>(diagnostic.getLocation()))
      llvm::errs() << diagnostic.getLocation() << ": ";
    llvm::errs() << diagnostic.str() << "\n";
    for (Diagnostic &note : diagnostic.getNotes())
      llvm::errs() << "nibble: note: " << note.str() << "\n";
    return success();
  });
}

Phase Compilation::lastPhase() const {
  if (options.stopAfter)
    return *options.stopAfter;
  switch (options.kind) {
  case OutputKind::Executable:
    return Phase::link;
  case OutputKind::MLIR:
    return Phase::lower;
  case OutputKind::Object:
  case OutputKind::Assembly:
  case OutputKind::LLVM:
    return Phase::emit;
  }
  return Phase::link;
}

void Compilation::progress(Phase phase) {
  if (!options.quiet && llvm::sys::Process::StandardErrIsDisplayed())
    llvm::errs() << "\r\033[K" << phases()[static_cast<size_t>(phase)].name << " …";
}

template <typename Step> int Compilation::timed(Phase phase, Step step) {
  progress(phase);
  auto start = std::chrono::steady_clock::now();
  int code = step();
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (!options.quiet && llvm::sys::Process::StandardErrIsDisplayed())
    llvm::errs() << "\r\033[K";
  if (options.timing)
    llvm::errs() << llvm::format("%-10s %7.3f s\n", phases()[static_cast<size_t>(phase)].name.str().c_str(),
                                 seconds.count());
  return code;
}

/// Reads the file's metadata and builds the module.
int Compilation::import() {
  auto opened = openModel(options.model);
  if (!opened)
    return reportError(opened.takeError());
  file = std::move(*opened);
  auto imported = importGGUF(*file, options.import, &context);
  if (!imported)
    return reportError(imported.takeError());
  module = std::move(*imported);
  bool rounds = options.pipeline.weights != "keep";
  if (llvm::Error error = applyAdapters(*module, *file, options.adapters, rounds))
    return reportError(std::move(error));
  target->attachTo(*module);
  if (lastPhase() != Phase::link)
    return kDone;
  lastingStates = findLastingStates(*module);
  return importTexts();
}

/// Tokenizer and chat template: their faults are to be found before minutes of packing, not after.
int Compilation::importTexts() {
  if (like) {
    tokenizer = like->tokenizer;
    chatTemplate = like->chatTemplate;
    tables = like->tables;
    return describe();
  }
  auto source = readTokenizer(*file);
  if (!source)
    return reportError(source.takeError());
  tokenizer = std::move(*source);
  auto chat = readChatTemplate(*file);
  if (!chat)
    return reportError(chat.takeError());
  chatTemplate = chat->value_or("");
  if (options.chatTemplate == "none") {
    chatTemplate.clear();
  } else if (!options.chatTemplate.empty()) {
    auto text = llvm::MemoryBuffer::getFile(options.chatTemplate);
    if (!text)
      return reportError(kCompileError, "cannot read " + options.chatTemplate + ": " + text.getError().message());
    chatTemplate = (*text)->getBuffer().str();
  }
  description.onFull = options.onFull;
  auto built = buildTextTables(tokenizer, chatTemplate);
  if (!built)
    return reportError(built.takeError());
  tables = std::move(*built);
  return describe();
}

int Compilation::describe() {
  if (llvm::Error error = describeModel(*file, *module, *target, tokenizer, chatTemplate, options.import, description))
    return reportError(std::move(error));
  return kDone;
}

int Compilation::runPhase(Phase phase) {
  PassManager manager(&context);
  addPhase(manager, phase, options.pipeline);
  if (failed(manager.run(*module)))
    return kCompileError;
  if (phase != Phase::bufferize)
    return kDone;
  auto collected = collectWeights(*module);
  if (!collected)
    return reportError(collected.takeError());
  weights = std::move(*collected);
  return lastPhase() == Phase::link ? describeMemory() : kDone;
}

int Compilation::emitCode() {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  EmitKind kind = options.kind == OutputKind::LLVM       ? EmitKind::LLVM
                  : options.kind == OutputKind::Assembly ? EmitKind::Asm
                                                         : EmitKind::Object;
  llvm::Expected<StackDepth> stack = emitModule(*module, *target, kind, out);
  if (!stack)
    return reportError(kInternalError, llvm::toString(stack.takeError()));
  if (stack->bytes + kStackReserve > rt::ThreadStackBytes)
    return reportError(kUnsupported, "the code of " + stack->function + " needs " + std::to_string(stack->bytes) +
                                         " bytes of stack; a thread has " +
                                         std::to_string(rt::ThreadStackBytes - kStackReserve));
  code.assign(bytes.begin(), bytes.end());
  if (lastPhase() == Phase::link)
    return kDone;
  return writeText();
}

/// What `emit` gave becomes an ELF file.
int Compilation::linkCode(StringRef elf) {
  llvm::SmallString<128> object;
  int descriptor;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("nibble", "o", descriptor, object))
    return reportError(kCompileError, "cannot create a temporary file: " + error.message());
  llvm::FileRemover removeObject(object);
  {
    llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    stream << code;
    stream.close();
    if (stream.has_error())
      return reportError(kCompileError, "cannot write " + object.str().str() + ": " + stream.error().message());
  }
  if (llvm::Error error = linkProgram(object, runtimeDirectory(options.executable, target->triple), elf))
    return reportError(std::move(error));
  return kDone;
}

int Compilation::link() {
  llvm::SmallString<128> elf;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("nibble", "elf", elf))
    return reportError(kCompileError, "cannot create a temporary file: " + error.message());
  llvm::FileRemover removeElf(elf);
  if (int code = linkCode(elf))
    return code;
  if (!options.prefixFile.empty())
    if (int code = evaluatePrefix(options, *target, prefix))
      return code;
  if (int code = finishPlan(elf))
    return code;

  SourceHash hash(*file); // runs beside the packing
  auto moments = calibrateModel(options, *file, weights, description.context, tables.tokenizer, context);
  if (!moments)
    return reportError(moments.takeError());
  auto writer = ArtifactWriter::create(options.output, elf);
  if (!writer)
    return reportError(writer.takeError());
  std::vector<RequantizedTensor> requantized;
  if (llvm::Error error = writeWeights(weights, moments->get(), **writer, requantized))
    return reportError(std::move(error));
  llvm::Expected<std::string> digest = hash.result();
  if (!digest)
    return reportError(digest.takeError());
  description.sourceHash = *digest;
  std::string identity = *digest + "\n" + stateKeyText;
  description.stateIdentity = schema::checksum64(identity.data(), identity.size());
  if (int code = checkPrefix(prefix, description))
    return code;
  if (llvm::Error error = (*writer)->finish(description, prefix))
    return reportError(std::move(error));
  if ((*writer)->tableBytes() > sizes.tables)
    return reportError(kInternalError, "the tables take " + std::to_string((*writer)->tableBytes()) + " bytes, but " +
                                           std::to_string(sizes.tables) + " were planned");
  if (int code = writeReport((*writer)->fileBytes()))
    return code;
  if (!options.quiet && !requantized.empty())
    printErrors(requantized, llvm::errs());
  if (!options.quiet)
    llvm::errs() << options.output << ": " << formatBytes((*writer)->fileBytes()) << "\n";
  return kDone;
}

int Compilation::resolveTarget() {
  llvm::Expected<TargetInfo> found = TargetInfo::get(options.target, options.cpu, options.features);
  if (!found)
    return reportError(kUsage, llvm::toString(found.takeError()));
  target = std::move(*found);
  return kDone;
}

int Compilation::plan(const Compilation *other) {
  like = other;
  int code = resolveTarget();
  if (code == kDone)
    code = import();
  for (Phase phase : {Phase::simplify, Phase::legalize, Phase::tile, Phase::bufferize})
    if (code == kDone)
      code = runPhase(phase);
  return code;
}

int Compilation::measure(uint64_t &programBytes) {
  int code = resolveTarget();
  if (code == kDone)
    code = import();
  for (Phase phase : {Phase::simplify, Phase::legalize, Phase::tile, Phase::bufferize, Phase::lower})
    if (code == kDone)
      code = runPhase(phase);
  if (code == kDone)
    code = emitCode();
  llvm::SmallString<128> elf;
  if (code != kDone || llvm::sys::fs::createTemporaryFile("nibble", "elf", elf))
    return code == kDone ? kCompileError : code;
  llvm::FileRemover removeElf(elf);
  if (int linked = linkCode(elf))
    return linked;
  llvm::Expected<uint64_t> segments = countSegments(elf);
  if (!segments)
    return reportError(segments.takeError());
  programBytes = *segments;
  return kDone;
}

std::optional<uint64_t> measureProgram(const CompileOptions &options) {
  CompileOptions quiet = options;
  quiet.quiet = quiet.silent = true;
  quiet.memoryBudget.reset();
  quiet.reportFile.clear(), quiet.prefixFile.clear(), quiet.dumpDirectory.clear();
  uint64_t bytes;
  return Compilation(quiet).measure(bytes) == kDone ? std::optional(bytes) : std::nullopt;
}

int Compilation::run() {
  if (int code = resolveTarget())
    return code;
  if (lastPhase() == Phase::link && options.output.empty())
    return reportError(kUsage, "compile needs -o OUT");
  bool same = false;
  if (!options.output.empty() && !llvm::sys::fs::equivalent(options.model, options.output, same) && same)
    return reportError(kUsage, "-o names the model itself: " + options.output);

  int code = timed(Phase::import, [&] { return import(); });
  for (Phase phase = Phase::import;; phase = static_cast<Phase>(static_cast<int>(phase) + 1)) {
    if (phase > Phase::import && phase <= Phase::lower)
      code = timed(phase, [&] { return runPhase(phase); });
    else if (phase == Phase::emit)
      code = timed(phase, [&] { return emitCode(); });
    else if (phase == Phase::link)
      code = timed(phase, [&] { return link(); });
    if (code == kDone && phase <= Phase::lower)
      code = dump(phase);
    if (code != kDone || phase == lastPhase())
      break;
  }
  if (code == kDone && lastPhase() <= Phase::lower)
    return writeText();
  return code;
}

} // namespace nibble
