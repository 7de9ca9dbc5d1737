"""SPICE 1.0 of captions (Anderson et al. 2016): scene graphs compared, by its authors' program in its own process."""

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence

from salmonn_eval.records import Measure
from salmonn_eval.scorers.base import ScorerContext, Signature
from salmonn_eval.scorers.captions.captions import Caption, MeanCaptionScorer, mean_measure
from salmonn_eval.scorers.captions.java import coco_folder
from salmonn_eval.scorers.captions.process import JavaFault, JavaProcess, halved
from salmonn_eval.scorers.captions.ptb import TOKENIZER
from salmonn_eval.scorers.captions.spice_files import SpiceFiles, locate, spice_folder, verify

MAX_WORDS = 120
"""Parsing takes memory by the square and time by the cube of the length: two of these at once still fit the heap."""
_JARS = (
    "spice-1.0.jar lib/Meteor-1.5.jar lib/SceneGraphParser-1.0.jar lib/ejml-0.23.jar lib/guava-19.0.jar "
    "lib/json-simple-1.1.1.jar lib/slf4j-api-1.7.12.jar lib/slf4j-simple-1.7.21.jar"
).split()
_MAIN = "edu.anu.spice.SpiceScorer"
_HEAP_MB = 3_000
_START_S = 600.0
_CLIP_S = 3.0
_LONG_CLIP_S = 240.0
_LONG_WORDS = 40
_PROBE = Caption("a dog barks", ("a dog barks",))


class SpiceTool:
    """Runs SPICE on batches of captions and remembers what it found, for SPICE and SPIDEr ask for the same."""

    def __init__(self) -> None:
        self._known: dict[bytes, float | JavaFault] = {}
        self._files: SpiceFiles | None = None

    def scores(self, captions: Sequence[Caption]) -> list[float | JavaFault]:
        """F of each caption's scene graph, between 0 and 1.

        A caption that the program dies or hangs of gets the fault, and the others their scores. Raises
        PrerequisiteError where CoreNLP's files are missing or damaged.
        """
        if self._files is None:
            files = locate(spice_folder())
            verify(files)
            self._files = files
        keys = [_key(caption) for caption in captions]
        new = {key: caption for key, caption in zip(keys, captions, strict=True) if key not in self._known}
        self._known.update(zip(new, self._scores(list(new.values())), strict=True))
        return [self._known[key] for key in keys]

    def close(self) -> None:
        """Forget what was found; processes end with their batch."""
        self._known.clear()

    def _scores(self, captions: Sequence[Caption]) -> list[float | JavaFault]:
        if not captions:
            return []
        try:
            return list(self._run(captions))
        except JavaFault as fault:
            if len(captions) == 1:
                return [fault]
        try:
            self._run([_PROBE])
        except JavaFault as fault:  # it does not run at all: halving would only take long
            return [fault] * len(captions)
        middle = len(captions) // 2
        return [*halved(self._run, captions[:middle]), *halved(self._run, captions[middle:])]

    def _run(self, captions: Sequence[Caption]) -> list[float | JavaFault]:
        """One process over one batch; a caption in which SPICE finds nothing to compare gets a fault."""
        assert self._files is not None, "located before"
        rows = [{"image_id": str(i), "test": c.answer, "refs": c.references} for i, c in enumerate(captions)]
        main = (_MAIN, "in.json", "-out", "out.json", "-silent")
        own = [coco_folder() / "spice" / jar for jar in _JARS]
        classpath = [*own, self._files.code, *self._files.models]
        process = JavaProcess("SPICE", main, classpath, _HEAP_MB, {"in.json": json.dumps(rows)})
        allowed = _START_S + sum(map(_seconds, captions))
        try:
            process.process.wait(allowed)
            found = json.loads((process.folder / "out.json").read_text("utf-8"))
        except subprocess.TimeoutExpired:
            process.process.kill()
            raise process.fault(f"did not end within {allowed:g} s") from None
        except (OSError, json.JSONDecodeError):
            raise process.fault("ended without a result") from None
        finally:
            process.close()
        scores = {row["image_id"]: row["scores"]["All"]["f"] for row in found}
        return [_score(scores.get(str(index))) for index in range(len(captions))]


class Spice(MeanCaptionScorer):
    """SPICE in points, mean over clips."""

    metric = "spice"
    max_words = MAX_WORDS

    def __init__(self, settings: Mapping[str, str], context: ScorerContext) -> None:
        super().__init__(context)
        self.signature = Signature(self.metric, (TOKENIZER, *SETTINGS))

    def score(self, captions: Sequence[Caption]) -> list[Measure]:
        """Measures of F between 0 and 1."""
        return [
            Measure("unscored", why=str(found)) if isinstance(found, JavaFault) else mean_measure(found)
            for found in self._shared.get(SpiceTool).scores(captions)
        ]


SETTINGS = (("spice", "1.0"), ("parser", "corenlp-3.6.0"), ("max-words", str(MAX_WORDS)))
"""For signatures."""


def _score(found: float | None) -> float | JavaFault:
    if found is None or found != found:
        return JavaFault("SPICE found nothing to compare")
    return float(found)


def _seconds(caption: Caption) -> float:
    longest = max(text.count(" ") for text in (caption.answer, *caption.references))
    return _LONG_CLIP_S if longest >= _LONG_WORDS else _CLIP_S


def _key(caption: Caption) -> bytes:
    return hashlib.sha256("\n".join((caption.answer, *caption.references)).encode("utf-8", "replace")).digest()[:16]
