"""A small TCP proxy that cuts connections where a test says: real faults on the wire."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType

Cut = Callable[[bytes], bool]
"""Given what the client sends, whether the connection is to be cut there."""


class TcpProxy:
    """Forwards a free local port to a server.

    ``cut_before(match)``: the next matching bytes of a client never reach the server.
    ``cut_after(match)``: they do, the server's answer is awaited, and the client never gets it.
    ``refuse()``: connections are closed as soon as they are made, until ``accept()``.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._before: Cut | None = None
        self._after: Cut | None = None
        self._refusing = False
        self._sockets: set[socket.socket] = set()
        self.cuts = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where clients connect."""
        port: int = self._listener.getsockname()[1]
        return port

    def cut_before(self, match: Cut) -> None:
        """Cut the next connection whose client sends something that matches; once."""
        self._before = match

    def cut_after(self, match: Cut) -> None:
        """As cut_before, but only after the server has done what was asked; once."""
        self._after = match

    def refuse(self) -> None:
        """Close every connection, those that stand and those to come."""
        self._refusing = True
        self.cut_all()

    def accept(self) -> None:
        """Forward connections again."""
        self._refusing = False

    def cut_all(self) -> None:
        """Close every connection that stands."""
        for one in list(self._sockets):
            self._close(one)

    def close(self) -> None:
        """Close the port and every connection."""
        self._listener.close()
        self.cut_all()

    def __enter__(self) -> TcpProxy:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            self._sockets |= {client, server}
            muted, answered = threading.Event(), threading.Event()
            for forward in (self._upstream, self._downstream):
                threading.Thread(
                    target=forward, args=(client, server, muted, answered), daemon=True
                ).start()

    def _upstream(
        self,
        client: socket.socket,
        server: socket.socket,
        muted: threading.Event,
        answered: threading.Event,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                before, after = self._before, self._after
                if before is not None and before(data):
                    self._before = None
                    self.cuts += 1
                    break
                if after is not None and after(data):
                    self._after = None
                    self.cuts += 1
                    muted.set()
                    server.sendall(data)
                    answered.wait(10)
                    break
                server.sendall(data)
        self._close(client)
        self._close(server)

    def _downstream(
        self,
        client: socket.socket,
        server: socket.socket,
        muted: threading.Event,
        answered: threading.Event,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if muted.is_set():
                    answered.set()
                    break
                client.sendall(data)
        self._close(client)

    def _close(self, one: socket.socket) -> None:
        self._sockets.discard(one)
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
