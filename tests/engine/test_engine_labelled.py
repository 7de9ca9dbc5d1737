"""Log-probabilities of closed labels: asked where a metric needs them, summed over spellings, missed in the open."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from engine_runs import OneByOne, card_of

import salmonn_eval
from salmonn_eval.bundled import bundled
from salmonn_eval.models.protocol import AudioSource, Capabilities
from salmonn_eval.records import Request, TokenLogprobs

TRIALS = 40


class Listener(OneByOne):
    """Says no to everything, and how sure it is by the sample's id: `t-7` is surer of yes than `t-3`."""

    def __init__(self, *, sure: bool = True, logprobs: bool = True) -> None:
        card = card_of(capabilities=Capabilities(audio=False, logprobs=logprobs))
        super().__init__(card, lambda request: "no")
        self.sure = sure

    def logprobs(
        self, requests: Iterable[Request], continuations: Sequence[str], audio: AudioSource
    ) -> Iterator[TokenLogprobs]:
        for request in requests:
            if not self.sure and request.sample_id == "t-3":
                raise RuntimeError("lost count")
            odds = int(request.sample_id.partition("-")[2]) / TRIALS
            for spelling in continuations:
                share = {"yes": odds / 2, "yeah": odds / 2, "no": 1 - odds}.get(spelling, 1e-12)
                yield TokenLogprobs(request.key, spelling, (math.log(max(share, 1e-12)), 0.0))


@pytest.fixture
def trials(tmp_path: Path) -> Path:
    """Forty trials; true from the thirtieth on, and two of the lower ones."""
    task = (bundled("tasks") / "level1" / "sv.yaml").read_text().partition("datasets:")[0]
    task = task.replace("id: sv", "id: pairs").replace("release_key: speaker_verification\n", "")
    dataset = "datasets:\n  set: {suite: mini-real, source: manifest, path: pairs.jsonl, cluster: item}\nversion: 1\n"
    (tmp_path / "pairs.yaml").write_text(task + dataset)
    rows = [{"id": f"t-{n}", "labels": ["yes" if n >= 30 or n in (10, 20) else "no"]} for n in range(TRIALS)]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def run(model: Any, folder: Path) -> salmonn_eval.Evaluation:
    """Ask all trials."""
    return salmonn_eval.evaluate(
        model, "pairs", suite="mini-real", task_paths=[folder / "pairs.yaml"], out=folder / "runs"
    )


def test_equal_error_rate_comes_from_the_labels_log_probabilities(trials: Path) -> None:
    found = run(Listener(), trials)
    first = next(answer for answer in found.answers() if answer.sample.id == "t-12")
    given = first.prediction.label_logprobs
    assert given is not None
    assert set(given) == {"yes", "no"}
    assert given["yes"] == pytest.approx(math.log(12 / TRIALS), abs=1e-6)  # yes and yeah together
    assert given["no"] == pytest.approx(math.log(28 / TRIALS), abs=1e-6)
    # Twelve true trials, of which t-10 and t-20 are low: above t-20 stand 9 of 28 false ones (21 to 29) and 10 of 12
    # true ones; the two rates cross between a miss of 2 in 12 and of 1 in 12, where no false one is passed or 9 are.
    assert found.value("pairs", "eer") == pytest.approx(100 * 2 / 12, abs=1e-6)


def test_without_log_probabilities_the_rate_is_missing_with_its_reason(trials: Path) -> None:
    found = run(Listener(logprobs=False), trials)
    (value,) = [value for value in found.results if value.metric == "eer" and value.reading == "all"]
    assert (value.status, value.value) == ("missing", None)
    assert "no log-probabilities" in (value.why or "")
    assert found.value("pairs", "accuracy") == pytest.approx(28 / TRIALS)


def test_a_model_that_fails_at_them_loses_that_trials_alone(trials: Path) -> None:
    found = run(Listener(sure=False), trials)
    (value,) = [value for value in found.results if value.metric == "eer" and value.reading == "all"]
    assert (value.n_scored, value.n_unscored, value.n_error) == (TRIALS - 1, 1, 0)
    assert found.value("pairs", "accuracy") == pytest.approx(28 / TRIALS)
    events = (found.path / "events.jsonl").read_text()
    assert "no log-probabilities of labels for sample t-3: lost count" in events


def test_nothing_is_asked_where_no_metric_needs_it(trials: Path) -> None:
    file = trials / "pairs.yaml"
    file.write_text(file.read_text().replace("  - {name: eer}\n", ""))
    found = run(Listener(), trials)
    assert {answer.prediction.label_logprobs for answer in found.answers()} == {None}
