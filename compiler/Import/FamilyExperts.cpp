//===- FamilyExperts.cpp - The tensors of a mixture of experts ------------===//
//
// Converters write the matrices of all experts as one tensor of three dimensions; folders, and files of the first
// converters, have a tensor for each expert. Both are one weight of as many rows.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/FamilyReader.h"
#include "compiler/Import/ImportError.h"

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

/// Whether two weights can be rows of one: all that the number type says is the same. Labels name it up to the types of scales.
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
    if (one && one.tensor->packed && one.tensor->packed->order)
      fail(file.unsupportedTensor(*one.tensor, "unsupported: the experts' columns are in an order of their own "
                                               "(act-order), which all experts of a layer would have to share"));
    else if (expert == 0)
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

Experts FamilyReader::experts(Experts experts, uint64_t sharedInner) {
  uint64_t width = model.embedding, inner = experts.inner, count = experts.count;
  experts.router = linear("ffn_gate_inp", count, width);
  experts.gate = expertMatrices("ffn_gate", inner, width, count);
  experts.up = expertMatrices("ffn_up", inner, width, count);
  experts.down = expertMatrices("ffn_down", width, inner, count);
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
