"""The last stage of one SKU: measure what was made, write the kit, show it in Prefect."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import task
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE

from skuflow.listing.assembly import assemble_kit, kit_json
from skuflow.listing.bench import Makings
from skuflow.listing.kit import ImageRole, Kit
from skuflow.listing.waiting import note_waiting
from skuflow.review.artifact_keys import artifact_key
from skuflow.review.markdown import kit_markdown
from skuflow.review.thumbnails import data_uri_thumbnail
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import ObjectStore
from tasks.line import Line, PublishedKit, StageOutcome
from tasks.policies import RETRIES, RETRY_DELAYS_S, should_retry
from tasks.showing import show

_THUMBNAILS = 4


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
    """Assemble, score and store the kit; an artifact is left only where the kit changed."""
    kit, changed = await store_kit(line, copy, images, video, opinions)
    if changed:
        thumbnails = await line.wiring.in_pool(_thumbnails, kit, line.wiring.store)
        link = await line.wiring.in_pool(line.wiring.store.url, kit_key(line.sku))
        await show(
            acreate_markdown_artifact(
                key=artifact_key("kit", line.sku),
                markdown=kit_markdown(kit, thumbnails, link=link),
                description=f"{kit.sku}: {kit.status.value}",
            )
        )
    return PublishedKit(kit)


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
    store.put(kit_key(line.sku), kit_json(kit), "application/json")
    note_waiting(store, kit, line.plan.brief, line.previous)


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
        thumbnails[image.id] = data_uri_thumbnail(store.get(f"{folder}/{smallest.file}"))
    return thumbnails
