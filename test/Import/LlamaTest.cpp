//===- LlamaTest.cpp - From a llama file to lm IR -------------------------===//
//
// The numbers and tensors that are read, and the shape of the module. The text
// of the module is checked by test/Import/*.test.
//
//===----------------------------------------------------------------------===//

#include "test/Import/TinyModel.h"

#include "compiler/Import/Families.h"
#include "compiler/Import/ImportGGUF.h"
#include "compiler/Import/RopeTable.h"
#include "dialects/LM/LM.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <cmath>
#include <set>

using namespace nibble;
using namespace nibble::test;

namespace {

class LlamaTest : public TinyModel {
protected:
  mlir::OwningOpRef<mlir::ModuleOp> import(const GGUFFile &file,
                                           const ImportOptions &options = {}) {
    return take(importGGUF(file, options, &context));
  }

  template <typename Op> size_t count(mlir::Operation *root) {
    size_t result = 0;
    root->walk([&](Op) { ++result; });
    return result;
  }

  size_t countFunctions(mlir::ModuleOp module, llvm::StringRef prefix) {
    return llvm::count_if(
        module.getOps<mlir::func::FuncOp>(),
        [&](mlir::func::FuncOp func) { return func.getName().starts_with(prefix); });
  }

  lm::RopeTableAttr ropeTable(mlir::ModuleOp module) {
    auto weight = module.lookupSymbol<lm::WeightOp>("rope_table");
    return mlir::cast<lm::RopeTableAttr>(weight.getSources()[0]);
  }

  mlir::MLIRContext context;
};

TEST_F(LlamaTest, ReadsTheConfiguration) {
  auto file = openTiny("--layers 3 --heads 6 --kv-heads 3 --head-dim 32 "
                       "--embd 64 --ffn 96 --rope-dims 16 --untied");
  ASSERT_TRUE(file);
  Decoder model = take(readModel(*file));
  ASSERT_EQ(model.layers.size(), 3u);
  const auto &attention = std::get<Attention>(model.layers[2].mixer);
  EXPECT_EQ(model.embedding, 64u);
  EXPECT_EQ(attention.heads, 6u);
  EXPECT_EQ(attention.kvHeads, 3u);
  EXPECT_EQ(attention.headDim, 32u);
  EXPECT_DOUBLE_EQ(attention.scale, 1 / std::sqrt(32.0));
  EXPECT_EQ(attention.window, 0u);
  EXPECT_EQ(model.feedForward, 96u);
  EXPECT_EQ(model.vocabulary, 279u);
  EXPECT_EQ(model.trainedContext, 128u);
  ASSERT_EQ(model.ropes.size(), 1u);
  EXPECT_EQ(model.ropes[0].dims, 16u);
  EXPECT_FLOAT_EQ(float(model.normEpsilon), 1e-5f);
  EXPECT_FALSE(model.tied);
  EXPECT_EQ(model.output.weight.tensor->name, "output.weight");
  EXPECT_EQ(std::get<FeedForward>(model.layers[2].feedForward).down.weight.tensor->name,
            "blk.2.ffn_down.weight");
}

TEST_F(LlamaTest, TiedOutputIsTheEmbeddingTable) {
  auto file = openTiny();
  ASSERT_TRUE(file);
  auto module = import(*file);
  ASSERT_TRUE(module);
  EXPECT_FALSE(module->lookupSymbol("output.weight"));
  // Read by the embedding and by the output of decode; by head; by prefill.
  auto uses = mlir::SymbolTable::getSymbolUses(
      mlir::StringAttr::get(&context, "token_embd.weight"), *module);
  EXPECT_EQ(llvm::range_size(*uses), 4);

  auto untied = openTiny("--untied");
  ASSERT_TRUE(untied);
  module = import(*untied);
  ASSERT_TRUE(module);
  EXPECT_TRUE(module->lookupSymbol("output.weight"));
}

TEST_F(LlamaTest, EqualLayersShareAFunction) {
  auto file = openTiny("--layers 5");
  ASSERT_TRUE(file);
  auto module = import(*file);
  ASSERT_TRUE(module);
  EXPECT_EQ(countFunctions(*module, "decode.layer"), 1u);
  EXPECT_EQ(countFunctions(*module, "prefill.layer"), 1u);
  EXPECT_EQ(count<mlir::func::CallOp>(*module), 10u);
  // Seven linears in each of the two layer functions, two outputs.
  EXPECT_EQ(count<lm::LinearOp>(*module), 16u);
}

TEST_F(LlamaTest, LayersOfOtherTypesGetTheirOwnFunction) {
  auto file = openTiny("--layers 5 --tensor-type blk.3.ffn_down=q8_0");
  ASSERT_TRUE(file);
  auto module = import(*file);
  ASSERT_TRUE(module);
  EXPECT_EQ(countFunctions(*module, "decode.layer"), 2u);
  EXPECT_EQ(countFunctions(*module, "prefill.layer"), 2u);
}

TEST_F(LlamaTest, BiasesAreOperandsOfTheirLinear) {
  auto file = openTiny("--bias qkv");
  ASSERT_TRUE(file);
  auto module = import(*file);
  ASSERT_TRUE(module);
  size_t withBias = 0;
  module->walk([&](lm::LinearOp op) { withBias += op.getBias() ? 1 : 0; });
  EXPECT_EQ(withBias, 6u);
}

TEST_F(LlamaTest, EveryFormatIsImported) {
  auto file = openTiny("--type mixed --embd 256 --ffn 256 --untied");
  ASSERT_TRUE(file);
  auto module = import(*file);
  ASSERT_TRUE(module);
  std::set<llvm::StringRef> formats;
  module->walk([&](lm::WeightOp weight) {
    for (mlir::Attribute source : weight.getSources())
      if (auto range = mlir::dyn_cast<lm::SourceAttr>(source))
        formats.insert(range.getFormat());
  });
  EXPECT_EQ(formats.size(), 8u);
}

TEST_F(LlamaTest, ContextAndChunkShapeTheState) {
  auto file = openTiny("--context 4096");
  ASSERT_TRUE(file);
  auto module = import(*file);
  ASSERT_TRUE(module);
  lm::ModelOp model = lm::getModel(*module);
  EXPECT_EQ(model.getContext(), 2048u);
  EXPECT_EQ(model.getChunk(), 128u);

  // 100 positions take seven blocks of 16 and two strides of 64.
  module = import(*file, {.context = 100, .chunk = 32, .kv = KVType::F32});
  ASSERT_TRUE(module);
  EXPECT_EQ(lm::getModel(*module).getContext(), 100u);
  auto type = [&](llvm::StringRef name) {
    return module->lookupSymbol<lm::StateOp>(name).getType();
  };
  mlir::Builder builder(&context);
  EXPECT_EQ(type("kv_k"),
            mlir::MemRefType::get({2, 2, 112, 16}, builder.getF32Type()));
  EXPECT_EQ(type("hidden"),
            mlir::MemRefType::get({32, 64}, builder.getF32Type()));
  auto table = module->lookupSymbol<lm::WeightOp>("rope_table");
  EXPECT_EQ(table.getType(),
            mlir::RankedTensorType::get({66, 8, 2}, builder.getF32Type()));
}

TEST_F(LlamaTest, ContextBeyondTheTrainedOneIsRefused) {
  auto file = openTiny();
  ASSERT_TRUE(file);
  for (uint64_t context : {uint64_t(0), uint64_t(129)}) {
    Failure failure =
        failureOf(importGGUF(*file, {.context = context}, &this->context));
    EXPECT_EQ(failure.exitCode, 4);
    EXPECT_NE(failure.message.find("context: expected 1 to 128"),
              std::string::npos)
        << failure.message;
  }
}

TEST_F(LlamaTest, RopeSettingsReachTheTable) {
  auto file = openTiny("--rope-base 500000 --rope-scaling yarn "
                       "--rope-factor 8 --attn-factor 0.5");
  ASSERT_TRUE(file);
  auto module = import(*file);
  lm::RopeTableAttr table = ropeTable(*module);
  EXPECT_EQ(table.getScaling(), "yarn");
  EXPECT_EQ(table.getBase().getValueAsDouble(), 500000);
  EXPECT_EQ(table.getFactor().getValueAsDouble(), 8);
  EXPECT_EQ(table.getOriginalContext().getValueAsDouble(), 32);
  EXPECT_DOUBLE_EQ(table.getAttentionFactor().getValueAsDouble(),
                   0.5 * (1 + 0.1 * std::log(8.0)));

  file = openTiny("--rope-scaling linear --rope-factor 2");
  module = import(*file);
  EXPECT_EQ(ropeTable(*module).getScaling(), "linear");
  EXPECT_EQ(ropeTable(*module).getFactor().getValueAsDouble(), 2);

  file = openTiny("--rope-scaling llama3");
  module = import(*file);
  EXPECT_EQ(ropeTable(*module).getScaling(), "llama3");
  EXPECT_EQ(ropeTable(*module).getHighFrequencyFactor().getValueAsDouble(), 4);
}

/// The divisors of rope_freqs.weight are read from the file when the table is
/// computed; the generator writes 1 … 8 for the 8 pairs.
TEST_F(LlamaTest, FrequencyFactorsComeFromTheirTensor) {
  auto file = openTiny("--rope-scaling freqs");
  ASSERT_TRUE(file);
  auto module = import(*file);
  std::vector<float> values = computeRopeTable(ropeTable(*module), 65);
  ASSERT_EQ(values.size(), 65u * 8 * 2);
  for (int i = 0; i < 8; ++i) {
    double theta = std::pow(10000.0, -2.0 * i / 16) / (1 + i);
    EXPECT_NEAR(values[(64 + 0) * 16 + 2 * i], 1, 1e-7);
    EXPECT_NEAR(values[16 + 2 * i], std::cos(theta), 1e-7) << i;
    EXPECT_NEAR(values[16 + 2 * i + 1], std::sin(theta), 1e-7) << i;
  }
}

} // namespace
