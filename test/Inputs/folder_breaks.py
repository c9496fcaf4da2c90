"""Damage to Hugging Face folders: what test/Error/BrokenFolder.def says of each kind is what Nibble must say.

A function damages a Folder of make_tiny_folder.py; its name is the kind.
"""
import json
import struct

import packed_breaks
from make_tiny_folder import pack, safetensors

BREAKS = {}


def kind(function):
    BREAKS[function.__name__.replace("_", "-")] = function
    return function


def edit_header(folder, change):
    """`change` gets the header as an object; the data stays."""
    header, data = safetensors(folder.tensors)
    change(header)
    folder.files["model.safetensors"] = pack(header, data)


def edit_entry(folder, key, value, name="model.norm.weight"):
    edit_header(folder, lambda header: header[name].__setitem__(key, value))


@kind
def empty_file(folder):
    folder.files["model.safetensors"] = b""


@kind
def short_length(folder):
    folder.files["model.safetensors"] = b"\x01\x02\x03"


@kind
def length_past_the_end(folder):
    folder.files["model.safetensors"] = struct.pack("<Q", 1000) + b"{}"


@kind
def length_wraps(folder):
    folder.files["model.safetensors"] = struct.pack("<Q", 2**64 - 8) + b"{}"


@kind
def header_no_json(folder):
    folder.files["model.safetensors"] = pack(b'{"a": ', b"")


@kind
def header_no_object(folder):
    folder.files["model.safetensors"] = pack(b"[1, 2]", b"")


@kind
def header_no_utf8(folder):
    folder.files["model.safetensors"] = pack(b'{"\xff": 1}', b"")


@kind
def header_too_deep(folder):
    folder.files["model.safetensors"] = pack(b'{"a":' + b"[" * 200000, b"")


@kind
def entry_no_object(folder):
    edit_header(folder, lambda header: header.__setitem__("model.norm.weight", 7))


@kind
def type_missing(folder):
    edit_header(folder, lambda header: header["model.norm.weight"].pop("dtype"))


@kind
def type_unknown(folder):
    edit_entry(folder, "dtype", "F4_\x1b[2J")


@kind
def type_of_integers(folder):
    folder.tensors = [(name, "I16" if name == "lm_head.weight" else dtype, shape, content)
                      for name, dtype, shape, content in folder.tensors]


@kind
def shape_missing(folder):
    edit_header(folder, lambda header: header["model.norm.weight"].pop("shape"))


@kind
def shape_negative(folder):
    edit_entry(folder, "shape", [-32])


@kind
def shape_overflows(folder):
    edit_entry(folder, "shape", [2**62, 2**62])


@kind
def shape_other(folder):
    edit_entry(folder, "shape", [31])


@kind
def shape_of_zero(folder):
    folder.tensors.append(("model.empty.weight", "F16", [0, 4], b""))


@kind
def range_missing(folder):
    edit_header(folder, lambda header: header["model.norm.weight"].pop("data_offsets"))


@kind
def range_backwards(folder):
    edit_entry(folder, "data_offsets", [64, 0])


@kind
def range_past_the_end(folder):
    edit_entry(folder, "data_offsets", [2**40, 2**40 + 64])


@kind
def range_overlaps(folder):
    edit_header(folder, lambda header: header["model.norm.weight"].__setitem__(
        "data_offsets", header["model.layers.0.input_layernorm.weight"]["data_offsets"]))


@kind
def bytes_behind(folder):
    header, data = safetensors(folder.tensors)
    folder.files["model.safetensors"] = pack(header, data + b"more")


@kind
def bytes_missing(folder):
    header, data = safetensors(folder.tensors)
    folder.files["model.safetensors"] = pack(header, data[:-2])


@kind
def tensor_missing(folder):
    folder.tensors = [tensor for tensor in folder.tensors if "layers.1.self_attn.k_proj" not in tensor[0]]


@kind
def tensor_unknown(folder):
    folder.tensors.append(("model.layers.0.self_attn.sinks", "F16", [1], b"\0\0"))


@kind
def tensor_shape(folder):
    folder.config["intermediate_size"] = 40


@kind
def index_escapes(folder):
    folder.shards = 2
    folder.files["model.safetensors.index.json"] = json.dumps(
        {"weight_map": {"lm_head.weight": "../model.safetensors"}}).encode()


@kind
def index_without_map(folder):
    folder.shards = 2
    folder.files["model.safetensors.index.json"] = b"{}"


@kind
def index_lists_more(folder):
    folder.shards = 2
    weight_map = {tensor[0]: name for name, tensors in folder.index() for tensor in tensors}
    weight_map["model.more.weight"] = "model-00002-of-00002.safetensors"
    folder.files["model.safetensors.index.json"] = json.dumps({"weight_map": weight_map}).encode()


@kind
def index_lists_fewer(folder):
    folder.shards = 2
    weight_map = {tensor[0]: name for name, tensors in folder.index() for tensor in tensors}
    del weight_map["lm_head.weight"]
    folder.files["model.safetensors.index.json"] = json.dumps({"weight_map": weight_map}).encode()


@kind
def shard_missing(folder):
    folder.shards = 2
    folder.files["model-00002-of-00002.safetensors"] = None


@kind
def config_missing(folder):
    folder.files["config.json"] = None


@kind
def config_no_json(folder):
    folder.files["config.json"] = b"model_type: llama"


@kind
def config_without_type(folder):
    del folder.config["model_type"]


@kind
def config_unknown_type(folder):
    folder.config["model_type"] = "mamba"


@kind
def config_text_for_number(folder):
    folder.config["hidden_size"] = "32"


@kind
def config_negative_number(folder):
    folder.config["num_hidden_layers"] = -2


@kind
def config_other_activation(folder):
    folder.config["hidden_act"] = "gelu_new"


@kind
def config_packed(folder):
    folder.config["quantization_config"] = {"quant_method": "awq", "bits": 4}


@kind
def config_other_rope(folder):
    folder.config["rope_scaling"] = {"rope_type": "spiral"}


def make_bert(folder, modules):
    """A model of vectors, which has modules.json."""
    folder.config.update(model_type="bert", architectures=["BertModel"], hidden_act="gelu", layer_norm_eps=1e-12)
    folder.files["modules.json"] = modules


@kind
def modules_too_deep(folder):
    make_bert(folder, b"[" * 200000)


@kind
def modules_no_array(folder):
    make_bert(folder, b"{}")


@kind
def tokenizer_no_model(folder):
    del folder.tokenizer["model"]


@kind
def tokenizer_other_model(folder):
    folder.tokenizer["model"] = {"type": "WordLevel", "vocab": {}}


@kind
def tokenizer_number_twice(folder):
    folder.tokenizer["model"]["vocab"]["again"] = 65


@kind
def tokenizer_number_huge(folder):
    folder.tokenizer["model"]["vocab"]["far"] = 2**40


@kind
def tokenizer_bad_merge(folder):
    folder.tokenizer["model"]["merges"] = [["a"]]


@kind
def tokenizer_merge_of_nothing(folder):
    folder.tokenizer["model"]["merges"] = ["a b"]


@kind
def tokenizer_other_regex(folder):
    folder.tokenizer["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "[a-z]+?"}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}]}


@kind
def tokenizer_other_normalizer(folder):
    folder.tokenizer["normalizer"] = {"type": "Nmt"}


@kind
def tokenizer_table_of_sentencepiece(folder):
    folder.tokenizer["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": "AAAA"}


@kind
def tokenizer_space_before_each_word(folder):
    folder.tokenizer["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "add_prefix_space": True}]}


@kind
def tokenizer_single_word(folder):
    folder.tokenizer["added_tokens"] = [{"id": 65, "content": "A", "single_word": True}]


@kind
def tokenizer_unknown_runs(folder):
    folder.tokenizer["pre_tokenizer"] = None
    folder.tokenizer["model"]["fuse_unk"] = True


@kind
def end_past_the_vocabulary(folder):
    folder.config["eos_token_id"] = 5000


BREAKS.update(packed_breaks.BREAKS)
