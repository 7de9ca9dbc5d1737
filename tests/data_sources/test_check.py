import json
from pathlib import Path

import pytest

from salmonn_eval.data.check import check_dataset
from salmonn_eval.tasks.findings import Finding
from salmonn_eval.tasks.spec import DatasetSpec, FollowingSpec, Located, MetricSpec, TaskSpec


def located(folder: Path, dataset: DatasetSpec) -> Located:
    spec = TaskSpec(
        id="sf",
        level=2,
        title="Slot filling",
        instruction="What is the {{ slot }}?",
        paraphrases=("In the {{ room }}, which {{ slot }}?",),
        following=FollowingSpec("answers_speech"),
        item_score="hit",
        metrics=(MetricSpec("slot_accuracy", headline=True),),
        datasets={"own": dataset},
        generation={"max_new_tokens": 100},
        version=1,
    )
    return Located(spec, str(folder / "sf.yaml"), str(folder))


def found(folder: Path, *lines: dict, data_dirs=None, **settings) -> list[Finding]:
    (folder / "own.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    given = {"suite": "mini", "source": "manifest", "cluster": "item", "path": "own.jsonl", **settings}
    dataset = DatasetSpec(**given)
    return check_dataset(located(folder, dataset), "own", dataset, data_dirs or {})


def line(number: int, recordings: list[Path], **more) -> dict:
    return {"id": f"s{number}", "audio": str(recordings[0]), "fields": {"slot": "place_name", "room": "hall"}, **more}


def test_a_sound_data_set_has_no_findings(tmp_path, recordings):
    assert found(tmp_path, line(1, recordings), line(2, recordings), n_expected=2, fields=("slot",)) == []


def test_missing_audio_and_repeated_ids_are_found_at_their_lines(tmp_path, recordings):
    lines = [line(1, recordings), line(2, recordings, audio="gone.flac"), line(1, recordings)]
    manifest = str(tmp_path / "own.jsonl")
    assert found(tmp_path, *lines) == [
        Finding(manifest, 2, f"s2: no such audio file: {tmp_path}/gone.flac"),
        Finding(manifest, 3, f"id 's1' stands already in {manifest}:1"),
    ]


def test_variables_and_declared_fields_that_a_sample_lacks_are_found(tmp_path, recordings):
    lines = [
        line(1, recordings),
        line(2, recordings, fields={"room": "hall"}),
        line(3, recordings, fields={"slot": "x"}),
    ]
    messages = [(f.line, f.message) for f in found(tmp_path, *lines, fields=("transcript",))]
    assert [m for m in messages if "transcript" not in m[1]] == [
        (2, "s2: no field 'slot', which the template of prompt set `paraphrase-1` asks for"),
        (3, "s3: no field 'room', which the template of prompt set `paraphrase-1` asks for"),
    ]
    assert [m[0] for m in messages if "no field 'transcript', which the dataset's `fields` declare" in m[1]] == [
        1,
        2,
        3,
    ]


def test_another_count_than_declared_is_found(tmp_path, recordings):
    (finding,) = found(tmp_path, line(1, recordings), n_expected=2)
    assert finding == Finding(f"{tmp_path}/sf.yaml", None, "sf:own: own.jsonl holds 1 samples; n_expected is 2")


def test_a_malformed_line_is_found_at_its_line_beside_what_came_before(tmp_path, recordings):
    lines = [line(1, recordings, audio="gone.flac"), {"ident": "x"}]
    first, second = found(tmp_path, *lines)
    assert first.line == 1
    assert (second.file, second.line, second.level) == (f"{tmp_path}/own.jsonl", 2, "error")
    assert "unknown field `ident`" in second.message


@pytest.mark.parametrize(
    ("settings", "level", "sentence"),
    [
        ({"path": "none.jsonl"}, "error", "none.jsonl: no such manifest"),
        ({"corpus": "own"}, "note", "corpus 'own' is not at hand"),
        ({"source": "in-house"}, "note", "not readable by this version"),
        ({"source": "manifset"}, "error", "did you mean 'manifest'"),
    ],
)
def test_data_that_cannot_be_opened_is_one_finding(tmp_path, settings, level, sentence):
    (finding,) = found(tmp_path, **settings)
    assert finding.level == level
    assert finding.file == f"{tmp_path}/sf.yaml"
    assert sentence in finding.message


def test_what_a_user_s_copy_of_a_corpus_lacks_is_one_note(tmp_path, recordings):
    lines = [line(1, recordings, audio="gone.flac"), line(2, recordings, audio="lost.flac"), line(3, recordings)]
    (finding,) = found(tmp_path, *lines, corpus="own", data_dirs={"own": tmp_path})
    assert (finding.level, finding.line) == ("note", None)
    assert finding.message == "sf:own: audio of 2 of 3 items is not on disk"


def test_a_field_that_breaks_an_instruction_is_found_once_at_its_line(tmp_path, recordings):
    lines = [line(1, recordings), line(2, recordings, fields={"slot": "{{ x }}", "room": ["a"]})]
    (finding,) = found(tmp_path, *lines)
    assert (finding.file, finding.line, finding.level) == (f"{tmp_path}/own.jsonl", 2, "error")
    assert finding.message.startswith("s2: prompt set `release`: the instruction 'What is the {{ slot }}?' renders to")
    assert finding.message.endswith("a field's value holds a template")


def test_a_field_that_only_a_paraphrase_asks_for_is_rendered_too(tmp_path, recordings):
    (finding,) = found(tmp_path, line(1, recordings, fields={"slot": "date", "room": ["a"]}))
    assert finding.message.startswith("s1: prompt set `paraphrase-1`: ")


def test_a_cluster_of_three_members_is_found_at_its_line(tmp_path, recordings):
    lines = [line(1, recordings, cluster=["a", "b"]), line(2, recordings, cluster=["a", "b", "c"])]
    (finding,) = found(tmp_path, *lines, cluster="both speakers")
    assert (finding.file, finding.line, finding.level) == (f"{tmp_path}/own.jsonl", 2, "error")


def test_clusters_that_are_named_and_that_no_item_has_are_one_note(tmp_path, recordings):
    lines = [line(1, recordings), line(2, recordings)]
    (finding,) = found(tmp_path, *lines, cluster="speaker")
    assert (finding.level, finding.line) == ("note", None)
    assert finding.message == "sf:own: the cluster is `speaker`, but no item has one; items will be resampled instead"
    assert found(tmp_path, *lines, cluster="clip") == []
    assert found(tmp_path, lines[0], line(2, recordings, cluster=["61"]), cluster="speaker") == []
