"""A SKU that is begun once more within a run finds what its first try has made, and buys none of it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from flows import kit_line
from flows.new_listings import new_listings
from flows.wishes import Wishes
from skuflow.listing.brief import Stage
from tasks.line import ClaimLostError
from tests.flows.conftest import MUG, MakeCatalog, MakeWiring

pytestmark = pytest.mark.usefixtures("prefect_server")

COPY = Wishes(stages=[Stage.COPY], languages=["en"])
AGAIN = COPY.model_copy(update={"remake": ["mug-1:copy"]})


@pytest.mark.parametrize(
    "trouble",
    [
        lambda: sa.exc.OperationalError("insert", {}, Exception("the connection is lost")),
        lambda: ClaimLostError("the machine slept"),
    ],
    ids=["the database was away", "the machine slept"],
)
@pytest.mark.parametrize("made_before", [True, False])
async def test_a_remake_is_bought_once(
    make_catalog: MakeCatalog,
    make_wiring: MakeWiring,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[], Exception],
    made_before: bool,
) -> None:
    wiring = make_wiring()
    catalog = str(make_catalog(MUG))
    if made_before:
        await new_listings(catalog, COPY)
    before = len(list(wiring.ledger.iter_jobs()))
    usual, tries = kit_line.publish_kit, []

    async def troubled(*given: Any, **more: Any) -> Any:
        tries.append(len(list(wiring.ledger.iter_jobs())))
        if len(tries) == 1:
            raise trouble()
        return await usual(*given, **more)

    monkeypatch.setattr(kit_line, "publish_kit", troubled)
    (report,) = (await new_listings(catalog, AGAIN)).kits
    assert report.kit is not None, report.reasons
    assert tries == [before + 1, before + 1], "what the first try has made is the remake"
    assert len(list(wiring.ledger.iter_jobs())) == before + 1
