//===- GGUFTest.cpp - The reader of GGUF files ----------------------------===//
//
// Good files: every value type, both versions, alignment, parts. Damaged files
// are in test/Error.
//
//===----------------------------------------------------------------------===//

#include "test/Import/TinyModel.h"

#include "dialects/LowBit/Formats.h"

#include <cmath>
#include <fstream>

using namespace nibble;
using namespace nibble::test;

namespace {

using GGUFTest = TinyModel;

/// The generator writes each type at an end of its range; a narrow signed
/// value must come out sign-extended and an unsigned one must not.
TEST_F(GGUFTest, WidensEveryScalarType) {
  auto file = openTiny("--every-type");
  ASSERT_TRUE(file);
  auto bits = [&](int type) {
    return file->find("test.value" + std::to_string(type))->bits;
  };
  EXPECT_EQ(bits(0), 255u);
  EXPECT_EQ(static_cast<int64_t>(bits(1)), -128);
  EXPECT_EQ(bits(2), 65535u);
  EXPECT_EQ(static_cast<int64_t>(bits(3)), -32768);
  EXPECT_EQ(bits(4), 4294967295u);
  EXPECT_EQ(static_cast<int64_t>(bits(5)), INT32_MIN);
  EXPECT_EQ(bits(10), UINT64_MAX);
  EXPECT_EQ(static_cast<int64_t>(bits(11)), INT64_MIN);
  EXPECT_EQ(take(file->getFloat("test.value6")), 0.5);
  EXPECT_EQ(take(file->getFloat("test.value12")), 1e300);
  EXPECT_EQ(take(file->findBool("test.value7")), true);
  EXPECT_EQ(take(file->getString("test.value8")), "text");
}

TEST_F(GGUFTest, ReadsArraysOfEveryType) {
  auto file = openTiny("--every-type");
  ASSERT_TRUE(file);
  const std::vector<uint64_t> *ints = take(file->findInts("test.array5"));
  ASSERT_TRUE(ints);
  EXPECT_EQ(*ints, std::vector<uint64_t>(3, static_cast<uint64_t>(INT32_MIN)));
  const std::vector<double> *reals = take(file->findFloats("test.array12"));
  ASSERT_TRUE(reals);
  EXPECT_EQ(*reals, std::vector<double>(3, 1e300));
  const StringTable *strings = take(file->findStrings("test.array8"));
  ASSERT_TRUE(strings);
  ASSERT_EQ(strings->size(), 3u);
  EXPECT_EQ((*strings)[0], "text");
  EXPECT_EQ((*strings)[2], "text");
  EXPECT_TRUE(take(file->findStrings("test.empty"))->empty());
  EXPECT_EQ(file->find("test.array7")->numbers, std::vector<uint64_t>(3, 1));
}

TEST_F(GGUFTest, AbsentKeysAreNotErrorsUnlessRequired) {
  auto file = openTiny();
  ASSERT_TRUE(file);
  EXPECT_EQ(take(file->findUInt("no.key")), std::nullopt);
  EXPECT_EQ(take(file->findStrings("no.key")), nullptr);
  Failure failure = failureOf(file->getUInt("no.key"));
  EXPECT_EQ(failure.exitCode, 3);
  EXPECT_NE(failure.message.find("key 'no.key': expected"), std::string::npos);
}

/// A float is never taken for an integer, nor the reverse; and a value outside
/// of the asked range is an error that says both.
TEST_F(GGUFTest, GettersCheckTypeAndRange) {
  auto file = openTiny("--every-type");
  ASSERT_TRUE(file);
  EXPECT_EQ(failureOf(file->findUInt("test.value6")).exitCode, 3);
  EXPECT_EQ(failureOf(file->findFloat("test.value4")).exitCode, 3);
  EXPECT_EQ(failureOf(file->findBool("test.value0")).exitCode, 3);
  EXPECT_EQ(failureOf(file->findStrings("test.array4")).exitCode, 3);
  EXPECT_EQ(failureOf(file->findInts("test.array6")).exitCode, 3);
  std::string message = failureOf(file->findUInt("test.value1")).message;
  EXPECT_NE(message.find("from 0 to 4294967295, found -128"),
            std::string::npos)
      << message;
  message = failureOf(file->findUInt("test.value0", 0, 254)).message;
  EXPECT_NE(message.find("from 0 to 254, found 255"), std::string::npos)
      << message;
}

TEST_F(GGUFTest, VersionsDifferInTheirNumberOnly) {
  auto two = openTiny("--gguf-version 2");
  ASSERT_TRUE(two);
  EXPECT_EQ(two->getVersion(), 2u);
  auto three = openTiny();
  ASSERT_TRUE(three);
  EXPECT_EQ(three->getVersion(), 3u);
  EXPECT_EQ(two->tensors().size(), three->tensors().size());
  EXPECT_EQ(two->keys().size(), three->keys().size());
}

TEST_F(GGUFTest, TensorsLieWhereTheyWereWritten) {
  for (const char *alignment : {"8", "32", "4096"}) {
    auto file = openTiny("--type f32 --alignment " + std::string(alignment));
    ASSERT_TRUE(file);
    const GGUFTensor *norm = file->findTensor("blk.1.attn_norm.weight");
    ASSERT_TRUE(norm);
    EXPECT_EQ(norm->offset % std::stoul(alignment), 0u);
    EXPECT_EQ(norm->byteSize, 64 * sizeof(float));
    float values[64];
    llvm::MutableArrayRef<uint8_t> bytes(reinterpret_cast<uint8_t *>(values),
                                         sizeof values);
    ASSERT_FALSE(file->readAt(norm->fileIndex, norm->offset, bytes));
    // Norm weights are N(1, 0.1): any misplaced read is far outside.
    for (float value : values)
      EXPECT_NEAR(value, 1, 0.6);
  }
}

TEST_F(GGUFTest, PartsGiveTheTensorsOfTheWhole) {
  auto whole = openTiny();
  make("--split 3");
  auto parts = open(pathOf("tiny-00001-of-00003.gguf"));
  ASSERT_TRUE(whole && parts);
  EXPECT_EQ(parts->getFileCount(), 3u);
  ASSERT_EQ(parts->tensors().size(), whole->tensors().size());
  for (const GGUFTensor &tensor : whole->tensors()) {
    const GGUFTensor *other = parts->findTensor(tensor.name);
    ASSERT_TRUE(other) << tensor.name;
    ASSERT_EQ(other->byteSize, tensor.byteSize);
    std::vector<uint8_t> a(tensor.byteSize), b(tensor.byteSize);
    ASSERT_FALSE(whole->readAt(tensor.fileIndex, tensor.offset, a));
    ASSERT_FALSE(parts->readAt(other->fileIndex, other->offset, b));
    EXPECT_EQ(a, b) << tensor.name;
  }
}

TEST_F(GGUFTest, PartsMustAgree) {
  make("--split 3");
  std::string first = pathOf("tiny-00001-of-00003.gguf");
  std::string third = pathOf("tiny-00003-of-00003.gguf");
  // The second part in the place of the third.
  std::filesystem::copy_file(pathOf("tiny-00002-of-00003.gguf"), third,
                             std::filesystem::copy_options::overwrite_existing);
  Failure failure = failureOf(GGUFFile::open(first));
  EXPECT_EQ(failure.exitCode, 3);
  EXPECT_NE(failure.message.find("key 'split.no': expected 2"),
            std::string::npos)
      << failure.message;
  std::filesystem::remove(third);
  failure = failureOf(GGUFFile::open(first));
  EXPECT_EQ(failure.exitCode, 1);
  EXPECT_NE(failure.message.find("tiny-00003-of-00003.gguf: cannot open"),
            std::string::npos)
      << failure.message;
}

TEST_F(GGUFTest, ReadsStayInsideTheFile) {
  auto file = openTiny();
  ASSERT_TRUE(file);
  uint8_t bytes[16];
  uint64_t size = file->getFile(0).getSize();
  EXPECT_FALSE(file->readAt(0, size - 16, bytes));
  for (uint64_t offset : {size - 15, size, size + 1, UINT64_MAX - 8}) {
    std::string message;
    EXPECT_EQ(takeImportError(file->readAt(0, offset, bytes), message), 3);
  }
  EXPECT_EQ(llvm::toString(file->readAt(1, 0, bytes)).find("expected a part"),
            file->getPath().size() + 2);
}

TEST_F(GGUFTest, OpensRegularFilesOnly) {
  EXPECT_EQ(failureOf(GGUFFile::open(pathOf("none.gguf"))).exitCode, 1);
  Failure failure = failureOf(GGUFFile::open(directory.string()));
  EXPECT_EQ(failure.exitCode, 1);
  EXPECT_NE(failure.message.find("found a directory"), std::string::npos);
  EXPECT_EQ(failureOf(GGUFFile::open("/dev/zero")).exitCode, 1);
}

/// The reader's table of extents and the table of formats describe the same
/// bytes.
TEST(GGMLTypes, AgreeWithTheFormatTable) {
  ASSERT_FALSE(lowbit::formats().empty());
  for (const lowbit::Format &format : lowbit::formats()) {
    const GGMLType *type = findGGMLType(format.ggufId);
    ASSERT_TRUE(type) << format.name;
    EXPECT_EQ(type->name, format.name);
    EXPECT_EQ(type->blockElements, format.blockElements) << format.name;
    EXPECT_EQ(type->blockBytes, format.blockBytes) << format.name;
  }
}

TEST(ImportError, NamesFromTheFileAreEscaped) {
  EXPECT_EQ(quote("plain"), "'plain'");
  EXPECT_EQ(quote("\x1b[31m'\\"), "'\\x1B[31m\\x27\\x5C'");
  EXPECT_LT(quote(std::string(100000, 'x')).size(), 100u);
}

} // namespace
