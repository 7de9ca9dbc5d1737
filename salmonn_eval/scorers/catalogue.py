"""Every metric id with its unit and its better direction, whether this version can compute it or not."""

from collections.abc import Mapping

from msgspec import Struct

from salmonn_eval.records import Better, Unit


class MetricFacts(Struct, frozen=True):
    """`needs_logprobs`: only models that give log-probabilities of the labels can be measured.

    `needs_judge`: another language model reads the answers.
    """

    unit: Unit
    better: Better
    needs_logprobs: bool = False
    needs_judge: bool = False


METRICS: Mapping[str, MetricFacts] = {
    "wer": MetricFacts("percent", "lower"),
    "cer": MetricFacts("percent", "lower"),
    "per": MetricFacts("percent", "lower"),
    "osr_wer": MetricFacts("percent", "lower"),
    "cpwer": MetricFacts("percent", "lower"),
    "bleu": MetricFacts("points", "higher"),
    "coco_bleu4": MetricFacts("points", "higher"),
    "meteor": MetricFacts("points", "higher"),
    "rouge_l": MetricFacts("points", "higher"),
    "cider": MetricFacts("points", "higher"),
    "spice": MetricFacts("points", "higher"),
    "spider": MetricFacts("points", "higher"),
    "accuracy": MetricFacts("fraction", "higher"),
    "unweighted_accuracy": MetricFacts("fraction", "higher"),
    "balanced_accuracy": MetricFacts("fraction", "higher"),
    "yes_rate": MetricFacts("fraction", "higher"),
    "eer": MetricFacts("percent", "lower", needs_logprobs=True),
    "keyword_accuracy": MetricFacts("fraction", "higher"),
    "slot_accuracy": MetricFacts("fraction", "higher"),
    "slot_contains": MetricFacts("fraction", "higher"),
    "answer_accuracy": MetricFacts("fraction", "higher"),
    "judge_accuracy": MetricFacts("fraction", "higher", needs_judge=True),
    "following_rate": MetricFacts("fraction", "higher"),
    "fr_paper": MetricFacts("fraction", "higher"),
    "diversity": MetricFacts("words", "higher"),
    "distinct_100": MetricFacts("words", "higher"),
    "repeat_rate": MetricFacts("fraction", "lower"),
    "eos_rate": MetricFacts("fraction", "higher"),
    "grounding": MetricFacts("fraction", "higher"),
}
