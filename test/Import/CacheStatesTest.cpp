//===- CacheStatesTest.cpp - the key-value cache as lm.state symbols ------===//
#include "compiler/Import/CacheStates.h"

#include "dialects/LM/CacheLayout.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <gtest/gtest.h>

using namespace nibble;

namespace {

class CacheStatesTest : public testing::Test {
protected:
  CacheStatesTest() { context.loadDialect<lm::LMDialect>(); }
  mlir::MLIRContext context;
};

KVTypes parsed(llvm::StringRef text) {
  return llvm::cantFail(KVTypes::parse(text));
}

TEST_F(CacheStatesTest, namesOfTypes) {
  for (llvm::StringRef text : {"f16", "f32", "q8", "q4", "q4_plain", "k:q8,v:q4"})
    EXPECT_EQ(parsed(text).str(), text);
  EXPECT_EQ(parsed("v:q4,k:q8").str(), "k:q8,v:q4");
  EXPECT_EQ(parsed("k:q8").str(), "k:q8,v:f16"); // the other is the default
  EXPECT_EQ(parsed("k:q8,v:q8").str(), "q8");
  for (llvm::StringRef text : {"", "q5", "k:", "k:q8,k:q4", "q8,q4", "k:q8,q4", "x:q8", "k:q8,", "q8,v:q4"}) {
    auto types = KVTypes::parse(text);
    EXPECT_FALSE(bool(types)) << text.str();
    llvm::consumeError(types.takeError());
  }
}

TEST_F(CacheStatesTest, dimensionsThatCannotBeQuantized) {
  EXPECT_EQ(checkCache(KVType::F16, 20), "");
  EXPECT_EQ(checkCache(KVType::Q4, 80), "");
  EXPECT_NE(checkCache(parsed("v:q4"), 20).find("multiple of 16"), std::string::npos);
}

/// Three kinds of layers, in turn; one has a window, one no cache.
TEST_F(CacheStatesTest, equalLayersShareAState) {
  CacheSpec full{2, 64, 0}, sliding{4, 32, 20}, none;
  CacheStates states(&context, {full, sliding, none, full, sliding, sliding}, 100, 7, parsed("k:q8,v:f16"));
  CacheStates::Place place = states.placeOf(3);
  EXPECT_EQ(place.keys, "kv_k");
  EXPECT_EQ(place.index, 1);
  EXPECT_EQ(place.keysType.getShape().vec(), (std::vector<int64_t>{2, 2, 112, 64}));
  EXPECT_EQ(place.keysType.getElementType(), lm::CachedType::get(&context, lm::CacheFormat::Q8));
  EXPECT_TRUE(place.valuesType.getElementType().isF16());
  place = states.placeOf(5);
  EXPECT_EQ(place.values, "kv_v.1");
  EXPECT_EQ(place.index, 2);
  // A window of 20 and a chunk of 7: 26 positions, in blocks of 16.
  EXPECT_EQ(place.valuesType.getShape().vec(), (std::vector<int64_t>{3, 4, 32, 32}));

  mlir::OwningOpRef<mlir::ModuleOp> module(mlir::ModuleOp::create(mlir::UnknownLoc::get(&context)));
  auto builder = mlir::OpBuilder::atBlockEnd(module->getBody());
  states.build(builder, module->getLoc());
  std::vector<std::string> names;
  for (auto state : module->getOps<lm::StateOp>())
    names.push_back(state.getSymName().str());
  EXPECT_EQ(names, (std::vector<std::string>{"kv_k", "kv_v", "kv_k.1", "kv_v.1"}));
}

/// A window as long as the context needs no ring.
TEST_F(CacheStatesTest, ringsAreNoLongerThanTheContext) {
  CacheStates states(&context, {CacheSpec{1, 16, 4096}}, 33, 8, KVType::F32);
  EXPECT_EQ(states.placeOf(0).keysType.getDimSize(2), 48);
}

/// 34 bytes for 32 numbers of 8 bits, 12 for 16 of 4 bits.
TEST_F(CacheStatesTest, bytes) {
  auto bytes = [&](KVType type, uint64_t headDim) {
    return lm::bytesOfState(CacheStates(&context, {CacheSpec{1, headDim, 0}}, 16, 1, type).placeOf(0).keysType);
  };
  EXPECT_EQ(bytes(KVType::F32, 20), 16 * 80);
  EXPECT_EQ(bytes(KVType::F16, 64), 16 * 128);
  EXPECT_EQ(bytes(KVType::Q8, 64), 16 * 68);
  EXPECT_EQ(bytes(KVType::Q4, 64), 16 * 48);
  EXPECT_EQ(bytes(KVType::Q8, 80), 16 * (80 + 3 * 2)); // groups of 32, 32 and 16
}

} // namespace
