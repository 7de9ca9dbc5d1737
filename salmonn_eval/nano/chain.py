"""salmonn-nano from nothing: a chain of named steps, each of which leaves a product that the next one starts from.

world      the tokenizer, and what the grammar holds
speech     a pool of rendered clips, and what the front ends make of them
language   the language model, on text, and its gate
encoders   the speech encoder and the audio encoder
stage1     the joints: recognition and captioning
stage2     the twelve trained tasks
stage3     activation on the network's own stories, and the control
nano       the whole network and its adapters as a model card loads them
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from salmonn_eval.canonical import fingerprint
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import read_whole, write_json
from salmonn_eval.models.salmonn import folder
from salmonn_eval.models.salmonn.loaded import Loaded, load_tokenizer
from salmonn_eval.nano.assemble import WEIGHTS, load_nano, save_part, take_part
from salmonn_eval.nano.encoders import audio, speech
from salmonn_eval.nano.encoders.measure import measure_audio, measure_speech
from salmonn_eval.nano.language import train as language
from salmonn_eval.nano.language.gate import language_gate
from salmonn_eval.nano.language.tokenizer import build_tokenizer
from salmonn_eval.nano.scene import Split
from salmonn_eval.nano.sound.features import build_features
from salmonn_eval.nano.sound.pool import build_pool
from salmonn_eval.nano.stages import CONTROL, PRETRAINING, STORIES, TUNING, PoolExamples, StageRecipe, stage_config
from salmonn_eval.nano.world.census import census
from salmonn_eval.training.config import Activation, TrainConfig
from salmonn_eval.training.record import Told
from salmonn_eval.training.stages import train_stage

Note = Callable[[str], None]


class Recipe(Struct, frozen=True):
    """Everything that decides what comes out, but for the machine's rounding.

    Of several recipes for a part each goes on from what the one before has made.
    """

    clips: int
    dev_clips: int
    language: tuple[language.Recipe, ...]
    gate_items: int
    speech: tuple[speech.Recipe, ...]
    audio: audio.Recipe
    stage1: StageRecipe
    stage2: StageRecipe
    stage3: StageRecipe
    seed: int = 1
    must_pass: bool = True


FULL = Recipe(
    clips=25_000,
    dev_clips=1_000,
    language=(
        language.Recipe(),
        language.Recipe(steps=2_000, peak=8e-4, seed=2, lean={"gr": 4.0, "sv": 4.0, "pr": 2.0, "er": 2.0, "aqa": 1.5}),
    ),
    gate_items=100,
    speech=(speech.Recipe(), speech.Recipe(steps=2_000, peak=1e-3, seed=2)),
    audio=audio.Recipe(),
    stage1=StageRecipe(steps=2_000, batch=24, peak_lr=1e-3, lora_factor=1.0),
    stage2=StageRecipe(steps=4_500, batch=24, peak_lr=1e-3, lora_factor=6.0),
    stage3=StageRecipe(steps=12, batch=12, peak_lr=1e-3, lora_factor=1.0, warmup=0),
)
TINY = Recipe(
    clips=500,
    dev_clips=500,
    language=(language.Recipe(steps=8, batch=8), language.Recipe(steps=4, batch=8, seed=2)),
    gate_items=1,
    speech=(speech.Recipe(steps=4, batch=8), speech.Recipe(steps=2, batch=8, seed=2)),
    audio=audio.Recipe(steps=6, batch=8),
    stage1=StageRecipe(steps=4, batch=4, peak_lr=1e-3, lora_factor=1.0, warmup=1),
    stage2=StageRecipe(steps=4, batch=4, peak_lr=1e-3, lora_factor=10.0, warmup=1),
    stage3=StageRecipe(steps=2, batch=4, peak_lr=1e-3, lora_factor=1.0, warmup=0),
    must_pass=False,
)
SCALES: Mapping[str, Recipe] = {"full": FULL, "tiny": TINY}


class Done(Struct, frozen=True):
    """`STEP.json`: the step is done, by which recipe, in how many seconds, and what it found."""

    step: str
    recipe: str
    seconds: float
    found: dict[str, Any]


class Chain:
    """The steps in a folder. A step that is done is left as it is; an interrupted one goes on."""

    def __init__(
        self,
        out: Path,
        recipe: Recipe,
        *,
        workers: int,
        note: Note,
        parts: Path | None = None,
        tuning_seed: int | None = None,
    ) -> None:
        """`parts` holds `language`, `speech` and `audio`, or is a whole network: those steps take what is there.

        With a `tuning_seed` the steps from stage 2 on draw by it, from the same stage 1, and leave their products in
        `seed-N` below `out`.
        """
        self._out = out
        self._tuned = out if tuning_seed is None else out / f"seed-{tuning_seed}"
        self._tuning_seed = recipe.seed if tuning_seed is None else tuning_seed
        self._parts = parts
        self._recipe = recipe
        self._workers = workers
        self._note = note

    def run(self, *, until: str | None = None) -> None:
        """All steps, or those up to `until`.

        Raises UsageError for an unknown step and for a folder of another recipe, PrerequisiteError for what the machine
        lacks, IncompleteError where a step's own check fails.
        """
        if until is not None and until not in STEPS:
            raise UsageError(f"--until {until}: expected one of {', '.join(STEPS)}")
        for name, step in STEPS.items():
            self._step(name, step)
            if name == until:
                return

    def _step(self, name: str, step: "Callable[[Chain], dict[str, Any]]") -> None:
        path = (self._tuned if name in TUNING_STEPS else self._out) / f"{name}.json"
        mark = fingerprint(asdict(self._recipe))
        if path.exists():
            done = read_whole(path, Done, what="finished step")
            if done.recipe != mark:
                raise UsageError(f"{path}: made by another recipe; name another --out, or remove the folder")
            self._note(f"{name}: done before")
            return
        self._note(f"{name}: begins")
        began = time.monotonic()
        found = step(self)
        write_json(path, Done(name, mark, round(time.monotonic() - began, 1), found))
        self._note(f"{name}: done in {time.monotonic() - began:.0f} s")

    def world(self) -> dict[str, Any]:
        """The tokenizer, and how large the world is."""
        tokenizer = build_tokenizer(self._recipe.seed)
        tokenizer.save_pretrained(self._out / "tokenizer")
        return {"tokens": len(tokenizer), **census()}

    def speech(self) -> dict[str, Any]:
        """Pools for training and for measuring."""
        wanted: tuple[tuple[Split, int], ...] = (("train", self._recipe.clips), ("dev", self._recipe.dev_clips))
        for split, clips in wanted:
            pool = self._pool(split)
            build_pool(pool, split, clips, seed=self._recipe.seed, workers=self._workers)
            build_features(pool)
        return {"clips": self._recipe.clips, "dev_clips": self._recipe.dev_clips}

    def language(self) -> dict[str, Any]:
        """Train on text; the gate must be passed before anything is heard."""
        if self._parts is not None:
            return self._taken("language")
        tokenizer = load_tokenizer(self._out / "tokenizer")
        start, teacher = None, None
        for number, recipe in enumerate(self._recipe.language, 1):
            state = self._out / "training" / f"language-{number}"
            teacher = language.train_language(state, tokenizer, recipe, note=self._note, start=start)
            start = save_part(teacher.llama, state / "part")
        assert teacher is not None
        save_part(teacher.llama, self._out / "language")
        tokenizer.save_pretrained(self._out / "language")
        gate = language_gate(teacher.llama.float(), tokenizer, items=self._recipe.gate_items)
        if self._recipe.must_pass:
            gate.check()
        return {"gate": asdict(gate)}

    def encoders(self) -> dict[str, Any]:
        """Both encoders, and what their heads hear of held-out clips."""
        if self._parts is not None:
            return self._taken("speech", "audio")
        training = self._out / "training"
        start, ears = None, None
        for number, recipe in enumerate(self._recipe.speech, 1):
            state = training / f"speech-{number}"
            ears = speech.train_speech_encoder(self._pool("train"), state, recipe, note=self._note, start=start)
            start = save_part(ears.encoder, state / "part")
        assert ears is not None
        save_part(ears.encoder, self._out / "speech")
        sounds = audio.train_audio_encoder(self._pool("train"), training / "audio", self._recipe.audio, note=self._note)
        save_part(sounds.encoder, self._out / "audio")
        return {"speech": measure_speech(ears, self._pool("dev")), "audio": measure_audio(sounds, self._pool("dev"))}

    def stage1(self) -> dict[str, Any]:
        """Pre-training."""
        seed = self._recipe.seed
        config = stage_config("pretrain", self._recipe.stage1, seed=seed, outputs=self._outputs)
        loaded = load_nano(self._out, seed=seed)
        return self._train(self._out / "stage1", config, loaded, self._examples(PRETRAINING))

    def stage2(self) -> dict[str, Any]:
        """Instruction tuning."""
        start = self._out / "stage1" / "last"
        config = stage_config(
            "instruct", self._recipe.stage2, seed=self._tuning_seed, outputs=self._outputs, folder=start
        )
        return self._train(self._tuned / "stage2", config, folder.load(start), self._examples(TUNING))

    def stage3(self) -> dict[str, Any]:
        """Activation, and its control: as many steps on recognition and captions."""
        start = self._tuned / "stage2" / "last"
        stories = self._recipe.stage3.batch
        # What a network of the tiny scale writes is no story: there both learn the world's own answers.
        told = Activation(stories, targets="stories" if self._recipe.must_pass else "references")
        found = {}
        for name, mix, activation in (
            ("stage3", STORIES, told),
            ("control", CONTROL, replace(told, targets="references")),
        ):
            config = stage_config(
                "activate",
                self._recipe.stage3,
                seed=self._tuning_seed,
                outputs=self._outputs,
                folder=start,
                activation=activation,
            )
            examples = self._examples(mix, one_wording=True)
            found[name] = self._train(self._tuned / name, config, folder.load(start), examples)
        return found

    def nano(self) -> dict[str, Any]:
        """The network in bfloat16 and its adapters."""
        whole = self._tuned / "salmonn-nano"
        loaded = folder.load(self._tuned / "stage2" / "last", dtype="bfloat16")
        folder.save(loaded, whole)
        for name in ("stage3", "control"):
            tuned = folder.load(self._tuned / name / "last", dtype="bfloat16")
            folder.save_adapter(tuned.network, whole / {"stage3": "activated"}.get(name, name), base=whole)
        return {"parameters": sum(weight.numel() for weight in loaded.network.parameters())}

    def _taken(self, *names: str) -> dict[str, Any]:
        """Copy parts that were trained before."""
        assert self._parts is not None
        for name in names:
            take_part(name, self._parts, self._out / name)
        return {"taken": {name: digest(self._out / name / WEIGHTS) for name in names}}

    @property
    def _outputs(self) -> Path:
        return self._out / "encoder-outputs"

    def _pool(self, split: str) -> Path:
        return self._out / "pool" / split

    def _examples(self, mix: Mapping[str, tuple[float, tuple[str, ...]]], *, one_wording: bool = False) -> PoolExamples:
        return PoolExamples(self._pool("train"), "train", mix, seed=self._recipe.seed, one_wording=one_wording)

    def _train(self, out: Path, config: TrainConfig, loaded: Loaded, examples: PoolExamples) -> dict[str, Any]:
        loaded.network.llama.set_attn_implementation("eager")  # faster on short sequences, and backwards above all
        ended = train_stage(config, loaded, examples, out, base=out, note=_Every(self._note, out.name))
        return {"steps": ended.step}


STEPS: "Mapping[str, Callable[[Chain], dict[str, Any]]]" = {
    "world": Chain.world,
    "speech": Chain.speech,
    "language": Chain.language,
    "encoders": Chain.encoders,
    "stage1": Chain.stage1,
    "stage2": Chain.stage2,
    "stage3": Chain.stage3,
    "nano": Chain.nano,
}
TUNING_STEPS = ("stage2", "stage3", "nano")


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Every:
    """Passes a step's report on every ten seconds."""

    def __init__(self, note: Note, name: str) -> None:
        self._note = note
        self._name = name
        self._said = 0.0

    def __call__(self, told: Told) -> None:
        now = time.monotonic()
        if now - self._said > 10 or told.step == told.steps:
            self._said = now
            self._note(f"{self._name}: step {told.step}/{told.steps} loss {told.loss:.3f}")
