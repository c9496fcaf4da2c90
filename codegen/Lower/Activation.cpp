//===- Activation.cpp - the function of a linear unit ---------------------===//
//
// See Activation.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/Activation.h"

#include "codegen/Lower/VectorMath.h"

using namespace mlir;

namespace nibble {

Value emitActivation(KernelBuilder &k, lm::Activation activation, Value x) {
  switch (activation) {
  case lm::Activation::SiLU:
    return emitSiLU(k, x);
  case lm::Activation::GELU:
    return emitGELU(k, x);
  case lm::Activation::ReLU2: {
    Value positive = emitGreater(k, x, k.zero(x.getType()));
    return k.mulf(positive, positive);
  }
  case lm::Activation::GELUErf:
    return emitGELUErf(k, x);
  }
  llvm_unreachable("an activation without a case");
}

} // namespace nibble
