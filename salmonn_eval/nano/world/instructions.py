"""How the language model is asked while it is trained: twelve wordings a task."""

from functools import lru_cache
from pathlib import Path
from random import Random

from salmonn_eval import yamlfile


@lru_cache(maxsize=1)
def wordings() -> dict[str, tuple[str, ...]]:
    """By task; the first is the release's own. `{{ slot }}` and `{{ question }}` are to be filled."""
    return yamlfile.load(Path(__file__).with_name("instructions.yaml"), dict[str, tuple[str, ...]])


def draw_wording(rng: Random, task: str, fields: dict[str, str]) -> str:
    """A wording with its fields filled, half the time the release's own."""
    known = wordings()[task]
    text = known[0] if rng.random() < 0.3 else rng.choice(known)
    for name, value in fields.items():
        text = text.replace("{{ " + name + " }}", value)
    return text
