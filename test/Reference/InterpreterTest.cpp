//===- InterpreterTest.cpp - whole modules through the oracle ------------===//

#include "compiler/Calibrate/Calibration.h"
#include "test/Reference/TestModule.h"

#include <random>

using namespace nibble;
using namespace nibble::reference;

/// A one-layer model of width 4 with a vocabulary of 6 and a context of 64:
/// fused query, key and value rows from three sources, two heads that share one
/// cached head. `C` stands for the chunk.
static const char modelText[] = R"mlir(
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 4 : i64, heads = 2 : i64, kv_heads = 1 : i64,
  head_dim = 2 : i64, feed_forward = 4 : i64, vocabulary = 6 : i64, context = 64 : i64, chunk = C : i64}
lm.weight @table : tensor<6x4xf32> from [TABLE]
lm.weight @norm : tensor<4xf32> from [NORM]
lm.weight @qkv : tensor<8x4xf32> from [QUERY, KEY, VALUE]
lm.weight @gate : tensor<4x4xf32> from [QUERY]
lm.weight @rope : tensor<65x1x2xf32> from [#lm.rope_table<base = 1.0e+04 : f64, dims = 2, scaling = "none">]
lm.state @k : memref<1x1x64x2xf16>
lm.state @v : memref<1x1x64x2xf16>
lm.state @hidden : memref<CxD4>
FUNCTIONS
func.func @head(%row: index) -> tensor<1x6xf32> {
  %one = arith.constant 1 : index
  %hidden = lm.state_ref @hidden : memref<CxD4>
  %table = lm.weight_ref @table : tensor<6x4xf32>
  %x = lm.state_read %hidden[%row] : (memref<CxD4>, index) -> tensor<1x4xf32>
  %y = lm.linear %x, %table rows %one : (tensor<1x4xf32>, tensor<6x4xf32>, index) -> tensor<1x6xf32>
  return %y : tensor<1x6xf32>
}
)mlir";

/// The layers of an entry point with M rows.
static const char trunkText[] = R"mlir(
func.func private @NAME.layer0(%x: tensor<MxD4>, %pos: index, %n: index, %layer: index, %norm: tensor<4xf32>,
    %qkv: tensor<8x4xf32>, %gate: tensor<4x4xf32>) -> tensor<MxD4> {
  %table = lm.weight_ref @rope : tensor<65x1x2xf32>
  %keys = lm.state_ref @k : memref<1x1x64x2xf16>
  %values = lm.state_ref @v : memref<1x1x64x2xf16>
  %a = lm.rms_norm %x, %norm, %n {epsilon = 1.0e-05 : f64} : (tensor<MxD4>, tensor<4xf32>, index) -> tensor<MxD4>
  %b = lm.linear %a, %qkv rows %n : (tensor<MxD4>, tensor<8x4xf32>, index) -> tensor<Mx8xf32>
  %q = tensor.extract_slice %b[0, 0] [M, 4] [1, 1] : tensor<Mx8xf32> to tensor<MxD4>
  %k = tensor.extract_slice %b[0, 4] [M, 2] [1, 1] : tensor<Mx8xf32> to tensor<Mx2xf32>
  %v = tensor.extract_slice %b[0, 6] [M, 2] [1, 1] : tensor<Mx8xf32> to tensor<Mx2xf32>
  %qr = lm.rope %q, %table at %pos, %n {head_dim = 2 : i64, pairing = #lm.pairing<interleaved>}
    : (tensor<MxD4>, tensor<65x1x2xf32>, index, index) -> tensor<MxD4>
  %kr = lm.rope %k, %table at %pos, %n {head_dim = 2 : i64, pairing = #lm.pairing<interleaved>}
    : (tensor<Mx2xf32>, tensor<65x1x2xf32>, index, index) -> tensor<Mx2xf32>
  lm.kv_append %kr, %v into %keys, %values at (%layer, %pos, %n)
    : tensor<Mx2xf32>, tensor<Mx2xf32>, memref<1x1x64x2xf16>, memref<1x1x64x2xf16>
  %c = lm.attention %qr, %keys, %values at (%layer, %pos, %n) {heads = 2 : i64, kv_heads = 1 : i64, scale = 0.7 : f64}
    : (tensor<MxD4>, memref<1x1x64x2xf16>, memref<1x1x64x2xf16>, index, index, index) -> tensor<MxD4>
  %d = arith.addf %x, %c : tensor<MxD4>
  %e = lm.linear %d, %gate rows %n : (tensor<MxD4>, tensor<4x4xf32>, index) -> tensor<MxD4>
  %f = lm.glu %e, %d, %n {activation = #lm.activation<silu>} : (tensor<MxD4>, tensor<MxD4>, index) -> tensor<MxD4>
  %g = arith.addf %d, %f : tensor<MxD4>
  return %g : tensor<MxD4>
}
func.func @NAME(%tokens: tensor<Mxi32>, %pos: index, %n: index) RESULT {
  %table = lm.weight_ref @table : tensor<6x4xf32>
  %norm = lm.weight_ref @norm : tensor<4xf32>
  %qkv = lm.weight_ref @qkv : tensor<8x4xf32>
  %gate = lm.weight_ref @gate : tensor<4x4xf32>
  %layer = arith.constant 0 : index
  %x = lm.embed %tokens, %table, %n : (tensor<Mxi32>, tensor<6x4xf32>, index) -> tensor<MxD4>
  %y = func.call @NAME.layer0(%x, %pos, %n, %layer, %norm, %qkv, %gate)
    : (tensor<MxD4>, index, index, index, tensor<4xf32>, tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<MxD4>
  END
}
)mlir";

static const char prefillEnd[] = R"mlir(
  %hidden = lm.state_ref @hidden : memref<MxD4>
  lm.state_write %y, %n into %hidden : tensor<MxD4>, memref<MxD4>
  return
)mlir";

static const char decodeEnd[] = R"mlir(
  %z = lm.linear %y, %table rows %n : (tensor<MxD4>, tensor<6x4xf32>, index) -> tensor<Mx6xf32>
  return %z : tensor<Mx6xf32>
)mlir";

static void replaceAll(std::string &text, const std::string &from,
                       const std::string &to) {
  for (size_t at = 0;
       !from.empty() && (at = text.find(from, at)) != std::string::npos;
       at += to.size())
    text.replace(at, from.size(), to);
}

static std::string entryPoint(const char *name, int64_t rows,
                              const char *result, const char *end) {
  std::string text = trunkText;
  replaceAll(text, "END", end);
  replaceAll(text, "NAME", name);
  replaceAll(text, "RESULT", result);
  replaceAll(text, "tensor<Mx", "tensor<" + std::to_string(rows) + "x");
  replaceAll(text, "memref<Mx", "memref<" + std::to_string(rows) + "x");
  replaceAll(text, "[M, ", "[" + std::to_string(rows) + ", ");
  return text;
}

static std::string modelWithChunk(TestModule &test, int64_t chunk) {
  std::string text = modelText;
  std::mt19937 random(7);
  auto weights = [&](size_t count) {
    std::vector<float> values(count);
    for (float &value : values)
      value = float(int(random() % 2001) - 1000) / 1000;
    return test.floats(values);
  };
  replaceAll(text, "FUNCTIONS",
             entryPoint("prefill", chunk, "", prefillEnd) +
                 entryPoint("decode", 1, "-> tensor<1x6xf32>", decodeEnd));
  replaceAll(text, "TABLE", weights(24));
  replaceAll(text, "NORM", weights(4));
  replaceAll(text, "QUERY", weights(16));
  replaceAll(text, "KEY", weights(8));
  replaceAll(text, "VALUE", weights(8));
  replaceAll(text, "D4", "4xf32");
  replaceAll(text, "memref<Cx", "memref<" + std::to_string(chunk) + "x");
  replaceAll(text, "chunk = C", "chunk = " + std::to_string(chunk));
  return text;
}

static const std::vector<int32_t> prompt = {1, 5, 0, 3, 3, 2, 4, 1, 0};

static std::vector<std::vector<double>>
logitsWithChunk(int64_t chunk, ReferenceOptions options = {}) {
  TestModule test;
  mlir::ModuleOp module = test.parse(modelWithChunk(test, chunk));
  ReferenceInterpreter interpreter(module, options);
  auto logits = interpreter.logitsOf(prompt);
  EXPECT_TRUE(mlir::succeeded(logits)) << test.messages;
  if (mlir::failed(logits))
    return {};
  // A second run starts from an empty cache again.
  auto again = interpreter.logitsOf(prompt);
  EXPECT_TRUE(mlir::succeeded(again));
  EXPECT_EQ(*again, *logits);
  return *logits;
}

/// However the prompt is cut, and with any number of threads, the logits are
/// the same to the last bit. Token by token they differ by the rounding of the
/// hidden rows, which @prefill stores as f32.
TEST(Interpreter, chunks) {
  auto expected = logitsWithChunk(4);
  ASSERT_EQ(expected.size(), prompt.size());
  ASSERT_EQ(expected[0].size(), 6u);
  EXPECT_NE(expected[3], expected[4]); // the same token at two positions
  for (int64_t chunk : {1, 2, 3, 16})
    EXPECT_EQ(logitsWithChunk(chunk), expected) << chunk;
  ReferenceOptions threads;
  threads.threads = 3;
  EXPECT_EQ(logitsWithChunk(4, threads), expected);
  ReferenceOptions decode;
  decode.entry = Entry::Decode;
  auto single = logitsWithChunk(4, decode);
  ASSERT_EQ(single.size(), expected.size());
  for (size_t row = 0; row < single.size(); ++row)
    for (size_t column = 0; column < 6; ++column)
      EXPECT_NEAR(single[row][column], expected[row][column], 2e-6);
}

/// Nothing that comes later changes what came before.
TEST(Interpreter, causal) {
  TestModule test;
  ReferenceInterpreter interpreter(test.parse(modelWithChunk(test, 4)));
  auto all = interpreter.logitsOf(prompt);
  auto some = interpreter.logitsOf(llvm::ArrayRef(prompt).take_front(6));
  ASSERT_TRUE(mlir::succeeded(all) && mlir::succeeded(some)) << test.messages;
  all->resize(6);
  EXPECT_EQ(*all, *some);
}

/// One linear, by the activations that the options and the operation name. Only
/// low-bit weights take codes, and `compute` overrides that.
TEST(Interpreter, int8Activations) {
  TestModule test;
  std::vector<uint8_t> block = {0x00, 0x3c}; // q8_0 with d = 1, all codes 1
  block.resize(34, 1);
  std::string low = test.bytes(block, "q8_0");
  std::string high = test.floats(std::vector<float>(32, 1));
  mlir::ModuleOp module = test.parse(R"mlir(
    lm.weight @low : tensor<1x32x!lowbit.block<i8, 32, f16>> from [)mlir" +
                                     low + R"mlir(]
    lm.weight @high : tensor<1x32xf32> from [)mlir" +
                                     high + R"mlir(]
    func.func @f(%x: tensor<1x32xf32>) -> (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>) {
      %n = arith.constant 1 : index
      %low = lm.weight_ref @low : tensor<1x32x!lowbit.block<i8, 32, f16>>
      %high = lm.weight_ref @high : tensor<1x32xf32>
      %0 = lm.linear %x, %low rows %n
        : (tensor<1x32xf32>, tensor<1x32x!lowbit.block<i8, 32, f16>>, index) -> tensor<1x1xf32>
      %1 = lm.linear %x, %high rows %n : (tensor<1x32xf32>, tensor<1x32xf32>, index) -> tensor<1x1xf32>
      %2 = lm.linear %x, %low rows %n
        {compute = #mpgemm.compute<weight = f32, activation = f32, accumulator = f32, row = "r">}
        : (tensor<1x32xf32>, tensor<1x32x!lowbit.block<i8, 32, f16>>, index) -> tensor<1x1xf32>
      return %0, %1, %2 : tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>
    })mlir");
  Rows x(1, 32);
  // Whole numbers elsewhere make 1 the best of the scales; they sum to 495.
  for (int i = 2; i < 32; ++i)
    x.values[i] = i;
  x.values[0] = 127, x.values[1] = 2.25;
  auto run = [&](Activations activations) {
    ReferenceOptions options;
    options.activations = activations;
    auto results = ReferenceInterpreter(module, options).call("f", {x});
    EXPECT_TRUE(mlir::succeeded(results)) << test.messages;
    std::vector<double> sums;
    for (const ReferenceValue &value : *results)
      sums.push_back(std::get<Rows>(value).values[0]);
    return sums;
  };
  EXPECT_EQ(run(Activations::Exact),
            (std::vector<double>{624.25, 624.25, 624.25}));
  EXPECT_EQ(run(Activations::Int8), (std::vector<double>{624, 624.25, 624.25}));
}

TEST(Interpreter, indices) {
  TestModule test;
  mlir::ModuleOp module = test.parse(R"mlir(
    func.func @f(%a: index) -> index {
      %two = arith.constant 2 : index
      %0 = arith.muli %a, %two : index
      %1 = arith.addi %0, %a : index
      return %1 : index
    })mlir");
  auto results = ReferenceInterpreter(module).call("f", {int64_t(5)});
  ASSERT_TRUE(mlir::succeeded(results)) << test.messages;
  EXPECT_EQ(std::get<int64_t>(results->front()), 15);
}

/// The message of a run that fails.
static std::string failureOf(const std::string &from, const std::string &to,
                             std::vector<int32_t> tokens = prompt) {
  TestModule test;
  std::string text = modelWithChunk(test, 4);
  replaceAll(text, from, to);
  mlir::ModuleOp module = test.parse(text);
  EXPECT_TRUE(mlir::failed(ReferenceInterpreter(module).logitsOf(tokens)));
  return test.messages;
}

TEST(Interpreter, refusals) {
  EXPECT_EQ(failureOf("", "", {}), "there are no tokens\n");
  EXPECT_EQ(failureOf("", "", {1, 6}),
            "token 6 is outside a vocabulary of 6\n");
  EXPECT_EQ(failureOf("", "", {-1}), "token -1 is outside a vocabulary of 6\n");
  EXPECT_EQ(failureOf("", "", std::vector<int32_t>(65)),
            "65 tokens are more than the context of 64\n");
  EXPECT_EQ(failureOf("@prefill(", "@other("),
            "there is no function prefill of tokens, position and number\n");
  EXPECT_EQ(failureOf("@head(", "@other("),
            "there is no body of function head\n");
  EXPECT_EQ(failureOf("%layer = arith.constant 0", "%layer = arith.constant 1"),
            "layer 1 is outside a cache of 1 layers\n");
  EXPECT_NE(failureOf("%g = arith.addf", "%g = arith.mulf")
                .find("does not know this operation"),
            std::string::npos);
  EXPECT_EQ(failureOf("tensor<4xf32> from", "tensor<4xf32> from "
                      "[#lm.source<\"none\", 0, 16, \"q9\">] loc(unknown) //"),
            "the format table has no row 'q9'\n");
}

static const InputMoments::Matrix *read(InputMoments &moments, lm::SourceAttr source) {
  auto found = moments.of(source);
  EXPECT_TRUE(bool(found));
  return found ? *found : (llvm::consumeError(found.takeError()), nullptr);
}

/// Linears are seen with what they read, in the order of the program; of what a
/// matrix of one source reads, calibration adds up the products, each text
/// weighing the same.
TEST(Interpreter, showsWhatLinearsRead) {
  TestModule test;
  mlir::ModuleOp module = test.parse(modelWithChunk(test, 4));
  std::vector<std::vector<int32_t>> texts = {{1, 5, 0}, {3, 2, 4, 1}};
  std::vector<std::string> seen;
  std::vector<double> sums(16);
  double share = 0;
  ReferenceOptions options;
  options.observe = [&](llvm::StringRef weight, const Rows &x, int64_t n) {
    seen.push_back(weight.str() + " " + std::to_string(n));
    for (int64_t row = 0; weight == "gate" && row < n; ++row)
      for (int64_t i = 0; i < 16; ++i)
        sums[i] += share * x.row(row)[i / 4] * x.row(row)[i % 4];
  };
  ReferenceInterpreter interpreter(module, options);
  for (const std::vector<int32_t> &text : texts) {
    share = 1 / double(text.size());
    ASSERT_TRUE(mlir::succeeded(interpreter.prefill(text))) << test.messages;
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"qkv 3", "gate 3", "qkv 4", "gate 4"}));

  auto lastSource = [&](const char *name) {
    return mlir::cast<lm::SourceAttr>(module.lookupSymbol<lm::WeightOp>(name).getSources().getValue().back());
  };
  // Of one matrix at a time, there is a run for each.
  lm::SourceAttr gate = lastSource("gate"), wanted[] = {lastSource("qkv"), lastSource("table"), gate};
  for (uint64_t limit : {kMomentBytes, uint64_t(1)}) {
    Calibration moments(module.clone(), texts, wanted, limit);
    EXPECT_EQ(read(moments, wanted[0]), nullptr); // one of three sources
    EXPECT_EQ(read(moments, wanted[1]), nullptr); // a table
    const InputMoments::Matrix *found = read(moments, gate);
    ASSERT_NE(found, nullptr);
    for (int64_t i = 0; i < 4; ++i)
      for (int64_t j = i; j < 4; ++j)
        EXPECT_NEAR((*found)[i * 4 + j], sums[i * 4 + j], 1e-5);
    EXPECT_EQ(moments.runs(), limit == 1 ? 2 : 1);
  }
  EXPECT_TRUE(mlir::failed(interpreter.prefill(prompt))); // longer than a chunk
}
