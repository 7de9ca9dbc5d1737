"""Asking an OpenAI-compatible endpoint over real HTTP, also one that misbehaves."""

import email.utils
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from judge_server import KEY, Call, completion, serving, verdict

from salmonn_eval.errors import UsageError
from salmonn_eval.scorers.judge.endpoint import EndpointJudge, Limits, completions_url
from salmonn_eval.scorers.judge.protocol import JudgePrompt, Reply

QUICK = Limits(concurrency=3, tries=3, timeout_s=0.3, patience_s=5, first_wait_s=0.001)


def prompts(count: int) -> list[JudgePrompt]:
    return [JudgePrompt(f"prompt {number}", "test.1-0") for number in range(count)]


def ask(behave: Callable[[Call], None], count: int = 1, **limits: Any) -> tuple[list[Reply], list[Call]]:
    with serving(behave) as server:
        given = {name: limits.get(name, getattr(QUICK, name)) for name in Limits.__struct_fields__}
        judge = EndpointJudge("org/judge-1", server.url, KEY, Limits(**given))
        return list(judge.ask(prompts(count))), server.calls


def test_what_is_sent_and_what_comes_back() -> None:
    ((reply,), (call,)) = ask(lambda call: call.reply(completion("so it is")))
    assert reply == Reply("so it is")
    assert call.path == "/v1/chat/completions"
    assert call.authorization == f"Bearer {KEY}"
    messages = [{"role": "user", "content": "prompt 0"}]
    assert call.sent == {"model": "org/judge-1", "messages": messages, "temperature": 0}


def test_without_a_key_no_authorization_is_sent() -> None:
    with serving(lambda call: call.reply(completion("x"))) as server:
        assert list(EndpointJudge("m", server.url + "/").ask(prompts(1))) == [Reply("x")]
        assert server.calls[0].authorization is None


def test_order_is_kept_and_no_more_are_open_at_once_than_allowed() -> None:
    together = threading.Barrier(3)

    def behave(call: Call) -> None:
        together.wait(5)  # passes only when three requests are open at the same time
        call.reply(completion(call.prompt))

    with serving(behave) as server:
        limits = Limits(concurrency=3)
        replies = list(EndpointJudge("m", server.url, None, limits).ask(prompts(30)))
        assert [reply.text for reply in replies] == [prompt.text for prompt in prompts(30)]
        assert (len(server.calls), server.most_at_once) == (30, 3)


def test_prompts_are_pulled_as_they_are_needed() -> None:
    pulled: list[int] = []

    def source() -> Any:
        for number, prompt in enumerate(prompts(100)):
            pulled.append(number)
            yield prompt

    with serving(lambda call: call.reply(completion("x"))) as server:
        replies = EndpointJudge("m", server.url, None, Limits(concurrency=2)).ask(source())
        next(replies)
        assert len(pulled) == 4
        replies.close()


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_passing_trouble_is_tried_again(status: int) -> None:
    def behave(call: Call) -> None:
        call.reply(b"busy", status) if call.number < 2 else call.reply(completion("at last"))

    assert ask(behave)[0] == [Reply("at last")]


def test_retry_after_is_heeded_in_seconds_and_as_a_date() -> None:
    for value in ("0.3", email.utils.formatdate(time.time() + 2, usegmt=True)):
        times: list[float] = []

        def behave(call: Call, times: list[float] = times, value: str = value) -> None:
            times.append(time.monotonic())
            call.reply(completion("x")) if times[1:] else call.reply(b"slow down", 429, Retry_After=value)

        assert ask(behave)[0] == [Reply("x")]
        assert times[1] - times[0] >= 0.3


def test_a_wait_beyond_patience_fails_at_once_with_the_reason() -> None:
    (reply,), calls = ask(lambda call: call.reply(b"come back tomorrow", 429, Retry_After="86400"))
    assert (reply.text, reply.fault) == (None, "HTTP 429: come back tomorrow")
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"<html>gateway</html>", "the reply is no chat completion: <html>gateway</html> (3 tries)"),
        (completion("long")[:-9], "the reply is no chat completion"),
        (b'{"choices": [{"text": "old style"}]}', "the reply is no chat completion"),
        (b'{"choices": [{"message": {"content": null}}]}', "the reply is no chat completion"),
        (b'{"choices": []}', "the reply is a chat completion without a choice (3 tries)"),
        (b"\xff\xfe\x00", "the reply is no chat completion"),
        (b"", "the reply is no chat completion: an empty reply (3 tries)"),
    ],
    ids=["html", "truncated", "another form", "null", "no choice", "bytes", "nothing"],
)
def test_garbage_is_tried_again_and_then_told(body: bytes, fault: str) -> None:
    (reply,), calls = ask(lambda call: call.reply(body))
    assert reply.text is None
    assert (reply.fault or "").startswith(fault)
    assert len(calls) == 3


def test_a_connection_that_breaks_inside_the_body_is_tried_again() -> None:
    def behave(call: Call) -> None:
        if call.number:
            call.reply(completion("whole"))
        else:
            call.reply(completion("whole")[:20], Content_Length="500", Connection="close")
            call.handler.close_connection = True

    replies, calls = ask(behave)
    assert (replies, len(calls)) == ([Reply("whole")], 2)


def test_an_answer_that_never_ends_is_given_up_without_another_try() -> None:
    sent: list[int] = []

    def behave(call: Call) -> None:
        call.handler.send_response(200)
        call.handler.end_headers()
        while True:
            sent.append(call.handler.wfile.write(b" " * 65_536))

    (reply,), calls = ask(behave, most_bytes=200_000, timeout_s=20)
    assert reply.fault == "the reply is longer than 200000 bytes"
    assert len(calls) == 1


def test_silence_is_a_timeout() -> None:
    with serving(lambda call: None) as server:

        def behave(call: Call) -> None:
            server.over.wait(20)

        server.behave = behave
        judge = EndpointJudge("m", server.url, None, Limits(tries=2, timeout_s=0.2, first_wait_s=0.001))
        (reply,) = judge.ask(prompts(1))
        assert reply.fault == "TimeoutError: no whole reply within 0.2 s (2 tries)"
        assert len(server.calls) == 2


@pytest.mark.parametrize("part", ["headers", "body"])
def test_bytes_that_drip_are_a_timeout_though_each_comes_in_time(part: str) -> None:
    with serving(lambda call: None) as server:

        def behave(call: Call) -> None:
            if part == "body":
                call.handler.send_response(200)
                call.handler.end_headers()
            while not server.over.wait(0.02):
                call.handler.wfile.write(b"H")
                call.handler.wfile.flush()

        server.behave = behave
        judge = EndpointJudge("m", server.url, None, Limits(tries=1, timeout_s=0.3))
        (reply,) = judge.ask(prompts(1))
        assert reply.fault == "TimeoutError: no whole reply within 0.3 s"


@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_refusal_costs_that_prompt_alone(status: int) -> None:
    def behave(call: Call) -> None:
        call.reply(b"no", status) if call.prompt == "prompt 1" else call.reply(completion("x"))

    replies, calls = ask(behave, 3)
    assert [reply.text for reply in replies] == ["x", None, "x"]
    assert replies[1].fault == f"HTTP {status}: no"
    assert len(calls) == 3


@pytest.mark.parametrize("status", [401, 404])
def test_a_wrong_key_or_address_is_not_asked_again(status: int) -> None:
    replies, calls = ask(lambda call: call.reply(b"who?", status), 50, concurrency=1)
    assert {(reply.text, reply.fault) for reply in replies} == {(None, f"HTTP {status}: who?")}
    assert len(calls) == 1


def test_after_many_failures_in_a_row_the_rest_is_not_asked() -> None:
    replies, calls = ask(lambda call: call.reply(b"down", 500), 40, give_up=5, concurrency=1, tries=2)
    assert len(calls) == 10
    assert replies[0].fault == "HTTP 500: down (2 tries)"
    assert replies[-1].fault == "not asked, 5 in a row having failed; the last: HTTP 500: down (2 tries)"


def test_nobody_listening_is_a_failure_with_its_reason() -> None:
    with serving(lambda call: None) as server:
        url = server.url
    (reply,) = EndpointJudge("m", url, None, QUICK).ask(prompts(1))
    assert (reply.fault or "").startswith("ConnectionRefusedError: ")


def test_a_redirect_is_not_followed_with_the_key() -> None:
    with serving(lambda call: call.reply(verdict("correct"))) as elsewhere:
        replies, calls = ask(lambda call: call.reply(b"moved", 307, Location=elsewhere.url))
        assert replies == [Reply(None, "HTTP 307: moved")]
        assert (len(calls), elsewhere.calls) == (1, [])


def test_a_server_that_repeats_the_key_does_not_get_it_into_a_reply() -> None:
    def behave(call: Call) -> None:
        if call.number % 2:
            call.reply(f"bad key {call.authorization}".encode(), 400)
        else:
            call.reply(completion(f"your {call.authorization}"))

    replies, _ = ask(behave, 2, concurrency=1)
    assert replies == [Reply("your Bearer ***"), Reply(None, "HTTP 400: bad key Bearer ***")]


def test_leaving_early_breaks_off_what_is_open_and_what_waits() -> None:
    """One request hangs, one waits a minute to try again; without being broken off the test would last that long."""
    with serving(lambda call: None) as server:

        def behave(call: Call) -> None:
            if call.prompt == "prompt 0":
                call.reply(completion("x"))
            elif call.prompt == "prompt 1":
                server.over.wait(60)
            else:
                call.reply(b"wait", 503, Retry_After="60")

        server.behave = behave
        replies = EndpointJudge("m", server.url, None, Limits(concurrency=3)).ask(prompts(6))
        assert next(replies) == Reply("x")
        started = time.monotonic()
        replies.close()
        assert time.monotonic() - started < 20
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("judge")]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://localhost:8000/v1", "http://localhost:8000/v1/chat/completions"),
        ("https://api.example.org/v1/", "https://api.example.org/v1/chat/completions"),
        ("http://h/v1/chat/completions", "http://h/v1/chat/completions"),
    ],
)
def test_the_address_is_the_base_and_the_path(url: str, found: str) -> None:
    assert completions_url(url) == found


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "ftp://h/v1", "http://", "http://h:port/v1", f"http://me:{KEY}@h/v1", f"http://h/v1?key={KEY}"],
)
def test_an_address_that_cannot_be_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(UsageError, match="--judge-url: expected the base") as fault:
        completions_url(url)
    assert KEY not in str(fault.value)


def test_a_model_id_that_would_break_a_signature_is_refused() -> None:
    with pytest.raises(UsageError, match=r"model id 'a\|b'"):
        EndpointJudge("a|b", "http://h/v1")


def test_a_proxy_is_asked_for_addresses_beyond_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda call: call.reply(completion("through"))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        (reply,) = EndpointJudge("m", "http://judge.invalid/v1", KEY, QUICK).ask(prompts(1))
        assert reply == Reply("through")
        assert proxy.calls[0].path == "http://judge.invalid/v1/chat/completions"
