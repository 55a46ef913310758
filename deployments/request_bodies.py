"""Bodies of requests from the outside: bounded in size and in time."""

from __future__ import annotations

import asyncio

from fastapi import HTTPException, Request


async def read_body(request: Request, *, limit_bytes: int, timeout_s: float, what: str) -> bytes:
    """The whole body. Answers 408 where it does not arrive in time, 413 where it is too long; ``what`` names it."""
    try:
        return await asyncio.wait_for(_limited(request, limit_bytes, what), timeout_s)
    except TimeoutError:
        raise HTTPException(408, f"the {what} did not arrive in time") from None


async def _limited(request: Request, limit_bytes: int, what: str) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit_bytes:
            raise HTTPException(413, f"the {what} is too long")
    return bytes(body)
