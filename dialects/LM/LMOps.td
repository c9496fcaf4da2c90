//===- LMOps.td - operations of lm -----------------------------*- tablegen -*-===//
//
// M is the number of rows (tokens) of an activation, D the width of the residual stream.
//
//===----------------------------------------------------------------------===//
#ifndef NIBBLE_DIALECTS_LM_LMOPS_TD
#define NIBBLE_DIALECTS_LM_LMOPS_TD

include "dialects/LM/LMAttrs.td"
include "dialects/LM/LMInterfaces.td"
include "dialects/LM/LMTypes.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class LM_Op<string mnemonic, list<Trait> traits = []> : Op<LM_Dialect, mnemonic, traits>;

def LM_Shaped : AnyTypeOf<[AnyRankedTensor, AnyMemRef]>;

// An operation with a value form and a buffer form; memory effects follow from the form.
class LM_TeamOpBase<string mnemonic, list<Trait> traits = []>
    : LM_Op<mnemonic, !listconcat([LM_TeamOp, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>], traits)> {
  let results = (outs Optional<AnyRankedTensor>:$result);
  let hasVerifier = 1;
}

//===-- Symbols ------------------------------------------------------------===//

def LM_ModelOp : LM_Op<"model", [Symbol]> {
  let summary = "The numbers of a model.";
  let description = [{
    One a module. `layers` counts blocks, `embedding` is D, `feed_forward` the inner width, `vocabulary` the number of
    tokens, `context` the number of positions that the compiled program can hold, `chunk` the number of tokens that
    `@prefill` takes at once. `source_hash` identifies the file that was imported. A model of text vectors of so many
    numbers (`vector`) has no `@decode`, and its `@head` gives a vector instead of logits.

    ```mlir
    lm.model @tiny {architecture = "llama", layers = 2 : i64, embedding = 64 : i64, heads = 4 : i64,
      kv_heads = 2 : i64, head_dim = 16 : i64, feed_forward = 128 : i64, vocabulary = 512 : i64,
      context = 64 : i64, chunk = 16 : i64}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$architecture, I64Attr:$layers, I64Attr:$embedding,
      I64Attr:$heads, I64Attr:$kv_heads, I64Attr:$head_dim, I64Attr:$feed_forward, I64Attr:$vocabulary,
      I64Attr:$context, I64Attr:$chunk, OptionalAttr<StrAttr>:$source_hash, OptionalAttr<I64Attr>:$vector);
  let assemblyFormat = "$sym_name attr-dict";
  let hasVerifier = 1;
}

def LM_WeightOp : LM_Op<"weight", [Symbol]> {
  let summary = "A named tensor whose values lie in a file or are computed by the compiler.";
  let description = [{
    `sources` are the row-wise concatenated pieces of the tensor, each an `#lm.source`, or one `#lm.rope_table`, or one
    `#lm.column_order`.
    After `tile` the type is a packed byte tensor (`#mpgemm.layout`) and the sources still name the original bytes;
    after `bufferize`, `offset` is the place of the packed bytes in the weight section.

    ```mlir
    lm.weight @w : tensor<8x32xf32> from [#lm.source<"m.gguf", 4096, 1024, "f32">]
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type, ArrayAttr:$sources,
                       OptionalAttr<I64Attr>:$offset);
  let assemblyFormat = "$sym_name `:` $type `from` $sources attr-dict";
  let hasVerifier = 1;
}

def LM_StateOp : LM_Op<"state", [Symbol]> {
  let summary = "Memory that lives from one call to the next: the KV cache, the hidden rows.";
  let description = [{
    ```mlir
    lm.state @kv_k : memref<2x2x64x16xf16>
    ```
    The layout of an attention cache, a `memref<layers × kvHeads × positions × headDim>` of f32, f16 or `!lm.cached`, is
    drawn in dialects/LM/CacheLayout.h. Its positions are a multiple of 16; position p lies at place p mod positions.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyMemRef>:$type, OptionalAttr<I64Attr>:$offset);
  let assemblyFormat = "$sym_name `:` $type attr-dict";
}

def LM_WeightRefOp : LM_Op<"weight_ref", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The value of a weight.";
  let description = [{
    ```mlir
    %w = lm.weight_ref @w : tensor<8x32xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
}

def LM_StateRefOp : LM_Op<"state_ref", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The memory of a state.";
  let description = [{
    ```mlir
    %kv = lm.state_ref @kv_k : memref<2x2x64x16xf16>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$state);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$state attr-dict `:` type($result)";
}

//===-- Operations on rows -------------------------------------------------===//

def LM_EmbedOp : LM_TeamOpBase<"embed"> {
  let summary = "Rows of the embedding table: y[m] = table[tokens[m]] as f32, times `scale` if there is one.";
  let description = [{
    Only the first `n` rows are computed in the buffer form.
    ```mlir
    %y = lm.embed %tokens, %table, %n : (tensor<4xi32>, tensor<512x64xf32>, index) -> tensor<4x64xf32>
    %z = lm.embed %tokens, %table, %n {scale = 8.0 : f64}
       : (tensor<4xi32>, tensor<512x64xf32>, index) -> tensor<4x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$tokens, LM_Shaped:$table, Index:$n, OptionalAttr<F64Attr>:$scale,
                       OptionalAttr<AnyAttr>:$layout, Variadic<AnyMemRef>:$outs);
  let assemblyFormat = "$tokens `,` $table `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
}

def LM_AddPositionsOp : LM_TeamOpBase<"add_positions"> {
  let summary = "y[m] = x[m] + (table[pos + m] + types[0]): learned positions.";
  let description = [{
    BERT (Devlin et al., arXiv 1810.04805, section 3): a row of `table` for each position. `types` has a row for each
    sentence of a pair, the first of which is every token's. Rows at and after `n` are not computed in the buffer form.
    ```mlir
    %y = lm.add_positions %x, %table, %types at %pos, %n
       : (tensor<4x64xf32>, tensor<16x64xf32>, tensor<2x64xf32>, index, index) -> tensor<4x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$x, LM_Shaped:$table, LM_Shaped:$types, Index:$pos, Index:$n,
                       Variadic<AnyMemRef>:$outs);
  let assemblyFormat = [{
    $x `,` $table `,` $types `at` $pos `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
}

def LM_RMSNormOp : LM_TeamOpBase<"rms_norm", [AttrSizedOperandSegments]> {
  let summary = "y[m] = x[m] / sqrt(mean(x[m]²) + epsilon) · w (+ residual[m]).";
  let description = [{
    Zhang and Sennrich, arXiv 1910.07467. A weight that is narrower than a row is of each head: every run of as many
    columns is normed by itself. Rows at and after `n` are not computed in the buffer form. `mpgemm-fuse-residuals`
    adds the residual.
    ```mlir
    %y = lm.rms_norm %x, %w, %n {epsilon = 1.0e-05 : f64}
       : (tensor<4x64xf32>, tensor<64xf32>, index) -> tensor<4x64xf32>
    %h = lm.rms_norm %x, %head, %n {epsilon = 1.0e-05 : f64}
       : (tensor<4x64xf32>, tensor<16xf32>, index) -> tensor<4x64xf32>
    %z = lm.rms_norm %x, %w, %n residual %r {epsilon = 1.0e-05 : f64}
       : (tensor<4x64xf32>, tensor<64xf32>, index, tensor<4x64xf32>) -> tensor<4x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$x, LM_Shaped:$weight, Index:$n, Optional<LM_Shaped>:$residual, F64Attr:$epsilon,
                       Variadic<AnyMemRef>:$outs);
  let assemblyFormat = [{
    $x `,` $weight `,` $n (`residual` $residual^)? (`into` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    std::string getPartition(::mlir::OpOperand &operand);
    /// Runs of columns that are normed by themselves: 1, or the heads of a row.
    int64_t getHeads();
  }];
}

def LM_LayerNormOp : LM_TeamOpBase<"layer_norm", [AttrSizedOperandSegments]> {
  let summary = "y[m] = (x[m] - mean(x[m])) / sqrt(variance(x[m]) + epsilon) · w (+ b).";
  let description = [{
    Ba, Kiros and Hinton, arXiv 1607.06450. The variance is the mean of the squared differences from the mean. A weight
    that is narrower than a row is of each head, as in `lm.rms_norm`. Rows at and after `n` are not computed in the
    buffer form.
    ```mlir
    %y = lm.layer_norm %x, %w bias %b, %n {epsilon = 1.0e-05 : f64}
       : (tensor<4x64xf32>, tensor<64xf32>, tensor<64xf32>, index) -> tensor<4x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$x, LM_Shaped:$weight, Optional<LM_Shaped>:$bias, Index:$n, F64Attr:$epsilon,
                       Variadic<AnyMemRef>:$outs);
  let assemblyFormat = [{
    $x `,` $weight (`bias` $bias^)? `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    std::string getPartition(::mlir::OpOperand &operand);
    int64_t getHeads();
  }];
}

def LM_LinearOp : LM_Op<"linear", [Pure, DeclareOpInterfaceMethods<LM_LinearLike>]> {
  let summary = "y[m,n] = Σ_k x[m,k] · w[n,k] (+ bias[n]).";
  let description = [{
    The weight's element type is a `!lowbit` type or a float. `legalize` adds the attribute `compute`, the triple of
    types in which the product is done. `rows` is the number of valid rows.
    ```mlir
    %y = lm.linear %x, %w rows %n : (tensor<4x64xf32>, tensor<128x64xf32>, index) -> tensor<4x128xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$weight, Index:$n, Optional<AnyRankedTensor>:$bias,
                       OptionalAttr<AnyAttr>:$compute);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $x `,` $weight (`bias` $bias^)? `rows` $n attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===-- Mixtures of experts ------------------------------------------------===//

def LM_TopKOp : LM_Op<"top_k", [LM_TeamOp, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "The k greatest columns of each row, and their softmax: which experts a token goes to.";
  let description = [{
    `chosen` are the columns of the k greatest values, the greatest first, and of equal ones the lower column; `weights`
    are what the softmax over all columns gives them, with `normalize` divided by their sum (Shazeer et al.,
    arXiv 1701.06538; OLMoE, arXiv 2409.02060). Rows at and after `n` are not computed in the buffer form.
    ```mlir
    %chosen, %weights = lm.top_k %x, %n {k = 2 : i64} : (tensor<4x8xf32>, index) -> (tensor<4x2xi32>, tensor<4x2xf32>)
    ```
  }];
  let arguments = (ins LM_Shaped:$x, Index:$n, ConfinedAttr<I64Attr, [IntPositive]>:$k, UnitAttr:$normalize,
                       Variadic<AnyMemRef>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = "$x `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def LM_ExpertLinearOp : LM_Op<"expert_linear", [Pure, DeclareOpInterfaceMethods<LM_LinearLike, ["getMatrices"]>]> {
  let summary = "y[i] = W_e · x[i / s], e = chosen[i]: each row with the matrix of the expert that was chosen for it.";
  let description = [{
    The rows of `experts` matrices stand one after another in the weight, (experts·N) × K, and only those of chosen ones
    are read. `chosen` holds s experts for each row of x, row after row, and the result has as many rows: for the first
    linears of an expert x is the layer's rows and s is k of `lm.top_k`, for the last one it is what they gave, and
    s is 1.
    `rows` is the number of valid rows of x.
    ```mlir
    %y = lm.expert_linear %x, %w, %chosen rows %n {experts = 4 : i64}
       : (tensor<2x64xf32>, tensor<128x64xf32>, tensor<2x2xi32>, index) -> tensor<4x32xf32>
    %z = lm.expert_linear %y, %v, %chosen rows %m {experts = 4 : i64}
       : (tensor<4x32xf32>, tensor<256x32xf32>, tensor<2x2xi32>, index) -> tensor<4x64xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$weight, AnyRankedTensor:$chosen, Index:$n,
                       ConfinedAttr<I64Attr, [IntPositive]>:$experts, OptionalAttr<AnyAttr>:$compute);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `,` $weight `,` $chosen `rows` $n attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def LM_ExpertReorderOp : LM_TeamOpBase<"expert_reorder"> {
  let summary = "y[i,j] = x[i / s, order[e·K + j]], e = chosen[i]: columns in the order of the expert that was chosen.";
  let description = [{
    `order` is a weight of a `#lm.column_order` of the K columns for each expert. What `lm.reorder` does for a linear,
    for experts that were quantized with act-order one by one; `chosen` and s are as in `lm.expert_linear`, which
    multiplies the result's rows with s = 1. `n` is the number of valid rows of x.
    ```mlir
    %y = lm.expert_reorder %x, %order, %chosen, %n
       : (tensor<2x64xf32>, tensor<256xi32>, tensor<2x2xi32>, index) -> tensor<4x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$x, LM_Shaped:$order, LM_Shaped:$chosen, Index:$n, Variadic<AnyMemRef>:$outs);
  let assemblyFormat = [{
    $x `,` $order `,` $chosen `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
}

def LM_ExpertSumOp : LM_TeamOpBase<"expert_sum"> {
  let summary = "y[m] = x[m] + Σ_s weights[m, s] · branch[m·k + s]: what the experts of a row add to it.";
  let description = [{
    k is the number of columns of `weights`; they are added in ascending order. With `sigmoid`, 1 / (1 + exp(-w)) stands
    in the place of a weight w: the gate of an expert that all rows share. Rows at and after `n` are not computed in the
    buffer form.
    ```mlir
    %y = lm.expert_sum %x, %branch, %weights, %n
       : (tensor<4x64xf32>, tensor<8x64xf32>, tensor<4x2xf32>, index) -> tensor<4x64xf32>
    %z = lm.expert_sum %y, %shared, %gate, %n {sigmoid}
       : (tensor<4x64xf32>, tensor<4x64xf32>, tensor<4x1xf32>, index) -> tensor<4x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$x, LM_Shaped:$branch, LM_Shaped:$weights, Index:$n, UnitAttr:$sigmoid,
                       Variadic<AnyMemRef>:$outs);
  let assemblyFormat = [{
    $x `,` $branch `,` $weights `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
}

//===-- Positions and attention --------------------------------------------===//

def LM_RopeOp : LM_TeamOpBase<"rope"> {
  let summary = "Rotates the pairs of each head by the angle of its position.";
  let description = [{
    Row m stands at position `pos + m`. `table` has 64 + ceil(context / 64) rows of (cos, sin) pairs: row j < 64 holds
    the angles j·θ_i, row 64 + b the angles 64·b·θ_i; the two are joined by the addition theorems. Dimensions of a head
    past twice the table's width are copied.
    ```mlir
    %y = lm.rope %x, %table at %pos, %n {head_dim = 16 : i64, pairing = #lm.pairing<interleaved>}
       : (tensor<4x64xf32>, tensor<66x8x2xf32>, index, index) -> tensor<4x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$x, LM_Shaped:$table, Index:$pos, Index:$n, I64Attr:$head_dim,
                       LM_PairingAttr:$pairing, Variadic<AnyMemRef>:$outs);
  let assemblyFormat = [{
    $x `,` $table `at` $pos `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{ std::string getPartition(::mlir::OpOperand &operand); }];
}

def LM_KVAppendOp : LM_Op<"kv_append", [LM_TeamOp, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Writes the first n rows of keys and values at positions pos … pos+n-1 of a layer's cache.";
  let description = [{
    With `rope`, keys are rotated first, as `lm.rope` does with that table (`lm-fuse-rope`).
    ```mlir
    lm.kv_append %k, %v into %kk, %kv at (%layer, %pos, %n)
      : tensor<4x32xf32>, tensor<4x32xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>
    lm.kv_append %k, %v into %kk, %kv at (%layer, %pos, %n) rope %table {pairing = #lm.pairing<halves>}
      : tensor<4x32xf32>, tensor<4x32xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, tensor<65x8x2xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$k, LM_Shaped:$v, AnyMemRef:$keys, AnyMemRef:$values, Index:$layer, Index:$pos,
                       Index:$n, Optional<LM_Shaped>:$table, OptionalAttr<LM_PairingAttr>:$pairing);
  let assemblyFormat = [{
    $k `,` $v `into` $keys `,` $values `at` `(` $layer `,` $pos `,` $n `)` (`rope` $table^)? attr-dict
    `:` type($k) `,` type($v) `,` type($keys) `,` type($values) (`,` type($table)^)?
  }];
  let extraClassDeclaration = [{
    std::string getPartition(::mlir::OpOperand &operand);
    ::mlir::OperandRange getFilledBuffers() { return {getOperation()->operand_end(), getOperation()->operand_end()}; }
  }];
  let hasVerifier = 1;
}

def LM_AttentionOp : LM_TeamOpBase<"attention", [AttrSizedOperandSegments]> {
  let summary = "Causal attention over the cache: row m attends to positions 0 … pos+m of a layer.";
  let description = [{
    `heads` query heads share `kv_heads` cached heads; scores are multiplied by `scale`. With `softcap = c`, a score s
    becomes c·tanh(s/c) (Gemma 2, arXiv 2408.00118, section 2). With `window = w`, row m attends to the last w
    positions only, pos+m-w+1 … pos+m, its own included (Mistral 7B, arXiv 2310.06825, section 2). With `bidirectional`,
    every row attends to positions 0 … pos+n-1, those behind its own included (BERT, arXiv 1810.04805). Rows at and
    after `n` are not computed in the buffer form. Positions are taken in chunks of 128 from position 0 on, each with
    its own running maximum, and the chunks are joined in ascending order, so the result depends on the positions only.
    With `rope`, queries are rotated first, as `lm.rope` does with that table (`lm-fuse-rope`). `slot` is the counter of
    the thread team from which threads claim heads and tiles of rows; without one they take equal shares.
    ```mlir
    %y = lm.attention %q, %kk, %kv at (%layer, %pos, %n) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
       : (tensor<4x64xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, index, index, index) -> tensor<4x64xf32>
    %z = lm.attention %q, %kk, %kv at (%layer, %pos, %n)
       {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, window = 32 : i64, softcap = 5.0e+01 : f64}
       : (tensor<4x64xf32>, memref<2x2x64x16xf16>, memref<2x2x64x16xf16>, index, index, index) -> tensor<4x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$q, AnyMemRef:$keys, AnyMemRef:$values, Index:$layer, Index:$pos, Index:$n,
                       Optional<LM_Shaped>:$table, I64Attr:$heads, I64Attr:$kv_heads, F64Attr:$scale,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$window, OptionalAttr<F64Attr>:$softcap,
                       UnitAttr:$bidirectional, OptionalAttr<LM_PairingAttr>:$pairing, OptionalAttr<I64Attr>:$slot,
                       Variadic<AnyMemRef>:$outs);
  let assemblyFormat = [{
    $q `,` $keys `,` $values `at` `(` $layer `,` $pos `,` $n `)` (`rope` $table^)? (`into` $outs^)? attr-dict
    `:` functional-type(operands, results)
  }];
}

def LM_AttentionPartialsOp : LM_TeamOpBase<"attention_partials", [AttrSizedOperandSegments]> {
  let summary = "The attention of one row as a record for each chunk of 128 positions.";
  let description = [{
    What `lm.attention` computes of the positions of a chunk, for a single row (phase tile makes it where the context
    has several chunks, so that few heads over many positions are work for the whole team). A record of a head is the
    greatest score m, Σ exp(s - m) and Σ exp(s - m)·v. Chunk c, of positions 128·c … 128·c + 127, has its records at
    c mod (the first dimension of the result).

    With `append`, the row's own key and value are written at its position first, as `lm.kv_append` does, by the thread
    that has the row's own chunk of their head; no other chunk needs them. With `rope`, query and key are rotated before
    that, as `lm.rope` does (`lm-fuse-rope`). Heads and chunks are claimed by `slot`, as in `lm.attention`.
    ```mlir
    %p = lm.attention_partials %q, %kk, %kv at (%layer, %pos) {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64}
       : (tensor<1x64xf32>, memref<2x2x256x16xf16>, memref<2x2x256x16xf16>, index, index) -> tensor<2x4x18xf32>
    %r = lm.attention_partials %q, %kk, %kv at (%layer, %pos) rope %table append %k, %v
       {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, pairing = #lm.pairing<halves>}
       : (tensor<1x64xf32>, memref<2x2x256x16xf16>, memref<2x2x256x16xf16>, index, index, tensor<68x8x2xf32>,
          tensor<1x32xf32>, tensor<1x32xf32>) -> tensor<2x4x18xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$q, AnyMemRef:$keys, AnyMemRef:$values, Index:$layer, Index:$pos,
                       Optional<LM_Shaped>:$table, Optional<LM_Shaped>:$k, Optional<LM_Shaped>:$v,
                       I64Attr:$heads, I64Attr:$kv_heads, F64Attr:$scale,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$window, OptionalAttr<F64Attr>:$softcap,
                       OptionalAttr<LM_PairingAttr>:$pairing, OptionalAttr<I64Attr>:$slot, Variadic<AnyMemRef>:$outs);
  let assemblyFormat = [{
    $q `,` $keys `,` $values `at` `(` $layer `,` $pos `)` (`rope` $table^)? (`append` $k^ `,` $v)? (`into` $outs^)?
    attr-dict `:` functional-type(operands, results)
  }];
}

def LM_AttentionCombineOp : LM_TeamOpBase<"attention_combine"> {
  let summary = "Joins the records of lm.attention_partials, in the order of their positions.";
  let description = [{
    The row stands at position `pos` and sees `window` positions, as said to `lm.attention_partials`. `rotated`: the
    values of the cache are (`!lm.cached<q4>`), and the result is turned back.
    ```mlir
    %y = lm.attention_combine %p at %pos {window = 32 : i64} : (tensor<2x4x18xf32>, index) -> tensor<1x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$partials, Index:$pos, OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$window,
                       UnitAttr:$rotated, Variadic<AnyMemRef>:$outs);
  let assemblyFormat = "$partials `at` $pos (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{
    std::string getPartition(::mlir::OpOperand &operand);
    std::string getResultPartition();
    /// Columns of the row that one item of the team's work is.
    int64_t getColumnsAtOnce();
  }];
}

def LM_ShortConvOp : LM_TeamOpBase<"short_conv"> {
  let summary = "A gated convolution over the last rows of each channel: y = c · Σ_j w[T-1-j] · (b·x)[pos+m-j].";
  let description = [{
    The short convolution of LFM2 (Liquid AI, 2025). A row of `bcx` holds b, c and x of D channels side by side,
    `weight` the T taps of each channel, the last of which is the row's own. `history` (layers × positions × D) keeps
    b·x of every position, rounded to its element type; positions before the first count as zeros. Rows at and after `n`
    are not computed in the buffer form.
    ```mlir
    %y = lm.short_conv %bcx, %w, %history at (%layer, %pos, %n)
       : (tensor<4x192xf32>, tensor<64x3xf32>, memref<2x64x64xf16>, index, index, index) -> tensor<4x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$bcx, LM_Shaped:$weight, AnyMemRef:$history, Index:$layer, Index:$pos, Index:$n,
                       Variadic<AnyMemRef>:$outs);
  let assemblyFormat = [{
    $bcx `,` $weight `,` $history `at` `(` $layer `,` $pos `,` $n `)` (`into` $outs^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{ std::string getPartition(::mlir::OpOperand &operand); }];
}

def LM_GluOp : LM_TeamOpBase<"glu"> {
  let summary = "Gated linear unit: y = f(gate) · up.";
  let description = [{
    Shazeer, arXiv 2002.05202.
    ```mlir
    %y = lm.glu %gate, %up, %n {activation = #lm.activation<silu>}
       : (tensor<4x128xf32>, tensor<4x128xf32>, index) -> tensor<4x128xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$gate, LM_Shaped:$up, Index:$n, LM_ActivationAttr:$activation,
                       Variadic<AnyMemRef>:$outs);
  let assemblyFormat = "$gate `,` $up `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{ std::string getPartition(::mlir::OpOperand &operand); }];
}

def LM_ActivateOp : LM_TeamOpBase<"activate"> {
  let summary = "y = f(x): the function of a linear unit without a gate.";
  let description = [{
    ```mlir
    %y = lm.activate %x, %n {activation = #lm.activation<gelu_erf>} : (tensor<4x128xf32>, index) -> tensor<4x128xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$x, Index:$n, LM_ActivationAttr:$activation, Variadic<AnyMemRef>:$outs);
  let assemblyFormat = "$x `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{ std::string getPartition(::mlir::OpOperand &operand); }];
}

def LM_PoolOp : LM_TeamOpBase<"pool"> {
  let summary = "One vector of the first n rows: their mean, or the first of them.";
  let description = [{
    The vector of a text (Reimers and Gurevych, arXiv 1908.10084, section 3). With `normalize` it is divided by its
    length, at least 1e-12. `n` is at least 1.
    ```mlir
    %y = lm.pool %x, %n {pooling = #lm.pooling<mean>, normalize} : (tensor<4x64xf32>, index) -> tensor<1x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$x, Index:$n, LM_PoolingAttr:$pooling, UnitAttr:$normalize, Variadic<AnyMemRef>:$outs);
  let assemblyFormat = "$x `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
}

def LM_ResidualOp : LM_TeamOpBase<"residual"> {
  let summary = "y = x + scale · branch: a residual whose branch is weighted.";
  let description = [{
    Granite's residual multiplier. A branch of weight 1 is added by `arith.addf`, which `mpgemm-fuse-residuals` takes
    into the product before it.
    ```mlir
    %y = lm.residual %x, %branch, %n {scale = 0.22 : f64}
       : (tensor<4x64xf32>, tensor<4x64xf32>, index) -> tensor<4x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$x, LM_Shaped:$branch, Index:$n, F64Attr:$scale, Variadic<AnyMemRef>:$outs);
  let assemblyFormat = "$x `,` $branch `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{ std::string getPartition(::mlir::OpOperand &operand); }];
}

def LM_ReorderOp : LM_TeamOpBase<"reorder"> {
  let summary = "y[m,j] = x[m, order[j]]: columns in another order.";
  let description = [{
    `order` is a weight of `#lm.column_order`. A checkpoint of GPTQ with act-order has groups of columns that do not lie
    side by side; they do in its weight, and the other operand follows. The result is never `x` itself.
    ```mlir
    %y = lm.reorder %x, %order, %n : (tensor<4x64xf32>, tensor<64xi32>, index) -> tensor<4x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$x, LM_Shaped:$order, Index:$n, Variadic<AnyMemRef>:$outs);
  let assemblyFormat = "$x `,` $order `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
}

def LM_LogitsOp : LM_TeamOpBase<"logits"> {
  let summary = "The last step of some families' logits: y = cap(scale · x), cap(x) = c · tanh(x / c).";
  let description = [{
    Without `scale` it is 1; without `softcap` nothing is capped. One of the two is there. Caps: Gemma 2, arXiv
    2408.00118, section 2.
    ```mlir
    %y = lm.logits %x, %n {softcap = 3.0e+01 : f64} : (tensor<1x512xf32>, index) -> tensor<1x512xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$x, Index:$n, OptionalAttr<F64Attr>:$scale, OptionalAttr<F64Attr>:$softcap,
                       Variadic<AnyMemRef>:$outs);
  let assemblyFormat = "$x `,` $n (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{ std::string getPartition(::mlir::OpOperand &operand); }];
}

def LM_StateWriteOp : LM_Op<"state_write", [LM_TeamOp, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Stores the first n rows of x as the first n rows of a state.";
  let description = [{
    ```mlir
    lm.state_write %x, %n into %hidden : tensor<4x64xf32>, memref<4x64xf32>
    ```
  }];
  let arguments = (ins LM_Shaped:$x, Index:$n, AnyMemRef:$state);
  let assemblyFormat = "$x `,` $n `into` $state attr-dict `:` type($x) `,` type($state)";
  let extraClassDeclaration = [{
    ::mlir::OperandRange getFilledBuffers() { return {getOperation()->operand_end(), getOperation()->operand_end()}; }
  }];
  let hasVerifier = 1;
}

def LM_StateReadOp : LM_TeamOpBase<"state_read"> {
  let summary = "One row of a state as a tensor of one row.";
  let description = [{
    ```mlir
    %y = lm.state_read %hidden[%row] : (memref<4x64xf32>, index) -> tensor<1x64xf32>
    ```
  }];
  let arguments = (ins AnyMemRef:$state, Index:$row, Variadic<AnyMemRef>:$outs);
  let assemblyFormat = "$state `[` $row `]` (`into` $outs^)? attr-dict `:` functional-type(operands, results)";
}

#endif
