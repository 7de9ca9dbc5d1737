"""The speech encoder: Whisper's, trained on words in sequence, and on who says them how."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional as F

from salmonn_eval.models.salmonn.config import WhisperConfig
from salmonn_eval.models.salmonn.hearing import speech_encoder
from salmonn_eval.models.salmonn.weights import read_safetensors
from salmonn_eval.nano.encoders.clips import Clips, mels
from salmonn_eval.nano.encoders.heads import ClassHead, CtcHead, voice_stretches
from salmonn_eval.nano.encoders.loop import Schedule, train
from salmonn_eval.nano.encoders.targets import CHARACTERS, Target, target, words
from salmonn_eval.nano.scene import LONGEST_S, SAMPLE_RATE
from salmonn_eval.nano.sound.voices import voices
from salmonn_eval.nano.world.scenes import EMOTIONS

SAMPLES_A_POSITION = 320
CONFIG = WhisperConfig(
    d_model=160,
    encoder_layers=4,
    encoder_attention_heads=4,
    encoder_ffn_dim=640,
    activation_function="relu",
    num_mel_bins=80,
    max_source_positions=int(LONGEST_S * SAMPLE_RATE) // SAMPLES_A_POSITION,
)
KINDS = {"speech": 62.0, "background": 7.0, "joined": 11.0, "mixed": 20.0}


class Recipe(Struct, frozen=True):
    """How long and how fast."""

    steps: int = 5_200
    batch: int = 32
    peak: float = 2e-3
    seed: int = 1


class SpeechTeacher(nn.Module):
    """The encoder with its heads."""

    def __init__(self, config: WhisperConfig) -> None:
        super().__init__()
        self.encoder = speech_encoder(config)
        self.encoder.config._attn_implementation = "eager"  # faster on short clips, and backwards above all
        size = config.d_model
        self.characters = CtcHead(size, len(CHARACTERS), pool=2)
        self.first = CtcHead(size, len(words()), pool=4)
        self.second = CtcHead(size, len(words()), pool=4)
        self.voice = ClassHead(size, len(voices("train")))
        self.sex = ClassHead(size, 2)
        self.emotion = ClassHead(size, len(EMOTIONS))

    def listen(self, mels: Tensor) -> Tensor:
        """Outputs [B, T, d_model] of log-mels [B, bins, 2 T] of any length up to the encoder's own.

        The library's forward takes the whole length alone; training on the real one costs a third.
        """
        encoder = self.encoder
        x = F.gelu(encoder.conv1(mels))
        x = F.gelu(encoder.conv2(x)).transpose(1, 2)
        x = x + encoder.embed_positions.weight[: x.shape[1]]
        for layer in encoder.layers:
            x = layer(x, None)
        outputs: Tensor = encoder.layer_norm(x)
        return outputs

    def loss(
        self, outputs: Tensor, lengths: Sequence[int], targets: Sequence[Target]
    ) -> tuple[Tensor, dict[str, float]]:
        """The weighted sum, and its parts."""
        stretches, who = voice_stretches(outputs, lengths, [one.parts for one in targets])
        clips = [row[:length] for row, length in zip(outputs, lengths, strict=True)]
        parts = {
            "words": self.first.loss(outputs, lengths, [one.first for one in targets]),
            "second": self.second.loss(outputs, lengths, [one.second for one in targets]),
            "letters": self.characters.loss(outputs, lengths, [one.characters for one in targets]),
            "voice": self.voice.loss(stretches, who),
            "sex": self.sex.loss(clips, [one.sex for one in targets]),
            "emotion": self.emotion.loss(clips, [one.emotion for one in targets]),
        }
        total = torch.stack([_WEIGHTS[name] * part for name, part in parts.items()]).sum()
        return total, {name: float(part.detach()) for name, part in parts.items()}


_WEIGHTS = {"words": 1.0, "second": 0.7, "letters": 0.6, "voice": 0.12, "sex": 0.1, "emotion": 0.15}


def train_speech_encoder(
    pool: Path, out: Path, recipe: Recipe, *, note: Callable[[str], None], start: Path | None = None
) -> SpeechTeacher:
    """Train on a pool, resuming what `out` holds; the encoder's weights are `teacher.encoder`'s.

    `start` is a trained encoder to go on from; the heads, which no product keeps, begin anew.
    """
    torch.manual_seed(recipe.seed)
    teacher = SpeechTeacher(CONFIG)
    if start is not None:
        teacher.encoder.load_state_dict(read_safetensors(start))
    clips = Clips(pool, KINDS)

    def loss_of(step: int) -> tuple[Tensor, dict[str, float]]:
        rng = Random(f"speech {recipe.seed} {step}")
        drawn = clips.batch(rng, recipe.batch)
        lengths = [-(-clip.samples // SAMPLES_A_POSITION) for clip in drawn]
        heard = _masked(mels(drawn, 2 * _padded(lengths, rng)), rng)
        with torch.autocast("cpu", torch.bfloat16):
            outputs = teacher.listen(heard)
            return teacher.loss(outputs, lengths, [target(clip.scene) for clip in drawn])

    train(teacher, loss_of, Schedule(recipe.steps, recipe.peak), out, note=note)
    return teacher


def _padded(lengths: Sequence[int], rng: Random) -> int:
    """Positions of a batch: its longest clip and some silence, now and then the whole length that inference pads to."""
    whole = CONFIG.max_source_positions
    if rng.random() < 0.06:
        return whole
    return min(whole, -(-(max(lengths) + rng.choice((0, 10, 40))) // 8) * 8)


def _masked(heard: Tensor, rng: Random) -> Tensor:
    """SpecAugment (Park et al. 2019), gently: a band of bins and two stretches of time at the clip's mean."""
    mean = heard.mean(dim=(1, 2), keepdim=True)
    keep = torch.ones_like(heard[:1])
    low, wide = rng.randrange(heard.shape[1]), rng.randrange(12)
    keep[:, low : low + wide] = 0
    for _ in range(2):
        start, long = rng.randrange(heard.shape[2]), rng.randrange(10)
        keep[:, :, start : start + long] = 0
    return heard * keep + mean * (1 - keep)
