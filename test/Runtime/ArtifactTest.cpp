// Writer and reader of artifacts: the round trip, every kind of damage, and what a failed write leaves behind.
#include "runtime/platform/Artifact.h"

#include "compiler/Import/Text/TokenizerBuilder.h"
#include "compiler/Link/ArtifactWriter.h"
#include "test/Runtime/FakeTokenizer.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <csignal>

using namespace nibble;
using llvm::toString;
namespace fs = std::filesystem;

namespace {

class ArtifactTest : public testing::Test {
protected:
  void SetUp() override {
    directory = fs::temp_directory_path() / ("nibble-artifact-" + std::to_string(getpid()));
    fs::create_directories(directory);
    elf = (directory / "elf").string();
    out = (directory / "out").string();
    write(elf, std::string("\177ELF") + std::string(100000, 'e'));
    description.modelName = "m";
    description.vocab = 286;
    description.context = 64;
    description.chunk = 8;
    description.triple = "x86_64-linux-gnu";
    description.features = {"sse2"};
    description.tokenizer = [](flatbuffers::FlatBufferBuilder &b) { return buildTokenizer(test::fakeTokenizer(), b); };
  }
  void TearDown() override { fs::remove_all(directory); }

  static void write(const std::string &path, const std::string &bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  static std::string read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// Writes a program with `weights`; the error's text, or empty.
  std::string make(const std::string &weights) {
    auto writer = ArtifactWriter::create(out, elf);
    if (!writer)
      return toString(writer.takeError());
    for (size_t i = 0; i < weights.size(); i += 1000) // pieces do not matter
      if (auto error = (*writer)->append(weights.data() + i, std::min<size_t>(1000, weights.size() - i)))
        return toString(std::move(error));
    if (auto error = (*writer)->align(64))
      return toString(std::move(error));
    llvm::ArrayRef<uint8_t> section(reinterpret_cast<const uint8_t *>(prefix.data()), prefix.size());
    if (auto error = (*writer)->finish(description, section))
      return toString(std::move(error));
    writtenTableBytes = (*writer)->tableBytes();
    return "";
  }
  std::string openError(const std::string &path) {
    rt::Artifact artifact;
    rt::Status status = artifact.open(path.c_str(), "prog");
    if (!status.failed())
      return "";
    EXPECT_EQ(status.code(), rt::Exit::Damaged);
    return status.text();
  }
  size_t filesInDirectory() {
    return size_t(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
  }

  fs::path directory;
  std::string elf, out, prefix;
  uint64_t writtenTableBytes = 0;
  ArtifactDescription description;
};

TEST_F(ArtifactTest, RoundTrip) {
  std::string weights(5000, 'w');
  ASSERT_EQ(make(weights), "");
  EXPECT_EQ(read(out).substr(0, 100004), read(elf));
  EXPECT_EQ(access(out.c_str(), X_OK), 0);
  rt::Artifact artifact;
  ASSERT_FALSE(artifact.open(out.c_str(), "prog").failed());
  EXPECT_EQ(artifact.weightSize(), 5056u); // to 64
  ASSERT_FALSE(artifact.loadWeights(rt::Residency::Map).failed());
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(artifact.weights()), 5000), weights);
  EXPECT_EQ(artifact.description().weights()->offset(), 131072u);
  EXPECT_EQ(artifact.description().model_name()->str(), "m");
  EXPECT_FALSE(artifact.verify().failed());
  EXPECT_EQ(filesInDirectory(), 2u); // no temporary file
  rt::Artifact copy;
  ASSERT_FALSE(copy.open(out.c_str(), "prog").failed());
  ASSERT_FALSE(copy.loadWeights(rt::Residency::Read).failed());
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(copy.weights()), 5000), weights);
}

TEST_F(ArtifactTest, EqualInputsGiveEqualFiles) {
  ASSERT_EQ(make("abc"), "");
  std::string first = read(out);
  ASSERT_EQ(make("abc"), "");
  EXPECT_EQ(read(out), first);
}

TEST_F(ArtifactTest, EveryTruncationIsFound) {
  ASSERT_EQ(make(std::string(100, 'w')), "");
  std::string whole = read(out);
  for (size_t size : {size_t(0), size_t(63), size_t(64), size_t(100000), whole.size() - 64, whole.size() - 1}) {
    write(out + "2", whole.substr(0, size));
    EXPECT_NE(openError(out + "2"), "") << size;
  }
  write(out + "2", whole + "x");
  EXPECT_NE(openError(out + "2"), "");
  // The trailer alone survives: its offsets lead nowhere.
  write(out + "2", whole.substr(0, 1000) + whole.substr(whole.size() - 64));
  EXPECT_EQ(openError(out + "2"), "prog is damaged: its size does not fit its trailer (truncated or extended); copy or "
                                  "compile the program again");
}

TEST_F(ArtifactTest, EveryFlippedByteOfDescriptionAndTrailerIsFound) {
  ASSERT_EQ(make("abc"), "");
  std::string whole = read(out);
  size_t begin = 131072 + 64; // behind the weights
  ASSERT_GT(whole.size(), begin + 1000);
  for (size_t i = begin; i < whole.size(); i += i + 200 < whole.size() ? 97 : 1) {
    std::string damaged = whole;
    damaged[i] ^= 0x10;
    write(out + "2", damaged);
    EXPECT_NE(openError(out + "2"), "") << i;
  }
}

TEST_F(ArtifactTest, AFlippedWeightIsFoundByVerify) {
  ASSERT_EQ(make(std::string(3000, 'w')), "");
  std::string whole = read(out);
  whole[131072 + 1234] ^= 1;
  write(out, whole);
  rt::Artifact artifact;
  ASSERT_FALSE(artifact.open(out.c_str(), "prog").failed());
  EXPECT_EQ(artifact.verify().code(), rt::Exit::Damaged);
}

TEST_F(ArtifactTest, APrefixLiesBetweenWeightsAndDescription) {
  prefix = std::string(1001, 'p');
  ASSERT_EQ(make("abc"), "");
  rt::Artifact artifact;
  ASSERT_FALSE(artifact.open(out.c_str(), "prog").failed());
  ASSERT_TRUE(artifact.prefix());
  EXPECT_EQ(artifact.prefix()->offset(), 131072u + 64);
  EXPECT_EQ(artifact.prefixBytes(), 1001u);
  std::string bytes(1001, ' ');
  ASSERT_FALSE(artifact.read(bytes.data(), bytes.size(), artifact.prefix()->offset()).failed());
  EXPECT_EQ(bytes, prefix);
  EXPECT_FALSE(artifact.verify().failed());
  EXPECT_EQ(artifact.fileSize(), 131072u + 64 + 1001 + artifact.tableBytes());
}

// The plan counts the tables before there is a file: their size may not depend on what is only known then.
TEST_F(ArtifactTest, TheSizeOfTheTablesIsKnownBefore) {
  for (size_t bytes : {0, 7, 64}) {
    prefix = std::string(bytes, 'p');
    auto planned = countTableBytes(description, 64, bytes);
    ASSERT_TRUE(bool(planned));
    description.sourceHash = std::string(64, 'f');
    description.stateIdentity = 99;
    ASSERT_EQ(make("abc"), "");
    rt::Artifact artifact;
    ASSERT_FALSE(artifact.open(out.c_str(), "prog").failed());
    EXPECT_EQ(artifact.tableBytes(), *planned) << bytes;
    EXPECT_EQ(writtenTableBytes, *planned);
  }
}

// What another process does to the file while it is written is found when it is read back.
TEST_F(ArtifactTest, AWriteThatWasLostIsFound) {
  write(out, "old");
  auto writer = ArtifactWriter::create(out, elf);
  ASSERT_TRUE(bool(writer));
  std::string weights(3 << 20, 'w'); // more than is kept back
  llvm::cantFail((*writer)->append(weights.data(), weights.size()));
  for (auto &entry : fs::directory_iterator(directory))
    if (entry.path().string().find(".tmp-") != std::string::npos) {
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(131072 + 5);
      file << 'x';
    }
  EXPECT_EQ(toString((*writer)->finish(description)),
            "cannot write " + out + ": its section 'weights' is not what was written when read back");
  writer->reset();
  EXPECT_EQ(read(out), "old");
  EXPECT_EQ(filesInDirectory(), 2u);
}

TEST_F(ArtifactTest, PartsOutsideTheFileOrTheStateAreRefused) {
  description.stateBytes = 4096;
  description.stateRegions.emplace_back(0, 2, 2048, 16, 128, 16);
  ASSERT_EQ(make("abc"), "");
  EXPECT_EQ(openError(out), "");
  description.stateRegions.emplace_back(2048, 2, 2048, 16, 128, 16);
  ASSERT_EQ(make("abc"), "");
  EXPECT_EQ(openError(out), "the description's part 1 of the state lies outside of it");
  description.stateRegions.back() = schema::StateRegion(0, 1ull << 60, 1ull << 60, 16, 128, 16);
  ASSERT_EQ(make("abc"), "");
  EXPECT_NE(openError(out), "");
}

TEST_F(ArtifactTest, SenselessSizesAreRefused) {
  description.chunk = 65; // beyond the context
  ASSERT_EQ(make("abc"), "");
  EXPECT_NE(openError(out), "");
}

TEST_F(ArtifactTest, TheMachineIsChecked) {
  description.features = {"sse2", "no-such-thing"};
  description.triple = std::string(sizeof(void *) == 8 ? "x86_64" : "") + "-linux-gnu";
  ASSERT_EQ(make("abc"), "");
  rt::Artifact artifact;
  ASSERT_FALSE(artifact.open(out.c_str(), "prog").failed());
  rt::Status status = rt::checkMachine(artifact.description());
  EXPECT_EQ(status.code(), rt::Exit::Unsupported);
  EXPECT_NE(std::string(status.text()).find("no-such-thing"), std::string::npos);
  description.triple = "riscv64-linux-gnu";
  ASSERT_EQ(make("abc"), "");
  rt::Artifact other;
  ASSERT_FALSE(other.open(out.c_str(), "prog").failed());
  EXPECT_EQ(rt::checkMachine(other.description()).code(), rt::Exit::Unsupported);
}

TEST_F(ArtifactTest, FailuresLeaveTheOldFile) {
  write(out, "old");
  // The input is no ELF file.
  write(elf, "text");
  EXPECT_NE(make("abc"), "");
  EXPECT_EQ(read(out), "old");
  // The input does not exist.
  fs::remove(elf);
  EXPECT_NE(make("abc").find("No such file"), std::string::npos);
  EXPECT_EQ(read(out), "old");
  EXPECT_EQ(filesInDirectory(), 1u);
  // A serializer fails after the weights have been written.
  write(elf, "\177ELF");
  description.chat = [](flatbuffers::FlatBufferBuilder &) -> llvm::Expected<flatbuffers::Offset<schema::ChatTemplate>> {
    return llvm::createStringError("no template");
  };
  EXPECT_EQ(make("abc"), "no template");
  EXPECT_EQ(read(out), "old");
  EXPECT_EQ(filesInDirectory(), 2u);
}

TEST_F(ArtifactTest, AnAbandonedWriterLeavesNothing) {
  {
    auto writer = ArtifactWriter::create(out, elf);
    ASSERT_TRUE(bool(writer));
    llvm::cantFail((*writer)->append("abc", 3));
  }
  EXPECT_EQ(filesInDirectory(), 1u);
}

TEST_F(ArtifactTest, AFullDiskIsAnError) {
  write(out, "old");
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 200000;
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  std::string error = make(std::string(1000000, 'w'));
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(error, "cannot write " + out + ": File too large");
  EXPECT_EQ(read(out), "old");
  EXPECT_EQ(filesInDirectory(), 2u);
}

TEST_F(ArtifactTest, PlacesThatCannotBeWrittenAreNamed) {
  out = (directory / "none" / "out").string();
  EXPECT_EQ(make("abc"), "cannot write " + out + ": No such file or directory");
  out = directory.string();
  EXPECT_EQ(make("abc"), "cannot write " + out + ": it is a directory");
  out = "/dev/full";
  EXPECT_EQ(make("abc"), "cannot write /dev/full: it is not a regular file");
}

TEST(Checksum64, DoesNotDependOnPieces) {
  std::string bytes;
  for (int i = 0; i < 300; ++i)
    bytes.push_back(char(i * 37));
  for (size_t size = 0; size <= bytes.size(); size += 7)
    for (size_t piece : {1u, 5u, 32u, 33u, 300u}) {
      schema::Checksum64 sum;
      for (size_t i = 0; i < size; i += piece)
        sum.update(bytes.data() + i, std::min(piece, size - i));
      EXPECT_EQ(sum.value(), schema::checksum64(bytes.data(), size));
    }
  EXPECT_NE(schema::checksum64("a", 1), schema::checksum64("a\0", 2)); // padding is not data
}

} // namespace
