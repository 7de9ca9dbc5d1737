"""Whether an adapter acts, shown on a real sample before a sweep."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from nano_without_lora import write

from salmonn_eval.engine.plan import Planner
from salmonn_eval.engine.spec import RunSpec
from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.models import registry
from salmonn_eval.models.protocol import Capabilities, Model
from salmonn_eval.probes.adapter import SAME, prove_adapter, sweep_scales
from salmonn_eval.probes.told import Teller


def test_the_adapter_of_nano_acts_on_its_first_sample(nano: Model, make_spec: Callable[..., RunSpec]) -> None:
    spec = make_spec("en2de")
    acting = prove_adapter(nano, spec)
    assert acting is not None and acting.change > 0.1
    first = next(Planner(spec, spec.questions[0]).samples())
    assert (acting.sample_id, acting.continuation) == (first.id, first.references[0])


def test_an_adapter_whose_b_is_zero_is_refused(tmp_path: Path, make_spec: Callable[..., RunSpec]) -> None:
    folder = write(tmp_path / "zero")
    card = registry.resolve("salmonn-nano-stage2", {"folder": str(folder)})
    model = registry.load(card, device="cpu", dtype="float32", batch_size=None)
    with pytest.raises(PrerequisiteError, match=r"does not act: on sample .* between scale 0 and 4"):
        prove_adapter(model, make_spec("sf", card=card))


def test_a_model_without_an_adapter_is_told_what_can_be_diagnosed(nano: Model) -> None:
    bare = msgspec.structs.replace(nano.card, capabilities=Capabilities(), default_lora_scale=None)
    with pytest.raises(UsageError, match=r"no adapter.*still be diagnosed.*forgetting cannot"):
        sweep_scales(bare)
    assert sweep_scales(nano.card) == (0.0, 1.0, 2.0, 3.0, 4.0)


def test_the_order_of_scales_in_a_batch_changes_nothing(nano: Model, make_spec: Callable[..., RunSpec]) -> None:
    spec = make_spec("sf,story", limit=1, scales=(0.0, 1.0, 2.0, 3.0, 4.0))
    requests = [row.request for question in spec.questions for row in Planner(spec, question).rows()]
    assert len(requests) == 15
    with Teller(nano) as teller:
        there = teller.tell(requests, ["my brother", "the old man"])
        back = teller.tell(requests[::-1], ["my brother", "the old man"])[::-1]
        alone = [teller.tell([request], ["my brother", "the old man"])[0] for request in requests]
    for one, two, three in zip(there, back, alone, strict=True):
        for tokens, other, single in zip(one, two, three, strict=True):
            assert tokens == pytest.approx(other, abs=1e-4)
            assert tokens == pytest.approx(single, abs=1e-4)
    assert max(abs(a - b) for a, b in zip(there[0][0], there[4][0], strict=True)) > 1000 * SAME
