#!/usr/bin/env python3
"""Makes test/Text/Inputs/sentencepiece: small vocabularies of SentencePiece's BPE and what the library says of hard
texts.

    ~/venv/bin/python test/Text/make_sentencepiece.py          (pip install tokenizers sentencepiece)

Two in the manner of Llama 2 (a space is put before the text) and of Gemma (none, runs of line ends and of spaces are
pieces that the vocabulary defines, words go on behind spaces). As GGUF has them: pieces, scores, types.
"""
import io
import json
import pathlib

import sentencepiece

OUT = pathlib.Path(__file__).parent / "Inputs" / "sentencepiece"
MARK = "\u2581"
CASES = {
    "llama": dict(add_dummy_prefix=True, vocab_size=640),
    "gemma": dict(add_dummy_prefix=False, vocab_size=700, split_by_whitespace=False, split_digits=True,
                  user_defined_symbols=["\n\n", "\n\n\n", MARK * 2, MARK * 4, "<tool>"]),
}


def texts():
    """Corpus and hard texts of make_tokenizers.py, which writes files where it is run."""
    source = (pathlib.Path(__file__).parent / "make_tokenizers.py").read_text()
    names = {"__file__": __file__}
    exec(source[source.index('CORPUS = """'):source.index("LLAMA3 = ")], names)
    return names["CORPUS"], names["TEXTS"]


def train(name):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts()[0].splitlines()), model_writer=model, model_type="bpe", byte_fallback=True,
        character_coverage=0.98, normalization_rule_name="identity", remove_extra_whitespaces=False,
        hard_vocab_limit=False, minloglevel=2, **CASES[name])
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def vocabulary(model):
    """(piece, score, type) by id. GGUF spells the spaces of text pieces as U+2581 and of defined ones as they are."""
    rows = []
    for i in range(model.get_piece_size()):
        piece, kind = model.id_to_piece(i), 1
        if model.is_unknown(i):
            kind = 2
        elif model.is_control(i):
            kind = 3
        elif model.is_byte(i):
            kind = 6
        elif piece in CASES_DEFINED:
            kind, piece = 4, piece.replace(MARK, " ")
        rows.append((piece, model.get_score(i), kind))
    return rows


CASES_DEFINED = {symbol for case in CASES.values() for symbol in case.get("user_defined_symbols", [])}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for name, options in CASES.items():
        model = train(name)
        # The library reads U+2581 as a space; Nibble keeps it (docs/huggingface.md).
        vectors = [{"text": text, "ids": model.encode(text)} for text in texts()[1] if MARK not in text]
        pieces, scores, types = zip(*vocabulary(model))
        (OUT / f"{name}.json").write_text(json.dumps(
            {"pieces": pieces, "scores": scores, "types": types, "space": options["add_dummy_prefix"],
             "vectors": vectors},
            ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
