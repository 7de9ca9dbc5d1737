"""The page of a run: its data is the run's, its sounds are what was heard, and nothing of a run becomes markup."""

import base64
import hashlib
import io
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import soundfile
from page_runs import HOSTILE, hostile, page_of, run_of
from paired_runs import right, shortened

from salmonn_eval.report.page.build import SCRIPTS, Page
from salmonn_eval.report.page.heard import Heard, silent
from salmonn_eval.report.page.units import BETWEEN

Made = tuple[Page, dict[str, Any], Heard]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("paged")
    return page_of(run_of(folder / "gold"), run_of(folder / "hostile", hostile(shortened(right(), 3))))


def answers(data: dict[str, Any], run: int) -> list[dict[str, Any]]:
    return [answer for entry in data["entries"] for answer in entry["answers"] if answer["run"] == run]


def test_every_answer_of_both_runs_is_there_and_failures_say_why(made: Made) -> None:
    page, data, _ = made
    assert (page.entries, page.answers) == (78, 156)
    gold, marred = answers(data, 0), answers(data, 1)
    assert [answer["text"] for answer in gold] == [row["prediction"] for row in right()]
    assert [answer["text"] for answer in marred[: len(HOSTILE)]] == list(HOSTILE)
    failed = marred[len(HOSTILE)]
    assert "text" not in failed and "<b>out of memory</b>" in failed["error"]
    assert len({name for name in data["runs"]}) == 2


class Tags(HTMLParser):
    """Every element of a page, and every attribute that could act."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.acting: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.acting += [name for name, _ in attrs if name.startswith("on")]


def test_hostile_answers_are_no_markup(made: Made) -> None:
    parsed = Tags()
    parsed.feed(made[0].text)
    assert parsed.acting == []
    assert parsed.tags.count("script") == len(SCRIPTS) + 1
    assert {"svg", "textarea", "b"}.isdisjoint(parsed.tags)
    assert "\u2028" not in made[0].text


def test_only_the_page_s_own_scripts_may_run(made: Made) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", made[0].text, re.DOTALL)
    allowed = re.findall(r"'sha256-([^']+)'", made[0].text[: made[0].text.index("<style>")])
    assert [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts] == allowed


def test_scripts_never_write_markup_and_load_nothing() -> None:
    for file in (files("salmonn_eval.report.page") / "assets").iterdir():
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|https?:|fetch\(", text), file


def test_units_of_the_alignment_are_those_that_were_scored(made: Made) -> None:
    (asked,) = made[1]["sets"]
    assert asked["align"] == "words" and asked["metrics"][asked["score"]] == "wer % ↓ (norm:whisper-en.1)"
    (entry,) = (one for one in made[1]["entries"] if one["references"][0].startswith("YOU DON'T MEAN"))
    assert entry["units"][0].split(BETWEEN) == "you do not mean that you thought me so silly".split()


def test_sounds_are_opus_of_the_clip_s_length(made: Made) -> None:
    _, data, heard = made
    assert (heard.embedded, heard.linked, heard.missing) == (78, 0, 0)
    sound = data["sounds"][0]
    opus = base64.b64decode(sound["source"].removeprefix("data:audio/ogg;base64,"))
    with soundfile.SoundFile(io.BytesIO(opus)) as file:
        assert file.subtype == "OPUS"
        assert file.frames / file.samplerate == pytest.approx(sound["seconds"], abs=0.03)


def test_beyond_the_cap_sounds_lie_beside_the_page(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", right()[:4])
    _, data, heard = page_of(run, cap=60_000)
    linked = [sound["source"] for sound in data["sounds"] if not sound["source"].startswith("data:")]
    assert heard.linked == len(linked) > 0 and heard.embedded + heard.linked == len(data["sounds"])
    for source in linked:
        assert soundfile.info(str(run / source)).subtype == "OPUS"


def test_sounds_that_are_gone_or_not_wanted_say_why(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", right()[:2])
    samples = run / "samples/asr.mini-real.jsonl"
    samples.write_text(samples.read_text().replace(".flac", ".gone"))
    plan = run / "plan.jsonl"
    plan.write_text(plan.read_text().replace(".flac", ".gone"))
    _, data, heard = page_of(run)
    assert heard.missing == len(data["sounds"]) and ".gone" in data["sounds"][0]["why"]
    assert all("--no-audio" in sound.why for sound in silent([]) + silent([(None, None)]))  # type: ignore[list-item]
