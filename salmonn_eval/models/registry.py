"""From a name or a card's path to a model: find, resolve (cheap: nothing is loaded), load."""

import difflib
import importlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from msgspec.structs import asdict

from salmonn_eval.bundled import bundled
from salmonn_eval.canonical import fingerprint
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.models.backend import BACKENDS, AdapterBackend, Backend, CachingBackend
from salmonn_eval.models.cards import CardFile, read_card, take_arguments
from salmonn_eval.models.protocol import Model, ModelCard
from salmonn_eval.records import AudioPolicy

CARD_FOLDERS = "salmonn_eval.models"
PLUGGED_BACKENDS = "salmonn_eval.backends"
DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def find_cards(folders: Sequence[Path] = ()) -> dict[str, Path]:
    """Cards by name, sorted: the bundled ones, the given folders', and entry points' of group `salmonn_eval.models`.

    An entry point names a folder (a `Path`, or a function that returns one). Nothing is parsed: a card's name is its
    file's. Raises UsageError for a folder that is none and for one name in two folders.
    """
    found: dict[str, Path] = {}
    for folder in _card_folders(folders):
        if not folder.is_dir():
            raise UsageError(f"{folder}: not a folder; expected one with model cards (NAME.yaml)")
        for path in sorted(folder.glob("*.yaml")):
            other = found.setdefault(path.stem, path)
            if other.resolve() != path.resolve():
                raise UsageError(f"two cards are called `{path.stem}`: {other} and {path}; rename one of them")
    return dict(sorted(found.items()))


def _card_folders(folders: Sequence[Path]) -> Iterator[Path]:
    from importlib.metadata import entry_points

    yield bundled("model")
    yield from folders
    for point in entry_points(group=CARD_FOLDERS):
        target = point.load()
        yield Path(target() if callable(target) else target)


def card_path(name: str, folders: Sequence[Path] = ()) -> Path:
    """The file of a card named by name or by path (anything that ends in `.yaml`); UsageError with close matches."""
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    cards = find_cards(folders)
    if name not in cards:
        close = difflib.get_close_matches(name, cards, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(cards)}"
        raise UsageError(f"no model is called `{name}`; {hint} (`salmonn-eval list models`, or `--model-path DIR`)")
    return cards[name]


def resolve(
    name: str, arguments: Mapping[str, str], dtype: str | None = None, *, folders: Sequence[Path] = ()
) -> ModelCard:
    """The card of a model as it will answer. Reads and hashes its files but loads none of them.

    `dtype` None is the card's, or else the backend's first. Raises UsageError for a broken card or argument,
    PrerequisiteError for missing files or packages.
    """
    path = card_path(name, folders)
    card = read_card(path)
    backend = find_backend(card.backend)
    dtype = dtype or card.dtype or backend.dtypes[0]
    dtype = DTYPES.get(dtype, dtype)
    if dtype not in backend.dtypes:
        raise UsageError(f"--dtype {dtype}: model `{card.name}` computes in {' or '.join(backend.dtypes)}")
    taken = take_arguments(card, dict(arguments), path.parent)
    facts = {
        "name": card.name,
        "backend": card.backend,
        "template": card.template,
        "dtype": dtype,
        "identity": backend.identity(card, taken),
    }
    return _model_card(card, taken, dtype, fingerprint(facts), _lora_scale(card, backend, taken))


def _lora_scale(card: CardFile, backend: Backend, arguments: Mapping[str, object]) -> float | None:
    """The adapter's own scale: the card's word, else its files'; UsageError if neither tells."""
    if card.default_lora_scale is not None or card.capabilities.lora_scale == "none":
        return card.default_lora_scale
    if not isinstance(backend, AdapterBackend):
        raise UsageError(f"the card of `{card.name}` lacks default_lora_scale, which goes with capabilities.lora_scale")
    return backend.default_lora_scale(arguments)


def _model_card(
    card: CardFile, arguments: Mapping[str, object], dtype: str, print_: str, lora_scale: float | None
) -> ModelCard:
    return ModelCard(
        name=card.name,
        backend=card.backend,
        fingerprint=print_,
        family=card.family,
        description=card.description,
        template=card.template,
        audio=AudioPolicy(**asdict(card.audio)),
        capabilities=card.capabilities,
        tasks=card.tasks,
        trained_tasks=card.trained_tasks,
        languages=card.languages,
        default_lora_scale=lora_scale,
        generation=card.generation.said(),
        suite=card.suite,
        quick_limit=card.quick_limit,
        train_seed=card.train_seed,
        dtype=dtype,
        arguments=dict(arguments),
    )


def load(
    card: ModelCard, *, device: str, dtype: str, batch_size: int | None, encoder_cache: Path | None = None
) -> Model:
    """Load a resolved model. `dtype` must be the card's, which stands in its fingerprint; `batch_size` None: its own.

    `encoder_cache` is a folder for encoder outputs, for models that can keep them.

    Raises UsageError or PrerequisiteError where the device, the files or the packages are not there.
    """
    if DTYPES.get(dtype, dtype) != card.dtype:
        raise UsageError(f"--dtype {dtype}: the model was resolved as {card.dtype}; resolve it again to change that")
    if batch_size is not None and batch_size < 1:
        raise UsageError(f"--batch-size {batch_size}: expected 1 or more")
    backend = find_backend(card.backend)
    if encoder_cache is None:
        return backend.load(card, device=device, batch_size=batch_size)
    if not hasattr(backend, "load_cached"):
        raise UsageError(f"--encoder-cache {encoder_cache}: `{card.name}` keeps no encoder outputs; drop the option")
    caching = cast(CachingBackend, backend)
    return caching.load_cached(card, device=device, batch_size=batch_size, encoder_cache=encoder_cache)


def find_backend(name: str) -> Backend:
    """Import a backend by name: one of the table's, or an entry point of group `salmonn_eval.backends`."""
    if name not in BACKENDS:
        from importlib.metadata import entry_points

        plugged = {point.name: point for point in entry_points(group=PLUGGED_BACKENDS)}
        if name not in plugged:
            known = ", ".join([*BACKENDS, *plugged])
            raise UsageError(f"no backend is called `{name}`; there are: {known}, and plug-ins of `{PLUGGED_BACKENDS}`")
        return cast(Backend, plugged[name].load())
    shipped = BACKENDS[name]
    lacking = [package for package in shipped.packages if importlib.util.find_spec(package) is None]
    if lacking:
        install = f"pip install {' '.join(lacking)}"
        raise PrerequisiteError(f"backend `{name}` needs the package {' and '.join(lacking)}; {install}")
    module, _, attribute = shipped.target.partition(":")
    return cast(Backend, getattr(importlib.import_module(module), attribute))
