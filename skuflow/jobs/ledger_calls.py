"""Ledger calls from the event loop: off its thread, and finished even when the caller is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

_PARALLEL_WRITERS = 8


class LedgerCalls:
    """Runs ledger methods on threads of their own, so that pixel work cannot keep money waiting.

    A cancellation that arrives during a call is put off until the call has returned and its result is in the
    caller's hands; it is raised at the caller's next ``await``. So the caller always knows what it has
    written.
    """

    def __init__(self, *, in_parallel: bool) -> None:
        self._threads = ThreadPoolExecutor(
            max_workers=_PARALLEL_WRITERS if in_parallel else 1, thread_name_prefix="ledger"
        )

    async def __call__(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, partial(call, *args, **kwargs))
        cancelled = 0
        while not running.done():
            try:
                await asyncio.wait((running,))
            except asyncio.CancelledError:
                cancelled += 1
        task = asyncio.current_task()
        if cancelled and task is not None:
            # The count that asyncio.timeout and TaskGroup compare must stay what it was.
            for _ in range(cancelled):
                task.uncancel()
                task.cancel()
        return running.result()

    def close(self) -> None:
        self._threads.shutdown()
