import subprocess
import sys
from pathlib import Path

import pytest

from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.models import registry
from salmonn_eval.models.backend import BACKENDS, Shipped
from salmonn_eval.models.cards import read_card
from salmonn_eval.models.template import write_card

CARDS = registry.find_cards()
# Arguments that are needed together, where others would do as well.
NEEDED = {"salmonn": ("ckpt", "beats", "whisper", "llm")}


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"id": "a", "prediction": "yes"}\n')
    return path


def test_bundled_cards_are_found():
    assert {"pocketsphinx", "replay", "whisper"} <= set(CARDS)
    assert list(CARDS) == sorted(CARDS)


@pytest.mark.parametrize("name", BACKENDS)
def test_every_backend_imports(name):
    backend = registry.find_backend(name)
    assert backend.dtypes[0] == "float32"


@pytest.mark.parametrize("name", CARDS)
def test_every_card_resolves_or_says_what_it_needs(name):
    card = read_card(CARDS[name])
    if required := [argument for argument, spec in card.arguments.items() if spec.required]:
        with pytest.raises(UsageError, match=f"needs --model-arg {required[0]}=") as caught:
            registry.resolve(name, {})
        assert card.arguments[required[0]].help in str(caught.value)
    elif (needed := NEEDED.get(card.backend)) and not any(spec.beside for spec in card.arguments.values()):
        with pytest.raises(PrerequisiteError, match=f"model `{name}` needs files") as caught:
            registry.resolve(name, {})
        assert all(f"--model-arg {argument}=" in str(caught.value) for argument in needed)
        assert all(card.arguments[argument].help in str(caught.value) for argument in needed)
    else:
        assert len(registry.resolve(name, {}).fingerprint) == 16


def test_unknown_model_is_told_with_close_names():
    with pytest.raises(UsageError, match=r"no model is called `wisper`; did you mean whisper\?"):
        registry.resolve("wisper", {})
    with pytest.raises(UsageError, match="there are: peft-text, pocketsphinx, replay"):
        registry.resolve("qqqq", {})


def test_card_by_path_and_in_a_folder_of_the_user_s(tmp_path, answers):
    path = tmp_path / "mine" / "my-log.yaml"
    path.parent.mkdir()
    text = f"name: my-log\nbackend: replay\ndescription: x\narguments: {{answers: {{help: x, default: {answers}}}}}\n"
    path.write_text(text)
    by_path = registry.resolve(str(path), {})
    by_name = registry.resolve("my-log", {}, folders=[path.parent])
    assert by_path == by_name
    assert by_name.arguments == {"answers": str(answers)}
    assert by_name.name == "my-log"


def test_one_name_in_two_folders_names_both_files(tmp_path):
    write_card("replay", tmp_path)
    with pytest.raises(UsageError, match=r"two cards are called `replay`: .*model/replay\.yaml and .*replay\.yaml"):
        registry.find_cards([tmp_path])


def test_folder_of_cards_that_is_none(tmp_path):
    with pytest.raises(UsageError, match="not a folder"):
        registry.find_cards([tmp_path / "nowhere"])


def test_fingerprint_covers_content_template_and_name_but_not_the_place(tmp_path, answers):
    def card(name: str, template: str = "{instruction}") -> str:
        path = tmp_path / f"{name}.yaml"
        text = f'name: {name}\nbackend: replay\ndescription: x\ntemplate: "{template}"\n'
        path.write_text(text + "arguments: {answers: {help: x, required: true}}\n")
        return str(path)

    def of(name: str, file: Path) -> str:
        return registry.resolve(name, {"answers": str(file)}).fingerprint

    same = tmp_path / "copy.jsonl"
    same.write_bytes(answers.read_bytes())
    other = tmp_path / "other.jsonl"
    other.write_bytes(answers.read_bytes() + b"\n")
    first = of(card("one"), answers)
    assert of(card("one"), same) == first
    assert (
        len({first, of(card("one"), other), of(card("two"), answers), of(card("one", "Q: {instruction}"), answers)})
        == 4
    )


def test_missing_file_is_a_prerequisite(tmp_path):
    with pytest.raises(PrerequisiteError, match=r"none\.jsonl: cannot be read .*expected a JSONL file of answers"):
        registry.resolve("replay", {"answers": str(tmp_path / "none.jsonl")})


def test_dtype_must_be_one_the_backend_has_and_the_one_resolved(answers):
    with pytest.raises(UsageError, match="computes in float32"):
        registry.resolve("replay", {"answers": str(answers)}, "bf16")
    card = registry.resolve("replay", {"answers": str(answers)}, "fp32")
    with pytest.raises(UsageError, match="resolve it again"):
        registry.load(card, device="cpu", dtype="bfloat16", batch_size=None)
    with pytest.raises(UsageError, match="--batch-size 0"):
        registry.load(card, device="cpu", dtype="float32", batch_size=0)


def test_missing_package_names_the_extra_that_installs_it(monkeypatch):
    shipped = Shipped("nothing:NOTHING", ("no_such_package_here",))
    monkeypatch.setattr(registry, "BACKENDS", {"absent": shipped})
    with pytest.raises(
        PrerequisiteError, match="needs the package no_such_package_here; pip install no_such_package_here"
    ):
        registry.find_backend("absent")


def test_unknown_backend_lists_what_there_is():
    with pytest.raises(UsageError, match="there are: replay, whisper, salmonn, peft, pocketsphinx"):
        registry.find_backend("telepathy")


def test_plug_ins_bring_cards_and_backends(tmp_path, answers):
    """A package beside the product, found by its entry points in a process of its own."""
    site = tmp_path / "site"
    info = site / "plugged-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n")
    entries = "[salmonn_eval.models]\nplugged = plugged:folder\n[salmonn_eval.backends]\nechoes = plugged:BACKEND\n"
    (info / "entry_points.txt").write_text(entries)
    code = "from pathlib import Path\nfrom salmonn_eval.models.replay import ReplayBackend\n"
    code += "def folder(): return Path(__file__).parent / 'cards'\nBACKEND = ReplayBackend()\n"
    (site / "plugged.py").write_text(code)
    (site / "cards").mkdir()
    card = "name: echo\nbackend: echoes\ndescription: x\narguments: {answers: {help: x, required: true}}\n"
    (site / "cards" / "echo.yaml").write_text(card)
    program = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "from salmonn_eval.models.registry import load, resolve\n"
        f"card = resolve('echo', {{'answers': {str(answers)!r}}})\n"
        "print(type(load(card, device='cpu', dtype='float32', batch_size=None)).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=_here())
    assert done.stdout == "Replay\n", done.stderr


def _here() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(Path(registry.__file__).resolve().parents[2])}
