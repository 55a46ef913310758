"""Figures to picks: read, rank, look at the kits, deal out the day's room. Makes nothing, needs no Prefect."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from flows.figure_source import read_figure_tables
from flows.top_picks import DayRoom, pick
from flows.top_report import TopReport
from flows.top_standing import Bar, Standing, look_at
from skuflow.insights.performance import ProductFigures, read_performance
from skuflow.insights.ranking import rank_products
from skuflow.ledger.redaction import redacted
from skuflow.listing.assembly import read_kit
from skuflow.review.wording import Wording
from skuflow.settings import SettingsError
from skuflow.storage.objects import ObjectMissingError, ObjectStore, StorageError
from tasks.wiring import Wiring

TOP_N = 50
SINCE_DAYS = 28
_READERS = 16


@dataclass(frozen=True, slots=True)
class TopWishes:
    """What is asked: ``top_n`` places, figures of the last ``since_days`` days, products with at least ``min_spend`` in
    the figures' currency and ``least_return_ratio`` back for 1 spent; ``usual_margin_ratio`` where a margin is missing.
    """

    top_n: int = TOP_N
    since_days: int = SINCE_DAYS
    min_spend: Decimal = Decimal(0)
    least_return_ratio: float = 0.0
    usual_margin_ratio: Decimal | None = None

    @classmethod
    def of(
        cls,
        top_n: int,
        since_days: int,
        min_spend: float,
        least_return_ratio: float,
        usual_margin_percent: float,
    ) -> TopWishes:
        """The wishes of a form or command line, where a margin of 0 percent means that none is known."""
        margin = Decimal(str(usual_margin_percent)) / 100 if usual_margin_percent else None
        return cls(top_n, since_days, Decimal(str(min_spend)), least_return_ratio, margin)


def find_out(
    wiring: Wiring, figures: str, rows: str, wishes: TopWishes, today: date | None = None
) -> TopReport:
    """Read, rank and pick, without making or spending anything. ``today``: in the time zone of the caps, if not now.

    Raises FiguresError, SettingsError, StorageError.
    """
    settings = wiring.settings
    today = today or wiring.ledger.today()
    since = today - timedelta(days=wishes.since_days)
    performance = read_performance(
        read_figure_tables(figures, rows, settings, wiring.store),
        since=since,
        until=today,
        rates=settings.exchange_rates(),
    )
    ranking = rank_products(
        performance.products,
        categories=_categories(wiring.store, performance.products),
        usual_margin_ratio=wishes.usual_margin_ratio,
        min_spend=wishes.min_spend,
    )
    picks = pick(
        ranking,
        lambda sku: _standing(sku, wiring),
        DayRoom.of(wiring.ledger),
        top_n=wishes.top_n,
        least_return_ratio=wishes.least_return_ratio,
    )
    return TopReport(performance, ranking, tuple(picks), since, today)


def _standing(sku: str, wiring: Wiring) -> Standing:
    """As ``look_at``; a kit that it cannot cope with leaves its place to the next, and keeps no other from a video."""
    try:
        return look_at(sku, wiring)
    except SettingsError:
        raise
    except StorageError as error:
        if not isinstance(error, ObjectMissingError):
            raise
        said = redacted(str(error))
    except Exception as error:
        wiring.report_crash(sku, "".join(traceback.format_exception(error)))
        said = f"{redacted(f'{type(error).__name__}: {error}')}; the trace is in crashes/ of SKUFLOW_HOME"
    return Standing(
        None, None, Bar.REFUSED, Wording(f"its kit cannot be used: {said}", f"素材包无法使用：{said}")
    )


def _categories(store: ObjectStore, products: Sequence[ProductFigures]) -> dict[str, str]:
    """The categories that kits know, of products whose figures name none. Only those that can be ranked are looked up:
    every kit is an object to read.
    """
    unnamed = [one.sku for one in products if not one.category and one.spend > 0 and one.broken is None]
    with ThreadPoolExecutor(_READERS, thread_name_prefix="categories") as pool:
        kits = zip(unnamed, pool.map(lambda sku: read_kit(sku, store), unnamed), strict=True)
        return {sku: kit.product.category for sku, kit in kits if kit is not None and kit.product.category}
