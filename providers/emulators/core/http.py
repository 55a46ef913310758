"""A small HTTP/1.1 server whose connections can be reset, hung, dropped or cut at will."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Protocol, Self
from urllib.parse import parse_qs, unquote, urlsplit

import h11

from providers.emulators.core.faults import Fault

MAX_BODY_BYTES = 128 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_START_TIMEOUT_S = 30.0


class BadBody(Exception):  # noqa: N818 - what it is called everywhere in the emulators
    """The request's body is not JSON."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request. ``path`` is decoded, ``target`` is the raw path with its query; header names are lower case.

    ``fault`` is the vendor-level fault that this request is to meet; the core has dealt with the others.
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    target: str = ""
    fault: Fault | None = None

    def json(self) -> Any:
        """The body's value. Raises BadBody."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise BadBody(str(error)) from error

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply. ``cut_after_bytes``: the full length is announced, the connection ends after so many bytes.
    ``padding_bytes``: so many zeros follow the body, in chunks and without an announced length.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after_bytes: int | None = None
    padding_bytes: int = 0

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> Self:
        """JSON; header names are given with underscores (``x_request_id``)."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        body = json.dumps(value, ensure_ascii=False).encode()
        return cls(status, body, {"content-type": "application/json; charset=utf-8", **named})

    @classmethod
    def html(cls, text: str, status: int) -> Self:
        return cls(status, text.encode(), {"content-type": "text/html; charset=utf-8"})


class Break(StrEnum):
    """What happens to a connection instead of a reply."""

    RESET = "reset"
    DROP = "drop"
    HANG = "hang"


class Site(Protocol):
    """What can be served; ``providers.emulators.core.emulator.Emulator`` is one."""

    base_url: str
    crashes: list[BaseException]

    async def react(self, request: Incoming) -> Answer | Break: ...

    async def close(self) -> None: ...


class Server:
    """A site that is being served at ``base_url`` until ``close``."""

    def __init__(self, site: Site, base_url: str) -> None:
        self.base_url = base_url
        self._site = site
        self._listener: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Stop listening and end every connection, hung ones too."""
        if self._listener is not None:
            self._listener.close()
        for talk in tuple(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await self._site.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            await _Talk(self._site, reader, writer).hold()
        except (OSError, asyncio.CancelledError):
            # The client went away, or the server closes.
            pass
        except Exception as error:
            self._site.crashes.append(error)
        finally:
            self._talks.discard(task)
            writer.close()


class _Talk:
    """One connection, request after request."""

    def __init__(self, site: Site, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._site = site
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        self._unsent = bytearray()

    async def hold(self) -> None:
        while True:
            try:
                request = await self._next_request()
            except h11.RemoteProtocolError as error:
                with suppress(h11.LocalProtocolError):
                    await self._reply("GET", Answer.html(str(error), error.error_status_hint))
                return
            if request is None or not await self._serve(request):
                return
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _serve(self, request: Incoming) -> bool:
        """Answers one request; False where the connection is over."""
        try:
            reaction = await self._site.react(request)
        except Exception as error:
            self._site.crashes.append(error)
            reaction = Answer.html(f"emulator error: {error!r}", 500)
        if reaction is Break.RESET:
            reset(self._writer)
            return False
        if reaction is Break.DROP:
            return False
        if reaction is Break.HANG:
            while await self._reader.read(_CHUNK_BYTES):
                pass
            return False
        assert isinstance(reaction, Answer)
        return await self._reply(request.method, reaction)

    async def _event(self) -> Any:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            if self._http.they_are_waiting_for_100_continue:
                self._put(h11.InformationalResponse(status_code=100, headers=[]))
                await self._flush()
            self._http.receive_data(await self._reader.read(_CHUNK_BYTES))

    async def _next_request(self) -> Incoming | None:
        event = await self._event()
        if not isinstance(event, h11.Request):
            return None
        pieces: list[bytes] = []
        size_bytes = 0
        while isinstance(piece := await self._event(), h11.Data):
            size_bytes += len(piece.data)
            if size_bytes > MAX_BODY_BYTES:
                raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
            pieces.append(bytes(piece.data))
        target = event.target.decode("latin-1")
        parts = urlsplit(target)
        headers: dict[str, str] = {}
        for name, value in event.headers:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        return Incoming(
            method=event.method.decode("ascii"),
            path=unquote(parts.path),
            query=parse_qs(parts.query, keep_blank_values=True),
            headers=headers,
            body=b"".join(pieces),
            target=target,
        )

    async def _reply(self, method: str, answer: Answer) -> bool:
        headers = list(answer.headers.items())
        chunked = answer.padding_bytes > 0
        headers.append(
            ("transfer-encoding", "chunked") if chunked else ("content-length", str(len(answer.body)))
        )
        # Head and body of a small reply leave in one piece.
        self._put(h11.Response(status_code=answer.status, headers=headers, reason=_phrase(answer.status)))
        if method != "HEAD":
            cut = answer.cut_after_bytes
            for piece in _pieces(answer.body if cut is None else answer.body[:cut], answer.padding_bytes):
                self._put(h11.Data(data=piece))
                await self._flush(_CHUNK_BYTES)
            if cut is not None:
                await self._flush()
                return False
        self._put(h11.EndOfMessage())
        await self._flush()
        return True

    def _put(self, event: h11.Event) -> None:
        self._unsent += self._http.send(event) or b""

    async def _flush(self, beyond_bytes: int = 0) -> None:
        if len(self._unsent) > beyond_bytes:
            self._writer.write(bytes(self._unsent))
            self._unsent.clear()
            await self._writer.drain()


def _pieces(body: bytes, padding_bytes: int) -> Iterator[bytes]:
    for start in range(0, len(body), _CHUNK_BYTES):
        yield body[start : start + _CHUNK_BYTES]
    while padding_bytes > 0:
        yield bytes(min(padding_bytes, _CHUNK_BYTES))
        padding_bytes -= _CHUNK_BYTES


def _phrase(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with a TCP RST."""
    raw = writer.get_extra_info("socket")
    # With a linger time of zero, closing discards what is unsent and resets instead of finishing.
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def serve(site: Site, host: str = "127.0.0.1", port: int = 0) -> Server:
    """Serve ``site`` on the running event loop; port 0 takes any free one. Raises OSError where it is taken.

    ``base_url`` of the site and of the result is ``http://HOST:PORT``, with loopback for a host that means "all".
    """
    server = Server(site, "")
    listener = await asyncio.start_server(server.talk, host, port, limit=_CHUNK_BYTES)
    actual_port = listener.sockets[0].getsockname()[1]
    name = "127.0.0.1" if host in ("", "0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    server._listener = listener
    server.base_url = site.base_url = f"http://{name}:{actual_port}"
    return server


@contextmanager
def running(site: Site, port: int = 0) -> Iterator[str]:
    """Serve ``site`` in a thread with an event loop of its own; yields the base URL.

    Its bill, jobs and fault script may be read and written from outside meanwhile. On leaving, raises the first
    exception that the emulator itself did not expect, so that its mistakes do not pass for the vendor's.
    """
    started = threading.Event()
    failure: list[BaseException] = []
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def stay() -> None:
        server = await serve(site, port=port)
        halt = asyncio.Event()
        stop.append((asyncio.get_running_loop(), halt))
        started.set()
        await halt.wait()
        await server.close()

    def work() -> None:
        try:
            asyncio.run(stay())
        except BaseException as error:
            failure.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=work, name="emulator", daemon=True)
    thread.start()
    if not started.wait(_START_TIMEOUT_S) or not stop:
        raise failure[0] if failure else TimeoutError("the emulator did not start")
    try:
        yield site.base_url
    finally:
        loop, halt = stop[0]
        loop.call_soon_threadsafe(halt.set)
        thread.join(_START_TIMEOUT_S)
    for error in (*failure, *site.crashes):
        raise error
