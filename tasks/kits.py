"""The last stage of one SKU: measure what was made, write the kit, show it in Prefect."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import task
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE

from skuflow.jobs.makers import differing, makers_of
from skuflow.ledger.spending import spent_on
from skuflow.listing.assembly import assemble_kit, kit_json
from skuflow.listing.bench import Makings
from skuflow.listing.kit import ImageRole, Kit
from skuflow.listing.waiting import forget_waiting, note_waiting, waits
from skuflow.review.artifact_keys import artifact_key
from skuflow.review.day_notes import note_kit
from skuflow.review.kit_links import kit_links
from skuflow.review.markdown import KitMoney, kit_markdown
from skuflow.review.markdown_text import cell
from skuflow.review.thumbnails import data_uri_thumbnail
from skuflow.review.wording import say
from skuflow.settings import read_settings
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import ObjectStore
from tasks.line import Line, PublishedKit, StageOutcome
from tasks.notices import note_kit_notice
from tasks.policies import RETRIES, RETRY_DELAYS_S, should_retry
from tasks.showing import show
from tasks.wiring import Wiring

_THUMBNAILS = 4
_THUMBNAIL_PX = 176
"""Four of them fit side by side into Prefect's UI."""


@task(
    name="publish-kit",
    task_run_name="kit {line.sku}",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAYS_S,
    retry_condition_fn=should_retry,
    cache_policy=NO_CACHE,
)
async def publish_kit(
    line: Line, copy: StageOutcome, images: StageOutcome, video: StageOutcome, opinions: StageOutcome
) -> PublishedKit:
    """Assemble, score and store the kit; an artifact is left only where the kit changed.

    Raises ClaimLostError where the SKU is no longer this run's.
    """
    kit, changed = await store_kit(line, copy, images, video, opinions)
    if changed:
        await show(_show_kit(line.wiring, kit))
    return PublishedKit(kit)


async def _show_kit(wiring: Wiring, kit: Kit) -> None:
    status = say(f"status.{kit.status.value}")
    score = "" if kit.scores.overall is None else f", {kit.scores.overall:.0f}"
    await acreate_markdown_artifact(
        key=artifact_key("kit", kit.sku),
        markdown=await wiring.in_pool(_markdown, wiring, kit),
        description=f"{cell(kit.sku)}: {status.en} {status.zh}{score}",
    )


def _markdown(wiring: Wiring, kit: Kit) -> str:
    return kit_markdown(
        kit,
        _thumbnails(kit, wiring.store),
        kit_links(kit, wiring.store, datetime.now(UTC)),
        KitMoney(spent_on(wiring.ledger.engine, [kit.sku]), wiring.settings.outsourcing_micro()),
        wiring.settings.zone,
    )


async def store_kit(
    line: Line, copy: StageOutcome, images: StageOutcome, video: StageOutcome, opinions: StageOutcome
) -> tuple[Kit, bool]:
    """The SKU's kit, in storage, and whether it differs from the one that was there."""
    line.wiring.progress.sku_step(line.sku, "quality")
    kit = await line.wiring.in_pool(_assemble, line, copy, images, video, opinions)
    if kit == line.previous:
        return kit, False
    await line.wiring.in_pool(_store, line, kit)
    return kit, True


def _store(line: Line, kit: Kit) -> None:
    store = line.wiring.store
    # Measuring takes seconds, in which a machine may sleep: its successor's kit is the newer one.
    line.require_claim()
    # Before the kit: one that is interrupted here is published again, and noted again.
    note_kit(store, line.wiring.ledger.today(), kit)
    if waits(kit):
        extras = {name: stored.key for name, stored in line.intake.extras.items()}
        note_waiting(store, kit, line.plan.brief, own_makers(line.wiring), extras)
    # Last but the kit: where the database is away for good, the night knows of the SKU all the same.
    note_kit_notice(line.wiring, kit)
    store.put(kit_key(line.sku), kit_json(kit), "application/json")
    if not waits(kit):
        forget_waiting(store, kit.sku)


def own_makers(wiring: Wiring) -> dict[str, str]:
    """What the run has chosen for itself, such as the offline provider on a form, against its environment."""
    return differing(makers_of(wiring.settings), read_settings(looks_at_storage=False))


def _assemble(
    line: Line, copy: StageOutcome, images: StageOutcome, video: StageOutcome, opinions: StageOutcome
) -> Kit:
    outcomes = {**copy.outcomes, **images.outcomes, **video.outcomes, **opinions.outcomes}
    makings = Makings(
        plan=line.plan,
        intake=line.intake,
        outcomes=outcomes,
        storyboards=video.storyboards,
        totals=line.wiring.ledger.totals([line.sku])[line.sku],
        made_for=line.answered(),
        previous=line.previous,
    )
    return assemble_kit(makings, line.wiring.store, datetime.now(UTC))


def _thumbnails(kit: Kit, store: ObjectStore) -> dict[str, str]:
    """Small pictures of the main image and the scenes, by image id, as data URIs: they need no file host."""
    folder = kit_key(kit.sku).rpartition("/")[0]
    roles = (ImageRole.MAIN, ImageRole.SCENE)
    shown = [image for image in kit.images if image.role in roles and image.renditions][:_THUMBNAILS]
    thumbnails: dict[str, str] = {}
    for image in shown:
        smallest = min(
            image.renditions,
            key=lambda rendition: abs(rendition.width - rendition.height) * 10_000 + rendition.bytes,
        )
        thumbnails[image.id] = data_uri_thumbnail(store.get(f"{folder}/{smallest.file}"), _THUMBNAIL_PX)
    return thumbnails
