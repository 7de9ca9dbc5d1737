from pathlib import Path

import msgspec
import pytest

from salmonn_eval.bundled import bundled
from salmonn_eval.data.sources import NAMED_ONLY, READERS, open_source, reader
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.tasks.spec import DatasetSpec

SPEC = DatasetSpec(
    suite="paper",
    source="librispeech",
    cluster="speaker",
    corpus="librispeech",
    split="test-clean",
    get="https://www.openslr.org/12 : test-clean.tar.gz",
)


@pytest.mark.parametrize("source", READERS)
def test_every_registered_reader_can_be_had(source):
    assert callable(reader(msgspec.structs.replace(SPEC, source=source)))


def test_a_corpus_that_nobody_pointed_at_says_how_to_get_it_and_the_flag():
    with pytest.raises(PrerequisiteError) as fault:
        open_source(SPEC, Path(), {})
    assert "corpus 'librispeech'" in str(fault.value)
    assert "https://www.openslr.org/12 : test-clean.tar.gz" in str(fault.value)
    assert "--data librispeech=DIR" in str(fault.value)


def test_a_corpus_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PrerequisiteError, match=f"no folder {tmp_path}/none"):
        open_source(SPEC, Path(), {"librispeech": tmp_path / "none"})


@pytest.mark.parametrize("source", sorted(NAMED_ONLY))
def test_a_source_without_reader_says_so_before_anything_is_fetched(source):
    with pytest.raises(PrerequisiteError, match=f"source '{source}' is not readable by this version"):
        open_source(msgspec.structs.replace(SPEC, source=source, corpus=source), Path(), {})


def test_an_unknown_source_is_a_usage_error_with_a_suggestion():
    with pytest.raises(UsageError, match="did you mean 'librispeech'"):
        open_source(msgspec.structs.replace(SPEC, source="libri-speech"), Path(), {})


@pytest.mark.parametrize(("name", "count"), [("asr", 78), ("pr", 60)])
def test_the_embedded_recordings_are_all_there(name, count):
    spec = DatasetSpec(suite="mini-real", source="manifest", cluster="speaker", path=f"mini-real/{name}.jsonl")
    source = open_source(spec, bundled("tasks"), {})
    assert len(list(source.samples())) == count
    assert source.absent() == ()
