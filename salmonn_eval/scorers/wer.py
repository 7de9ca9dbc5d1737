"""Word and character error rates."""

from collections.abc import Mapping, Sequence

from salmonn_eval.scorers.base import ScorerContext, Signature
from salmonn_eval.scorers.error_rate import ErrorRate
from salmonn_eval.scorers.language import UNSPACED, base_language, spaced_language
from salmonn_eval.scorers.normalize import NORMALIZERS, normalizer

_COMMON = (("agg", "corpus"), ("empty-ref", "ins"), ("refs", "nearest"))


class WordErrorRate(ErrorRate):
    """WER in percent; words are what white space parts after normalizing both sides."""

    metric = "wer"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        language = spaced_language(self.metric, context.language, "use `cer`")
        self._normalize = normalizer(settings["normalizer"], language)
        self.signature = Signature(
            "wer", (("norm", str(NORMALIZERS[settings["normalizer"]])), ("lang", language or "unknown"), *_COMMON)
        )

    def units(self, text: str) -> list[str]:
        """The words of a text."""
        return self._normalize(text).split()


class CharacterErrorRate(ErrorRate):
    """CER in percent over Unicode code points; `spaces` says whether white space counts (auto: in spaced languages)."""

    metric = "cer"

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        language = base_language(context.language)
        self._normalize = normalizer(settings["normalizer"], language)
        spaces = settings["spaces"]
        if spaces == "auto":
            spaces = "remove" if language in UNSPACED else "keep"
        self._keep = spaces == "keep"
        norm = str(NORMALIZERS[settings["normalizer"]])
        self.signature = Signature(
            "cer", (("norm", norm), ("spaces", spaces), ("lang", language or "unknown"), *_COMMON)
        )

    def units(self, text: str) -> Sequence[str]:
        """The characters of a text, as one string."""
        text = self._normalize(text)
        return text if self._keep else "".join(text.split())
