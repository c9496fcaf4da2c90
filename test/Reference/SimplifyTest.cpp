//===- SimplifyTest.cpp - phase simplify changes no value ----------------===//

#include "test/Reference/TestModule.h"

#include "compiler/Simplify/Passes.h"

#include "mlir/Pass/PassManager.h"

using namespace nibble;
using namespace nibble::reference;

/// Two linears of one input behind a call: joined,
/// they give the same bits.
TEST(Simplify, fusedLinears) {
  TestModule test;
  std::string first = test.floats({1, 2, 3, 4, 5, 6});
  std::string second = test.floats({0.5f, -0.25f, 8, 1.5f, 3, -7});
  mlir::ModuleOp module = test.parse(R"mlir(
    lm.weight @a : tensor<2x3xf32> from [)mlir" + first + R"mlir(]
    lm.weight @b : tensor<2x3xf32> from [)mlir" + second + R"mlir(]
    func.func private @layer(%x: tensor<2x3xf32>, %a: tensor<2x3xf32>, %b: tensor<2x3xf32>) -> tensor<2x2xf32> {
      %n = arith.constant 2 : index
      %0 = lm.linear %x, %a rows %n : (tensor<2x3xf32>, tensor<2x3xf32>, index) -> tensor<2x2xf32>
      %1 = lm.linear %x, %b rows %n : (tensor<2x3xf32>, tensor<2x3xf32>, index) -> tensor<2x2xf32>
      %2 = lm.glu %0, %1, %n {activation = #lm.activation<silu>}
        : (tensor<2x2xf32>, tensor<2x2xf32>, index) -> tensor<2x2xf32>
      return %2 : tensor<2x2xf32>
    }
    func.func @f(%x: tensor<2x3xf32>) -> tensor<2x2xf32> {
      %a = lm.weight_ref @a : tensor<2x3xf32>
      %b = lm.weight_ref @b : tensor<2x3xf32>
      %0 = func.call @layer(%x, %a, %b) : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x2xf32>
      return %0 : tensor<2x2xf32>
    })mlir");
  Rows x(2, 3);
  x.values = {0.1, -2, 3.7, 1e-3, 5, -1.1};
  auto run = [&] {
    auto results = ReferenceInterpreter(module).call("f", {x});
    EXPECT_TRUE(mlir::succeeded(results)) << test.messages;
    return mlir::succeeded(results) ? std::get<Rows>(results->front()).values
                                    : std::vector<double>();
  };
  auto linears = [&] {
    int count = 0;
    module.walk([&](lm::LinearOp) { ++count; });
    return count;
  };
  std::vector<double> before = run();
  ASSERT_EQ(before.size(), 4u);
  ASSERT_EQ(linears(), 2);
  mlir::PassManager passes(module.getContext());
  passes.addPass(createFuseLinears());
  ASSERT_TRUE(mlir::succeeded(passes.run(module))) << test.messages;
  ASSERT_EQ(linears(), 1);
  EXPECT_EQ(run(), before);
}
