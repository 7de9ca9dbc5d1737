"""A judge behind an OpenAI-compatible endpoint: several requests at once, tried again with growing waits."""

import email.utils
import http.client
import json
import math
import random
import re
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from salmonn_eval.errors import UsageError
from salmonn_eval.scorers.judge.exchange import Address, Exchange, Response, TooLargeError
from salmonn_eval.scorers.judge.protocol import JudgePrompt, Reply

_PATH = "/chat/completions"
_TRANSIENT = frozenset({408, 409, 425, 429})
_HOPELESS = frozenset({401, 404})
"""The key or the address is wrong: whatever else is asked gets the same."""
_QUOTED = 200
_LEAST_S = 0.1
_MODEL = re.compile(r"[\w.:/@+-]+")


class Limits(Struct, frozen=True):
    """How hard an endpoint is asked. Seconds, bytes, and counts.

    `timeout_s` is one try's, `patience_s` one prompt's with all its tries and waits; the first wait is `first_wait_s`
    and doubles up to `longest_wait_s`, less up to a half by chance. After `give_up` failed prompts in a row the others
    are not asked.
    """

    concurrency: int = 8
    tries: int = 6
    timeout_s: float = 60.0
    patience_s: float = 300.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    most_bytes: int = 1_000_000
    give_up: int = 20


class _Message(Struct):
    content: str


class _Choice(Struct):
    message: _Message


class _Completion(Struct):
    choices: list[_Choice]


class _Fault(Exception):
    """One try failed; `again` if another may not, after `wait_s` where the server says so."""

    def __init__(self, why: str, *, again: bool = True, wait_s: float | None = None, hopeless: bool = False) -> None:
        super().__init__(why)
        self.again = again
        self.wait_s = wait_s
        self.hopeless = hopeless


class EndpointJudge:
    """Chat completions of one model at temperature 0.

    `url` is the endpoint's base (`https://host/v1`). The key goes into the Authorization header and nowhere else: it is
    struck out of whatever the server says. Raises UsageError for a URL or model id that cannot be.
    """

    def __init__(self, model: str, url: str, key: str | None = None, limits: Limits | None = None) -> None:
        if not _MODEL.fullmatch(model):
            raise UsageError(f"the judge's model id {model!r} holds other than letters, digits and . _ : / @ + -")
        self.model = model
        self._address = Address(completions_url(url))
        self._key = key
        self._limits = limits or Limits()
        self._chance = random.Random()
        self._lock = threading.Lock()
        self._failed_in_row = 0
        self._gave_up: str | None = None

    def ask(self, prompts: Iterable[JudgePrompt]) -> Iterator[Reply]:
        """One Reply per prompt, in order. Left early, it breaks off what is under way."""
        halt = _Halt()
        pool = ThreadPoolExecutor(self._limits.concurrency, "judge")
        waiting: deque[Future[Reply]] = deque()
        try:
            for prompt in prompts:
                waiting.append(pool.submit(self._reply, prompt, halt))
                if len(waiting) >= 2 * self._limits.concurrency:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            halt.stop()
            pool.shutdown(cancel_futures=True)

    def _reply(self, prompt: JudgePrompt, halt: "_Halt") -> Reply:
        if self._gave_up is not None:
            return Reply(None, self._gave_up)
        try:
            reply = Reply(self._persist(prompt, halt))
        except _Fault as fault:
            reply = Reply(None, str(fault))
            if fault.hopeless:
                self._gave_up = str(fault)
        with self._lock:
            self._failed_in_row = 0 if reply.text is not None else self._failed_in_row + 1
            if self._failed_in_row >= self._limits.give_up and self._gave_up is None:
                self._gave_up = f"not asked, {self._failed_in_row} in a row having failed; the last: {reply.fault}"
        return reply

    def _persist(self, prompt: JudgePrompt, halt: "_Halt") -> str:
        started = time.monotonic()
        for number in range(1, self._limits.tries + 1):
            left = self._limits.patience_s - (time.monotonic() - started)
            try:
                return self._try(prompt, halt, max(_LEAST_S, min(self._limits.timeout_s, left)))
            except _Fault as fault:
                wait = self._wait(number, fault)
                left = self._limits.patience_s - (time.monotonic() - started)
                last = number == self._limits.tries or wait >= left
                if not fault.again or last or halt.wait(wait):
                    tried = f" ({number} tries)" if number > 1 else ""
                    raise _Fault(f"{fault}{tried}", hopeless=fault.hopeless) from fault
        raise AssertionError("the last try either answers or raises")

    def _wait(self, number: int, fault: _Fault) -> float:
        if fault.wait_s is not None:
            return fault.wait_s
        longest = min(self._limits.longest_wait_s, self._limits.first_wait_s * 2.0 ** (number - 1))
        return longest * self._chance.uniform(0.5, 1.0)

    def _try(self, prompt: JudgePrompt, halt: "_Halt", seconds: float) -> str:
        exchange = Exchange(self._address)
        halt.enter(exchange)
        try:
            response = exchange.post(
                self._body(prompt), self._headers(), seconds=seconds, most_bytes=self._limits.most_bytes
            )
        except TooLargeError as fault:
            raise _Fault(str(fault), again=False) from fault
        except (OSError, http.client.HTTPException) as fault:
            raise _Fault(self._clean(f"{type(fault).__name__}: {fault}")) from fault
        finally:
            halt.leave(exchange)
        return self._content(response)

    def _body(self, prompt: JudgePrompt) -> bytes:
        messages = [{"role": "user", "content": prompt.text}]
        return json.dumps({"model": self.model, "messages": messages, "temperature": 0}).encode()

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "salmonn-eval"}
        return headers if self._key is None else {**headers, "Authorization": f"Bearer {self._key}"}

    def _content(self, response: Response) -> str:
        """The text of a response; _Fault for everything that is none."""
        body = self._clean(response.body.decode("utf-8", "replace"))
        status = response.status
        if status != 200:
            raise _Fault(
                f"HTTP {status}: {_quoted(body)}",
                again=status in _TRANSIENT or status >= 500,
                wait_s=_retry_after(response.headers.get("retry-after")),
                hopeless=status in _HOPELESS,
            )
        try:
            completion = msgspec.json.decode(body, type=_Completion)
        except msgspec.MsgspecError as fault:
            raise _Fault(f"the reply is no chat completion: {_quoted(body)}") from fault
        if not completion.choices:
            raise _Fault("the reply is a chat completion without a choice")
        return self._clean(completion.choices[0].message.content)

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


class _Halt:
    """Ends everything that is under way for one `ask`."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._open: set[Exchange] = set()

    def enter(self, exchange: Exchange) -> None:
        """An exchange starts; one that starts too late is stopped before it opens."""
        with self._lock:
            self._open.add(exchange)
            if self._stopped.is_set():
                exchange.stop()

    def leave(self, exchange: Exchange) -> None:
        """An exchange is over."""
        with self._lock:
            self._open.discard(exchange)

    def wait(self, seconds: float) -> bool:
        """Wait so long; True at once when stopped."""
        return self._stopped.wait(seconds)

    def stop(self) -> None:
        """Wake all that wait, for time or for the network."""
        self._stopped.set()
        with self._lock:
            for exchange in self._open:
                exchange.stop()


def completions_url(url: str) -> str:
    """The address that is posted to. Raises UsageError, which does not repeat what may be a secret."""
    expected = "--judge-url: expected the base of an OpenAI-compatible endpoint, e.g. http://localhost:8000/v1"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        raise UsageError(f"{expected}; its host or port cannot be read") from fault
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError(f"{expected}; found no http:// or https:// address")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise UsageError(f"{expected}, without user, password or `?...`; a key is named with --judge-key-env")
    base = url.rstrip("/")
    return base if base.endswith(_PATH) else base + _PATH


def _retry_after(text: str | None) -> float | None:
    """Seconds to wait by a Retry-After header, which holds seconds or a date; None where it cannot be read."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            date = email.utils.parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = ((date if date.tzinfo else date.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _quoted(text: str) -> str:
    return " ".join(text.split())[:_QUOTED] or "an empty reply"
