//===- KernelLibrary.cpp - One function per kernel shape ------------------===//
//
// Builds each kernel at its first use and the calls of it; see KernelLibrary.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/KernelLibrary.h"

#include "compiler/Target/TargetInfo.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace nibble {

/// Address of the first element of a memref, its offset included.
static Value dataPointer(KernelBuilder &k, Value buffer) {
  OpBuilder &b = k.builder();
  Location loc = k.location();
  auto type = cast<MemRefType>(buffer.getType());
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, buffer);
  Value address = arith::IndexCastOp::create(b, loc, k.i64(), base);
  Value pointer = LLVM::IntToPtrOp::create(b, loc, k.ptr(), address);

  auto [strides, offset] = type.getStridesAndOffset();
  if (!ShapedType::isDynamic(offset))
    return k.at(pointer, type.getElementType(), offset);
  auto metadata = memref::ExtractStridedMetadataOp::create(b, loc, buffer);
  Value elements = arith::IndexCastOp::create(b, loc, k.i64(), metadata.getOffset());
  return k.at(pointer, type.getElementType(), elements);
}

static Value asI64(KernelBuilder &k, Value scalar) {
  if (scalar.getType().isIndex())
    return arith::IndexCastOp::create(k.builder(), k.location(), k.i64(), scalar);
  return k.sext(scalar, k.i64());
}

FailureOr<Value> KernelLibrary::team(Operation *op) {
  auto function = op->getParentOfType<FunctionOpInterface>();
  unsigned count = function ? function.getNumArguments() : 0;
  if (count < 3 || !isa<LLVM::LLVMPointerType>(function.getArgument(count - 3).getType()))
    return op->emitOpError("stands in a function whose last three arguments are not (team, tid, nthreads)");
  return Value(function.getArgument(count - 3));
}

/// LLVM's attribute for "scalable vectors have exactly this length": least and greatest multiple of 128 bits, as one
/// number.
static Attribute vscaleRange(Builder &builder, int64_t bits) {
  std::string range = std::to_string((bits / 128) << 32 | bits / 128);
  return builder.getStrArrayAttr({"vscale_range", range});
}

LogicalResult KernelLibrary::call(Operation *op, StringRef name, ValueRange buffers, ValueRange scalars, Body body,
                                  int64_t scalableBits) {
  auto function = op->getParentOfType<FunctionOpInterface>();
  unsigned count = function ? function.getNumArguments() : 0;
  if (count < 2 || !function.getArgument(count - 1).getType().isIndex() ||
      !function.getArgument(count - 2).getType().isIndex())
    return op->emitOpError("stands in a function whose last two arguments are not (tid, nthreads) of type index");

  OpBuilder builder(op);
  KernelBuilder k(builder, op->getLoc());
  SmallVector<Value> arguments;
  for (Value buffer : buffers) {
    if (isa<LLVM::LLVMPointerType>(buffer.getType())) {
      arguments.push_back(buffer);
      continue;
    }
    if (!isa<MemRefType>(buffer.getType()))
      return op->emitOpError("has an operand of type ") << buffer.getType() << " where a kernel needs a memref";
    arguments.push_back(dataPointer(k, buffer));
  }
  for (Value scalar : scalars)
    arguments.push_back(asI64(k, scalar));
  arguments.push_back(asI64(k, function.getArgument(count - 2)));
  arguments.push_back(asI64(k, function.getArgument(count - 1)));

  auto kernel = module.lookupSymbol<func::FuncOp>(name);
  if (!kernel) {
    kernel = build(op->getLoc(), name, buffers.size(), scalars.size(), body);
    if (scalableBits) {
      SmallVector<Attribute> attributes(cast<ArrayAttr>(kernel->getAttr("passthrough")).getValue());
      attributes.push_back(vscaleRange(builder, scalableBits));
      kernel->setAttr("passthrough", builder.getArrayAttr(attributes));
    }
  }
  func::CallOp::create(builder, op->getLoc(), kernel, arguments);
  return success();
}

func::FuncOp KernelLibrary::build(Location loc, StringRef name, size_t pointers, size_t scalars, Body body) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  KernelBuilder k(builder, loc, /*roundsFloats=*/targetInfo.isAArch64());
  SmallVector<Type> inputs(pointers, k.ptr());
  inputs.append(scalars + 2, k.i64());
  auto kernel = func::FuncOp::create(builder, loc, name, builder.getFunctionType(inputs, {}));
  kernel.setPrivate();
  kernel->setAttr("passthrough", builder.getStrArrayAttr({"noinline"}));

  Block *entry = kernel.addEntryBlock();
  builder.setInsertionPointToEnd(entry);
  func::ReturnOp::create(builder, loc);
  builder.setInsertionPoint(entry->getTerminator());
  ValueRange arguments(entry->getArguments());
  body(k, arguments.take_front(pointers), arguments.slice(pointers, scalars), arguments[pointers + scalars],
       arguments[pointers + scalars + 1]);
  return kernel;
}

} // namespace nibble
