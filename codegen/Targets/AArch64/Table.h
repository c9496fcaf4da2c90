//===- Table.h - tbl --------------------------------------------*- C++ -*-===//
//
// Sixteen bytes out of a register of sixteen (Arm ARM C7.2.391).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Targets/LookupEmitter.h"

namespace nibble {

class AArch64Table : public LookupEmitter {
public:
  mlir::Value lookUp(KernelBuilder &k, mlir::Value table, mlir::Value indices) const override;
};

} // namespace nibble
