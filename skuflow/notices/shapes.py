"""The body of a notice. ``docs/webhook.schema.json`` is generated from these models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from skuflow.batches.results import COMPLETE, SkuResult
from skuflow.ledger.redaction import redacted
from skuflow.listing.kit import Cost, Kit, Scores
from skuflow.storage.keys import kit_key

MAX_BODY_BYTES = 256 * 1024
"""Of a notice as it is sent; a link is added at delivery, for which there is room."""
_ROOM_FOR_SKUS_BYTES = 192 * 1024
_MOST_SKUS = 1000
_MOST_REASONS = 5


class EventName(StrEnum):
    RUN = "run.completed"
    KIT = "kit.completed"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class SkuOutcome(_Model):
    """What became of one SKU. ``status`` is that of its kit; ``reasons`` say why it is not complete."""

    sku: str
    status: str
    complete: bool
    score: float | None = Field(description="0-100, null where nothing was scored.")
    cost: Cost
    kit_key: str | None = Field(description="Where kit.json stands in storage; null where there is none.")
    reasons: tuple[str, ...] = ()


class RunData(_Model):
    """A run that has come to its end, or a batch whose last chunk has."""

    run_id: str = Field(description="The flow run in Prefect; of a batch the run that cut it into chunks.")
    batch_id: str | None = Field(description="Of a batch whose chunks were runs of their own, else null.")
    deployment: str | None = Field(description="Such as new-listings/manual; null for a batch.")
    catalog: str = Field(description="What the run was asked to work off, without the query of an address.")
    complete: bool = Field(description="Every SKU has its kit and every row was a SKU.")
    counts: dict[str, int] = Field(description="SKUs by status.")
    skus_total: int
    skus: tuple[SkuOutcome, ...] = Field(description="Those that are not complete come first.")
    skus_left_out: int = Field(description="How many there was no room for; their kits tell the same.")


class KitData(_Model):
    """A kit that was written, or changed."""

    sku: str
    kit_id: str
    status: str
    scores: Scores
    cost: Cost
    kit_key: str
    kit_url: str | None = Field(
        default=None, description="Signed address of kit.json; null where storage is a folder."
    )
    kit_url_valid_s: int | None = Field(
        default=None, description="How long the address is good, from X-Skuflow-Timestamp on."
    )


class _Envelope(_Model):
    schema_: Literal["skuflow.notice/1"] = Field(
        default="skuflow.notice/1", alias="schema", serialization_alias="schema"
    )
    id: str = Field(description="The same in every try of one notice; X-Skuflow-Id.")
    created_at: AwareDatetime

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class RunCompleted(_Envelope):
    event: Literal["run.completed"] = "run.completed"
    data: RunData


class KitCompleted(_Envelope):
    event: Literal["kit.completed"] = "kit.completed"
    data: KitData


Notice = Annotated[RunCompleted | KitCompleted, Field(discriminator="event")]


def run_data(
    run_id: str,
    results: Iterable[SkuResult],
    *,
    catalog: str,
    rows_are_skus: bool = True,
    deployment: str = "",
    batch_id: str = "",
) -> RunData:
    """What a run came to, in no more bytes than a notice may have. ``rows_are_skus``: no row was refused that has no
    SKU.
    """
    counts: Counter[str] = Counter()
    # Gone through once: a batch may have a million results, a notice a thousand.
    unfinished, finished = _Room(), _Room()
    for result in results:
        counts[result.status] += 1
        (finished if result.complete else unfinished).take(result)
    for outcome in finished.outcomes:
        unfinished.add(outcome)
    shown, total = unfinished.outcomes, counts.total()
    return RunData(
        run_id=run_id,
        batch_id=batch_id or None,
        deployment=deployment or None,
        catalog=redacted(catalog),
        complete=rows_are_skus and all(status in COMPLETE for status in counts),
        counts=dict(counts),
        skus_total=total,
        skus=tuple(shown),
        skus_left_out=total - len(shown),
    )


class _Room:
    """As many outcomes as fit."""

    def __init__(self) -> None:
        self.outcomes: list[SkuOutcome] = []
        self._left_bytes = _ROOM_FOR_SKUS_BYTES

    def take(self, result: SkuResult) -> None:
        if self._left_bytes:
            self.add(_outcome(result))

    def add(self, outcome: SkuOutcome) -> None:
        size_bytes = len(outcome.model_dump_json().encode()) + 1
        if size_bytes > self._left_bytes or len(self.outcomes) >= _MOST_SKUS:
            # Full for good, so that no more of a long batch is put into words.
            self._left_bytes = 0
            return
        self.outcomes.append(outcome)
        self._left_bytes -= size_bytes


def _outcome(result: SkuResult) -> SkuOutcome:
    return SkuOutcome(
        sku=result.sku,
        status=result.status,
        complete=result.complete,
        score=result.scores.overall,
        cost=result.cost,
        kit_key=kit_key(result.sku) if result.has_kit else None,
        reasons=()
        if result.complete
        else tuple(redacted(reason) for reason in result.reasons[:_MOST_REASONS]),
    )


def kit_data(kit: Kit) -> KitData:
    """What is told of a kit; its address is added when the notice is delivered."""
    return KitData(
        sku=kit.sku,
        kit_id=kit.kit_id,
        status=kit.status.value,
        scores=kit.scores,
        cost=kit.cost,
        kit_key=kit_key(kit.sku),
    )


def as_json(data: RunData | KitData) -> dict[str, Any]:
    """The data as the database keeps them and receivers get them."""
    return data.model_dump(mode="json", by_alias=True)
