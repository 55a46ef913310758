"""Who tells the shop's own back end of runs and kits: written down where they end, delivered beside the work.

Nothing of this can fail a run, and a receiver holds one up for seconds at most: what is not delivered then is delivered
by the receiver of events, by the janitor, or at the end of the next run. What cannot be written down nobody would ever
deliver, so a database that is away for a moment is waited for.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from prefect.runtime import deployment, flow_run
from sqlalchemy.exc import OperationalError

from skuflow.batches.results import SkuResult
from skuflow.ledger.redaction import redacted
from skuflow.listing.kit import Kit
from skuflow.notices.courier import Courier, Round
from skuflow.notices.outbox import Outbox
from skuflow.notices.shapes import EventName, as_json, kit_data, run_data
from skuflow.storage.keys import sku_slug
from tasks.wiring import Wiring

AT_END_S = 3.0
"""How long a run may be held up at its end by a receiver that does not answer."""
LEFT_S = 60.0
_KIT_FOLLOWS_S = 5.0
"""A kit is stored right after its notice was written."""
_WRITE_AGAIN_S = (1.0, 4.0, 15.0)
"""Pauses before a run's notice is written once more: as long as a database takes to fail over."""

_log = logging.getLogger(__name__)


def note_kit_notice(wiring: Wiring, kit: Kit) -> None:
    """Write the notice of a kit that is about to be stored. Blocking.

    Raises OperationalError, which ``publish_kit`` is retried for: a kit that was stored without its notice would never
    be told. No other trouble keeps a kit from being stored.
    """
    try:
        if wiring.settings.webhook() is not None:
            about = f"{sku_slug(kit.sku)}/"
            subject = f"{about}{kit.kit_id}/{kit.status.value}"
            payload = as_json(kit_data(kit))
            outbox = Outbox(wiring.ledger.engine)
            outbox.add(EventName.KIT, subject, payload, hold_s=_KIT_FOLLOWS_S, about=about)
    except OperationalError:
        raise
    except Exception as error:
        _not_possible("written", error)


async def announce_run(
    wiring: Wiring,
    results: Iterable[SkuResult],
    *,
    catalog: str,
    rows_are_skus: bool = True,
    run_id: str = "",
    batch_id: str = "",
) -> None:
    """Write the notice of a run that has ended, and deliver what is due unless the receiver is known to be down. A run
    that is begun again and ends no differently is told once. ``batch_id``: it is a batch that ended, cut by the run
    ``run_id``; else it is the flow run within which this is called. While the database is away this waits for some
    seconds. Raises nothing but CancelledError.
    """
    try:
        if wiring.settings.webhook() is None:
            return
        by = "" if batch_id else await asyncio.to_thread(_deployment)
        run = run_id or str(flow_run.id or "")
        outbox = Outbox(wiring.ledger.engine)
        subject, payload = await asyncio.to_thread(
            _told_of_run, run, results, catalog, rows_are_skus, by, batch_id
        )
        await _write(outbox, subject, payload)
        if not await asyncio.to_thread(outbox.last_error):
            await deliver(wiring, AT_END_S)
    except Exception as error:
        _not_possible("delivered", error)


async def deliver(wiring: Wiring, within_s: float = LEFT_S) -> Round:
    """Deliver what is due; nothing where no receiver is set. Raises what the database raises."""
    receiver = wiring.settings.webhook()
    if receiver is None:
        return Round()
    return await Courier(Outbox(wiring.ledger.engine), receiver, wiring.store).round(within_s)


async def deliver_left(wiring: Wiring) -> Round:
    """As ``deliver``, and notices that ended long ago are forgotten."""
    done = await deliver(wiring)
    await asyncio.to_thread(Outbox(wiring.ledger.engine).forget)
    return done


async def _write(outbox: Outbox, subject: str, payload: Mapping[str, Any]) -> None:
    for pause_s in (*_WRITE_AGAIN_S, None):
        try:
            await asyncio.to_thread(outbox.add, EventName.RUN, subject, payload)
            return
        except OperationalError:
            if pause_s is None:
                raise
            await asyncio.sleep(pause_s)


def _told_of_run(
    run_id: str,
    results: Iterable[SkuResult],
    catalog: str,
    rows_are_skus: bool,
    by: str,
    batch_id: str,
) -> tuple[str, dict[str, Any]]:
    """The subject and the payload of a run's notice."""
    data = run_data(
        run_id,
        results,
        catalog=catalog,
        rows_are_skus=rows_are_skus,
        deployment=by,
        batch_id=batch_id,
    )
    payload = as_json(data)
    digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:16]
    # A batch ends once; a run may be begun again and end otherwise.
    return f"{run_id}/{batch_id or digest}", payload


def _deployment() -> str:
    name = deployment.name
    return f"{flow_run.flow_name}/{name}" if name else ""


def _not_possible(what: str, error: Exception) -> None:
    _log.warning("a notice cannot be %s for now: %s", what, redacted(f"{type(error).__name__}: {error}"))
