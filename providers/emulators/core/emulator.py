"""What every emulator is: a vendor's protocol inside a shell that keeps the books and makes things go wrong.

A vendor module writes ``answer`` (and usually ``place``). The shell around it

* answers ``/_emulator/...`` (bill, seen, faults) and ``/files/...`` (the file shelf; place "download") by itself;
* takes one fault for each request, at the request's place, and applies those of the transport around ``answer``;
* hands any other fault to ``answer`` as ``request.fault``: the vendor says it in its own dialect.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from providers.emulators.core.bill import Bill
from providers.emulators.core.callbacks import Callbacks
from providers.emulators.core.faults import Fault, FaultScript
from providers.emulators.core.http import Answer, BadBody, Break, Incoming
from providers.emulators.core.jobs import JobBook
from providers.emulators.core.media import Media
from providers.emulators.core.shelf import PREFIX, FileShelf
from providers.emulators.core.timing import Timing

_REMEMBERED_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived. ``at`` is vendor time; bodies of old requests are let go (empty) to save memory."""

    at: float
    place: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Emulator(ABC):
    """One vendor's server, in memory. ``base_url`` is set by the server before the first request.

    ``crashes`` holds exceptions that the emulator did not expect; ``running`` raises them at its end.
    """

    name: ClassVar[str]

    def __init__(
        self, *, timing: Timing | None = None, media: Media | None = None, faults: FaultScript | None = None
    ) -> None:
        self.time = timing or Timing()
        self.media = media or Media()
        self.faults = faults or FaultScript()
        self.bill = Bill()
        self.jobs = JobBook(self.time)
        self.shelf = FileShelf(self.time)
        self.seen: list[Seen] = []
        self.crashes: list[BaseException] = []
        self.callbacks = Callbacks(self.time, self.crashes)
        self._base_url = ""
        self._bodies_from = 0
        self._bodies_bytes = 0

    @property
    def base_url(self) -> str:
        return self._base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._base_url = self.shelf.base_url = url

    @abstractmethod
    async def answer(self, request: Incoming) -> Answer:
        """The vendor's protocol. ``request.fault`` is a vendor-level fault to say in the vendor's dialect."""

    @abstractmethod
    def place(self, request: Incoming) -> str:
        """Where the request's faults are looked up: "submit", "poll", "find", "download", "upload" or "other"."""

    @abstractmethod
    def environment(self, base_url: str) -> dict[str, str]:
        """The variables that make skuflow use this emulator, with keys that it accepts."""

    async def close(self) -> None:
        """Called by the server at its end."""
        await self.callbacks.close()
        self.shelf.close()

    async def react(self, request: Incoming) -> Answer | Break:
        """What the server does with a request."""
        if request.path.startswith("/_emulator/"):
            return self._control(request)
        is_file = request.path.startswith(PREFIX)
        place = "download" if is_file else self.place(request)
        self._remember(request, place)
        fault = self.faults.take(place)
        if fault is None or not fault.is_transport:
            return await self._answer(replace(request, fault=fault), is_file)
        if fault.comes_before:
            return _instead(fault)
        # The vendor does all that it would do; only the news of it is lost.
        await self._answer(request, is_file)
        return _instead(fault)

    async def _answer(self, request: Incoming, is_file: bool) -> Answer:
        return self.shelf.serve(request, request.fault) if is_file else await self.answer(request)

    def _remember(self, request: Incoming, place: str) -> None:
        self.seen.append(
            Seen(self.time.now_s(), place, request.method, request.path, request.headers, request.body)
        )
        self._bodies_bytes += len(request.body)
        while self._bodies_bytes > _REMEMBERED_BYTES and self._bodies_from < len(self.seen) - 1:
            old = self.seen[self._bodies_from]
            self._bodies_bytes -= len(old.body)
            self.seen[self._bodies_from] = replace(old, body=b"")
            self._bodies_from += 1

    def _control(self, request: Incoming) -> Answer:
        what = (request.method, request.path)
        if what == ("GET", "/_emulator/bill"):
            return Answer.json(self.bill.as_json())
        if what == ("GET", "/_emulator/seen"):
            seen = tuple(self.seen)
            return Answer.json(
                {
                    "count": len(seen),
                    "places": Counter(entry.place for entry in seen),
                    "paths": Counter(f"{entry.method} {entry.path}" for entry in seen),
                    "faults": Counter(f"{place}:{fault}" for place, fault in tuple(self.faults.taken)),
                }
            )
        if what == ("POST", "/_emulator/faults"):
            return self._script(request)
        return Answer.json({"error": "there are GET bill, GET seen, POST faults"}, 404)

    def _script(self, request: Incoming) -> Answer:
        try:
            wish: Any = request.json()
            self.faults.add(
                Fault(wish["fault"]), str(wish["place"]), int(wish.get("times", 1)), int(wish.get("after", 0))
            )
        except (BadBody, ValueError, KeyError, TypeError, AttributeError) as error:
            return Answer.json({"error": f"not a fault: {error}"}, 400)
        return Answer.json({"ok": True})


def _instead(fault: Fault) -> Answer | Break:
    """What the client sees of a transport fault."""
    match fault:
        case Fault.RESET_BEFORE | Fault.RESET_AFTER:
            return Break.RESET
        case Fault.LOST_REPLY:
            return Break.DROP
        case Fault.HANG_AFTER:
            return Break.HANG
        case Fault.HTML_500:
            return Answer.html("<html><body><h1>500 Internal Server Error</h1></body></html>", 500)
        case Fault.HTML_502_AFTER:
            return Answer.html("<html><body><center><h1>502 Bad Gateway</h1></center></body></html>", 502)
        case Fault.MALFORMED_AFTER:
            return Answer(200, b'{"code": 0, "data": {"task_', {"content-type": "application/json"})
        case Fault.REDIRECT:
            return Answer(302, b"", {"location": "/moved"})
        case _:
            raise ValueError(f"{fault} is no fault of the transport")


def digest_of(request: Incoming) -> str:
    """A digest of endpoint and body, for vendors without an external id: equal for a repeated submit."""
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.body).hexdigest()
