"""METEOR's own program: the same statistics, the same aggregate, and one bad caption costs itself alone."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pytest

from salmonn_eval.records import Generation, Prediction, Request, Sample, Variant
from salmonn_eval.scorers.captions.captions import Caption
from salmonn_eval.scorers.captions.meteor import Meteor, MeteorTool
from salmonn_eval.scorers.captions.process import JavaFault

pytestmark = pytest.mark.slow


def caption(*texts: str) -> Caption:
    return Caption(texts[0], texts[1:])


def test_statistics_and_values_are_those_of_the_program(golden, captions, scored):
    for case in golden("captions"):
        expected = case["expected"]
        _, measures, value = scored("meteor", captions(case))
        assert [list(measure.stats) for measure in measures] == expected["METEOR_stats"]
        assert value / 100 == pytest.approx(expected["METEOR"], abs=1e-6)
        assert [measure.value / 100 for measure in measures] == pytest.approx(expected["METEOR_per"], abs=1e-6)


def test_the_value_is_the_programs_own_aggregate(context):
    """EVAL answers with a value for each segment, then with one for all of them."""
    texts = [
        ("a dog barks", "a dog barks"),
        ("dogs are barking loudly", "a dog barks in the distance", "loud barking"),
        ("water", "rain falls on a roof"),
        ("the the the", "the cat"),
        ("", "birds sing"),
        ("un chien aboie près du café", "a dog barks near the café"),
    ]
    tool = context.shared.get(MeteorTool)
    stats = tool.statistics([caption(*text) for text in texts])
    request = "EVAL ||| " + " ||| ".join(" ".join(f"{number:g}" for number in row) for row in stats) + "\n"
    told = [float(line) for line in islice(tool._tool.lines(request.encode(), 60), len(stats) + 1)]
    meteor = Meteor({}, context)
    rows = np.array(stats)
    assert [float(meteor.combine(row[None, :], np.ones(1))) / 100 for row in rows] == pytest.approx(told[:-1], abs=1e-9)
    assert float(meteor.combine(rows, np.ones(len(rows)))) / 100 == pytest.approx(told[-1], abs=1e-9)


def test_ends_are_an_empty_answer_and_a_copied_reference(context):
    meteor = Meteor({}, context)
    sample = Sample("a", references=("a dog barks.", "Barking"))
    worst, best = meteor.worst(sample), meteor.best(sample)
    assert float(meteor.combine(worst[None, :], np.ones(1))) == 0
    assert float(meteor.combine(best[None, :], np.ones(1))) == pytest.approx(100)
    both = meteor.combine(np.array([worst, best]), np.ones(2)).item()
    assert 0 < both < 100


ODD = {
    "empty": "",
    "U+2028": "a\u2028b",
    "CR LF": "a\rb\nc",
    "bars": "|||",
    "protocol": "a ||| SCORE ||| b",
    "long word": "x" * 19_000,
    "many words": " ".join(f"w{number}" for number in range(499)),
    "one word again and again": "w " * 150,
    "Arabic": "مرحبا بالعالم",
    "emoji": "😀 " * 50,
    "surrogate": "\ud800",
    "nul": "\x00",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_no_answer_breaks_or_hangs_meteor(scored, text):
    request = Request("k", "aac", "d", "s", "", (), Generation(200), Variant())
    given = [
        (Sample(str(number), references=("a dog barks", text + " dog")), request, Prediction("k", words, "eos"))
        for number, words in enumerate(["a dog barks", text, "a dog barks"])
    ]
    _, measures, _ = scored("meteor", given)
    assert [measure.status for measure in measures] == ["scored"] * 3
    assert measures[0].value == measures[2].value == pytest.approx(100)


def test_a_program_killed_in_its_work_costs_one_caption_alone():
    tool = MeteorTool()
    good = caption("a dog barks", "a dog barks")
    (before,) = tool.statistics([good])
    os.kill(tool._tool.process.pid, signal.SIGKILL)
    found = tool.statistics([caption("a cat", "a cat meows"), good, good])
    tool.close()
    assert isinstance(found[0], JavaFault)
    assert "METEOR ended" in str(found[0])
    assert found[1:] == [before, before]


def test_four_at_once_do_not_disturb_each_other(context):
    texts = [caption("dogs bark", "a dog barks", "barking dogs"), caption("rain", "heavy rain falls")] * 20
    expected = context.shared.get(MeteorTool).statistics(texts)
    tools = [MeteorTool() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda tool: tool.statistics(texts), tools))
    folders = {tool._tool.folder for tool in tools}
    for tool in tools:
        tool.close()
    assert found == [expected] * 4
    assert len(folders) == 4
