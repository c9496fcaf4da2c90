//===- GGUFScales.h - A scale for all of a tensor ---------------*- C++ -*-===//
//
// nvfp4 has scales of two levels: a ue4m3 for 16 codes, and one f32 for a whole
// matrix. ggml's blocks hold the first; the second is a tensor of its own beside
// `NAME.weight`, `NAME.scale`, with one number, or one for each expert of a
// mixture, that ggml multiplies the product with. Here the scales of the blocks
// are multiplied with it: NAME.weight becomes a packed tensor of codes with
// scales in f32, or one for each expert, which SplitScales.h may make two levels of
// again. `NAME.input_scale` says what activations were rounded with elsewhere; they
// are rounded in a way of their own here, as in ggml, so it is left out.
//
// Contract: a scale beside a tensor that has no such form (floats, lattices, two
// levels, minima) stays a tensor, which no family asks for.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_GGUFSCALES_H
#define NIBBLE_COMPILER_IMPORT_GGUFSCALES_H

#include "compiler/Import/ModelFile.h"

namespace nibble {

/// The tensors of `file` with their scales; the order of the others stays.
llvm::Expected<std::vector<GGUFTensor>>
applyTensorScales(const ModelFile &file);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_GGUFSCALES_H
