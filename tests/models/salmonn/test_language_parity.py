"""The language side against the release's own numbers: input embeddings, ids at every scale, logits and loss."""

import json
from pathlib import Path

import parity
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from salmonn_eval.models.salmonn.ask import Ask, Forced
from salmonn_eval.models.salmonn.embed import embed
from salmonn_eval.models.salmonn.language import Language
from salmonn_eval.models.salmonn.lora import Adapter, add_lora
from salmonn_eval.models.salmonn.names import to_ours
from salmonn_eval.models.salmonn.prompt import Prompt
from salmonn_eval.records import Generation

BOS, END = 1, 2
SCALES = (4, 2, 1, 0)
SHIPPED = Path(__file__).resolve().parents[2] / "data" / "parity"
MODEL_CASES = (
    "P1_full_1500",
    "P2_eos",
    "P3_nq2_w0.5_s0.25",
    "P4_batch3_equal_prompts_unequal_audio",
    "P5_no_beats",
)


def find(name: str, request: pytest.FixtureRequest) -> Path:
    """A file or folder of the reference's: among the shipped ones, else in the folder beside the checkout."""
    shipped = SHIPPED / name
    return shipped if shipped.exists() else request.getfixturevalue("shared") / "parity" / name


def llama_of(tensors: dict[str, Tensor], shape: dict[str, object]) -> torch.nn.Module:
    """The language model of a reference state dict, its [PAD] row kept."""
    from transformers import LlamaConfig, LlamaForCausalLM

    prefix = "llama_model.base_model.model."
    rows = len(tensors[f"{prefix}lm_head.weight"])
    llama = add_lora(LlamaForCausalLM(LlamaConfig(**{**shape, "vocab_size": rows})), 8, 32)
    known = {f"llama.{name}": None for name in llama.state_dict()}
    names = to_ours([name for name in tensors if name.startswith(prefix)], known)
    llama.load_state_dict({ours.removeprefix("llama."): tensors[name].float() for name, ours in names.items()})
    return llama.eval()


class Case:
    """A model case: its prompts (row i, perhaps with other speech), and what the reference gave."""

    def __init__(self, folder: Path) -> None:
        self.io = load_file(folder / "io.safetensors")
        spec = json.loads((folder / "meta.json").read_text())["spec"]
        self.llama = llama_of(load_file(folder / "state_dict.safetensors"), spec["llama"])

    def prompt(self, row: int = 0, speech: Tensor | None = None) -> Prompt:
        before, after = self.io["p_before_ids"][row], self.io["p_after_ids"][row]
        speech = self.io["speech_embeds"][row] if speech is None else speech
        return Prompt((BOS, *before.tolist()), speech, tuple(after.tolist()))

    @property
    def target(self) -> tuple[int, ...]:
        return tuple(self.io["target_ids"][0][self.io["target_mask"][0].bool()].tolist())


def expected_ids(row: Tensor) -> tuple[int, ...]:
    """Without the dummy beginning in front, and what pads behind the end."""
    ids = row.tolist()[1:]
    return tuple(ids[: ids.index(END) + 1] if END in ids else ids)


@pytest.fixture(params=MODEL_CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return Case(find(f"model/{request.param}", request))


def test_input_embeddings_are_the_release_s(case: Case):
    prompts = [case.prompt(row) for row in range(len(case.io["speech_embeds"]))]
    assert torch.equal(embed(prompts, case.llama.get_input_embeddings()), case.io["gen_inputs_embeds"])


def test_greedy_and_beam_ids_at_every_scale_in_one_batch(case: Case):
    """Row 0 at four scales; rows 1 and 2 of P4 with the speech they have alone (in its batch the reference leaks)."""
    prompts = {f"scale{scale}.": (case.prompt(), scale) for scale in SCALES}
    for row in range(1, len(case.io["speech_embeds"])):
        speech = case.io[f"single{row}.speech_embeds"][0]
        prompts[f"single{row}.scale4."] = (case.prompt(row, speech), 4)
    language = Language(case.llama, [END], rows=8)
    for kind, beams in (("greedy_ids", 1), ("beam4_ids", 4)):
        generation = Generation(max_new_tokens=20, num_beams=beams)
        asked = [Ask(key, prompt, generation, float(scale)) for key, (prompt, scale) in prompts.items()]
        found = {answer.key: answer.ids for answer in language.generate(asked)}
        assert found == {key: expected_ids(case.io[f"{key}{kind}"][0]) for key in prompts}


def test_logits_and_loss_at_every_scale(case: Case):
    prompt, target = case.prompt(), case.target
    whole = Prompt(prompt.prefix_ids, prompt.speech, (*prompt.suffix_ids, *target))
    embeds = embed([whole] * len(SCALES), case.llama.get_input_embeddings())
    with torch.no_grad(), Adapter(case.llama).scaled(torch.tensor(SCALES, dtype=torch.float)):
        logits = case.llama(inputs_embeds=embeds).logits
    full = case.io["scale4.tf_logits"][0, : embeds.shape[1]]
    torch.testing.assert_close(logits[0], full, atol=2e-4, rtol=0)
    forced = [Forced(prompt, (target,), float(scale)) for scale in SCALES]
    scored = Language(case.llama, [END], rows=4).logprobs(forced)
    for row, (scale, values) in enumerate(zip(SCALES, scored, strict=True)):
        if scale != 4:
            tail = case.io[f"scale{scale}.tf_logits_tail"][0, : len(target) + 1]
            torch.testing.assert_close(logits[row, -len(tail) :], tail, atol=2e-4, rtol=0)
        if len(case.io["speech_embeds"]) == 1:  # P4's loss is its leaking batch's
            assert -sum(values) / len(values) == pytest.approx(float(case.io[f"scale{scale}.tf_loss"]), abs=1e-4)


class TestContract:
    """Our batches equal the reference's single runs; its own batches show how it leaks and are no target."""

    @pytest.fixture
    def tensors(self, request: pytest.FixtureRequest) -> dict[str, Tensor]:
        return load_file(find("contract/contract.safetensors", request))

    def language(self, request: pytest.FixtureRequest) -> Language:
        shape = json.loads(find("model/P2_eos/meta.json", request).read_text())["spec"]["llama"]
        return Language(llama_of(load_file(find("contract/state_dict.safetensors", request)), shape), [END], rows=2)

    def prompts(self, tensors: dict[str, Tensor], kind: str) -> list[Prompt]:
        masks = tensors[f"{kind}.p_after_mask"].bool()
        return [
            Prompt((BOS, *before.tolist()), speech, tuple(after[mask].tolist()))
            for before, speech, after, mask in zip(
                tensors[f"{kind}.p_before_ids"],
                tensors["speech_embeds"],
                tensors[f"{kind}.p_after_ids"],
                masks,
                strict=True,
            )
        ]

    @pytest.mark.parametrize("kind", ["unequal", "equal"])
    @pytest.mark.parametrize(("decoding", "beams"), [("greedy_ids", 1), ("beam4_ids", 4)])
    def test_prompts_unequal_or_equal(self, request, tensors, kind: str, decoding: str, beams: int):
        generation = Generation(max_new_tokens=20, num_beams=beams)
        asked = [Ask(str(row), prompt, generation) for row, prompt in enumerate(self.prompts(tensors, kind))]
        for row in self.language(request).generate(asked):
            assert row.ids == expected_ids(tensors[f"{kind}.single{row.key}.{decoding}"][0])

    def test_loss_of_unequal_prompts(self, request, tensors):
        targets = [
            tuple(ids[mask.bool()].tolist())
            for ids, mask in zip(tensors["unequal.target_ids"], tensors["unequal.target_mask"], strict=True)
        ]
        rows = [
            Forced(prompt, (target,)) for prompt, target in zip(self.prompts(tensors, "unequal"), targets, strict=True)
        ]
        scored = self.language(request).logprobs(rows)
        for row, values in enumerate(scored):
            loss = float(tensors[f"unequal.single{row}.tf_loss"])
            assert -sum(values) / len(values) == pytest.approx(loss, abs=1e-4)

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_one_row_s_end_does_not_stop_the_other(self, shared: Path, order: tuple[int, int]):
        """Row 0 ends early, row 1 never does; in the reference's batch the first row's end ends both."""
        folder = shared / "parity" / "contract"
        tensors, network = load_file(folder / "contract.safetensors"), parity.network(folder, "state_dict_stop")
        with torch.no_grad():
            speech = network.hearing(list(tensors["input.raw_wav_i16"].double() / 32768))
        prompts = [
            Prompt(prompt.prefix_ids, heard, prompt.suffix_ids)
            for prompt, heard in zip(self.prompts(tensors, "equal"), speech, strict=True)
        ]
        asked = [Ask(str(row), prompts[row], Generation(max_new_tokens=20)) for row in order]
        for answer in Language(network.llama, [END], rows=2).generate(asked):
            assert answer.ids == expected_ids(tensors[f"stop.single{answer.key}"][0])
