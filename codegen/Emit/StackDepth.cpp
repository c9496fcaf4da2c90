//===- StackDepth.cpp - how much stack emitted code needs -----------------===//
//
// See StackDepth.h.
//
//===----------------------------------------------------------------------===//
#include "codegen/Emit/StackDepth.h"

#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

namespace nibble {

/// Marks a function whose calls are being followed.
static constexpr uint64_t kUnderWay = ~uint64_t(0);

/// Of a call: the return address, and what alignment of the frame costs (64 bytes at most).
static constexpr uint64_t kCallBytes = 72;

FrameSizes::FrameSizes(Module &module, Remark remark) : module(module), remark(std::move(remark)) {
  module.getContext().setDiagnosticHandlerCallBack(report, this, /*RespectFilters=*/true);
  // A frame above the threshold is reported; of others there is nothing to know.
  for (Function &function : module)
    if (!function.isDeclaration())
      function.addFnAttr("warn-stack-size", "0");
}

FrameSizes::~FrameSizes() { module.getContext().setDiagnosticHandlerCallBack(nullptr); }

void FrameSizes::report(const DiagnosticInfo *info, void *self) {
  auto &sizes = *static_cast<FrameSizes *>(self);
  if (const auto *frame = dyn_cast<DiagnosticInfoStackSize>(info)) {
    sizes.frames[&frame->getFunction()] = frame->getStackSize();
    return;
  }
  std::string text;
  raw_string_ostream stream(text);
  DiagnosticPrinterRawOStream printer(stream);
  info->print(printer);
  if (info->getSeverity() == DS_Error)
    sizes.errors += text;
  else
    sizes.said.push_back({info->getSeverity(), text});
}

Expected<uint64_t> FrameSizes::depthOf(const Function &function) {
  if (function.isDeclaration())
    return 0;
  auto name = function.getName().str();
  auto [known, inserted] = depths.try_emplace(&function, kUnderWay);
  if (!inserted) {
    if (known->second == kUnderWay)
      return createStringError(std::errc::not_supported, "%s calls itself, so its stack has no bound", name.c_str());
    return known->second;
  }
  uint64_t below = 0;
  for (const Instruction &instruction : instructions(function)) {
    if (const auto *memory = dyn_cast<AllocaInst>(&instruction); memory && !memory->isStaticAlloca())
      return createStringError(std::errc::not_supported, "the stack frame of %s grows at run time", name.c_str());
    const auto *call = dyn_cast<CallBase>(&instruction);
    if (!call || call->isInlineAsm())
      continue;
    const Function *callee = call->getCalledFunction();
    if (!callee)
      return createStringError(std::errc::not_supported, "%s calls a function that is not known", name.c_str());
    Expected<uint64_t> depth = depthOf(*callee);
    if (!depth)
      return depth.takeError();
    below = std::max(below, *depth);
  }
  return depths[&function] = frames.lookup(&function) + kCallBytes + below;
}

Expected<StackDepth> FrameSizes::deepest() {
  for (const auto &[severity, text] : std::exchange(said, {}))
    remark(severity, text);
  if (!errors.empty())
    return createStringError(std::errc::not_supported, "%s", errors.c_str());
  StackDepth deepest;
  for (const Function &function : module) {
    Expected<uint64_t> depth = depthOf(function);
    if (!depth)
      return depth.takeError();
    if (*depth > deepest.bytes)
      deepest = {*depth, function.getName().str()};
  }
  return deepest;
}

} // namespace nibble
