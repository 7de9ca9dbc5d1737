"""Inspec: abstracts and their keys (Hulth 2003). Text only: see `spoken`.

Two distributions are read: ake-datasets (CoreNLP XML a document, keys as JSON) and Hulth's own (.abstr and .uncontr).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from salmonn_eval.data.annotated import Item
from salmonn_eval.data.corpora.layout import lacking
from salmonn_eval.data.corpora.text import lines
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.jsonl import read_whole
from salmonn_eval.records import Sample
from salmonn_eval.tasks.spec import DatasetSpec

_AKE = ("", "datasets/Inspec/", "Inspec/")
_HULTH = {"test": ("Test/", "Hulth2003/Test/", "")}
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}", "``": '"', "''": '"'}


def read_inspec(dataset: DatasetSpec, folder: Path) -> Iterator[Item]:
    """The abstracts of `split`, without audio; references are the uncontrolled keys (first spelling of each)."""
    split = dataset.split or "test"
    for place in _AKE:
        keys = folder / place / "references" / f"{split}.uncontr.json"
        if keys.is_file():
            yield from _ake(keys, folder / place / split)
            return
    for place in _HULTH.get(split, ()):
        documents = sorted((folder / place).glob("*.uncontr"))
        if documents:
            yield from map(_hulth, documents)
            return
    places = [f"references/{split}.uncontr.json", f"{split.capitalize()}/*.uncontr"]
    raise lacking(dataset, folder, places, "Inspec")


def _ake(keys: Path, texts: Path) -> Iterator[Item]:
    for id_, spellings in read_whole(keys, dict[str, list[list[str]]], what="Inspec's uncontrolled keys").items():
        path = texts / f"{id_}.xml"
        if not path.is_file():
            raise PrerequisiteError(
                f"{path}: no such file; expected the text of document {id_}, whose keys are in {keys}"
            )
        references = tuple(alternatives[0] for alternatives in spellings if alternatives)
        yield Item(str(path), 1, Sample(id_, (), {"transcript": core_nlp_text(path)}, references))


def core_nlp_text(path: Path) -> str:
    """The text of a CoreNLP document: its words, spaced as their offsets tell; sentences are parted by a space."""
    words: list[str] = []
    ended: int | None = None
    try:
        for _, token in ElementTree.iterparse(path):
            if token.tag == "sentence":
                ended = None
            if token.tag != "token":
                continue
            word, begins, ends = (
                token.findtext(name) for name in ("word", "CharacterOffsetBegin", "CharacterOffsetEnd")
            )
            if word is None or begins is None or ends is None:
                raise UsageError(f"{path}: a token without word or offsets; expected CoreNLP's XML")
            words.append("" if ended is not None and int(begins) == ended else " ")
            words.append(_BRACKETS.get(word, word))
            ended = int(ends)
            token.clear()
    except ElementTree.ParseError as fault:
        raise UsageError(f"{path}:{fault.position[0]}: not valid XML ({fault}); expected CoreNLP's XML") from fault
    except ValueError as fault:
        raise UsageError(f"{path}: an offset is no number ({fault}); expected CoreNLP's XML") from fault
    return "".join(words).strip()


def _hulth(keys: Path) -> Item:
    path = keys.with_suffix(".abstr")
    if not path.is_file():
        raise PrerequisiteError(f"{path}: no such file; expected the text of document {keys.stem} beside its keys")
    text, listed = (_flat(file) for file in (path, keys))
    references = tuple(key.strip() for key in listed.split(";") if key.strip())
    return Item(str(path), 1, Sample(keys.stem, (), {"transcript": text}, references))


def _flat(path: Path) -> str:
    return re.sub(r"\s+", " ", " ".join(line for _, line in lines(path, "a text of Inspec"))).strip()
