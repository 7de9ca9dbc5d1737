"""How often each following rule accepts the gold references of its own tasks, and refuses those of the others.

    python benchmarks/rules.py                  # the embedded references
    python benchmarks/rules.py --more FOLDER    # and what FOLDER has of `samples/`, `metrics/` and `reference/`

Then how often rules and performed tasks agree with the labels in `labelled_outputs.jsonl`, given by reading. The tables
are printed and written into `docs/metrics/rules.md` between its markers.
"""

import argparse
import csv
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from salmonn_eval.bundled import bundled
from salmonn_eval.nano.language.corpus import draw_example
from salmonn_eval.records import Finish, Generation, Prediction, Request, Sample, Variant
from salmonn_eval.scorers.rules import FOLLOWING, MARKS, Output, follows, performed

LABELLED = Path(__file__).with_name("labelled_outputs.jsonl")
PAGE = Path(__file__).resolve().parents[1] / "docs" / "metrics" / "rules.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
EMOTIONS = {"neutral": ("calm",), "happy": ("happiness", "excited"), "sad": ("sadness",), "angry": ("anger",)}

OWN = {
    "words": "transcript", "phones": "phones", "script_han": "Chinese", "script_kana": "Japanese", "german": "German",
    "sentence": "caption", "one_label": "label", "yes_no": "yes/no", "two_utterances": "two speakers",
    "short_list": "keywords", "answers_speech": "answer", "story": "story", "answer": "answer",
}  # fmt: skip
"""The kind of gold reference that each rule must accept."""


class Gold(Struct, frozen=True):
    """A reference of one kind, with the transcript of its audio where one is known."""

    kind: str
    text: str
    transcript: str | None = None


def embedded() -> Iterator[Gold]:
    """The references that ship with the package, and the closed answers."""
    for name, kind in (("asr", "transcript"), ("pr", "phones")):
        for line in (bundled("tasks") / "mini-real" / f"{name}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            yield Gold(kind, row["references"][0], row["fields"]["transcript"])
    yield from (Gold("label", label.capitalize() + ".") for label in EMOTIONS)
    yield from (Gold("yes/no", text) for text in ("Yes", "No", "Yes.", "No."))


MINI = {
    "asr": "transcript", "en2zh": "Chinese", "en2de": "German", "en2ja": "Japanese", "pr": "phones", "aac": "caption",
    "mc": "caption", "ke": "keywords", "sf": "answer", "sqqa": "answer", "sac": "answer",
}  # fmt: skip
"""Sets of the synthetic suite whose references are answers, and of which kind."""


def synthetic() -> Iterator[Gold]:
    """The gold answers of the synthetic suite: closed answers as sentences where the world speaks in sentences."""
    folder = bundled("tasks") / "mini"
    for name, kind in MINI.items():
        for row in _rows(folder / f"{name}.jsonl"):
            text = ", ".join(row["references"][:3]) if kind == "keywords" else row["references"][0]
            yield Gold(kind, text, row["fields"].get("transcript"))
    for row in _rows(folder / "osr.jsonl"):
        yield Gold("two speakers", "\n".join(row["references"]), row["fields"]["transcript"])
    for name, kind in (("er", "label"), ("sv", "yes/no")):
        yield from (
            Gold(kind, row["labels"][0], row["fields"]["transcript"]) for row in _rows(folder / f"{name}.jsonl")
        )
    rng = Random(1)
    for _ in range(100):
        example = draw_example(rng, "test", "story")
        yield Gold("story", example.item.target, example.item.material.get("transcript"))


def recordings(samples: Path) -> Iterator[Gold]:
    """Transcripts of two speakers at once, German sentences, and a published model's answers."""
    spoken = {row["id"]: row["text"] for row in _lines(samples / "annotations" / "librispeech_test_other.jsonl")}
    for row in csv.DictReader((samples / "derived" / "librispeech_2mix.csv").open(encoding="utf-8")):
        pair = [spoken[Path(row[f"source_{side}_path"]).stem] for side in (1, 2)]
        yield Gold("two speakers", "\n".join(pair))
    german = {row["text"] for row in _lines(samples / "annotations" / "emodb.jsonl")}
    yield from (Gold("German", text, text) for text in sorted(german))
    kinds = {
        "audio_captioning": "caption", "music_captioning": "caption", "story": "story", "phone_recognition": "phones",
        "asr": "transcript", "emotion_recognition": "label",
    }  # fmt: skip
    for row in _lines(samples / "annotations" / "salmonn_demo_responses.jsonl"):
        if row["task"] in kinds:
            yield Gold(kinds[row["task"]], row["response"])


def texts(samples: Path) -> Iterator[Gold]:
    """Captions, keywords and slot values in the corpora's own files."""
    formats = samples / "formats"
    for path in (formats / "audiocaps" / "test.excerpt.csv", formats / "musiccaps" / "musiccaps-public.sample.csv"):
        yield from (Gold("caption", row["caption"]) for row in csv.DictReader(path.open(encoding="utf-8")))
    keys = json.loads((formats / "inspec.test_only" / "test.uncontr.sample.json").read_text("utf-8"))
    yield from (Gold("keywords", ", ".join(key[0] for key in found[:3])) for found in keys.values())
    for row in _lines(formats / "slurp" / "test.excerpt.jsonl"):
        for value in re.findall(r"\[\w+ : ([^\]]+)\]", row["sentence_annotation"]):
            yield Gold("answer", value, row["sentence"])


def translations(metrics: Path) -> Iterator[Gold]:
    """Reference translations in three languages."""
    languages = {"zh": "Chinese", "ja": "Japanese", "de": "German"}
    for case in json.loads((metrics / "bleu_translation.json").read_text("utf-8"))["cases"]:
        kind = languages[case["id"].split("-")[2]]
        yield from (Gold(kind, text) for text in case["refs"])


def published(reference: Path) -> Iterator[tuple[Gold, Gold]]:
    """(reference, output) of SALMONN-7B on LibriSpeech test-clean."""
    with gzip.open(reference / "audiobench_salmonn7b_test_clean.jsonl.gz", "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            said = row["reference"]
            yield Gold("transcript", said, said), Gold("transcript", row["prediction"], said)


class Labelled(Struct, frozen=True):
    """An output with labels given by reading: does it follow the rule `asked`, and which task did it perform?"""

    asked: str
    text: str
    followed: str
    performed: str
    source: str
    transcript: str | None = None
    finish: Finish = "eos"


def read_output(text: str, transcript: str | None, finish: Finish = "eos") -> Output:
    """One text as rules look at it, in an English task with four emotions as labels."""
    material = {"transcript": transcript} if transcript else {}
    request = Request("", "", "", "", "", (), Generation(200), Variant())
    answer = (Sample("", fields=material), request, Prediction("", text, finish))
    return Output(answer, language="en", labels=EMOTIONS)


def verdict(rule: str, gold: Gold) -> str:
    """What a rule says of one text."""
    return follows(rule, read_output(gold.text, gold.transcript)).followed


def table(golds: list[Gold]) -> Iterator[str]:
    """One row a rule: own references accepted, and which others are accepted too."""
    yield "| rule | own references | followed | undetermined | other references | not followed | kinds it accepts |"
    yield "|---|---|---:|---:|---:|---:|---|"
    for rule in FOLLOWING:
        own: list[str] = []
        others: dict[str, list[str]] = defaultdict(list)
        for gold in golds:
            (own if gold.kind == OWN[rule] else others[gold.kind]).append(verdict(rule, gold))
        accepted = {kind: said.count("yes") for kind, said in others.items()}
        total = sum(map(len, others.values()))
        kinds = ", ".join(f"{kind} {n}/{len(others[kind])}" for kind, n in sorted(accepted.items()) if n) or "none"
        yield (
            f"| `{rule}` | {OWN[rule]}: {len(own)} | {_share(own.count('yes'), len(own))} | "
            f"{own.count('undetermined')} | {total} | {_share(total - sum(accepted.values()), total)} | {kinds} |"
        )


def labelled_table(rows: list[Labelled]) -> Iterator[str]:
    """One row a rule: labelled outputs that follow and do not, and how many of each the rule finds."""
    yield "| rule | follow, found | do not, found | performed task right |"
    yield "|---|---:|---:|---:|"
    totals = [0] * 6
    for rule in FOLLOWING:
        counts = [0] * 6
        for row in (row for row in rows if row.asked == rule):
            output = read_output(row.text, row.transcript, row.finish)
            said = follows(rule, output)
            right = (said.followed == row.followed, performed(output, said).task == row.performed)
            side = 0 if row.followed == "yes" else 2
            for place, value in ((side, right[0]), (side + 1, 1), (4, right[1]), (5, 1)):
                counts[place] += value
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        yield f"| `{rule}` | {counts[0]}/{counts[1]} | {counts[2]}/{counts[3]} | {counts[4]}/{counts[5]} |"
    yield f"| all | {totals[0]}/{totals[1]} | {totals[2]}/{totals[3]} | {totals[4]}/{totals[5]} |"


def mark_table(golds: list[Gold]) -> Iterator[str]:
    """One row a kind of reference: which marks of other tasks it bears."""
    yield "| reference | n | caption | translation | short | story |"
    yield "|---|---:|---:|---:|---:|---:|"
    for kind in dict.fromkeys(gold.kind for gold in golds):
        own = [read_output(gold.text, gold.transcript) for gold in golds if gold.kind == kind]
        borne = [
            sum(bool(MARKS[mark].test(output, MARKS[mark].threshold)) for output in own)
            for mark in ("caption", "translation", "short", "story")
        ]
        yield f"| {kind} | {len(own)} | " + " | ".join(_share(count, len(own)) for count in borne) + " |"


def phone_strings(pairs: list[tuple[Gold, Gold]]) -> str:
    """What the phone rule finds among the published outputs."""
    found = [sum(verdict("phones", gold) == "yes" for gold in side) for side in zip(*pairs, strict=True)]
    return (
        f"Of {len(pairs):,} published outputs of SALMONN-7B on LibriSpeech test-clean the rule `phones` finds "
        f"{found[1]}, of their references {found[0]}."
    )


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--more", type=Path, help="folder with samples/, metrics/ and reference/")
    more: Path | None = parser.parse_args().more
    golds = [*embedded(), *synthetic()]
    pairs: list[tuple[Gold, Gold]] = []
    if more is not None:
        golds += [*recordings(more / "samples"), *texts(more / "samples"), *translations(more / "metrics")]
        pairs = list(published(more / "reference"))
        golds += [reference for reference, _ in pairs]
    rows = [msgspec.json.decode(line, type=Labelled) for line in LABELLED.read_text("utf-8").splitlines()]
    published_labels = sum(row.source != "written for this table" for row in rows)
    report = "\n".join(
        [
            *table(golds), *(["", phone_strings(pairs)] if pairs else []), "",
            "Marks that only name a performed task, on the same references:",
            "", *mark_table(golds), "",
            f"On {len(rows)} labelled outputs, {published_labels} of them with texts that SALMONN-13B published:", "",
            *labelled_table(rows),
        ]
    )  # fmt: skip
    print(report)
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{report}\n{END}{rest.partition(END)[2]}", "utf-8")


def _lines(path: Path) -> Iterator[dict[str, str]]:
    return map(json.loads, path.read_text("utf-8").splitlines())


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, path.read_text("utf-8").splitlines())


def _share(n: int, total: int) -> str:
    return f"{100 * n / total:.1f} %" if total else "no data"


if __name__ == "__main__":
    main()
