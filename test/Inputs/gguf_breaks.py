"""Kinds of damage to a GGUF file, one function each, for the error tests.

A function gets the Writer of a good model. It either changes the model before it is written and returns nothing,
or returns the bytes of the file. KINDS maps the name of a kind to its function, in the order of this file.
"""
import struct

from gguf_writer import ARRAY, F32, I32, STRING, U16, U32

KINDS = {}
EMBEDDING = "token_embd.weight"
QUERY = "blk.0.attn_q.weight"
DOWN = "blk.1.ffn_down.weight"


def kind(function):
    KINDS[function.__name__.replace("_", "-")] = function
    return function


def damage(name, writer):
    result = KINDS[name](writer)
    return writer.bytes() if result is None else result


def patch(writer, mark, form, value, shift=0):
    data = writer.bytes()
    struct.pack_into("<" + form, data, writer.marks[mark] + shift, value)
    return data


def cut(writer, mark, shift=0):
    return writer.bytes()[:writer.marks[mark] + shift]


def replace(writer, key, *value):
    writer.pairs = [(key, *value) if pair[0] == key else pair for pair in writer.pairs]


def remove(writer, key):
    writer.pairs = [pair for pair in writer.pairs if pair[0] != key]


def drop(writer, name):
    writer.tensors = [tensor for tensor in writer.tensors if tensor.name != name]


def get(writer, name):
    return next(tensor for tensor in writer.tensors if tensor.name == name)


# Truncation, from the front to the end of the file.
@kind
def empty(w):
    return b""


@kind
def cut_magic(w):
    return w.bytes()[:3]


@kind
def cut_version(w):
    return w.bytes()[:6]


@kind
def cut_counts(w):
    return w.bytes()[:20]


@kind
def cut_key(w):
    return cut(w, "key:llama.block_count", 12)


@kind
def cut_value(w):
    return cut(w, "value:llama.block_count", 2)


@kind
def cut_array(w):
    return cut(w, "value:tokenizer.ggml.token_type", 10)


@kind
def cut_strings(w):
    return cut(w, "value:tokenizer.ggml.tokens", 100)


@kind
def cut_tensor_info(w):
    return cut(w, "dims:" + DOWN, 4)


@kind
def cut_before_data(w):
    return cut(w, "padding")


@kind
def cut_data(w):
    return w.bytes()[:-64]


# The header.
@kind
def magic(w):
    return b"GGML" + w.bytes()[4:]


@kind
def version_0(w):
    w.version = 0


@kind
def version_1(w):
    w.version = 1


@kind
def version_99(w):
    w.version = 99


@kind
def big_endian(w):
    w.version = 3 << 24


@kind
def tensor_count(w):
    return patch(w, "tensor count", "Q", 1 << 60)


@kind
def tensor_count_plausible(w):
    return patch(w, "tensor count", "Q", 60000)


@kind
def pair_count(w):
    return patch(w, "pair count", "Q", (1 << 64) - 1)


@kind
def pair_count_plausible(w):
    return patch(w, "pair count", "Q", 65000)


# Keys and values.
@kind
def key_length(w):
    return patch(w, "key:llama.block_count", "Q", 1 << 40)


@kind
def key_empty(w):
    w.pairs.insert(3, ("", U32, 1))


@kind
def key_nul(w):
    w.pairs.insert(3, ("a\0b", U32, 1))


@kind
def key_duplicate(w):
    w.pairs.append(("llama.block_count", U32, 7))


@kind
def value_type(w):
    return patch(w, "type:llama.block_count", "I", 13)


@kind
def value_bool(w):
    return patch(w, "value:tokenizer.ggml.add_bos_token", "B", 2)


@kind
def string_length(w):
    return patch(w, "value:general.name", "Q", 1 << 63)


@kind
def string_length_wraps(w):
    return patch(w, "value:general.name", "Q", (1 << 64) - 8)


@kind
def array_length(w):
    return patch(w, "length:tokenizer.ggml.token_type", "Q", 1 << 62)


@kind
def array_length_plausible(w):
    return patch(w, "length:tokenizer.ggml.tokens", "Q", 1 << 20)


@kind
def array_of_arrays(w):
    return patch(w, "element:tokenizer.ggml.token_type", "I", ARRAY)


@kind
def array_element_type(w):
    return patch(w, "element:tokenizer.ggml.token_type", "I", 77)


@kind
def alignment_zero(w):
    w.pairs.append(("general.alignment", U32, 0))


@kind
def alignment_odd(w):
    w.pairs.append(("general.alignment", U32, 48))


@kind
def alignment_huge(w):
    w.pairs.append(("general.alignment", U32, 1 << 31))


@kind
def alignment_type(w):
    w.pairs.append(("general.alignment", STRING, "32"))


# Tensor table.
@kind
def tensor_name_long(w):
    get(w, QUERY).name = "x" * 65


@kind
def tensor_name_empty(w):
    get(w, QUERY).name = ""


@kind
def tensor_duplicate(w):
    get(w, DOWN).name = QUERY


@kind
def dims_none(w):
    return patch(w, "ndims:" + QUERY, "I", 0)


@kind
def dims_many(w):
    return patch(w, "ndims:" + QUERY, "I", 5)


@kind
def dims_zero(w):
    return patch(w, "dims:" + QUERY, "Q", 0)


@kind
def dims_negative(w):
    return patch(w, "dims:" + QUERY, "q", -64)


@kind
def dims_overflow(w):
    data = patch(w, "dims:" + QUERY, "Q", 1 << 40)
    struct.pack_into("<Q", data, w.marks["dims:" + QUERY] + 8, 1 << 40)
    return data


@kind
def dims_ragged(w):
    return patch(w, "dims:" + QUERY, "Q", 63)


@kind
def type_unknown(w):
    return patch(w, "ggml:" + QUERY, "I", 12345)


@kind
def type_withdrawn(w):
    return patch(w, "ggml:" + QUERY, "I", 31)


@kind
def type_unsupported(w):
    tensor = get(w, QUERY)
    tensor.type_id, tensor.data = 25, bytes(2 * tensor.dims[0] * tensor.dims[1])  # i16, which holds no weights


@kind
def type_integer(w):
    tensor = get(w, QUERY)
    tensor.type_id, tensor.data = 26, bytes(64 * 64 * 4)


@kind
def offset_unaligned(w):
    get(w, QUERY).offset = 16


@kind
def offset_far(w):
    get(w, QUERY).offset = 1 << 40


@kind
def offset_wraps(w):
    get(w, QUERY).offset = (1 << 64) - 32


@kind
def overlap(w):
    get(w, DOWN).offset = 32


# What the model says.
@kind
def no_architecture(w):
    remove(w, "general.architecture")


@kind
def architecture_unknown(w):
    replace(w, "general.architecture", STRING, "mamba\x1b[31m")


@kind
def architecture_type(w):
    replace(w, "general.architecture", U32, 1)


@kind
def no_layers(w):
    remove(w, "llama.block_count")


@kind
def layers_type(w):
    replace(w, "llama.block_count", F32, 2.0)


@kind
def layers_zero(w):
    replace(w, "llama.block_count", U32, 0)


@kind
def layers_absurd(w):
    replace(w, "llama.block_count", U32, 4000000000)


@kind
def layers_too_few(w):
    replace(w, "llama.block_count", U32, 1)


@kind
def layers_too_many(w):
    replace(w, "llama.block_count", U32, 3)


@kind
def heads_zero(w):
    replace(w, "llama.attention.head_count", U32, 0)


@kind
def heads_indivisible(w):
    replace(w, "llama.attention.head_count", U32, 3)


@kind
def kv_heads_indivisible(w):
    replace(w, "llama.attention.head_count_kv", U32, 3)


@kind
def kv_heads_negative(w):
    replace(w, "llama.attention.head_count_kv", I32, -2)


@kind
def context_zero(w):
    replace(w, "llama.context_length", U32, 0)


@kind
def epsilon_nan(w):
    replace(w, "llama.attention.layer_norm_rms_epsilon", F32, float("nan"))


@kind
def epsilon_negative(w):
    replace(w, "llama.attention.layer_norm_rms_epsilon", F32, -1.0)


@kind
def rope_base_zero(w):
    replace(w, "llama.rope.freq_base", F32, 0.0)


@kind
def rope_dims_odd(w):
    replace(w, "llama.rope.dimension_count", U32, 7)


@kind
def rope_dims_large(w):
    replace(w, "llama.rope.dimension_count", U32, 128)


@kind
def rope_scaling_unknown(w):
    w.pairs.append(("llama.rope.scaling.type", STRING, "su"))


@kind
def rope_factor_zero(w):
    w.pairs += [("llama.rope.scaling.type", STRING, "linear"), ("llama.rope.scaling.factor", F32, 0.0)]


@kind
def rope_yarn_multiplier(w):
    w.pairs += [("llama.rope.scaling.type", STRING, "yarn"), ("llama.rope.scaling.factor", F32, 4.0),
                ("llama.rope.scaling.yarn_log_multiplier", F32, 0.2)]


@kind
def experts(w):
    w.pairs.append(("llama.expert_count", U32, 8))


@kind
def no_embedding(w):
    drop(w, EMBEDDING)


@kind
def no_query(w):
    drop(w, QUERY)


@kind
def no_norm(w):
    drop(w, "output_norm.weight")


@kind
def query_shape(w):
    get(w, QUERY).dims = [32, 128]


@kind
def query_rank(w):
    get(w, QUERY).dims = [64, 8, 8]


@kind
def norm_shape(w):
    get(w, "blk.1.ffn_norm.weight").dims = [32]


@kind
def norm_type(w):
    tensor = get(w, "blk.1.ffn_norm.weight")
    tensor.type_id, tensor.data = 2, bytes(36)


@kind
def tensor_surplus(w):
    tensor = get(w, "blk.1.ffn_norm.weight")
    extra = type(tensor)("blk.1.attn_q_norm.weight", (16,), "f32", [[1.0] * 16])
    w.tensors.append(extra)


@kind
def tensor_scale(w):
    tensor = get(w, "blk.1.attn_q.weight")
    w.tensors.append(type(tensor)("blk.1.attn_q.scale", (2,), "f32", [[0.5, 0.5]]))


@kind
def tensor_scale_infinite(w):
    tensor = get(w, "blk.1.attn_q.weight")
    tensor.type_id, tensor.data = 2, bytes(tensor.dims[0] * tensor.dims[1] // 32 * 18)
    w.tensors.append(type(tensor)("blk.1.attn_q.scale", (1,), "f32", [[float("inf")]]))


@kind
def embedding_shape(w):
    get(w, EMBEDDING).dims[1] -= 1


# The tokenizer.
@kind
def no_tokenizer(w):
    w.pairs = [pair for pair in w.pairs if not pair[0].startswith("tokenizer.")]


@kind
def tokenizer_unknown(w):
    replace(w, "tokenizer.ggml.model", STRING, "rwkv")


@kind
def tokens_type(w):
    replace(w, "tokenizer.ggml.tokens", ARRAY, U32, [1, 2, 3])


@kind
def token_types_short(w):
    replace(w, "tokenizer.ggml.token_type", ARRAY, I32, [1] * 5)


@kind
def bos_out_of_range(w):
    replace(w, "tokenizer.ggml.bos_token_id", U32, 1000000)


@kind
def eos_out_of_range(w):
    replace(w, "tokenizer.ggml.eos_token_id", U32, 4294967294)


@kind
def eos_negative(w):
    replace(w, "tokenizer.ggml.eos_token_id", I32, -5)


@kind
def add_bos_type(w):
    replace(w, "tokenizer.ggml.add_bos_token", U32, 1)


@kind
def template_type(w):
    replace(w, "tokenizer.chat_template", ARRAY, STRING, ["x"])


@kind
def split_part_missing(w):
    w.pairs += [("split.no", U16, 0), ("split.count", U16, 2)]


@kind
def split_count_absurd(w):
    w.pairs += [("split.no", U16, 0), ("split.count", U16, 65535)]


@kind
def split_second_part(w):
    w.pairs += [("split.no", U16, 1), ("split.count", U16, 2)]
