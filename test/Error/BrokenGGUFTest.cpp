//===- BrokenGGUFTest.cpp - What is said of damaged model files -----------===//
//
// One row for each kind of damage that test/Inputs/gguf_breaks.py knows: the
// exit code (3 malformed, 4 unsupported) and the words that tell the user what
// is wrong. A kind without a row, or a row without a kind, fails.
//
//===----------------------------------------------------------------------===//

#include "test/Import/TinyModel.h"

#include "compiler/Import/Inspect.h"

#include <map>

using namespace nibble;
using namespace nibble::test;

namespace {

struct Expectation {
  const char *kind;
  int exitCode;
  const char *message;
};

const Expectation expectations[] = {
    // Truncation.
    {"empty", 3, "at byte 0: magic number: expected 4 bytes"},
    {"cut-magic", 3, "at byte 0: magic number: expected 4 bytes"},
    {"cut-version", 3, "at byte 4: version: expected 4 bytes"},
    {"cut-counts", 3, "at byte 16: metadata count: expected 8 bytes"},
    {"cut-key", 3, "metadata count: found a count of 22, expected at most"},
    {"cut-value", 3, "metadata count: found a count of 22, expected at most"},
    {"cut-array", 3, "'tokenizer.ggml.token_type': found a count of 279"},
    {"cut-strings", 3, "'tokenizer.ggml.tokens': found a count of 279"},
    {"cut-tensor-info", 3,
     "'blk.1.ffn_down.weight': dimension: expected 8 bytes, found the end"},
    {"cut-before-data", 3,
     "'token_embd.weight': expected 11160 bytes of data in the file"},
    {"cut-data", 3, "'output_norm.weight': expected 256 bytes of data"},

    // The header.
    {"magic", 3, "at byte 0: magic number: expected 'GGUF', found 'GGML'"},
    {"version-0", 3, "at byte 4: version: expected 2 or 3, found 0"},
    {"version-1", 4, "at byte 4: version: expected 2 or 3, found 1; convert"},
    {"version-99", 4, "at byte 4: version: expected 2 or 3, found 99"},
    {"big-endian", 4, "at byte 4: byte order: expected a little-endian file"},
    {"tensor-count", 3, "at byte 8: tensor count: expected at most 65536"},
    {"tensor-count-plausible", 3, "tensor count: found a count of 60000"},
    {"pair-count", 3, "at byte 16: metadata count: expected at most 65536"},
    {"pair-count-plausible", 3, "metadata count: found a count of 65000"},

    // Keys and values.
    {"key-length", 3, "key 2: expected a length of at most 65535"},
    {"key-empty", 3, "key 3: expected a name, found none"},
    {"key-nul", 3, "key 'a\\x00b': expected text, found a NUL byte"},
    {"key-duplicate", 3,
     "'llama.block_count': expected each key once, found it again (first at"},
    {"value-type", 3, "expected a value type from 0 to 12, found 13"},
    {"value-bool", 3, "expected a bool of 0 or 1, found 2"},
    {"string-length", 3,
     "'general.name': expected a length of at most 16777216, found "
     "9223372036854775808"},
    {"string-length-wraps", 3, "found 18446744073709551608"},
    {"array-length", 3,
     "expected an array of at most 16777216 elements, found "
     "4611686018427387904"},
    {"array-length-plausible", 3,
     "'tokenizer.ggml.tokens': found a count of 1048576, expected at most"},
    {"array-of-arrays", 4, "found an array of arrays"},
    {"array-element-type", 3, "expected a value type from 0 to 12, found 77"},
    {"alignment-zero", 3, "expected a power of two from 8 to 65536, found 0"},
    {"alignment-odd", 3, "expected a power of two from 8 to 65536, found 48"},
    {"alignment-huge", 3, "from 8 to 65536, found 2147483648"},
    {"alignment-type", 3, "'general.alignment': expected a u32, found string"},

    // The tensor table.
    {"tensor-name-long", 3,
     "tensor 2: expected a length of at most 64, found 65"},
    {"tensor-name-empty", 3, "tensor 2: expected a name, found ''"},
    {"tensor-duplicate", 3,
     "'blk.0.attn_q.weight': expected each tensor once, found it again"},
    {"dims-none", 3, "expected 1 to 4 dimensions, found 0"},
    {"dims-many", 3, "expected 1 to 4 dimensions, found 5"},
    {"dims-zero", 3, "dimension 0: expected at least 1 and less than 2^63"},
    {"dims-negative", 3, "less than 2^63, found 18446744073709551552"},
    {"dims-overflow", 3,
     "expected a size below 2^63, found dimensions 1099511627776 x "
     "1099511627776"},
    {"dims-ragged", 3,
     "expected rows of a multiple of 32 elements for q4_1, found dimensions "
     "63 x 64"},
    {"type-unknown", 4, "unsupported tensor type: expected the id of a known "
                        "storage type, found 12345"},
    {"type-withdrawn", 4, "found q4_0_4_4 (id 31), which ggml has withdrawn"},
    {"type-unsupported", 4,
     "'blk.0.attn_q.weight': unsupported tensor type: expected one of f32, "},
    {"type-integer", 4, "; found i32"},
    {"offset-unaligned", 3,
     "expected an offset that is a multiple of the alignment 32, found 16"},
    {"offset-far", 3, "at offset 1099511627776 after byte"},
    {"offset-wraps", 3, "at offset 18446744073709551584 after byte"},
    {"overlap", 3, "'blk.1.ffn_down.weight': expected data after that of "
                   "tensor 'token_embd.weight'"},

    // What the model says.
    {"no-architecture", 3, "'general.architecture': expected in the metadata"},
    {"architecture-unknown", 4,
     "expected one of llama; found 'mamba\\x1B[31m'"},
    {"architecture-type", 3, "expected a string, found u32"},
    {"no-layers", 3, "'llama.block_count': expected in the metadata"},
    {"layers-type", 3, "'llama.block_count': expected an integer, found f32"},
    {"layers-zero", 3, "'llama.block_count': expected an integer from 1"},
    {"layers-absurd", 3, "found 4000000000"},
    {"layers-too-few", 4, "expected the tensors of 1 llama layers, found one"},
    {"layers-too-many", 3, "'blk.2.attn_norm.weight': expected 64, found no"},
    {"heads-zero", 3, "'llama.attention.head_count': expected an integer from"},
    {"heads-indivisible", 3, "expected a divisor of the 3 heads, found 2"},
    {"kv-heads-indivisible", 3, "expected a divisor of the 4 heads, found 3"},
    {"kv-heads-negative", 3, "found -2"},
    {"context-zero", 3, "'llama.context_length': expected an integer from 1"},
    {"epsilon-nan", 3, "expected a number from 0 to 1, found nan"},
    {"epsilon-negative", 3, "expected a number from 0 to 1, found -1"},
    {"rope-base-zero", 3, "'llama.rope.freq_base': expected a finite number"},
    {"rope-dims-odd", 3, "expected an even number, found 7"},
    {"rope-dims-large", 3, "expected an integer from 2 to 16, found 128"},
    {"rope-scaling-unknown", 4,
     "expected none, linear, llama3 or yarn, found 'longrope'"},
    {"rope-factor-zero", 3, "'llama.rope.scaling.factor': expected a finite"},
    {"experts", 4, "expected no experts, found a mixture of 8"},
    {"sliding-window", 4, "expected attention to all 128 positions, found a "
                          "window of 32"},
    {"no-embedding", 3, "'token_embd.weight': expected the embedding table"},
    {"no-query", 3, "'blk.0.attn_q.weight': expected 64 x 64, found no such"},
    {"no-norm", 3, "'output_norm.weight': expected 64, found no such tensor"},
    {"query-shape", 3, "expected dimensions 64 x 64, found 32 x 128"},
    {"query-rank", 3, "expected dimensions 64 x 64, found 64 x 8 x 8"},
    {"norm-shape", 3, "expected dimensions 64, found 32"},
    {"norm-type", 4, "expected f32 for a vector, found q4_0"},
    {"tensor-surplus", 4, "'blk.1.attn_q_norm.weight': unsupported: expected"},
    {"embedding-shape", 3,
     "expected one row for each of the 279 tokens, found 278"},

    // The tokenizer.
    {"no-tokenizer", 3, "'tokenizer.ggml.model': expected in the metadata"},
    {"tokenizer-unknown", 4, "expected gpt2 or llama, found 'rwkv'"},
    {"tokens-type", 3, "expected an array of string, found array of u32"},
    {"token-types-short", 3,
     "expected one entry for each of the 279 tokens, found 5"},
    {"bos-out-of-range", 3, "expected an integer from 0 to 278, found 1000000"},
    {"eos-out-of-range", 3,
     "expected an integer from 0 to 278, found 4294967294"},
    {"eos-negative", 3, "expected an integer from 0 to 278, found -5"},
    {"add-bos-type", 3, "expected a bool, found u32"},
    {"template-type", 3, "expected a string, found array of string"},

    // Parts.
    {"split-part-missing", 3, "to be named PREFIX-00001-of-00002.gguf"},
    {"split-count-absurd", 3, "expected an integer from 0 to 512, found 65535"},
    {"split-second-part", 3, "name the first part instead"},
};

using BrokenGGUFTest = TinyModel;

TEST_F(BrokenGGUFTest, EveryKindIsRefusedWithItsReason) {
  make("--break all");
  std::map<std::string, const Expectation *> rows;
  for (const Expectation &expectation : expectations)
    EXPECT_TRUE(rows.emplace(expectation.kind, &expectation).second)
        << expectation.kind;

  size_t files = 0;
  for (const auto &entry : std::filesystem::directory_iterator(directory)) {
    std::string kind = entry.path().stem().string();
    SCOPED_TRACE(kind);
    ++files;
    auto row = rows.find(kind);
    if (row == rows.end()) {
      ADD_FAILURE() << "no expectation for this kind of damage";
      continue;
    }
    std::string message;
    int exitCode = 0;
    auto file = GGUFFile::open(entry.path().string());
    if (!file) {
      exitCode = takeImportError(file.takeError(), message);
    } else {
      Inspection inspection = inspectModel(**file);
      exitCode = inspection.exitCode;
      message = inspection.problem;
    }
    EXPECT_EQ(exitCode, row->second->exitCode) << message;
    EXPECT_NE(message.find(row->second->message), std::string::npos)
        << message;
    // Every message starts with the file; nothing of it drives a terminal.
    EXPECT_EQ(message.rfind(entry.path().string() + ": ", 0), 0u) << message;
    EXPECT_EQ(message.find('\x1b'), std::string::npos);
  }
  EXPECT_EQ(files, rows.size());
}

} // namespace
