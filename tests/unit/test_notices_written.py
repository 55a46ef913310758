"""Notices are written down although the database is away for a moment: what is not written nobody ever delivers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from sqlalchemy.exc import OperationalError

from skuflow.notices.outbox import Outbox
from skuflow.notices.receiver import Receiver
from skuflow.storage.keys import kit_key
from tasks import kits, notices
from tasks.policies import should_retry
from tests.money import Clock
from tests.review_kits import mug, paint_plainly
from tests.unit.test_notices import SECRET, URL, Bench, result


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, Clock())
    yield made
    made.ledger.close()


GONE = OperationalError("INSERT", {}, ConnectionError("gone"))


@dataclass
class Away:
    """``Outbox.add`` that raises ``trouble`` the first so many times."""

    times: int
    trouble: Exception = GONE
    tries: int = 0

    def stand_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        add = Outbox.add

        def adding(outbox: Outbox, *what: Any, **how: Any) -> bool:
            self.tries += 1
            if self.tries <= self.times:
                raise self.trouble
            return add(outbox, *what, **how)

        monkeypatch.setattr(Outbox, "add", adding)


def wiring_of(bench: Bench) -> Any:
    settings = SimpleNamespace(webhook=lambda: Receiver(URL, SECRET))
    return SimpleNamespace(settings=settings, ledger=bench.ledger, store=bench.store)


async def test_a_kit_is_not_stored_before_its_notice_is_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = mug(bench.store, paint_plainly, lambda _: b"")
    line: Any = SimpleNamespace(wiring=wiring_of(bench), sku=kit.sku, plan=None, require_claim=lambda: None)
    bench.store.delete(kit_key(kit.sku))
    Away(1).stand_in(monkeypatch)
    with pytest.raises(OperationalError) as raised:
        kits._store(line, kit)
    assert not bench.store.exists(kit_key(kit.sku))

    async def its_end() -> None:
        raise raised.value

    assert await should_retry(None, None, SimpleNamespace(result=its_end))
    kits._store(line, kit)
    assert bench.store.exists(kit_key(kit.sku))
    assert bench.pending() == 1


def test_another_trouble_with_its_notice_keeps_no_kit_from_being_stored(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = mug(bench.store, paint_plainly, lambda _: b"")
    Away(1, ValueError("no notice")).stand_in(monkeypatch)
    notices.note_kit_notice(wiring_of(bench), kit)
    assert bench.pending() == 0


@pytest.mark.parametrize(("times", "written"), [(0, 1), (3, 1), (4, 0)])
async def test_a_runs_notice_is_written_once_the_database_is_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, times: int, written: int
) -> None:
    away = Away(times)
    away.stand_in(monkeypatch)
    monkeypatch.setattr(notices, "_WRITE_AGAIN_S", (0.0, 0.0, 0.0))
    monkeypatch.setattr(notices, "deliver", AsyncMock())
    results = (result(sku) for sku in "ab")
    await notices.announce_run(wiring_of(bench), results, catalog="c.csv", run_id="r1")
    assert (away.tries, bench.pending()) == (min(times + 1, 4), written)
    if written:
        (told,) = Outbox(bench.ledger.engine).take(1)
        assert told.payload["skus_total"] == 2
