//===- Packer.h - weights from file order into panel order ---------------===//
//
// What: reads the rows of a weight in their storage format and writes them in
// the layout that the kernels read (dialects/MPGEMM/PanelLayout.h).
// Why: weights are held once, in the order of execution; all rearranging is done
// here, at compile time, so that the program maps its weights and starts.
// Contract: streams panel by panel, so memory is bounded by the bytes of one
// panel (nr rows) whatever the size of the weight. Moves bits only: the layout
// holds the numbers that unpackBlocks() gives. Anything that it cannot hold
// exactly is an error.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_LINK_PACKER_H
#define NIBBLE_COMPILER_LINK_PACKER_H

#include "dialects/LowBit/Formats.h"
#include "dialects/MPGEMM/PanelLayout.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <functional>

namespace nibble {

/// Some consecutive rows of a weight, all in one format, or already split into
/// the parts that the layout holds (readParts).
struct PackSource {
  const lowbit::Format *format = nullptr;
  int64_t rows = 0;
  /// The bytes of rows first … first+count-1, K / blockElements · blockBytes
  /// bytes each. They must stay valid until the next call.
  std::function<llvm::Expected<llvm::ArrayRef<uint8_t>>(int64_t first, int64_t count)> readRows;
  /// If set, read in place of readRows: the parts of rows first …
  /// first+count-1. `format` is not looked at then.
  std::function<llvm::Expected<const lowbit::Planes *>(int64_t first, int64_t count)> readParts = nullptr;
};

/// Takes the packed bytes, in order; each call brings one panel.
using PackSink = llvm::function_ref<llvm::Error(llvm::ArrayRef<uint8_t>)>;

/// Packs the rows of all sources, one source after the other, as layout.n rows
/// by layout.k columns. Writes layout.totalBytes() bytes. A float layout takes
/// sources of its own element type, and with f32 elements sources of any format
/// (their decoded values); a low-bit layout takes sources whose codes, groups
/// and scales are exactly the layout's.
llvm::Error packWeight(const mpgemm::PanelLayout &layout, llvm::ArrayRef<PackSource> sources, PackSink sink);

} // namespace nibble

#endif // NIBBLE_COMPILER_LINK_PACKER_H
