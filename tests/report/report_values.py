"""Results to lay out: the numbers of a real import, and every way a value can be absent or in doubt."""

from typing import Any

import msgspec

from salmonn_eval.records import Interval, MetricValue, Variant

WER = "wer|norm:whisper-en.1|agg:corpus|empty-ref:ins|v:1"
PLAIN = "wer|norm:plain.1|agg:corpus|empty-ref:ins|v:1"
FR = "following_rate|rule:words|v:1"


def value(**changes: Any) -> MetricValue:
    """One word error rate of a complete run, with `changes`."""
    base = MetricValue(
        model="salmonn-7b",
        task="asr",
        dataset="librispeech-test-clean",
        group=None,
        variant=Variant(),
        metric="wer",
        reading="all",
        value=10.270871845172973,
        unit="percent",
        better="lower",
        ci=Interval(8.9, 11.7, "bootstrap", 40),
        bounds=None,
        n_planned=2617,
        n_scored=2617,
        n_unscored=0,
        n_error=0,
        n_followed=2567,
        n_undetermined=0,
        signature=WER,
        asked="a1",
        system="s1",
        headline=True,
    )
    return msgspec.structs.replace(base, **changes)


def one_run() -> list[MetricValue]:
    """A run with three readings, two normalizers, losses, a caution, a missing and a not applicable metric."""
    few = Interval(0.905, 1.0, "jackknife", 10, caution="fewer than 40 clusters: the interval may be too narrow")
    lost = {"n_scored": 2610, "n_unscored": 5, "n_error": 2, "bounds": (9.87, 11.02)}
    absent = {"value": None, "ci": None, "n_scored": 0, "n_planned": 0, "n_followed": 0}
    return [
        value(signature=PLAIN, value=11.5, ci=Interval(10.0, 13.0, "bootstrap", 40), headline=False, **lost),
        value(**lost),
        value(reading="followed", value=3.0, n_scored=2567, ci=Interval(2.6, 3.4, "bootstrap", 40), n_undetermined=3),
        value(reading="strict", value=4.9, ci=Interval(4.2, 5.7, "bootstrap", 40)),
        value(metric="following_rate", value=0.981, unit="fraction", better="higher", ci=few, signature=FR),
        value(
            task="aac",
            dataset="audiocaps",
            metric="spice",
            unit="points",
            better="higher",
            signature="spice|v:1",
            status="missing",
            why="its models are not installed; run salmonn-eval doctor --fetch spice",
            **absent,
        ),
        value(
            task="en2zh",
            dataset="",
            metric="bleu",
            unit="points",
            better="higher",
            signature="",
            status="not applicable",
            why="no dataset in suite mini-real",
            **absent,
        ),
        value(
            task="sv",
            dataset="",
            metric="accuracy",
            unit="fraction",
            better="higher",
            signature="",
            status="not applicable",
            why="no dataset in suite mini-real",
            **absent,
        ),
    ]
