//===- PackedTensor.h - A weight whose parts are tensors of their own -----===//
//
// What a tensor's codes need to become numbers, for a weight that a method of
// quantization packed: the number type, where codes lie in their words, and the
// places of scales, zero points and the order of columns. Whoever opened the
// model checked that each part has the size that the others ask for. In IR it is
// #lm.packing, which says what each member means.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_PACKEDTENSOR_H
#define NIBBLE_COMPILER_IMPORT_PACKEDTENSOR_H

#include "dialects/LowBit/BlockParameters.h"
#include "dialects/LowBit/Packings.h"

#include <string>

namespace nibble {

namespace lowbit {
struct Format;
} // namespace lowbit

/// A range of bytes; empty if there is no such part.
struct PackedPart {
  uint32_t fileIndex = 0;
  uint64_t offset = 0, byteSize = 0;
  std::string format; ///< "f16", or a row of Packings.def.

  explicit operator bool() const { return byteSize != 0; }
};

struct PackedTensor {
  /// What `nibble inspect` calls it: "gptq-u4".
  std::string label;
  const lowbit::Packing *packing = nullptr;
  /// Instead: codes and scales lie together, in blocks of a file's format.
  const lowbit::Format *blocks = nullptr;

  // The element type.
  lowbit::CodeKind code;
  int64_t group = lowbit::kRowGroup;
  lowbit::ScaleKind scale;
  lowbit::ZeroKind zero;

  PackedPart scales;
  uint64_t scaleRows = 1; ///< Rows that share a scale.
  bool byGroup = false;   ///< All rows of a group side by side.
  double factor = 1;      ///< Each scale is multiplied with it …
  bool inverse = false;   ///< … or it is divided by each.

  PackedPart levels, outerScales; ///< Of scales that are quantized.
  uint64_t outerGroup = 0;
  double outerOffset = 0;

  PackedPart zeros;
  int64_t zeroPlus = 0;

  PackedPart order;
  /// The tensor of the model that says the order of columns, and all its bytes:
  /// weights of one input mostly have the same one.
  std::string orderName, orderBytes;
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_PACKEDTENSOR_H
