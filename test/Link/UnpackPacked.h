//===- UnpackPacked.h - what a packed weight holds -------------*- C++ -*-===//
//
// The inverse of packWeight(), by the definition of the layout and slowly: what the packer's tests compare with.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_TEST_LINK_UNPACKPACKED_H
#define NIBBLE_TEST_LINK_UNPACKPACKED_H

#include "dialects/LowBit/Formats.h"
#include "dialects/MPGEMM/PanelLayout.h"

#include <vector>

namespace nibble {

/// The parts of layout.n rows, as unpackBlocks() of the rows in file order gives them.
void unpackPacked(const mpgemm::PanelLayout &layout, llvm::ArrayRef<uint8_t> packed, lowbit::Planes &planes);

/// The same for a float layout: layout.n × layout.k values.
void unpackPacked(const mpgemm::PanelLayout &layout, llvm::ArrayRef<uint8_t> packed, std::vector<float> &values);

} // namespace nibble

#endif // NIBBLE_TEST_LINK_UNPACKPACKED_H
