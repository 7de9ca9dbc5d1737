"""Who speaks: engine x variant x pitch x formant shift, dealt to splits so that no tested voice is ever trained on."""

from collections.abc import Iterator
from functools import lru_cache

from salmonn_eval.nano.scene import Engine, Sex, Split, Voice

# Variants of espeak-ng by how they sound; robots, whispers and the like are left out.
_ESPEAK: dict[Sex, tuple[str, ...]] = {
    "male": (
        "m1", "m2", "m3", "m4", "m6", "m8", "adam", "Alex", "Andy", "benjamin", "david", "Denis", "edward", "Gene",
        "Henrique", "iven", "John", "Lee", "Marco", "Max", "michael", "paul", "robert", "victor",
    ),
    "female": (
        "f1", "f2", "f3", "f4", "Alicia", "Annie", "belinda", "anika", "Steph", "shelby", "aunty", "steph2", "grandma",
    ),
}  # fmt: skip
_ESPEAK_HELD_OUT: dict[Sex, tuple[str, ...]] = {
    "male": ("m5", "m7", "Hugo", "Zac"),
    "female": ("f5", "linda", "Andrea"),
}
_FLITE: dict[Sex, tuple[str, ...]] = {"male": ("kal16", "awb", "rms"), "female": ("slt",)}
# (pitch, formant) settings: espeak-ng's pitch is 0 to 99, flite's the mean fundamental frequency in Hz.
_SETTINGS: dict[tuple[Engine, Sex], dict[Split, tuple[tuple[int, float], ...]]] = {
    ("espeak-ng", "male"): {
        "train": ((25, 0.87), (35, 0.93), (48, 0.90), (40, 1.0), (30, 1.06)),
        "dev": ((33, 0.97),),
        "test": ((28, 0.91), (44, 0.96), (36, 1.03)),
    },
    ("espeak-ng", "female"): {
        "train": ((48, 1.0), (60, 1.05), (72, 1.0), (55, 1.12), (66, 1.18), (80, 1.08), (45, 1.08)),
        "dev": ((58, 1.02),),
        "test": ((52, 1.06), (64, 1.10), (75, 1.04)),
    },
    ("flite", "male"): {
        "train": ((85, 0.88), (100, 0.95), (115, 1.0), (95, 1.05)),
        "dev": ((105, 0.92),),
        "test": ((90, 0.93), (108, 0.98)),
    },
    ("flite", "female"): {
        "train": ((180, 0.96), (195, 1.0), (210, 1.06), (185, 1.12), (225, 1.18)),
        "dev": ((200, 1.03),),
        "test": ((190, 1.04), (215, 1.09)),
    },
}
_DEV_EVERY, _TEST_EVERY = 6, 3  # of the trained variants, how many lend a held-out setting


@lru_cache(maxsize=1)
def all_voices() -> dict[str, Voice]:
    """Every voice by its id."""
    found = {voice.id: voice for voice in (*_made("espeak-ng", _ESPEAK), *_made("flite", _FLITE), *_held_out())}
    return found


def voices(split: Split) -> tuple[Voice, ...]:
    """The voices of a split: over 200 for training, about 40 for testing."""
    return tuple(voice for voice in all_voices().values() if voice.split == split)


def _made(engine: Engine, variants: dict[Sex, tuple[str, ...]]) -> Iterator[Voice]:
    for sex, names in variants.items():
        for number, variant in enumerate(names):
            settings = _SETTINGS[engine, sex]
            yield from (_voice(engine, variant, sex, pair, "train") for pair in settings["train"])
            if engine == "flite" or number % _DEV_EVERY == 1:
                yield from (_voice(engine, variant, sex, pair, "dev") for pair in settings["dev"])
            if engine == "flite" or number % _TEST_EVERY == 0:
                yield _voice(engine, variant, sex, settings["test"][number % len(settings["test"])], "test")


def _held_out() -> Iterator[Voice]:
    """Variants that no training hears, in every test setting."""
    for sex, names in _ESPEAK_HELD_OUT.items():
        for variant in names:
            yield from (_voice("espeak-ng", variant, sex, pair, "test") for pair in _SETTINGS["espeak-ng", sex]["test"])


def _voice(engine: Engine, variant: str, sex: Sex, setting: tuple[int, float], split: Split) -> Voice:
    pitch, formant = setting
    name = f"{'e' if engine == 'espeak-ng' else 'f'}-{variant.lower()}-{pitch}-{round(100 * formant)}"
    return Voice(name, engine, variant, sex, pitch, formant, split)
