"""One HTTP exchange with an end: bounded in time and size whatever the other side does, and broken off on request."""

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from msgspec import Struct

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST_CONNECT_S = 10.0


class Response(Struct, frozen=True):
    """What came back; `headers` have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes


class TooLargeError(Exception):
    """The body is longer than allowed."""


class Address:
    """Where requests go: a URL, reached through the system's proxy where one is set for it.

    Redirects are never followed: they would carry the key to somebody else.
    """

    def __init__(self, url: str) -> None:
        self._url: SplitResult = urlsplit(url)
        self._context = ssl.create_default_context() if self._url.scheme == "https" else None
        self._proxy = self._find_proxy()
        self.target = url if self._proxy and not self._context else self._url.path

    def connection(self, seconds: float) -> http.client.HTTPConnection:
        """A connection that is not open yet; `seconds` is the longest silence on it."""
        host, port = self._url.hostname or "", self._url.port
        at, at_port = (self._proxy.hostname or "", self._proxy.port) if self._proxy else (host, port)
        if self._context is None:
            return http.client.HTTPConnection(at, at_port, timeout=seconds)
        connection = http.client.HTTPSConnection(at, at_port, timeout=seconds, context=self._context)
        if self._proxy:
            connection.set_tunnel(host, port)
        return connection

    def _find_proxy(self) -> SplitResult | None:
        host = self._url.hostname or ""
        proxy = getproxies().get(self._url.scheme)
        if not proxy or host in _LOOPBACK or proxy_bypass(host):
            return None
        return urlsplit(proxy if "//" in proxy else f"//{proxy}")


class Exchange:
    """One POST. `stop` may be called from another thread and ends it at once."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._stopped = False

    def post(self, body: bytes, headers: Mapping[str, str], *, seconds: float, most_bytes: int) -> Response:
        """Send and read to the end.

        Raises TimeoutError after `seconds` in all, TooLargeError for a longer body, OSError or HTTPException for
        whatever breaks on the way.
        """
        connect_s = min(seconds, _LONGEST_CONNECT_S)
        connection = self._address.connection(connect_s)
        watch = threading.Timer(seconds, self.stop)
        watch.daemon = True
        watch.start()
        try:
            connection.connect()
            self._socket = connection.sock
            self._socket.settimeout(seconds)
            if self._stopped:
                raise TimeoutError(f"no reply within {seconds:g} s")
            response = self._read(connection, body, headers, most_bytes)
        except (OSError, http.client.HTTPException) as fault:
            # The socket's own limit may strike a moment before the watch does; either way time is up.
            if isinstance(fault, TimeoutError) and self._socket is None:
                raise TimeoutError(f"no connection within {connect_s:g} s") from fault
            if isinstance(fault, TimeoutError) or self._stopped:
                raise TimeoutError(f"no whole reply within {seconds:g} s") from fault
            raise
        finally:
            watch.cancel()
            connection.close()
        if self._stopped:  # what was read so far looks like the end of the body
            raise TimeoutError(f"no whole reply within {seconds:g} s")
        return response

    def _read(
        self, connection: http.client.HTTPConnection, body: bytes, headers: Mapping[str, str], most_bytes: int
    ) -> Response:
        connection.request("POST", self._address.target, body, dict(headers))
        response = connection.getresponse()
        with response:
            data = response.read(most_bytes + 1)
        if len(data) > most_bytes:
            raise TooLargeError(f"the reply is longer than {most_bytes} bytes")
        return Response(response.status, {name.lower(): value for name, value in response.getheaders()}, data)

    def stop(self) -> None:
        """End the exchange: whoever waits for its socket is woken."""
        self._stopped = True
        if self._socket is not None:
            try:
                # Not the subclass's own: a TLS socket would also drop its state under the reader's feet.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:
                return  # closed already
