"""Marks that an output bears or not: the ordered table that performed tasks and following rules are read off."""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache

from msgspec import Struct
from rapidfuzz.distance import Indel, LCSseq

from salmonn_eval.records import Prediction, Request, Sample
from salmonn_eval.scorers.labels import read_label, tokens
from salmonn_eval.scorers.normalize.plain import plain
from salmonn_eval.scorers.phones import read_phones
from salmonn_eval.scorers.rules import script, splitter
from salmonn_eval.scorers.rules.caption import describes_sound

YES_NO: Mapping[str, tuple[str, ...]] = {"yes": ("yeah", "yep"), "no": ("nope",)}


class Output:
    """One answer with the material that marks look at: the text itself, how it ended, and what the sample knows."""

    def __init__(
        self,
        answer: tuple[Sample, Request, Prediction],
        *,
        language: str | None = None,
        labels: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        sample, request, prediction = answer
        self.text = prediction.text or ""
        self.cut_off = prediction.finish == "length"
        self.instruction = request.instruction
        self.language = language and language.split("-")[0].lower()
        self.labels = labels or {}
        spoken = sample.fields.get("transcript")
        self.transcript = plain(spoken).split() if isinstance(spoken, str) and spoken.strip() else None

    @cached_property
    def words(self) -> list[str]:
        """Lower-case words without punctuation."""
        return plain(self.text).split()

    @cached_property
    def repeats(self) -> float:
        """Share of 4-grams (of words, or of characters where a script has no spaces) that stood there before."""
        units = tokens(self.text)
        grams = list(zip(units, units[1:], units[2:], units[3:], strict=False))
        return 1 - len(set(grams)) / len(grams) if len(grams) >= _FEWEST_GRAMS else 0.0


_FEWEST_GRAMS = 6
_FEWEST_PHONES = 3
Test = Callable[[Output, float], bool | None]


class Mark(Struct, frozen=True):
    """One row: `test(output, threshold)` is None where the output's sample lacks the material `needs`.

    `setting` is the name under which a task's `following.settings` overrides the threshold.
    """

    id: str
    test: Test
    meaning: str
    source: str
    setting: str | None = None
    threshold: float = 0.0
    needs: str | None = None


def _echo(output: Output, similarity: float) -> bool:
    asked = _words(output.instruction)
    return bool(asked) and Indel.normalized_similarity(output.words, asked) >= similarity


@lru_cache(maxsize=64)
def _words(instruction: str) -> list[str]:
    return plain(instruction).split()


def _phones(output: Output, share: float) -> bool:
    read = read_phones(output.text)
    stressed = any(token[-1:].isdigit() for token in read.tokens)
    return read.share >= share and (read.phones >= _FEWEST_PHONES or stressed)


def _transcript(output: Output, recall: float) -> bool | None:
    if output.transcript is None:
        return None
    return LCSseq.similarity(output.words, output.transcript) >= recall * len(output.transcript)


def _translation(output: Output, _: float) -> bool | None:
    found = script.identify(output.text)
    return found is not None and found not in ("en", output.language)


def _yes_no(output: Output, longest: float) -> bool:
    said = read_label(output.text, YES_NO).label
    return said is not None and (output.words[0] in _OPENINGS or len(output.words) <= longest)


_OPENINGS = frozenset((*YES_NO, *(word for spellings in YES_NO.values() for word in spellings)))


def _label(output: Output, _: float) -> bool | None:
    return read_label(output.text, output.labels).label is not None if output.labels else None


def _language(output: Output, share: float) -> bool | None:
    letters = script.SCRIPTS.get(output.language or "")
    if letters is None:
        return None
    if script.script_share(output.text, letters) < share:
        return False
    return output.language not in script.TOLD_APART or script.identify(output.text) in (None, output.language)


def _han(output: Output, share: float) -> bool:
    return not script.count(output.text, script.KANA) and script.script_share(output.text, script.HAN) >= share


def _kana(output: Output, share: float) -> bool:
    kana, han = script.count(output.text, script.KANA), script.count(output.text, script.HAN)
    asian = script.script_share(output.text, script.HAN + script.KANA) >= _LEAST_CJK
    return asian and kana >= share * (kana + han)


_LEAST_CJK = 0.3  # names and acronyms in Latin letters are part of good translations


def _german(output: Output, fewest_words: float) -> bool | None:
    if script.script_share(output.text, script.SCRIPTS["de"]) < 0.5:
        return False
    found = script.identify(output.text) if len(output.words) >= fewest_words else None
    return None if found is None else found == "de"


def _short_list(output: Output, longest: float) -> bool:
    parts = splitter.entries(output.text)
    return 2 <= len(parts) <= longest and all(len(part.split()) <= _LONGEST_ENTRY for part in parts)


_LONGEST_ENTRY = 6
_PAPER = "SALMONN (Tang et al. 2024), section 5"

MARKS: Mapping[str, Mark] = {
    mark.id: mark
    for mark in (
        Mark("empty", lambda o, _: not o.words, "no letter and no digit", "ours"),
        Mark("echo", _echo, "the instruction said back (similarity of words)", "ours", "min_echo_similarity", 0.9),
        Mark(
            "runaway", lambda o, least: o.cut_off and o.repeats >= least,
            "no end of sequence, and at least this share of repeated 4-grams", "ours", "min_runaway_repeats", 0.0,
        ),
        Mark("repeats", lambda o, least: o.repeats >= least, "repeated 4-grams", "ours", "min_repeats", 0.5),
        Mark(
            "phones", _phones, "ARPAbet tokens, stress digits folded in however they are spelled",
            "published SALMONN-7B outputs on LibriSpeech test-clean", "min_phone_share", 0.8,
        ),
        Mark(
            "transcript", _transcript, "share of the spoken words said in order", "ours",
            "max_transcript_recall", 0.7, "fields.transcript",
        ),
        Mark(
            "caption", lambda o, share: describes_sound(o.words, share),
            "share of words that tell of sound, or a scene that opens as captions do, and no narration", "ours",
            "min_caption_share", 0.1,
        ),
        Mark("translation", _translation, "German, Japanese or Chinese where another language is asked", "py3langid"),
        Mark(
            "yes_no", _yes_no, "opens with yes or no, or says one of them in at most this many words", "ours",
            "max_yes_no_words", 8,
        ),
        Mark("label", _label, "exactly one of the task's labels, negation heeded", "ours", needs="labels"),
        Mark("short", lambda o, most: len(o.words) <= most, "at most this many words", "ours", "max_short_words", 5),
        Mark("story", lambda o, least: len(o.words) >= least, "at least this many words", _PAPER, "min_words", 50),
        Mark(
            "language", _language, "share of letters in the script of the task's language, and not another language",
            "Unicode scripts, py3langid",
            "min_script_share", 0.8, "language",
        ),
        Mark("han", _han, "share of Han among letters, and no kana", "Unicode scripts", "min_han_share", 0.3),
        Mark("kana", _kana, "share of kana among kana and Han", "Unicode scripts", "min_kana_share", 0.1),
        Mark("german", _german, "identified as German, from this many words on", "py3langid", "min_german_words", 3),
        Mark(
            "sentence", lambda o, least: len(o.words) >= least, "at least this many words", "ours",
            "min_sentence_words", 3,
        ),
        Mark(
            "two_parts", lambda o, least: len(splitter.utterances(o.text)) >= least,
            "utterances found by the splitter", "ours", "min_utterances", 2,
        ),
        Mark("short_list", _short_list, "two to this many entries of at most six words", "ours", "max_entries", 10),
    )
}  # fmt: skip
