"""Pictures that a request names: found by address, downloaded, decoded, measured."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass

from providers.emulators.core.fetching import InputError, Picture, fetch, look_at
from providers.emulators.dashscope.errors import Refusal, TaskFailure, invalid
from providers.emulators.dashscope.uploads import Uploads

_DATA_URI = re.compile(r"data:image/[a-z0-9.+-]+;base64,(.*)", re.DOTALL)
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, for which model, and whether ``oss://`` addresses are to be resolved."""

    account: str
    model: str
    resolve_oss: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a model takes. ``alpha``: True for needed, False for forbidden, None for either. Zero: no bound."""

    formats: Collection[str]
    min_side_px: int = 0
    max_side_px: int = 0
    max_bytes: int = 10 * _MEGABYTE
    alpha: bool | None = None


class Inputs:
    """Reads the pictures of requests."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    def address(self, value: object, where: str, caller: Caller, *, data_uri: bool = True) -> str:
        """``value`` as an address that may be given there. Raises Refusal (400) for anything else.

        What DashScope says to an ``oss://`` address without the header that resolves it is unconfirmed.
        """
        if not isinstance(value, str) or not value:
            raise invalid(f"{where} must be the address of an image")
        if value.startswith(("https://", "http://")):
            if not value.isascii():
                raise Refusal("InvalidURL", f"{where} must not contain Chinese characters")
            return value
        if value.startswith("oss://"):
            if not caller.resolve_oss:
                raise invalid(
                    f"{where} is an oss address: the header X-DashScope-OssResourceResolve is missing"
                )
            return value
        if value.startswith("data:"):
            if not data_uri:
                raise Refusal("InvalidURL", f"{where} must be a URL; base64 data is not supported")
            return value
        raise Refusal("InvalidURL", f"{where} is not a valid URL")

    async def picture(self, address: str, caller: Caller, bounds: Bounds) -> Picture:
        """The picture there. Raises TaskFailure where it cannot be had or is not within ``bounds``."""
        data = await self._bytes(address, caller)
        try:
            picture = await asyncio.to_thread(look_at, data)
        except InputError as error:
            raise TaskFailure("InvalidFile.Content", str(error)) from error
        _check(picture, bounds)
        return picture

    async def _bytes(self, address: str, caller: Caller) -> bytes:
        if address.startswith("oss://"):
            kept = self._uploads.read(address, caller.account, caller.model)
            if kept is None:
                raise TaskFailure("InvalidParameter.FileDownload")
            return kept
        inline = _DATA_URI.fullmatch(address)
        try:
            if inline is not None:
                return base64.b64decode(inline[1], validate=True)
            return await fetch(address)
        except (InputError, binascii.Error) as error:
            raise TaskFailure("InvalidParameter.FileDownload") from error


def _check(picture: Picture, bounds: Bounds) -> None:
    if picture.format not in bounds.formats:
        raise TaskFailure(
            "InvalidParameter.ImageFormat", f"The image format {picture.format} is not supported."
        )
    if picture.size_bytes > bounds.max_bytes:
        raise TaskFailure(
            "InvalidFile.Content", f"The image is larger than {bounds.max_bytes // _MEGABYTE} MB."
        )
    too_small = bool(bounds.min_side_px) and picture.short_px < bounds.min_side_px
    if too_small or (bounds.max_side_px and picture.long_px > bounds.max_side_px):
        raise TaskFailure("InvalidImageResolution")
    if bounds.alpha is True and not picture.has_alpha:
        raise TaskFailure("BadRequest.UnsupportedFileFormat")
    if bounds.alpha is False and picture.has_alpha:
        raise TaskFailure("InvalidParameter.ImageFormat", "Images with an alpha channel are not supported.")
