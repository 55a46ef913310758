"""What was found out about a photo, kept in storage by the photo's digest: nothing is decoded or measured twice.

A record holds measured values only. What they mean is up to the gate's rules, so limits can change without measuring
again. It is a copy of what the photo says: a record that is lost or of another generation is made anew.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, ValidationError

from skuflow.quality.marks.model import Marks
from skuflow.quality.photo.files import FileFacts
from skuflow.quality.photo.prints import PhotoMeasures
from skuflow.storage.keys import photo_record_key
from skuflow.storage.objects import ObjectMissingError, ObjectStore

RECORDS = 4
"""Raised when a record holds something else, or when marks are found otherwise."""


class Refusal(BaseModel):
    """Why the product could not be cut out: a finding's code, message and figures."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    measured: float | None = None
    limit: float | None = None


class PhotoRecord(BaseModel):
    """``size_px``: of the stored photo, upright. ``measured``: None for a photo too small to be measured. ``marks``: by
    whether text was sought, "on" or "off".
    """

    model_config = ConfigDict(frozen=True)

    sha256: str
    size_px: tuple[int, int]
    facts: FileFacts
    measured: PhotoMeasures | None = None
    refusal: Refusal | None = None
    marks: Mapping[str, Marks] = {}


def read_record(store: ObjectStore, sha256: str, generation: str) -> PhotoRecord | None:
    """The photo's record; None where there is none of this generation that can be read."""
    try:
        record = PhotoRecord.model_validate_json(store.get(photo_record_key(sha256, generation)))
    except (ObjectMissingError, ValidationError):
        return None
    return record if record.sha256 == sha256 else None


def keep_record(store: ObjectStore, record: PhotoRecord, generation: str) -> None:
    """Write the record in the place of an earlier one. Raises StorageError."""
    data = record.model_dump_json(indent=1).encode()
    store.put(photo_record_key(record.sha256, generation), data, "application/json")
