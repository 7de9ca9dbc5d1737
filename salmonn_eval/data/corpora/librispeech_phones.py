"""LibriSpeech with phones as references: the corpus has none of its own.

They come from a file that the user names (`--data phones=FILE`), or from a dictionary beside the corpus. Utterances
with a word outside the dictionary are left out.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import msgspec

from salmonn_eval.data.annotated import AnnotatedSource, Item, items_stamp
from salmonn_eval.data.corpora.phones import Phones, read_phones
from salmonn_eval.data.librispeech import open_librispeech
from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.tasks.spec import DatasetSpec

_NAMES = ("phones.json", "librispeech-lexicon.txt", "cmudict.dict", "cmudict-0.7b")


def open_librispeech_phones(dataset: DatasetSpec, folder: Path, beside: Mapping[str, Path]) -> AnnotatedSource:
    """LibriSpeech's `split`; references are phones, whose origin and the policy for unknown words join the signature.

    Raises PrerequisiteError when no file of phones is there.
    """
    speech = open_librispeech(dataset, folder)
    phones, origin = read_phones(_file(folder, beside.get("phones")))
    read = partial(_items, speech, phones)
    return AnnotatedSource(
        read, lambda: items_stamp(read()), protocol=(("pronounced", origin), ("oov", "utterance-left-out"))
    )


def _file(folder: Path, given: Path | None) -> Path:
    if given is not None and given.is_file():
        return given
    places = [given] if given is not None else [folder, folder / "LibriSpeech"]
    found = (place / name for place in places for name in _NAMES if (place / name).is_file())
    first = next(found, None)
    if first is None:
        raise PrerequisiteError(
            f"{given or folder}: no phones for LibriSpeech; expected {', '.join(_NAMES)} there "
            "(https://www.openslr.org/11 : librispeech-lexicon.txt; https://github.com/cmusphinx/cmudict : "
            "cmudict.dict): say --data phones=FILE with one of them, or with alignments in the release's JSON"
        )
    return first


def _items(speech: AnnotatedSource, phones: Phones) -> Iterator[Item]:
    for item in speech.items():
        sample = item.sample
        text, why = phones(sample.id, sample.references[0])
        fields = {**sample.fields, "phones": text or ""}
        changed = msgspec.structs.replace(sample, fields=fields, references=(text,) if text else ())
        yield msgspec.structs.replace(item, sample=changed, left_out=None if text else why)
