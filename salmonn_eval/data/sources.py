"""The registry of sources and the one way to open a test set."""

import difflib
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from salmonn_eval.data.annotated import SampleSource
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.tasks.spec import DatasetSpec

# A reader opens a dataset definition whose files lie below a folder: `(DatasetSpec, Path)`, and see `JOINED`.
Reader = Callable[..., SampleSource]

READERS: Mapping[str, str] = MappingProxyType(
    {
        "manifest": "salmonn_eval.data.manifest:open_manifest",
        "librispeech": "salmonn_eval.data.librispeech:open_librispeech",
        "salmonn": "salmonn_eval.data.salmonn_json:open_annotation",
        "huggingface": "salmonn_eval.data.huggingface:open_dataset",
        "audiocaps": "salmonn_eval.data.corpora.audiocaps:open_audiocaps",
        "clotho": "salmonn_eval.data.corpora.clotho:open_clotho",
        "covost2": "salmonn_eval.data.corpora.covost2:open_covost2",
        "gigaspeech": "salmonn_eval.data.corpora.gigaspeech:open_gigaspeech",
        "iemocap": "salmonn_eval.data.corpora.iemocap:open_iemocap",
        "inspec": "salmonn_eval.data.speech.spoken:open_spoken",
        "librimix": "salmonn_eval.data.corpora.librimix:open_librimix",
        "librispeech-phones": "salmonn_eval.data.corpora.librispeech_phones:open_librispeech_phones",
        "musiccaps": "salmonn_eval.data.corpora.musiccaps:open_musiccaps",
        "slurp": "salmonn_eval.data.corpora.slurp:open_slurp",
        "voxceleb1": "salmonn_eval.data.corpora.voxceleb1:open_voxceleb1",
        "wikiqa": "salmonn_eval.data.speech.spoken:open_spoken",
    }
)
# Readers that look at a second corpus (`--data OTHER=DIR`), and so take all folders as a third argument.
JOINED = frozenset({"librimix", "librispeech-phones", "salmonn"})
# What task definitions may name although no reader can have it.
NAMED_ONLY = frozenset({"in-house"})


def open_source(dataset: DatasetSpec, root: Path, data_dirs: Mapping[str, Path]) -> SampleSource:
    """Open a test set: `root` is the folder of the task definitions, `data_dirs` says where each corpus lies.

    Raises PrerequisiteError when the corpus is not at hand or its source cannot be read yet, UsageError for an
    unknown source or a malformed definition. Nothing is read beyond what tells whether the data is there.
    """
    open_ = reader(dataset)
    folder = root if dataset.corpus is None else corpus_folder(dataset, data_dirs)
    return open_(dataset, folder, data_dirs) if dataset.source in JOINED else open_(dataset, folder)


def reader(dataset: DatasetSpec) -> Reader:
    """The reader of a dataset's source.

    Raises PrerequisiteError when this version has none, UsageError for an unknown name.
    """
    source = dataset.source
    if source in READERS:
        module, _, function = READERS[source].partition(":")
        found: Reader = getattr(importlib.import_module(module), function)
        return found
    if source in NAMED_ONLY:
        why = f" (and {dataset.unavailable.rstrip('.')})" if dataset.unavailable else ""
        raise PrerequisiteError(
            f"source {source!r} is not readable by this version{why}; "
            "a task of your own can describe such data in a manifest (source: manifest)"
        )
    close = difflib.get_close_matches(source, [*READERS, *NAMED_ONLY], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise UsageError(f"unknown source {source!r}; expected one of {', '.join(sorted(READERS))}{hint}")


def corpus_folder(dataset: DatasetSpec, data_dirs: Mapping[str, Path]) -> Path:
    """Where the user says that the dataset's corpus lies; PrerequisiteError when nobody said, or it is not there."""
    corpus = dataset.corpus
    assert corpus is not None
    if corpus not in data_dirs:
        how = dataset.get or dataset.unavailable or "see the corpus's own page"
        licence = f"; licence: {dataset.licence}" if dataset.licence else ""
        raise PrerequisiteError(
            f"corpus {corpus!r} is not at hand (how to get it: {how.rstrip('.')}{licence}); "
            f"then say --data {corpus}=DIR"
        )
    folder = data_dirs[corpus]
    if not folder.is_dir():
        raise PrerequisiteError(
            f"corpus {corpus!r}: no folder {folder}; expected the corpus there: --data {corpus}=DIR"
        )
    return folder
