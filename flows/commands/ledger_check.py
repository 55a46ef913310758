"""Whether the ledger that is configured is the one that storage's kits were paid from."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from skuflow.ledger.engine import open_engine
from skuflow.ledger.migrate import current_revision
from skuflow.ledger.schema import jobs
from skuflow.ledger.transactions import reading
from skuflow.settings import Settings
from skuflow.storage.objects import ObjectStore
from skuflow.storage.opening import open_store


def doubt_about(engine: Engine, store: ObjectStore) -> str:
    """A sentence where the ledger is empty while storage holds kits, else "": then it is another ledger than theirs,
    what they cost is not known, and what changes in them is bought anew. Storage is asked only of an empty ledger.
    """
    if _holds_jobs(engine) or next(iter(store.list("kits/")), None) is None:
        return ""
    return (
        "empty, while storage holds kits: what was bought for them is not known here and may be bought again; copy"
        " their ledger (docs/money.md), or correct SKUFLOW_DATABASE_URL or SKUFLOW_HOME"
    )


def doubt_about_configured(settings: Settings) -> str:
    """As ``doubt_about``, of the ledger and the storage that are configured; neither is changed or made. Raises what
    they raise.
    """
    engine = open_engine(settings.database_url)
    try:
        return doubt_about(engine, open_store(settings))
    finally:
        engine.dispose()


def _holds_jobs(engine: Engine) -> bool:
    # Asking would make the file of a SQLite that is not there.
    is_file = engine.dialect.name == "sqlite"
    if (is_file and not Path(engine.url.database or "").exists()) or current_revision(engine) is None:
        return False
    with reading(engine) as connection:
        return connection.execute(sa.select(jobs.c.id).limit(1)).first() is not None
