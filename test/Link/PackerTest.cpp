//===- PackerTest.cpp - packing and its inverse --------------------------===//

#include "compiler/Link/Packer.h"
#include "test/Link/UnpackPacked.h"

#include <gtest/gtest.h>

#include <random>

using namespace nibble;
using lowbit::Format;
using lowbit::Planes;
using mpgemm::PanelLayout;

static std::vector<uint8_t> randomBytes(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> bytes(size);
  for (uint8_t &byte : bytes)
    byte = uint8_t(random());
  return bytes;
}

static PackSource sourceOf(const Format &format, int64_t k,
                           const std::vector<uint8_t> &bytes) {
  int64_t rowBytes = k / format.blockElements * format.blockBytes;
  auto read = [=, &bytes](int64_t first, int64_t count)
      -> llvm::Expected<llvm::ArrayRef<uint8_t>> {
    return llvm::ArrayRef(bytes).slice(first * rowBytes, count * rowBytes);
  };
  return {&format, int64_t(bytes.size()) / rowBytes, read};
}

/// The packed bytes, or the message of the error.
static std::string pack(const PanelLayout &layout,
                        llvm::ArrayRef<PackSource> sources,
                        std::vector<uint8_t> &packed) {
  packed.clear();
  llvm::Error error =
      packWeight(layout, sources, [&](llvm::ArrayRef<uint8_t> panel) {
        EXPECT_EQ(int64_t(panel.size()), layout.panelBytes());
        packed.insert(packed.end(), panel.begin(), panel.end());
        return llvm::Error::success();
      });
  return llvm::toString(std::move(error));
}

static PanelLayout layoutFor(const Format &format, int64_t n, int64_t k,
                             int64_t nr, int64_t kr) {
  if (format.isFloat)
    return {.n = n, .k = k, .nr = nr, .kr = kr, .element = format.floatKind};
  return {.n = n, .k = k, .nr = nr, .kr = kr,
          .codeBits = format.codeKind().width,
          .codeSigned = format.codeKind().isSigned,
          .group = format.group,
          .superGroup = format.isTwoLevel() ? format.blockElements : 0,
          .hasMin = format.hasMin(),
          .scaleKind = format.floatKind};
}

/// Three rows of 32 codes in panels of two, byte by byte.
TEST(Packer, drawnByHand) {
  const Format &format = *lowbit::findFormat("q4_0");
  std::vector<uint8_t> bytes = randomBytes(3 * 18, 1);
  std::vector<uint8_t> packed;
  PanelLayout layout = layoutFor(format, 3, 32, 2, 4);
  ASSERT_EQ(pack(layout, sourceOf(format, 32, bytes), packed), "");
  ASSERT_EQ(packed.size(), 2u * (2 * 2 + 2 * 16));
  for (int row = 0; row < 4; ++row) {
    const uint8_t *panel = &packed[row / 2 * 36], *block = &bytes[row * 18];
    int r = row % 2;
    for (int byte = 0; byte < 2; ++byte)
      EXPECT_EQ(panel[r * 2 + byte], row < 3 ? block[byte] : 0);
    // Column c of the file lies in the nibbles of byte 2 + c % 16; its packed
    // nibbles are those of columns c and c + 16 of quad c / 4.
    for (int c = 0; c < 16; ++c)
      EXPECT_EQ(panel[4 + c / 4 * 8 + r * 4 + c % 4],
                row < 3 ? block[2 + c] : 0);
  }
}

/// Packing loses nothing, for every format, panel height and kr, with rows that
/// do not fill the last panel and two sources that meet inside a panel.
TEST(Packer, roundTrip) {
  int checked = 0;
  for (const Format &format : lowbit::formats()) {
    if (format.isFloat)
      continue;
    for (int64_t nr : {4, 8, 16})
      for (int64_t kr : {1, 2, 4, 8}) {
        const int64_t rows[] = {5, 14}, k = 512;
        PanelLayout layout = layoutFor(format, 19, k, nr, kr);
        if (layout.check())
          continue;
        ++checked;
        int64_t rowBytes = k / format.blockElements * format.blockBytes;
        std::vector<uint8_t> first = randomBytes(rows[0] * rowBytes, 2);
        std::vector<uint8_t> second = randomBytes(rows[1] * rowBytes, 3);
        std::vector<uint8_t> packed;
        ASSERT_EQ(pack(layout,
                       {sourceOf(format, k, first),
                        sourceOf(format, k, second)},
                       packed),
                  "");
        ASSERT_EQ(int64_t(packed.size()), layout.totalBytes());
        Planes expected, found;
        first.insert(first.end(), second.begin(), second.end());
        unpackBlocks(format, first, 19 * k / format.blockElements, expected);
        unpackPacked(layout, packed, found);
        EXPECT_EQ(found.codes, expected.codes) << format.name << " kr " << kr;
        EXPECT_EQ(found.subScale, expected.subScale) << format.name;
        EXPECT_EQ(found.subMin, expected.subMin) << format.name;
        EXPECT_EQ(found.scale, expected.scale) << format.name;
        EXPECT_EQ(found.min, expected.min) << format.name;
      }
  }
  EXPECT_GT(checked, 100);
}

/// Codes as indices: the same parts come back, from a full panel and a ragged one behind it.
TEST(Packer, lookup) {
  int checked = 0;
  for (const Format &format : lowbit::formats()) {
    if (format.isFloat)
      continue;
    for (int64_t kr : {4, 8, 16}) {
      const int64_t rows = 41, k = 512;
      PanelLayout layout = layoutFor(format, rows, k, 32, kr);
      layout.lookup = true;
      if (layout.check())
        continue;
      ++checked;
      std::vector<uint8_t> bytes = randomBytes(rows * k / format.blockElements * format.blockBytes, 5), packed;
      ASSERT_EQ(pack(layout, {sourceOf(format, k, bytes)}, packed), "");
      Planes expected, found;
      unpackBlocks(format, bytes, rows * k / format.blockElements, expected);
      unpackPacked(layout, packed, found);
      EXPECT_EQ(found.codes, expected.codes) << format.name << " kr " << kr;
      EXPECT_EQ(found.subScale, expected.subScale) << format.name;
      EXPECT_EQ(found.scale, expected.scale) << format.name;
    }
  }
  EXPECT_GT(checked, 5);
}

/// With a bias, i8 codes become u8 codes that are greater by 128.
TEST(Packer, bias) {
  const Format &format = *lowbit::findFormat("q8_0");
  std::vector<uint8_t> bytes = randomBytes(4 * 34, 4), plain, biased;
  PanelLayout layout = layoutFor(format, 4, 32, 4, 4);
  ASSERT_EQ(pack(layout, sourceOf(format, 32, bytes), plain), "");
  layout.bias = 128;
  ASSERT_EQ(pack(layout, sourceOf(format, 32, bytes), biased), "");
  for (int64_t byte = 0; byte < layout.panelBytes(); ++byte)
    EXPECT_EQ(biased[byte], byte < layout.codesOffset()
                                ? plain[byte]
                                : uint8_t(int8_t(plain[byte]) + 128));
  Planes expected, found;
  unpackBlocks(format, bytes, 4, expected);
  unpackPacked(layout, biased, found);
  EXPECT_EQ(found.codes, expected.codes);
}

/// Codebooks that come with a weight stand before the records of each panel.
TEST(Packer, storedCodebooks) {
  for (bool perRow : {false, true})
    for (int64_t entry : {1, 2, 4}) {
      PanelLayout layout{.n = 5, .k = 64, .nr = 4, .kr = 4, .codeBits = 3,
                         .group = 32, .bookEntryBytes = entry,
                         .bookPerRow = perRow};
      ASSERT_EQ(layout.check(), nullptr);
      auto partsOf = [&](int64_t first, int64_t count) {
        Planes parts;
        parts.codes = randomBytes(count * 64, unsigned(first));
        for (uint8_t &code : parts.codes)
          code &= 7;
        parts.scale.assign(count * 2, 0x3c00u + uint32_t(first));
        // Equal for all rows, or not.
        parts.books = randomBytes(8 * entry, 9);
        for (int64_t row = 1; perRow && row < count; ++row)
          for (int64_t at = 0; at < 8 * entry; ++at)
            parts.books.push_back(uint8_t(parts.books[at] + first + row));
        return parts;
      };
      Planes current, found;
      PackSource source;
      source.rows = 5;
      source.readParts = [&](int64_t first, int64_t count)
          -> llvm::Expected<const Planes *> {
        current = partsOf(first, count);
        return &current;
      };
      std::vector<uint8_t> packed;
      ASSERT_EQ(pack(layout, source, packed), "");
      ASSERT_EQ(int64_t(packed.size()), layout.totalBytes());
      // The second panel has the fifth row, and the shared codebook once more.
      Planes first = partsOf(0, 4), last = partsOf(4, 1);
      for (int64_t code = 0; code < 8; ++code)
        EXPECT_EQ(packed[layout.panelOffset(1) + layout.bookOffset(code)],
                  last.books[code * entry]);
      unpackPacked(layout, packed, found);
      first.codes.insert(first.codes.end(), last.codes.begin(),
                         last.codes.end());
      EXPECT_EQ(found.codes, first.codes);
      if (perRow)
        first.books.insert(first.books.end(), last.books.begin(),
                           last.books.end());
      EXPECT_EQ(found.books, first.books);
      source.readParts = [&](int64_t row, int64_t count)
          -> llvm::Expected<const Planes *> {
        current = partsOf(row, count);
        current.books.pop_back();
        return &current;
      };
      EXPECT_NE(pack(layout, source, packed).find("bytes of codebooks"),
                std::string::npos);
    }
}

/// Rows that only fill up the last panel add nothing.
TEST(Packer, padding) {
  const Format &format = *lowbit::findFormat("q4_k");
  std::vector<uint8_t> bytes = randomBytes(144, 5), packed;
  PanelLayout layout = layoutFor(format, 1, 256, 16, 4);
  ASSERT_EQ(pack(layout, sourceOf(format, 256, bytes), packed), "");
  layout.n = 16;
  Planes found;
  unpackPacked(layout, packed, found);
  for (int64_t index = 256; index < 16 * 256; ++index)
    ASSERT_EQ(found.codes[index], 0);
  for (int64_t row = 1; row < 16; ++row) {
    EXPECT_EQ(found.scale[row], 0);
    EXPECT_EQ(found.min[row], 0);
    EXPECT_EQ(found.subScale[row * 8], 0);
    EXPECT_EQ(found.subMin[row * 8 + 7], 0);
  }
}

/// Float weights keep their bits; f32 elements hold the values of any format.
TEST(Packer, floats) {
  const int64_t n = 5, k = 64;
  for (const char *name : {"f32", "f16", "bf16", "q4_0", "q8_0", "q5_1"}) {
    const Format &format = *lowbit::findFormat(name);
    std::vector<uint8_t> bytes =
        randomBytes(n * k / format.blockElements * format.blockBytes, 6);
    for (size_t byte = 1; byte < bytes.size(); byte += 2)
      bytes[byte] &= 0xbf; // neither infinite nor NaN, in any format
    std::vector<float> expected(n * k), found;
    decodeBlocks(format, bytes, n * k / format.blockElements, expected.data());
    std::vector<uint8_t> packed;
    for (FloatKind kind : {format.floatKind, FloatKind::F32}) {
      if (!format.isFloat && kind != FloatKind::F32)
        continue;
      PanelLayout layout{.n = n, .k = k, .nr = 4, .kr = 1, .element = kind};
      ASSERT_EQ(pack(layout, sourceOf(format, k, bytes), packed), "");
      ASSERT_EQ(int64_t(packed.size()), layout.totalBytes());
      unpackPacked(layout, packed, found);
      EXPECT_EQ(found, expected) << name;
      // Rows 5 … 7 are padding.
      EXPECT_EQ(packed[layout.panelOffset(1) + layout.elementOffset(9, 3)], 0);
    }
  }
}

/// Doubles that are f32 are packed as these, others are an error.
TEST(Packer, doubles) {
  const Format &format = *lowbit::findFormat("f64");
  double numbers[4 * 8];
  for (int index = 0; index < 32; ++index)
    numbers[index] = index / 4.0 - 3;
  std::vector<uint8_t> bytes(sizeof numbers), packed;
  std::memcpy(bytes.data(), numbers, sizeof numbers);
  PanelLayout layout{.n = 4, .k = 8, .nr = 4, .kr = 1};
  PackSource source = sourceOf(format, 8, bytes);
  ASSERT_EQ(pack(layout, source, packed), "");
  std::vector<float> found;
  unpackPacked(layout, packed, found);
  EXPECT_TRUE(std::equal(found.begin(), found.end(), numbers, numbers + 32));
  numbers[17] = 0.1;
  std::memcpy(bytes.data(), numbers, sizeof numbers);
  EXPECT_EQ(pack(layout, source, packed),
            "cannot pack f64: number 17 of these rows is no f32");
}

TEST(Packer, refusals) {
  const Format &q4_0 = *lowbit::findFormat("q4_0");
  const Format &f32 = *lowbit::findFormat("f32");
  std::vector<uint8_t> bytes = randomBytes(4 * 18, 7), packed;
  PackSource source = sourceOf(q4_0, 32, bytes);
  PanelLayout layout = layoutFor(q4_0, 4, 32, 4, 4);

  PanelLayout bad = layout;
  bad.n = 5;
  EXPECT_EQ(pack(bad, source, packed),
            "cannot pack: the sources have 4 rows, the layout 5");
  bad = layout;
  bad.codeBits = 8;
  EXPECT_EQ(pack(bad, source, packed),
            "cannot pack q4_0: its codes, groups or scales are not those of "
            "the layout");
  bad = layout;
  bad.k = 33;
  EXPECT_NE(pack(bad, source, packed).find("multiple of the record"),
            std::string::npos);
  PanelLayout f16{.n = 4, .k = 32, .nr = 4, .kr = 1,
                  .element = FloatKind::F16};
  EXPECT_EQ(pack(f16, source, packed),
            "cannot pack q4_0 as f16 without changing values");
  EXPECT_EQ(pack(f16, PackSource{&f32, 4, source.readRows}, packed),
            "cannot pack f32 as f16 without changing values");
  PanelLayout cut{.n = 4, .k = 48, .nr = 4, .kr = 1};
  EXPECT_EQ(pack(cut, source, packed),
            "cannot pack q4_0: rows of 48 columns are not whole blocks of 32");

  PackSource shortSource = source;
  shortSource.readRows = [&](int64_t, int64_t)
      -> llvm::Expected<llvm::ArrayRef<uint8_t>> {
    return llvm::ArrayRef(bytes).take_front(17);
  };
  EXPECT_EQ(pack(layout, shortSource, packed),
            "cannot pack: 4 rows of q4_0 need 72 bytes, found 17");
  PackSource failing = source;
  failing.readRows = [&](int64_t, int64_t)
      -> llvm::Expected<llvm::ArrayRef<uint8_t>> {
    return llvm::createStringError("the file ends");
  };
  EXPECT_EQ(pack(layout, failing, packed), "the file ends");
  llvm::Error error =
      packWeight(layout, source, [](llvm::ArrayRef<uint8_t>) {
        return llvm::createStringError("disk full");
      });
  EXPECT_EQ(llvm::toString(std::move(error)), "disk full");
}
