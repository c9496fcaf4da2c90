//===- PortableTable.h - look-ups without an instruction --------*- C++ -*-===//
//
// For CPUs that cannot shuffle bytes: an entry is chosen bit by bit of its index.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Targets/LookupEmitter.h"

namespace nibble {

class PortableTable : public LookupEmitter {
public:
  mlir::Value lookUp(KernelBuilder &k, mlir::Value table, mlir::Value indices) const override;
};

} // namespace nibble
