"""The loss that is minimised: the release's own numbers, and its gradients."""

import copy

import parity
import pytest
import torch
from torch import Tensor

from salmonn_eval.models.salmonn.loaded import Loaded, load_tokenizer
from salmonn_eval.models.salmonn.lora import Adapter
from salmonn_eval.training.config import TEMPLATE, Part
from salmonn_eval.training.objective import Objective
from salmonn_eval.training.parts import learning


def objective(name: str) -> tuple[Objective, parity.Case, list[str]]:
    """The loss over a reference network, its case, and the case's instructions."""
    case = parity.case(f"model/{name}")
    loaded = Loaded(copy.deepcopy(parity.network(case.folder)), load_tokenizer(case.folder))
    instructions = [text.partition("</Speech> ")[2].removesuffix("\nASSISTANT:") for text in case.meta["prompts"]]
    return Objective(loaded, TEMPLATE), case, instructions


@pytest.mark.parametrize("name", parity.MODELS)
@pytest.mark.parametrize("scale", [0, 1, 2, 4])
def test_loss_is_the_references(name: str, scale: int) -> None:
    ours, case, instructions = objective(name)
    with torch.no_grad(), Adapter(ours.network.llama).scaled(torch.full((1,), float(scale))):
        loss = ours(ours.network.hearing.outputs(case.waves()), instructions, case.meta["texts"])
    assert float(loss) == pytest.approx(float(case.tensors[f"scale{scale}.tf_loss"]), abs=1e-4)


def test_a_batch_weighs_tokens_not_examples() -> None:
    ours, case, (instruction,) = objective("P2_eos")
    (outputs,) = ours.network.hearing.outputs(case.waves())
    targets = ["gun shots", "a person is excited about the sea"]
    with torch.no_grad():
        alone = [float(ours([outputs], [instruction], [target])) for target in targets]
        together = float(ours([outputs] * 2, [instruction] * 2, targets))
    counts = [len(ours.answer(target)) for target in targets]
    assert counts[0] < counts[1]
    expected = sum(loss * count for loss, count in zip(alone, counts, strict=True)) / sum(counts)
    assert together == pytest.approx(expected, abs=1e-5)


def test_trimmed_speech_tokens_are_the_first_of_all() -> None:
    ours, case, (instruction,) = objective("P3_nq2_w0.5_s0.25")
    hearing = ours.network.hearing
    (outputs,) = hearing.outputs(case.waves())
    with torch.no_grad():
        whole = hearing.read([outputs])[0]
        some = hearing.read(ours._cut([outputs], [5]))[0]
    torch.testing.assert_close(some, whole[: 5 * 2], atol=1e-6, rtol=0)
    assert ours([outputs], [instruction], ["gun shots"], [5]).isfinite()


@pytest.mark.parametrize("part", ["qformer", "lora"])
def test_gradients_equal_finite_differences(part: Part) -> None:
    ours, case, (instruction,) = objective("P5_no_beats")
    ours.double()
    weights = dict(learning(ours.network, [part])[part])
    with torch.no_grad():
        outputs = ours.network.hearing.outputs(case.waves())

    def loss() -> Tensor:
        found: Tensor = ours(outputs, [instruction], ["gun shots"])
        return found

    loss().backward()
    chosen = [pair for pair in weights.items() if pair[1].grad is not None and pair[1].grad.norm() > 1e-3]
    assert len(chosen) >= 4
    for name, weight in chosen[:: max(1, len(chosen) // 8)]:
        assert weight.grad is not None
        # Along the gradient the loss changes by its norm. Llama's norms compute in float32: smaller steps drown.
        length = float(weight.grad.norm())
        direction, kept, values = weight.grad / length, weight.data.clone(), []
        for step in (2e-3, -2e-3):
            weight.data = kept + step * direction
            values.append(float(loss().detach()))
        weight.data = kept
        assert (values[0] - values[1]) / 4e-3 == pytest.approx(length, rel=0.02), name


def test_only_what_is_named_learns() -> None:
    ours, _, _ = objective("P2_eos")
    for parts in (["lora"], ["qformer"], ["qformer", "lora"]):
        learning(ours.network, parts)
        names = [name for name, weight in ours.network.named_parameters() if weight.requires_grad]
        assert any(".lora_" in name for name in names) == ("lora" in parts)
        assert any(name.startswith("hearing.qformer.") for name in names) == ("qformer" in parts)
        assert not any(name.startswith(("hearing.whisper.", "hearing.beats.")) for name in names)
        assert not any(name.startswith("llama.") and ".lora_" not in name for name in names)
