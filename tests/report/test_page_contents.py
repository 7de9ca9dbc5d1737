"""The report page's data, sounds and mark-up, from real runs of recorded answers."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from page_files import HOSTILE, PageFile, digest, visible
from paired_runs import answered, right, rows, shortened

from salmonn_eval.data.audio import decode
from salmonn_eval.engine.joined import Joined
from salmonn_eval.engine.rundir import RunDirectory
from salmonn_eval.errors import IncompleteError, UsageError
from salmonn_eval.jsonl import write_json
from salmonn_eval.probes.finding import Diagnosis, Finding
from salmonn_eval.records import AudioPolicy, Interval, Variant
from salmonn_eval.report.page.build import Wanted, write_page

SWEPT = (Variant(lora_scale=0.0), Variant(lora_scale=4.0))


def hostile_rows() -> list[dict[str, object]]:
    answers = right(lora_scale=0.0) + shortened(right(lora_scale=4.0), 2)
    for place, text in enumerate(HOSTILE):
        answers[place]["prediction"] = text
    answers[-1]["prediction"] = ""
    answers[len(HOSTILE)] = {"id": answers[len(HOSTILE)]["id"], "lora_scale": 0.0, "error": "<b>out of memory</b>"}
    return answers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def swept(folder: Path) -> Path:
    """Two scales of recorded answers over 78 recordings; the first of scale 0 are hostile, one failed."""
    return answered(folder / "swept", hostile_rows(), variants=SWEPT, adapter=4.0)


@pytest.fixture(scope="module")
def page(folder: Path, swept: Path) -> PageFile:
    write_page([swept], folder / "page.html")
    return PageFile(folder / "page.html")


def test_every_answer_is_there_once_with_what_was_measured(page: PageFile) -> None:
    answers = page.answers()
    assert len(page.data["samples"]) == 78 and len(answers) == 156
    told = {(one["id"], one["scale"]): one for one in answers}
    gold = {row["id"]: row["references"][0] for row in rows()}
    for row in rows()[20:]:
        one = told[row["id"], 0.0]
        assert (one["text"], one["score"], one["followed"], one["performed"]) == (
            gold[row["id"]],
            1.0,
            "yes",
            "as asked",
        )
    failed = told[rows()[len(HOSTILE)]["id"], 0.0]
    assert (failed["text"], failed["error"], failed["performed"]) == (None, "<b>out of memory</b>", "failed")
    empty = told[rows()[-1]["id"], 4.0]
    assert (empty["text"], empty["error"], empty["score"]) == ("", None, 0.0)
    metrics = page.data["sets"][0]["metrics"]
    assert {metrics[place]["name"] for place, *_ in answers[40]["measures"]} == {"wer", "cer", "following_rate"}
    assert page.data["runs"][0]["scales"] == [0.0, 4.0]


def test_an_alignment_has_the_edits_of_the_word_error_rate(page: PageFile) -> None:
    (set_,) = page.data["sets"]
    (headline,) = (
        place for place, metric in enumerate(set_["metrics"]) if metric["headline"] and metric["name"] == "wer"
    )
    kinds = set()
    for one in page.answers():
        if one["aligned"] is None:
            continue
        (reference, *_), line = page.texts(one["aligned"][:1]), one["aligned"][2]
        runs = [(int(size), kind) for size, kind in re.findall(r"(\d+)([=sdi])", line)]
        edits = sum(size for size, kind in runs if kind != "=")
        value = next(value for place, _, value, *_ in one["measures"] if place == headline)
        assert value == pytest.approx(100 * edits / len(reference.split()))
        kinds |= {kind for _, kind in runs}
    assert kinds >= {"=", "s", "d"}


def test_what_a_model_wrote_is_data_and_nothing_else(page: PageFile) -> None:
    said = {one["text"] for one in page.answers()}
    assert set(HOSTILE) <= said
    for sign in ("\u2028", "\u2029", "\u0000", "\x1b"):
        assert sign not in page.source
    inside = page.source.partition('id="data">')[2].partition("</script>")[0]
    assert not set("<>&") & set(inside)
    assert "window.hit" not in visible(page.source)


def test_the_policy_lets_only_the_page_s_own_script_and_style_act(page: PageFile) -> None:
    policy = page.policy()
    (script,) = page.scripts()
    (style,) = (text for tag, _, text in page.elements if tag == "style")
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == [digest(script)] and policy["style-src"] == [digest(style)]
    attributes = [name for _, found, _ in page.elements for name in found]
    assert "style" not in attributes and not [name for name in attributes if name.startswith("on")]
    places = [
        found[name] or "" for _, found, _ in page.elements for name in ("src", "href", "xlink:href") if name in found
    ]
    assert all(place.startswith(("#", "data:image/png;base64,")) for place in places)


def test_plots_stand_in_the_page_each_with_names_of_its_own(page: PageFile) -> None:
    labels = {found["aria-label"] for tag, found, _ in page.elements if tag == "svg" and found.get("role") == "img"}
    assert labels >= {
        "Following and G over the LoRA scale",
        "Headline metrics over the LoRA scale",
        "Asked and performed task",
    }
    ids = [found["id"] for _, found, _ in page.elements if found.get("id")]
    assert len(ids) == len(set(ids))
    used = [
        value[1:]
        for _, found, _ in page.elements
        for name, value in found.items()
        if name == "xlink:href" and value and value[0] == "#"
    ]
    assert used and set(used) <= set(ids)


def test_a_card_says_what_the_results_say(page: PageFile, swept: Path) -> None:
    results = json.loads((swept / "results.json").read_text())["results"]
    (value,) = (
        row["value"]
        for row in results
        if row["headline"] and (row["metric"], row["reading"], row["group"]) == ("wer", "all", None)
        and row["variant"]["lora_scale"] == 4.0
    )  # fmt: skip
    (shown,) = (text.strip() for tag, found, text in page.elements if (tag, found.get("class")) == ("p", "value"))
    assert shown == f"{value:.2f}"
    (curve,) = (found["aria-label"] for tag, found, _ in page.elements if found.get("class") == "curve")
    assert curve is not None and curve.startswith("scale 0: ") and curve.endswith(f"scale 4: {value:.2f}")


def test_a_headline_that_could_not_be_had_has_a_card_that_says_so(folder: Path) -> None:
    run = answered(folder / "unjudged", right(), limit=3)
    results = json.loads((run / "results.json").read_text())
    lost = {"value": None, "ci": None, "status": "missing", "why": "not at hand", "n_scored": 0, "n_unscored": 3}
    for row in results["results"]:
        row |= lost if row["headline"] else {}
    (run / "results.json").write_text(json.dumps(results))
    write_page([run], folder / "unjudged.html", Wanted(audio_cap=None, plots=False))
    values = [
        text.strip()
        for tag, found, text in PageFile(folder / "unjudged.html").elements
        if (tag, found.get("class")) == ("p", "value")
    ]
    assert values == ["missing"]


def test_what_a_probe_found_has_its_plot_and_table(folder: Path, swept: Path) -> None:
    found = tuple(
        Finding(
            "asr", "mini-real", measure, scale=scale, value=value + scale, ci=Interval(1.0, 9.0, "jackknife", 10), n=78
        )
        for measure, value in (("perplexity_instructed", 2.0), ("perplexity_marginal", 3.0))
        for scale in (0.0, 4.0)
    )
    write_json(swept / "diagnosis" / "perplexity.json", Diagnosis("perplexity", "replay", 4.0, found))
    write_page([swept], folder / "probed.html", Wanted(audio_cap=None))
    made = PageFile(folder / "probed.html")
    labels = [attributes.get("aria-label") for tag, attributes, _ in made.elements if tag == "svg"]
    assert "Perplexity of reference answers over the LoRA scale" in labels
    summaries = [text for tag, _, text in made.elements if tag == "summary"]
    assert "Perplexity" in summaries and "7 [1, 9]" in made.source
    (swept / "diagnosis" / "perplexity.json").unlink()
    write_page([swept], folder / "probed.html", Wanted(audio_cap=None, plots=False))
    assert not [tag for tag, *_ in PageFile(folder / "probed.html").elements if tag == "figure"]


def test_what_is_played_is_what_was_heard(page: PageFile, swept: Path) -> None:
    answers = page.answers()
    items = list(Joined(RunDirectory(swept), "asr.mini-real"))
    for item in items[::30]:
        (number,) = next(one["sounds"] for one in answers if one["id"] == item.sample.id)
        heard = decode(item.row.request.clips[0], AudioPolicy()).samples
        assert alike(page.sound(number), heard) > 0.9
    assert {sound["kind"] for sound in page.data["sounds"]} == {"held"}


def alike(found: np.ndarray, heard: np.ndarray) -> float:
    """The correlation of two sounds of one length (Opus ends within a frame of 20 ms)."""
    assert abs(len(found) - len(heard)) <= 320
    size = min(len(found), len(heard))
    return float(np.corrcoef(found[:size], heard[:size])[0, 1])


def test_a_mix_is_rendered_as_a_mix(folder: Path) -> None:
    run = answered(folder / "mixed", right("mini/osr"), "osr:mini", "mini", limit=3)
    write_page([run], folder / "mixed.html")
    made = PageFile(folder / "mixed.html")
    (item, *_) = Joined(RunDirectory(run), "osr.mini")
    clip = item.row.request.clips[0]
    (number,) = next(one["sounds"] for one in made.answers() if one["id"] == item.sample.id)
    assert alike(made.sound(number), decode(clip, AudioPolicy(long_audio="keep")).samples) > 0.9


def test_beyond_the_cap_sounds_lie_beside_the_page_and_each_set_keeps_some(folder: Path) -> None:
    answers = [*right("mini/sf", task="sf"), *right("mini/er", task="er")]
    run = answered(folder / "capped", answers, "sf:mini,er:mini", "mini", limit=6)
    written = write_page([run], folder / "cap 100%.html", Wanted(audio_cap=60_000))
    made = PageFile(folder / "cap 100%.html")
    kinds = {0: set(), 1: set()}
    for one in made.answers():
        kinds[one["set"]] |= {made.data["sounds"][number]["kind"] for number in one["sounds"]}
    assert kinds == {0: {"held", "linked"}, 1: {"held", "linked"}}
    files = sorted(path.name for path in (folder / "cap 100%-audio").iterdir())
    linked = [sound["file"] for sound in made.data["sounds"] if sound["kind"] == "linked"]
    assert len(files) == len(linked) == written.linked
    assert sorted(f"cap%20100%25-audio/{name}" for name in files) == sorted(linked)


def test_audio_that_is_gone_is_told_without_the_folder(folder: Path, tmp_path: Path) -> None:
    run = answered(folder / "gone", right(), limit=3)
    moved = tmp_path / "gone"
    shutil.copytree(run, moved)
    plan = moved / "plan.jsonl"
    lines = [json.loads(line) for line in plan.read_text().splitlines()]
    text = plan.read_text()
    first = lines[0]["request"]["clips"][0]["parts"][0]["path"]
    gone = "/nowhere/at/all/" + "x" * (len(first) - 20) + ".wav"  # of one length: the plan's offsets stay
    assert len(gone) == len(first)
    plan.write_text(text.replace(first, gone, 1))
    write_page([moved], tmp_path / "page.html")
    sounds = PageFile(tmp_path / "page.html").data["sounds"]
    (absent,) = (sound for sound in sounds if sound["kind"] == "absent")
    assert "no such file" in absent["why"] and "/nowhere" not in absent["why"]


def test_two_runs_stand_side_by_side(folder: Path) -> None:
    gold = answered(folder / "gold", right())
    worse = answered(folder / "worse", shortened(right(), 3))
    write_page([gold, worse], folder / "two.html")
    made = PageFile(folder / "two.html")
    assert [run["label"] for run in made.data["runs"]] == ["A", "B"]
    assert len(made.data["samples"]) == 78 and len(made.data["sounds"]) == 78
    by_run = [[one["text"] for one in made.answers() if one["run"] == run] for run in (0, 1)]
    assert sum(a != b for a, b in zip(*by_run, strict=True)) == 26
    assert "A beside B, paired by sample" in made.source


def test_common_samples_only_where_subsets_differ(folder: Path) -> None:
    whole = answered(folder / "whole", right())
    part = answered(folder / "part", shortened(right(), 3), limit=20)
    with pytest.raises(UsageError, match="one row holds one question"):
        write_page([whole, part], folder / "refused.html")
    assert not (folder / "refused.html").exists()
    write_page([whole, part], folder / "common.html", Wanted(common=True, audio_cap=None))
    made = PageFile(folder / "common.html")
    assert len(made.data["samples"]) == 20
    assert {sound["kind"] for sound in made.data["sounds"]} == {"absent"}


def test_two_runs_that_a_table_shows_but_nobody_can_pair_say_so(folder: Path) -> None:
    answers = [row for scale in (0.0, 2.0, 4.0) for row in right(lora_scale=scale)]
    swept, one = (
        answered(folder / name, answers, variants=variants, adapter=4.0, limit=6)
        for name, variants in (("several", SWEPT), ("one", (Variant(lora_scale=2.0),)))
    )
    write_page([swept, one], folder / "unpaired.html", Wanted(audio_cap=None))
    made = PageFile(folder / "unpaired.html")
    assert "not paired: " in made.source and str(folder) not in visible(made.source)
    assert [run["scales"] for run in made.data["runs"]] == [[0.0, 4.0], [2.0]]


def test_conditions_are_samples_of_their_own_with_their_own_sound(folder: Path) -> None:
    variants = (Variant(), Variant(condition="silence"))
    run = answered(folder / "silent", right(condition="none") + right(condition="silence"), variants=variants, limit=2)
    write_page([run], folder / "silent.html")
    made = PageFile(folder / "silent.html")
    assert [one["variant"] for one in made.answers()] == ["", "silence"] * 2
    loud, silent = (float(np.abs(made.sound(one["sounds"][0])).max()) for one in made.answers()[:2])
    assert loud > 0.01 and silent < 1e-3


def test_what_cannot_be_is_one_sentence(folder: Path, swept: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a run directory"):
        write_page([tmp_path], tmp_path / "page.html")
    with pytest.raises(UsageError, match="there is no folder"):
        write_page([swept], tmp_path / "no" / "page.html")
    with pytest.raises(UsageError, match="is a folder"):
        write_page([swept], tmp_path)
    with pytest.raises(UsageError, match="two values"):
        write_page([swept, swept], tmp_path / "page.html")
    unfinished = answered(folder / "unfinished", right(), limit=2)
    RunDirectory(unfinished).update(status="interrupted")
    with pytest.raises(IncompleteError, match="interrupted, not done"):
        write_page([unfinished], tmp_path / "page.html")
    assert not list(tmp_path.iterdir())
