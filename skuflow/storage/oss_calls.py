"""Requests to OSS, repeated where the refusal may pass."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from xml.etree import ElementTree

import oss2

from skuflow.storage.objects import ObjectMissingError
from skuflow.storage.oss_errors import (
    OSS_ERRORS,
    StrangeReplyError,
    is_missing,
    is_taken,
    passes,
    storage_error,
)
from skuflow.storage.places import OssPlace

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for OSS. ``connect_s`` and ``read_s`` are for one request, silence counted; a request is
    repeated after ``pauses_s`` (each shortened or lengthened by half at random), unless ``overall_s`` are over.
    """

    connect_s: float = 5.0
    read_s: float = 30.0
    pauses_s: tuple[float, ...] = (0.2, 0.6, 1.5, 4.0)
    overall_s: float = 90.0


class TakenError(Exception):
    """An object stands where nothing may be overwritten."""


class GoneError(Exception):
    """The multipart upload is not known, or no longer."""

    def __init__(self, cause: Exception) -> None:
        super().__init__()
        self.cause = cause


class Calls:
    """Requests to OSS, repeated where the refusal may pass, with its errors in our words."""

    def __init__(self, place: OssPlace, patience: Patience, sleep: Callable[[float], None]) -> None:
        self.patience = patience
        self._place = place
        self._sleep = sleep
        self._dice = random.Random()

    def make(self, doing: str, call: Callable[[], T], missing: str | None = None) -> T:
        """What ``call`` returns. Raises ObjectMissingError where ``missing`` names the key and there is no such object,
        StorageError for what does not pass.
        """
        until = time.monotonic() + self.patience.overall_s
        pauses = iter(self.patience.pauses_s)
        while True:
            try:
                return call()
            except OSS_ERRORS as error:
                if is_taken(error):
                    raise TakenError from error
                if isinstance(error, oss2.exceptions.NoSuchUpload):
                    raise GoneError(error) from error
                if missing is not None and is_missing(error):
                    raise self.missing(missing) from None
                pause_s = next(pauses, None) if passes(error) else None
                if pause_s is None or time.monotonic() + pause_s > until:
                    raise storage_error(error, self._place, doing) from None
            self._sleep(pause_s * self._dice.uniform(0.5, 1.5))

    def missing(self, key: str) -> ObjectMissingError:
        return ObjectMissingError(f"there is no {key} in {self._place.address}")


def of_oss(reply: T) -> T:
    """The reply itself. Raises StrangeReplyError where it is not OSS's, which names every request."""
    if not getattr(reply, "request_id", ""):
        raise StrangeReplyError
    return reply


def read_as_xml(ask: Callable[[], T]) -> T:
    """What ``ask`` returns. Raises StrangeReplyError where oss2 cannot read the reply."""
    try:
        return of_oss(ask())
    except (ElementTree.ParseError, RuntimeError) as error:
        raise StrangeReplyError from error
