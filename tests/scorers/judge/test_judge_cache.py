"""Replies on disk: nothing is asked twice, and nobody gets another's reply."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from judge_server import KEY, completion, serving

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.scorers.judge.cache import RememberingJudge
from salmonn_eval.scorers.judge.endpoint import EndpointJudge, Limits
from salmonn_eval.scorers.judge.protocol import JudgePrompt, Reply


class Counting:
    """Echoes, and fails on what says so."""

    def __init__(self, model: str = "m") -> None:
        self.model = model
        self.asked: list[str] = []

    def ask(self, prompts: Iterable[JudgePrompt]) -> Iterator[Reply]:
        for prompt in prompts:
            self.asked.append(prompt.text)
            yield Reply(None, "it failed") if "fail" in prompt.text else Reply(f"{self.model}: {prompt.text}")


def prompt(text: str, origin: str = "p.1-0") -> JudgePrompt:
    return JudgePrompt(text, origin)


def test_the_second_time_nothing_is_asked(tmp_path: Path) -> None:
    asked = [prompt(f"{number}") for number in range(300)]
    with serving(lambda call: call.reply(completion(f"re {call.prompt}"))) as server:
        judges = [RememberingJudge(EndpointJudge("m", server.url, KEY), tmp_path, server.url) for _ in range(2)]
        first, second = (list(judge.ask(asked)) for judge in judges)
        assert len(server.calls) == 300
    assert first == second == [Reply(f"re {number}") for number in range(300)]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_model_place_prompt_file_and_text_all_count(tmp_path: Path) -> None:
    for model, place, origin, text in (
        ("m", "here", "p.1-0", "a"),
        ("n", "here", "p.1-0", "a"),
        ("m", "there", "p.1-0", "a"),
        ("m", "here", "p.1-1", "a"),
        ("m", "here", "p.1-0", "b"),
    ):
        judge = Counting(model)
        assert list(RememberingJudge(judge, tmp_path, place).ask([prompt(text, origin)])) == [Reply(f"{model}: {text}")]
        assert judge.asked == [text]


def test_order_is_kept_among_known_new_and_repeated(tmp_path: Path) -> None:
    list(RememberingJudge(Counting(), tmp_path, "").ask([prompt("b"), prompt("d")]))
    judge = Counting()
    replies = RememberingJudge(judge, tmp_path, "").ask(prompt(text) for text in "abcadc")
    assert [reply.text for reply in replies] == ["m: a", "m: b", "m: c", "m: a", "m: d", "m: c"]
    assert judge.asked == ["a", "c"]


def test_a_failure_is_asked_again(tmp_path: Path) -> None:
    judge = Counting()
    for _ in range(2):
        assert list(RememberingJudge(judge, tmp_path, "").ask([prompt("fail")])) == [Reply(None, "it failed")]
    assert judge.asked == ["fail", "fail"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"reply": "x"}', b"\xff"])
def test_a_broken_file_counts_as_none(tmp_path: Path, content: bytes) -> None:
    list(RememberingJudge(Counting(), tmp_path, "").ask([prompt("a")]))
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    file.write_bytes(content)
    assert list(RememberingJudge(Counting(), tmp_path, "").ask([prompt("a")])) == [Reply("m: a")]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PrerequisiteError, match="SALMONN_EVAL_CACHE"):
        list(RememberingJudge(Counting(), tmp_path / "file", "").ask([prompt("a")]))


def test_processes_share_the_folder(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from salmonn_eval.scorers.judge.cache import RememberingJudge
from salmonn_eval.scorers.judge.endpoint import EndpointJudge
from salmonn_eval.scorers.judge.protocol import JudgePrompt
judge = RememberingJudge(EndpointJudge("m", sys.argv[1]), Path(sys.argv[2]), "one place")
print(*[reply.text for reply in judge.ask(JudgePrompt(str(n), "p") for n in range(100))])
"""
    with serving(lambda call: call.reply(completion(f"<{call.prompt}>"))) as server:
        command = [sys.executable, "-c", code, server.url, str(tmp_path)]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        said = {process.communicate()[0].strip() for process in processes}
        assert said == {" ".join(f"<{number}>" for number in range(100))}
        asked = len(server.calls)
        assert 100 <= asked <= 300
        again = RememberingJudge(EndpointJudge("m", server.url, None, Limits()), tmp_path, "one place")
        assert len(list(again.ask(prompt(str(number), "p") for number in range(100)))) == 100
        assert len(server.calls) == asked
    assert not list(tmp_path.rglob("*.tmp"))
