"""The records that flow from tasks to reports: frozen, slotted, without behaviour.

A `Sample` comes from data, a `Request` asks a model about it, a `Prediction` is the answer, a `Measure` what a scorer
found in one answer, a `MetricValue` what a run says about a whole test set.
"""

from typing import Any, Literal

from msgspec import Struct

Join = Literal["single", "concat", "mix"]
ConditionKind = Literal["none", "silence", "noise", "swapped", "text"]
Finish = Literal["eos", "length", "error", "unknown"]
MeasureStatus = Literal["scored", "unscored", "error"]
Followed = Literal["yes", "no", "undetermined"]
Reading = Literal["all", "followed", "strict"]
ValueStatus = Literal["ok", "missing", "not applicable"]
Better = Literal["lower", "higher"]
Unit = Literal["percent", "points", "fraction", "words"]
LongAudio = Literal["truncate", "error", "keep"]
Channels = Literal["first", "mean"]
IntervalMethod = Literal["standard", "bca"]


class AudioRef(Struct, frozen=True, omit_defaults=True):
    """A stretch of one audio resource; never the samples themselves.

    `path` is a file, or `hf://...#row` for an undecoded cell of a Hugging Face dataset; `data` holds an encoded file in
    memory instead. `sha256` is of the encoded bytes. `start_s` and `end_s` (None: to the end) are seconds.
    """

    path: str | None = None
    data: bytes | None = None
    sha256: str | None = None
    start_s: float = 0.0
    end_s: float | None = None


class Clip(Struct, frozen=True, omit_defaults=True):
    """What a model hears as one audio: one part, parts in a row (`gap_s` seconds apart), or parts on top of each other.

    `gains` are linear factors, one a part, of a mix; `mix_length` cuts to the shortest part or pads to the longest.
    `condition` is applied after decoding: `silence` and `noise` replace the sound at its own length (`condition_seed`
    draws the noise); `swapped` only marks that the parts are another sample's. Under `text` there are no clips: what is
    said or heard is read.
    """

    parts: tuple[AudioRef, ...]
    join: Join = "single"
    gap_s: float = 0.0
    gains: tuple[float, ...] = ()
    mix_length: Literal["min", "max"] = "max"
    condition: ConditionKind = "none"
    condition_seed: int = 0


class Sample(Struct, frozen=True, omit_defaults=True):
    """One item of a test set. `id` comes from the data and is unique in its dataset.

    `fields` is optional material (`transcript`, `caption`, `phones`, `slots`, template variables such as `slot`);
    `labels` are the correct closed labels; `cluster` names what is resampled (two members: a pair of speakers); `group`
    serves breakdowns.
    """

    id: str
    clips: tuple[Clip, ...] = ()
    fields: dict[str, Any] = {}
    references: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    cluster: tuple[str, ...] = ()
    group: dict[str, str] = {}


class Variant(Struct, frozen=True, omit_defaults=True):
    """What is swept. `lora_scale` is absolute (alpha / r included); None only where there is no adapter."""

    lora_scale: float | None = None
    prompt_set: str = "release"
    condition: ConditionKind = "none"
    seed: int = 0


class Generation(Struct, frozen=True, omit_defaults=True):
    """Effective decoding settings, complete: nothing is left to a library's default.

    `max_new_tokens` 0 stands in imported logs, which do not tell: all settings are then unknown.
    """

    max_new_tokens: int
    num_beams: int = 1
    do_sample: bool = False
    temperature: float = 1.0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    length_penalty: float = 1.0


class AudioPolicy(Struct, frozen=True, omit_defaults=True):
    """How a model takes audio that is too long, too short or has several channels; stands in every request key."""

    max_s: float | None = None
    min_s: float = 0.0
    long_audio: LongAudio = "truncate"
    channels: Channels = "mean"


class Request(Struct, frozen=True, omit_defaults=True):
    """One question to a model. `instruction` is the task's text only; the chat template belongs to the model's card.

    `text` stands in place of the audio, for a request without clips: its transcript or caption.
    """

    key: str
    task: str
    dataset: str
    sample_id: str
    instruction: str
    clips: tuple[Clip, ...]
    generation: Generation
    variant: Variant
    text: str | None = None


class Prediction(Struct, frozen=True):
    """One answer. With `finish` "error", `error` says why and `text` is None: an error is never an empty string.

    `finish` is "eos" (the model ended by itself), "length" (the cap ended it), or "unknown" where a log does not tell.

    `cut_s` is how many seconds of audio the model's limit cut off; `silent` marks audio that is digital silence, where
    no condition made it so. `seconds` is the time the answer took. `label_logprobs` are natural-log probabilities of
    the task's closed labels, all spellings of a label summed, where the model gives them: what ranks answers that only
    say yes or no.
    """

    key: str
    text: str | None
    finish: Finish
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: float = 0.0
    cut_s: float = 0.0
    silent: bool = False
    error: str | None = None
    label_logprobs: dict[str, float] | None = None


class TokenLogprobs(Struct, frozen=True):
    """Natural-log probabilities of each token of one continuation, end of sequence included."""

    key: str
    continuation: str
    logprobs: tuple[float, ...]


class Measure(Struct, frozen=True):
    """What one scorer found in one answer. `stats` [K] is the sufficient statistic for `Scorer.combine`."""

    status: MeasureStatus
    stats: tuple[float, ...] = ()
    value: float | None = None
    answer: str | None = None
    why: str | None = None
    followed: Followed = "undetermined"


class Interval(Struct, frozen=True):
    """A 95 % interval and how it was estimated; `caution` is printed with it."""

    low: float
    high: float
    method: str
    n_clusters: int
    caution: str | None = None


class MetricValue(Struct, frozen=True):
    """One number of a run with all that is needed to trust or refuse it.

    `value` is over the scored samples, in `unit`; `bounds` are what it would be if everything unscored or failed were
    worst or best. `asked` and `system` are fingerprints of the question and of the answerer's settings.
    """

    model: str
    task: str
    dataset: str
    group: str | None
    variant: Variant
    metric: str
    reading: Reading
    value: float | None
    unit: Unit
    better: Better
    ci: Interval | None
    bounds: tuple[float, float] | None
    n_planned: int
    n_scored: int
    n_unscored: int
    n_error: int
    n_followed: int
    n_undetermined: int
    signature: str
    asked: str
    system: str
    headline: bool = False
    status: ValueStatus = "ok"
    why: str | None = None
