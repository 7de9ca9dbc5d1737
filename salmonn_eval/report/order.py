"""The order of tasks in the paper's tables, and what they are called there."""

from collections.abc import Mapping

PAPER_NAMES: Mapping[str, str] = {
    "asr": "ASR",
    "en2zh": "En2Zh",
    "aac": "AAC",
    "pr": "PR",
    "er": "ER",
    "mc": "MC",
    "osr": "OSR",
    "sv": "SV",
    "en2de": "En2De",
    "en2ja": "En2Ja",
    "ke": "KE",
    "sqqa": "SQQA",
    "sf": "SF",
    "story": "Story",
    "sac": "SAC",
}
"""Tables 3(a), trained tasks, and 3(b), untrained ones, of arXiv 2310.13289, from left to right."""

METRIC_NAMES: Mapping[str, str] = {
    "wer": "WER",
    "per": "PER",
    "osr_wer": "WER",
    "bleu": "BLEU4",
    "coco_bleu4": "BLEU4",
    "meteor": "METEOR",
    "rouge_l": "ROUGE-L",
    "spider": "SPIDEr",
    "accuracy": "acc.",
    "keyword_accuracy": "acc.",
    "slot_accuracy": "acc.",
    "answer_accuracy": "acc.",
    "judge_accuracy": "acc. (judge)",
    "following_rate": "FR",
    "fr_paper": "FR (the paper's)",
    "diversity": "diversity",
}


def task_place(task: str) -> int:
    """Where a task stands; those that the paper lacks come last."""
    names = list(PAPER_NAMES)
    return names.index(task) if task in names else len(names)
