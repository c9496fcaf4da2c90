//===- FamilyExperts.cpp - The tensors of a mixture of experts ------------===//
//
// Converters write the matrices of all experts as one tensor of three dimensions; folders, and files of the first
// converters, have a tensor for each expert. Both are one weight of as many rows.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/FamilyReader.h"
#include "compiler/Import/ImportError.h"

#include "llvm/ADT/STLExtras.h"

#include <cstring>

using namespace nibble;
using llvm::StringRef;
using llvm::Twine;

Experts FamilyReader::expertShape() {
  Experts experts;
  experts.count = count("expert_count");
  experts.used = count("expert_used_count");
  experts.inner = count("expert_feed_forward_length", model.feedForward);
  experts.normalizes = flag("expert_weights_norm", false);
  if (!failed() && experts.used > experts.count)
    fail(file.keyError(prefix + "expert_used_count", "expected at most the " + Twine(experts.count) +
                                                         " experts, found " + Twine(experts.used)));
  return experts;
}

/// Whether two weights can be rows of one: all that the number type says is the same. Labels name it up to the types of
/// scales.
static bool haveOneType(const Weight &first, const Weight &second) {
  const PackedTensor *a = first.tensor->packed.get(), *b = second.tensor->packed.get();
  if (!a || !b)
    return a == b && first.format == second.format;
  return a->code == b->code && a->group == b->group && a->scale == b->scale && a->zero == b->zero;
}

Weight FamilyReader::expertMatrices(StringRef name, uint64_t rows, uint64_t columns, uint64_t count) {
  std::string stack = block + name.str() + "_exps.weight";
  if (failed() || file.findTensor(stack) || !hasTensor(name.str() + ".0.weight"))
    return tensor(stack, {columns, rows, count});
  Weight all;
  for (uint64_t expert = 0; expert < count && !failed(); ++expert) {
    Weight one = tensor(block + name.str() + "." + std::to_string(expert) + ".weight", {columns, rows});
    if (expert == 0)
      all = one;
    else if (one && !haveOneType(all, one))
      fail(file.unsupportedTensor(*one.tensor, "unsupported: expected " + all.tensor->getTypeName() +
                                                   ", which expert 0 has, found " + one.tensor->getTypeName()));
    else
      all.others.push_back(one.tensor);
  }
  all.stackName = stack;
  return all;
}

static std::vector<const GGUFTensor *> tensorsOf(const Weight &weight) {
  std::vector<const GGUFTensor *> tensors = {weight.tensor};
  tensors.insert(tensors.end(), weight.others.begin(), weight.others.end());
  return tensors;
}

static bool isOrdered(const GGUFTensor &tensor) { return tensor.packed && tensor.packed->order; }

/// The orders of the columns of all experts' matrices, one behind another; nothing if they are those of the input.
Weight FamilyReader::expertOrders(const Weight &matrices) {
  Weight orders;
  if (failed() || !matrices ||
      !llvm::any_of(tensorsOf(matrices), [](const GGUFTensor *one) { return isOrdered(*one); }))
    return orders;
  for (const GGUFTensor *one : tensorsOf(matrices)) {
    if (!isOrdered(*one)) {
      fail(file.unsupportedTensor(*one, "unsupported: expected columns in an order of their own (act-order), as other "
                                        "experts of the layer have them, found none"));
      return orders;
    }
    const GGUFTensor *order = file.findTensor(one->packed->orderName);
    used.insert(order->name);
    if (orders)
      orders.others.push_back(order);
    else
      orders.tensor = order;
  }
  orders.stackName = StringRef(matrices.stackName).drop_back(strlen("weight")).str() + "order";
  return orders;
}

/// Whether each expert has the columns of both matrices in one order.
static bool haveOneOrder(const Weight &first, const Weight &second) {
  std::vector<const GGUFTensor *> a = tensorsOf(first), b = tensorsOf(second);
  return llvm::equal(a, b, [](const GGUFTensor *x, const GGUFTensor *y) {
    return isOrdered(*x) && isOrdered(*y) && x->packed->orderBytes == y->packed->orderBytes;
  });
}

Experts FamilyReader::experts(Experts experts, uint64_t sharedInner) {
  uint64_t width = model.embedding, inner = experts.inner, count = experts.count;
  experts.router = linear("ffn_gate_inp", count, width);
  experts.gate = expertMatrices("ffn_gate", inner, width, count);
  experts.up = expertMatrices("ffn_up", inner, width, count);
  experts.down = expertMatrices("ffn_down", width, inner, count);
  experts.gateOrder = expertOrders(experts.gate);
  experts.downOrder = expertOrders(experts.down);
  experts.sharesOrder = !failed() && haveOneOrder(experts.gate, experts.up);
  if (!experts.sharesOrder)
    experts.upOrder = expertOrders(experts.up);
  for (const GGUFTensor *up : experts.sharesOrder ? tensorsOf(experts.up) : std::vector<const GGUFTensor *>())
    used.insert(up->packed->orderName);
  if (sharedInner == 0)
    return experts;
  experts.shared.gate = linear("ffn_gate_shexp", sharedInner, width);
  experts.shared.up = linear("ffn_up_shexp", sharedInner, width);
  experts.shared.down = linear("ffn_down_shexp", width, sharedInner);
  // Converters drop the dimension of one row.
  std::string gate = block + "ffn_gate_inp_shexp.weight";
  const GGUFTensor *found = file.findTensor(gate);
  bool isVector = found && found->dims.size() == 1;
  experts.sharedGate.weight =
      isVector ? tensor(gate, {width}) : tensor(gate, {width, 1});
  experts.sharedGate.weight.isRow = isVector;
  return experts;
}
