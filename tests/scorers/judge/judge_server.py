"""A real HTTP server in a thread that answers as a judge, or misbehaves as told."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "secretkey-Zq81xPlm"


def completion(content: str) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


def verdict(word: str) -> bytes:
    return completion(json.dumps({"verdict": word, "reason": f"it is {word}"}))


class Call:
    """One request as the server got it, and the ways to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, number: int, done: Callable[[], None]) -> None:
        self.handler = handler
        self._done = done
        self.number = number
        self.path = handler.path
        self.authorization = handler.headers.get("Authorization")
        self.sent = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.prompt: str = self.sent["messages"][0]["content"]

    def reply(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self._done()  # before the last byte: with it the client may already send its next request
        self.handler.wfile.write(body)


Behaviour = Callable[[Call], None]


class JudgeServer:
    """`calls` are all requests so far; `most_at_once` how many were ever open together; `over` ends slow behaviours."""

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.calls: list[Call] = []
        self.most_at_once = 0
        self.over = threading.Event()
        self.url = ""
        self._open: set[int] = set()
        self._lock = threading.Lock()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            number = len(self.calls)
            call = Call(handler, number, lambda: self._close(number))
            self.calls.append(call)
            self._open.add(number)
            self.most_at_once = max(self.most_at_once, len(self._open))
        try:
            self.behave(call)
        except OSError:
            return  # the client hung up
        finally:
            self._close(number)

    def _close(self, number: int) -> None:
        with self._lock:
            self._open.discard(number)


@contextmanager
def serving(behave: Behaviour) -> Iterator[JudgeServer]:
    judge = JudgeServer(behave)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            judge.handle(self)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    judge.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield judge
    finally:
        judge.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
