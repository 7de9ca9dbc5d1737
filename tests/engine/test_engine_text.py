"""Text in place of audio: what is asked, of whom, and that nothing else changes."""

import parity
import pytest
from engine_runs import OneByOne, card_of
from speaking import CARD, GREEDY, Sounds, model

import salmonn_eval
from salmonn_eval.errors import UsageError
from salmonn_eval.models.protocol import Capabilities
from salmonn_eval.models.salmonn.lora import Adapter
from salmonn_eval.models.salmonn.prompt import PromptBuilder
from salmonn_eval.records import Request, Variant

READS = card_of(capabilities=Capabilities(text=True))


def asked(task, conditions, out, card=READS):
    """Every request of a run over four samples of a synthetic set."""
    seen = []

    def answer(request):
        seen.append(request)
        return "yes"

    run = salmonn_eval.evaluate(OneByOne(card, answer), task, suite="mini", limit=4, conditions=conditions, out=out)
    assert not run.incomplete
    return seen


def test_the_transcript_or_the_caption_is_read_and_nothing_is_heard(tmp_path):
    for task in ("asr", "aac"):
        seen = asked(task, ("none", "text"), tmp_path)
        read = {request.sample_id: request for request in seen if request.variant.condition == "text"}
        heard = {request.sample_id: request for request in seen if request.variant.condition == "none"}
        assert set(read) == set(heard)
        for sample, request in read.items():
            assert (request.clips, len(heard[sample].clips)) == ((), 1)
            assert request.text
            assert heard[sample].text is None
            assert request.instruction == heard[sample].instruction
            assert request.key != heard[sample].key


def test_where_a_sample_has_both_both_are_read(tmp_path):
    for request in asked("sac", ("text",), tmp_path):
        question, _, sound = request.text.partition(" (")
        assert question
        assert sound.endswith(")")


def test_a_model_that_only_hears_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"--condition text: model `in-test` cannot read text in place of audio"):
        asked("asr", ("text",), tmp_path, card_of())


def test_a_set_that_tells_neither_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"has neither fields.transcript nor fields.caption"):
        salmonn_eval.evaluate(
            OneByOne(READS, lambda request: "yes"),
            "mine",
            suite="mini-real",
            task_paths=[written(tmp_path)],
            conditions=("text",),
            out=tmp_path / "runs",
        )


def written(folder):
    """A task whose samples have an answer and nothing else."""
    head = "id: mine\nlevel: 1\ntitle: T\ninstruction: Say it.\nlanguage: en\nmetrics: [{name: wer, headline: true}]\n"
    tail = "following: {rule: words}\nitem_score: one_minus_error\ngeneration: {max_new_tokens: 4}\nversion: 1\n"
    sets = "datasets:\n  set: {suite: mini-real, source: manifest, path: mine.jsonl, cluster: item}\n"
    (folder / "mine.yaml").write_text(head + tail + sets)
    (folder / "mine.jsonl").write_text('{"id": "a", "references": ["a"]}\n')
    return folder / "mine.yaml"


def test_salmonn_reads_it_where_it_would_hear():
    """The answer is that of the prompt with the text's tokens between the marks, at each scale."""
    found = parity.case("model/P2_eos")
    speaker = model(found)
    requests = [
        Request(
            f"{scale}", "asr", "set", "a", "Please describe the audio.", (), GREEDY, Variant(scale), text="gun shots"
        )
        for scale in (4.0, 0.0)
    ]
    given = {answer.key: answer.text for answer in speaker.generate(requests, Sounds({}))}
    network, words = parity.network(found.folder), speaker._tokenizer
    prompt = PromptBuilder(CARD.template, words).read("Please describe the audio.", "gun shots")
    import torch

    ids = torch.tensor([[*prompt.prefix_ids, *prompt.suffix_ids]])
    for request in requests:
        with torch.no_grad(), Adapter(network.llama).scaled(torch.tensor([request.variant.lora_scale])):
            out = network.llama.generate(ids, max_new_tokens=20, do_sample=False, eos_token_id=2, pad_token_id=2)
        assert given[request.key] == words.decode(out[0, ids.shape[1] :], skip_special_tokens=True).strip()
