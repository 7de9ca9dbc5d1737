"""The registry of sources and the one way to open a test set."""

import difflib
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from salmonn_eval.data.annotated import SampleSource
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.tasks.spec import DatasetSpec

# A reader opens a dataset definition whose files lie below a folder.
Reader = Callable[[DatasetSpec, Path], SampleSource]

READERS: Mapping[str, str] = MappingProxyType(
    {
        "manifest": "salmonn_eval.data.manifest:open_manifest",
        "librispeech": "salmonn_eval.data.librispeech:open_librispeech",
        "salmonn": "salmonn_eval.data.salmonn_json:open_annotation",
        "huggingface": "salmonn_eval.data.huggingface:open_dataset",
    }
)
# Corpora that task definitions may name before this version can read their own layout.
NAMED_ONLY = frozenset(
    {"audiocaps", "covost2", "gigaspeech", "iemocap", "in-house", "inspec", "librimix", "librispeech-phones"}
    | {"musiccaps", "slurp", "voxceleb1", "wikiqa"}
)


def open_source(dataset: DatasetSpec, root: Path, data_dirs: Mapping[str, Path]) -> SampleSource:
    """Open a test set: `root` is the folder of the task definitions, `data_dirs` says where each corpus lies.

    Raises PrerequisiteError when the corpus is not at hand or its source cannot be read yet, UsageError for an
    unknown source or a malformed definition. Nothing is read beyond what tells whether the data is there.
    """
    open_ = reader(dataset)
    return open_(dataset, root if dataset.corpus is None else corpus_folder(dataset, data_dirs))


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
        how = dataset.unavailable or dataset.get or "see the corpus's own page"
        raise PrerequisiteError(
            f"corpus {corpus!r} is not at hand (how to get it: {how.rstrip('.')}); then say --data {corpus}=DIR"
        )
    folder = data_dirs[corpus]
    if not folder.is_dir():
        raise PrerequisiteError(
            f"corpus {corpus!r}: no folder {folder}; expected the corpus there: --data {corpus}=DIR"
        )
    return folder
