#!/usr/bin/env python3
"""Makes the small tokenizers of test/Text/Inputs/tokenizers and what the library `tokenizers` says of hard texts.

    python3 -m venv ~/venv && ~/venv/bin/pip install tokenizers
    ~/venv/bin/python test/Text/make_tokenizers.py [NAME ...]

Each is a folder with tokenizer.json, trained here on a few sentences with the normalizer, the pre-tokenizer and the
frame of a family that ships it, and vectors.json: texts with their ids. The tests need nothing of this.
Lines of more than 120 columns because texts that are hard are long.
"""
import json
import pathlib
import re
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

OUT = pathlib.Path(__file__).parent / "Inputs" / "tokenizers"

CORPUS = """The quick brown fox jumps over the lazy dog. They're here, it's 12345 o'clock and we'll see; I'd say I've SEEN it.
Der schnelle braune Fuchs springt über den faulen Hund. Größe, Übermut, Straße. Être où ça naïve café coöperate.
Быстрая коричневая лиса перепрыгивает через ленивую собаку. Γρήγορη καφέ αλεπού. שלום עולם. مرحبا بالعالم.
素早い茶色の狐がのろまな犬を飛び越える。敏捷的棕色狐狸跳过了懒狗。빠른 갈색 여우가 게으른 개를 뛰어넘는다. นี่คือภาษาไทย हिन्दी में।
def main(argv):\n    for i in range(10):\n        print(f"{i:>4} {argv[i]!r}")\n\treturn 0x7f // 3 != 1 && (a || b) <html> </html>
HTTPServer parseJSON XMLHttpRequest iPhone McDonald ABCdef abcDEF 3.14159 1,000,000 2026-11-21 50% $9.99 #tag @user a_b-c
😀 👍🏽 👨‍👩‍👧‍👦 🇩🇪 ❤️ … — “quoted” ‘single’ «guillemets» ½ ² ① Ⅷ ٣٤٥ ๓ 𝟘𝟙
""" * 3

TEXTS = [
    "", " ", "  ", "   ", "a", " a", "a ", "  a  ", "Hello, world!", "hello  world   again    and", "\n", "\n\n", " \n ", "a\nb", "a \n\n  b",
    "\t\tx\ty", "\r\n\r\nline\r\n", "tabs\tand\u00a0no-break\u2003em\u3000ideographic", "they're THEY'RE we'Ll I'M 'tis o'clock 's 'S ''s",
    "don\u2019t", "123", "1234567", "12 345 6789", "a1b22c333d4444", "3.14 -1e10 0x7F 1_000", "٣٤٥ ½²① Ⅷ 𝟘𝟙𝟚𝟛",
    "CamelCaseWords HTTPServer XMLHttpRequest iPhone ABCdef abcDEF ABC DEF", "Übergröße ÜBERGRÖSSE Ångström", "naïve café coöperate",
    "Быстрая ЛИСА Лиса", "Γρήγορη ΚΑΦΈ", "שלום עולם", "مرحبا بالعالم", "素早い茶色の狐", "敏捷的棕色狐狸跳过了懒狗。", "빠른 갈색 여우가", "นี่คือภาษาไทย",
    "हिन्दी में।", "ǅungla ǈ ʰx ªº", "a\u0308b\u0301 e\u0301\u0302", "\u0301start", " \u0301x", "\u0308\u0308", "X\u0301Y\u0301z",
    "😀", "👍🏽👨‍👩‍👧‍👦", "🇩🇪 ❤️ ☃", "…—“quoted”‘single’«g»", "...!!!???", "a.b,c;d:e", " .x", ". x", "!/\n/\n", "path/to//file\n/x", "//\r\n\r\n/",
    "for (int i = 0; i < n; ++i) {\n    x[i] += y->z;\n}\n", "<html>\n\t<b>bold</b>\n</html>", "a_b-c+d=e^f~g|h", "$9.99 50% #tag @user",
    "\x00\x01\x02 \x7f \x1b[0m", "\u200b\u200d\ufeff", "\ufffd\ufffe", "\U0010ffff\U000e0001", "ſ 'ſ K", "x" * 70, " " * 33, "ab" * 40, "\n" * 9 + "end",
    "<|start|>hello<|end|> <|start|> world", "<|start|><|end|>", "x <|user|>  \n y <|user|>z", "the<tool>the tool<tool> <tool>", "<s>", "</s>", "<unk>", "<0x41>",
    "The quick brown fox jumps over the lazy dog.", "It's 12345 o'clock and we'll see;",
    # Tokens that are recognised in normalized text.
    "the<|user|>  <|MAIL|>  Cafe\u0301 x caf\u00e9   four    five<tool><|mail|>", " <s> <s>a<s><s>", "TOOL tool Tool x TOOLTOOL  TOOL",
    # Normal forms: marks in and out of order, characters that never compose, that compose twice, Hangul, ligatures.
    "Vie\u0302\u0323t Vi\u1ec7t n\u0303o\u0301 n\u00f3", "a\u0323\u0307\u0323\u0307 \u1e69 s\u0323\u0307 s\u0307\u0323", "\u0958\u0915\u093c \u2126\u212b\u212a \ufb1d",
    "\u1112\u1161\u11ab\u1100\u1173\u11af \ud55c\uae00 \uac00\u11a8\u11a8 \u1100\u1100", "\u0344 \u1fee \u0390 \u03ca\u0301 \u01d5 \u00dc\u0304", "\U0001d15e\U0001d1bf \U0002f800",
    "\ufb01 \u2460 \u00bd \u3392 \ufdfa \uff21\uff22\uff23 \uff76\uff9e", "e" + "\u0301" * 40 + "x", "e" + "\u0301\u0323" * 20, ">\u0338 <\u0338 =\u0338", "<tool>\u0338 x",
    "\u0130stanbul I\u0307 \u0131 \u1e9e \u03a3\u03a3 \u03c3\u03c2 \u01c4", "\u4e2d\u6587abc\u4e2d \U00020000x", "unaffable unwanted,running don't", "[CLS] [SEP] [MASK] [UNK]", "x" * 101, "x" * 100, "\u00ad\u200b soft", "``quoted'' text",
]

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TEKKEN = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*|\p{{N}}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
GPT4O = TEKKEN.replace(LOWER + "+|", LOWER + "+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|").replace(
    LOWER + "*|", LOWER + "*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|").replace(r"\p{N}| ", r"\p{N}{1,3}| ")
DEEPSEEK_V3 = [r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+",
               r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
               r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
DEEPSEEK_CODER = [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+"]
# The list of letters is long and stands in one place.
SOURCE = (pathlib.Path(__file__).parents[2] / "compiler/Import/Text/PreTokenizers.cpp").read_text()
LETTERS = "".join(re.findall(r'^    R"\(([^"]*)\)",?$', SOURCE.split("deepSeekLLM[] = {")[1].split("};")[0], re.M)[1:])
DEEPSEEK_LLM = [r"[\r\n]", LETTERS, r"\s?[!-/:-~！-／：-～‘-‟\u3000-。]+", r"\s+$",
                "[一-龥ࠀ-一가-\ud7ff]+"]
SPECIALS = ["<|start|>", "<|end|>"]


def split(regex):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(regex), "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def splits(regexes, digits=False):
    steps = [pre_tokenizers.Split(Regex(regex), "isolated") for regex in regexes]
    if digits:
        steps.append(pre_tokenizers.Digits(individual_digits=True))
    return pre_tokenizers.Sequence(steps + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def byte_level(pre, ignore_merges=False, normalizer=None):
    """Byte-level BPE, as GPT-2 has it."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator([CORPUS], trainers.BpeTrainer(
        vocab_size=620, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False,
        special_tokens=SPECIALS))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|user|>", rstrip=True, lstrip=True, normalized=False)])
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False)])
    return tokenizer


def trained_on_spaces(trainer, model):
    """Pieces whose spaces are U+2581: merges and vocabulary of a model trained on the corpus."""
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    tokenizer.train_from_iterator(CORPUS.splitlines(), trainer)
    return json.loads(tokenizer.to_str())["model"]


def character_bpe(normalizer, pre):
    """SentencePiece's BPE as a list of merges, with a token for each byte (Llama 2, Gemma, Mistral)."""
    learned = trained_on_spaces(trainers.BpeTrainer(vocab_size=420, limit_alphabet=120, show_progress=False), models.BPE())
    vocabulary = {text: i for i, text in enumerate(["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)])}
    for text in sorted(learned["vocab"], key=learned["vocab"].get):
        vocabulary.setdefault(text, len(vocabulary))
    merges = [tuple(merge) for merge in learned["merges"]]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre:
        tokenizer.pre_tokenizer = pre
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>", *SPECIALS])
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


def unigram(byte_fallback, scheme):
    learned = trained_on_spaces(trainers.UnigramTrainer(vocab_size=400, unk_token="<unk>", special_tokens=["<unk>"],
                                                        show_progress=False), models.Unigram())
    pieces = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0)]
    if byte_fallback:
        pieces += [(f"<0x{byte:02X}>", 0.0) for byte in range(256)]
    pieces += [(text, score) for text, score in learned["vocab"] if text != "<unk>"]
    tokenizer = Tokenizer(models.Unigram(pieces, 0, byte_fallback))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=scheme == "always")
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>", *SPECIALS])
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    return tokenizer


def wordpiece(lowercase):
    """BERT's. The vocabulary is the library's own trainer's, whose ties depend on the run; so it is sorted and cut here."""
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(CORPUS.splitlines(), trainers.WordPieceTrainer(
        vocab_size=560, limit_alphabet=200, special_tokens=specials, show_progress=False))
    words = json.loads(tokenizer.to_str())["model"]["vocab"]
    learned = sorted(set(words) - set(specials), key=lambda text: (len(text), text))
    vocabulary = {text: i for i, text in enumerate(specials + learned)}
    tokenizer.model = models.WordPiece(vocabulary, unk_token="[UNK]")
    tokenizer.add_special_tokens(specials)
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def normalized(*steps):
    """A Unigram tokenizer behind several normalizers, as encoders have them."""
    tokenizer = unigram(False, "always")
    tokenizer.normalizer = normalizers.Sequence(list(steps))
    return tokenizer


def with_added(tokenizer, *texts, special=False):
    """Tokens that are recognised in normalized text."""
    tokens = [AddedToken(text, normalized=True, special=special) for text in texts]
    tokenizer.add_special_tokens(tokens) if special else tokenizer.add_tokens(tokens)
    return tokenizer


MARK = "\u2581"
CASES = {
    "gpt-2": lambda: byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False)),
    "smollm": lambda: byte_level(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                          pre_tokenizers.ByteLevel(add_prefix_space=False)])),
    "llama-3": lambda: byte_level(split(LLAMA3), ignore_merges=True),
    "qwen2": lambda: byte_level(split(QWEN2), normalizer=normalizers.NFC()),
    "gpt-4o": lambda: byte_level(split(GPT4O)),
    "deepseek-v3": lambda: byte_level(splits(DEEPSEEK_V3)),
    "deepseek-coder": lambda: byte_level(splits(DEEPSEEK_CODER, digits=True)),
    "deepseek-llm": lambda: byte_level(splits(DEEPSEEK_LLM, digits=True)),
    "tekken": lambda: byte_level(split(TEKKEN), ignore_merges=True),
    "llama-2": lambda: character_bpe(normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)]),
                                     None),
    "gemma": lambda: character_bpe(normalizers.Replace(" ", MARK), pre_tokenizers.Split(" ", "merged_with_previous")),
    "mistral": lambda: character_bpe(None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False)),
    "unigram": lambda: unigram(False, "always"),
    "unigram-bytes": lambda: unigram(True, "first"),
    "bert-uncased": lambda: wordpiece(True),
    "bert-cased": lambda: wordpiece(False),
    "unigram-nfkc": lambda: normalized(normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.Strip(),
                                       normalizers.NFKC(), normalizers.Lowercase()),
    # GPT-NeoX and OLMo; an older Llama 2; encoders; what ByteLevel does unless it is told otherwise.
    "added-nfc": lambda: with_added(byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False), normalizer=normalizers.NFC()),
                                    "  ", "    ", "<|MAIL|>", "cafe\u0301"),
    "added-llama": lambda: with_added(character_bpe(normalizers.Sequence([
        normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)]), None), "<s>", "</s>", "<|user|>", special=True),
    "added-lowercase": lambda: with_added(normalized(normalizers.Lowercase()), "TOOL", "<|MAIL|>"),
    "prefix-space": lambda: with_added(byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True)), "<|MAIL|>"),
    "unigram-plain": lambda: normalized(normalizers.NFKD(), normalizers.StripAccents(), normalizers.Prepend("x")),
}


def main():
    # Ties in some trainers depend on the run, so a new case leaves the others alone.
    for name in sys.argv[1:] or CASES:
        tokenizer = CASES[name]()
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        # The library finds the name of a byte's token in text; Nibble, as SentencePiece, doesn't. No text has U+2581,
        # which the library cannot tell from a space and Nibble keeps (Tokenizer.h).
        vectors = [{"text": text, "ids": tokenizer.encode(text).ids} for text in TEXTS
                   if name != "unigram-bytes" or text != "<0x41>"]
        (folder / "tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False,
                                                          separators=(",", ":")) + "\n")
        (folder / "config.json").write_text('{"model_type":"llama"}\n')
        (folder / "vectors.json").write_text(json.dumps({"vectors": vectors}, separators=(",", ":")) + "\n")


main()
