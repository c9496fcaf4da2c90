//===- FormatTypes.cpp - the type of what a format stores ----------------===//
//
// The only part of Formats.h that needs MLIR.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Formats.h"
#include "dialects/LowBit/LowBit.h"

using namespace nibble;
using namespace nibble::lowbit;

static mlir::Type floatType(mlir::MLIRContext *context, FloatKind kind) {
  switch (kind) {
  case FloatKind::F16:
    return mlir::Float16Type::get(context);
  case FloatKind::BF16:
    return mlir::BFloat16Type::get(context);
  case FloatKind::F32:
    return mlir::Float32Type::get(context);
  case FloatKind::E8M0:
  case FloatKind::UE4M3:
    break; // kinds of scales, not of values
  }
  return {};
}

mlir::Type lowbit::elementType(mlir::MLIRContext *context,
                               const Format &format) {
  if (format.isFloat)
    return floatType(context, format.floatKind);
  int64_t superGroup = format.isTwoLevel() ? format.blockElements : 0;
  ScaleKind scale{format.floatKind, format.subScales.kind, superGroup};
  ZeroKind zero;
  if (format.hasMin())
    zero = {.form = ZeroKind::Min,
            .min = {format.floatKind, format.subMins.kind, superGroup}};
  else if (format.zeroPoint)
    zero = {.form = ZeroKind::Point, .point = format.zeroPoint};
  return BlockType::get(context, format.codeKind(), format.group, scale, zero);
}
