"""The audio encoder: BEATs, trained on which sounds follow which, on music, voices and moods."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import torch
from msgspec import Struct
from torch import Tensor, nn

from salmonn_eval.models.salmonn.beats import Beats
from salmonn_eval.models.salmonn.config import BeatsConfig
from salmonn_eval.nano.encoders.clips import Clips, banks
from salmonn_eval.nano.encoders.heads import ClassHead, CtcHead, voice_stretches
from salmonn_eval.nano.encoders.loop import Schedule, train
from salmonn_eval.nano.encoders.targets import NOT, Target, target
from salmonn_eval.nano.scene import EVENTS, INSTRUMENTS
from salmonn_eval.nano.sound.voices import voices
from salmonn_eval.nano.world.scenes import EMOTIONS

COLUMN = 8
"""Patches of one time step."""
CONFIG = BeatsConfig(
    encoder_layers=4,
    encoder_embed_dim=128,
    encoder_ffn_embed_dim=512,
    encoder_attention_heads=4,
    embed_dim=128,
    deep_norm=False,
    conv_pos=32,
    conv_pos_groups=8,
    num_buckets=64,
    max_distance=400,
    finetuned_model=False,
)
KINDS = {"events": 34.0, "music": 22.0, "background": 18.0, "speech": 20.0, "joined": 6.0}


class Recipe(Struct, frozen=True):
    """How long and how fast."""

    steps: int = 1_900
    batch: int = 32
    peak: float = 1e-3
    seed: int = 1


class AudioTeacher(nn.Module):
    """The encoder with its heads."""

    def __init__(self, config: BeatsConfig) -> None:
        super().__init__()
        self.encoder = Beats(config)
        size = config.encoder_embed_dim
        self.sequence = CtcHead(COLUMN * size, len(EVENTS), pool=1)
        self.present = ClassHead(size, len(EVENTS))
        self.tempo = ClassHead(size, 2)
        self.mode = ClassHead(size, 2)
        self.instrument = ClassHead(size, len(INSTRUMENTS))
        self.voice = ClassHead(size, len(voices("train")))
        self.sex = ClassHead(size, 2)
        self.emotion = ClassHead(size, len(EMOTIONS))

    def loss(self, outputs: Sequence[Tensor], targets: Sequence[Target]) -> tuple[Tensor, dict[str, float]]:
        """The weighted sum, and its parts, of outputs [patches_i, size]."""
        columns = [one.reshape(len(one) // COLUMN, -1) for one in outputs]
        lengths = [len(one) for one in columns]
        stacked = nn.utils.rnn.pad_sequence(columns, batch_first=True)
        quiet = [index for index, one in enumerate(targets) if not one.parts and one.tempo == NOT]
        present = torch.zeros(len(targets), len(EVENTS))
        for row, one in enumerate(targets):
            present[row, [number - 1 for number in one.events]] = 1
        whole = nn.utils.rnn.pad_sequence(list(outputs), batch_first=True)
        stretches, who = voice_stretches(whole, [len(one) for one in outputs], [one.parts for one in targets])
        parts = {
            "present": nn.functional.binary_cross_entropy_with_logits(self.present(outputs), present) * len(EVENTS) / 3,
            "sequence": self.sequence.loss(
                stacked[quiet], [lengths[index] for index in quiet], [targets[index].events for index in quiet]
            )
            if quiet
            else torch.zeros(()),
            **{
                name: getattr(self, name).loss(outputs, [getattr(one, name) for one in targets])
                for name in ("tempo", "mode", "instrument", "sex", "emotion")
            },
            "voice": self.voice.loss(stretches, who),
        }
        total = torch.stack([_WEIGHTS[name] * part for name, part in parts.items()]).sum()
        return total, {name: float(part.detach()) for name, part in parts.items()}


_WEIGHTS = {
    "present": 1.0, "sequence": 0.5, "tempo": 0.3, "mode": 0.5, "instrument": 0.3, "sex": 0.15, "emotion": 0.3,
    "voice": 0.15,
}  # fmt: skip


def train_audio_encoder(pool: Path, out: Path, recipe: Recipe, *, note: Callable[[str], None]) -> AudioTeacher:
    """Train on a pool, resuming what `out` holds; the encoder's weights are `teacher.encoder`'s."""
    torch.manual_seed(recipe.seed)
    teacher = AudioTeacher(CONFIG)
    clips = Clips(pool, KINDS)

    def loss_of(step: int) -> tuple[Tensor, dict[str, float]]:
        rng = Random(f"audio {recipe.seed} {step}")
        drawn = clips.batch(rng, recipe.batch)
        heard = [_masked(bank, rng) for bank in banks(drawn)]
        with torch.autocast("cpu", torch.bfloat16):
            return teacher.loss(teacher.encoder(heard), [target(clip.scene) for clip in drawn])

    train(teacher, loss_of, Schedule(recipe.steps, recipe.peak, warmup=400), out, note=note)
    return teacher


def _masked(bank: Tensor, rng: Random) -> Tensor:
    """SpecAugment, gently."""
    bank = bank + rng.uniform(-0.09, 0.09)  # a little louder or softer: 5 dB
    low, wide = rng.randrange(bank.shape[1]), rng.randrange(16)
    bank[:, low : low + wide] = bank.mean()
    return bank
