"""What the cost page says is what the ledger says, to the micro-yuan."""

from __future__ import annotations

import csv
import io
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from skuflow.jobs.contract import JobHandle, Slot
from skuflow.jobs.errors import JobExpiredError, TransientError
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.rows import RowState
from skuflow.ledger.views import decimal_cny
from skuflow.review.cost_page import SKUS_SHOWN, write_cost_page
from skuflow.review.costs import COLUMNS, CostSheet, cost_sheet, csv_text, write_costs_table
from skuflow.review.figures import money, share_text
from tests.money import Clock, open_ledger, order

AGENCY_MICRO = 150_000_000


class Books:
    """A ledger with an end of every kind, and what a person would write down beside it."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.ledger: Ledger = open_ledger(folder, clock=self.clock)
        self.shot = 0

    def job(self, sku: str, end: str, cost: int, *, run: str, **changes: object) -> None:
        self.shot += 1
        wish = order(
            sku,
            slot=Slot(sku, "image:scene", self.shot),
            estimated_micro=cost,
            run_id=run,
            **changes,
        )
        job = self.ledger.reserve(wish, owner="me")
        if end == "reserved":
            return
        job = self.ledger.begin_submit(job)
        if end == "released":
            self.ledger.release(job, TransientError("no", "acme"))
            return
        if end == "doubt":
            self.ledger.mark_in_doubt(job, TransientError("lost", "acme"))
            return
        job = self.ledger.record_submitted(job, JobHandle("acme", "", f"v-{self.shot}"))
        if end == "submitted":
            return
        gone = JobExpiredError("gone", "acme")
        if end == "failed":
            self.ledger.fail(job, gone, cost=cost)
        elif end == "failed_free":
            self.ledger.fail(job, gone)
        elif end == "expired":
            self.ledger.expire(job, gone)
        else:
            self.ledger.settle(self.ledger.record_stored(job, (), None))


@pytest.fixture
def books(tmp_path: Path) -> Books:
    books = Books(tmp_path)
    books.job("MUG-1", "settled", 3_000_001, run="one", capability="video", model="film-2")
    books.job("MUG-1", "settled", 123_457, run="one")
    books.job("MUG-1", "settled", 77_777, run="two", provider="other", model="pen-1", capability="copy")
    books.job("MUG-1", "settled", 1, run="two", provider="other", model="pen-2", capability="copy")
    books.clock.turn(days=1)
    books.job("LAMP", "settled", 200_000, run="two")
    books.job("LAMP", "failed", 210_003, run="two")
    books.job("LAMP", "failed_free", 500_000, run="two")
    books.job("LAMP", "expired", 40_009, run="one")
    books.job("LAMP", "doubt", 600_007, run="two")
    books.job("CHAIR <b>", "submitted", 4_000_000, run="two", capability="video", model="film-2")
    books.job("CHAIR <b>", "reserved", 11, run="two")
    books.job("CHAIR <b>", "released", 9_999_999, run="two")
    books.job("FREE", "settled", 0, run="two", provider="offline", paid=False)
    return books


def sheet_of(books: Books, **about: object) -> CostSheet:
    complete = {"MUG-1", "LAMP", "FREE", "never heard of"}
    return cost_sheet(books.ledger, outsourcing_micro=AGENCY_MICRO, complete=complete, **about)  # type: ignore[arg-type]


class Page(HTMLParser):
    """The exact amounts of a page by what they are, its links, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.amounts: dict[str, list[int]] = {}
        self.links: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in ("meta", "link"):
            self._open.append(tag)
        if tag == "data":
            self.amounts.setdefault(values["data-kind"] or "", []).append(int(values["value"] or ""))
        if tag == "a":
            self.links.append(values["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style"):
            self.text += data


def page_of(sheet: CostSheet, folder: Path) -> Page:
    return Page(write_cost_page(sheet, folder).read_text(encoding="utf-8"))


def test_every_sum_is_the_ledgers(books: Books, tmp_path: Path) -> None:
    jobs = list(books.ledger.iter_jobs())
    sheet = sheet_of(books, run_id="two")
    page = page_of(sheet, tmp_path)
    settled = sum(job.settled_micro for job in jobs)
    held = sum(job.held_micro for job in jobs)
    doubt = sum(job.held_micro for job in jobs if job.state is RowState.IN_DOUBT)
    wasted = sum(job.settled_micro for job in jobs if job.state in (RowState.FAILED, RowState.EXPIRED))
    of_run = sum(job.settled_micro for job in jobs if job.run_id == "two")
    assert (settled, held, doubt, wasted, of_run) == (3_651_248, 4_600_018, 600_007, 250_012, 487_781)
    assert books.ledger.audit() == []
    for kind, amount in (("ever", settled), ("held", held), ("wasted", wasted), ("here", of_run)):
        assert page.amounts[f"total-{kind}"] == [amount]
        assert page.amounts[f"sum-{kind}"] == [amount]
        assert sum(page.amounts[f"vendor-{kind}"]) == amount
        assert sum(page.amounts[f"row-{kind}"]) == amount
    for kind, amount in (("ever", settled), ("held", held), ("here", of_run)):
        assert sum(page.amounts[f"sku-{kind}"]) == amount
    assert sheet.ever.in_work_micro + sheet.ever.doubt_micro == held
    assert sheet.ever.doubt_micro == doubt


def test_the_table_has_a_row_for_sku_provider_and_capability_and_exact_amounts(
    books: Books, tmp_path: Path
) -> None:
    sheet = sheet_of(books, run_id="two")
    written = write_costs_table(sheet, tmp_path).read_bytes()
    assert written.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(written.decode("utf-8-sig"), newline="")))
    assert tuple(rows[0]) == COLUMNS
    keys = [(row["sku"], row["provider"], row["capability"]) for row in rows]
    assert len(set(keys)) == len(keys) == 7
    by_key = dict(zip(keys, rows, strict=True))
    pen = by_key["MUG-1", "other", "copy"]
    assert (pen["models"], pen["settled"], pen["run_settled"]) == ("pen-1 pen-2", "0.077778", "0.077778")
    lamp = by_key["LAMP", "acme", "image"]
    assert (lamp["settled"], lamp["failed_but_charged"], lamp["in_doubt"]) == (
        "0.450012",
        "0.250012",
        "0.600007",
    )
    assert by_key["CHAIR <b>", "acme", "video"]["in_work"] == "4"
    for column, micro in (
        ("settled", sheet.ever.settled_micro),
        ("run_settled", sheet.here.settled_micro),
        ("in_work", sheet.ever.in_work_micro),
        ("in_doubt", sheet.ever.doubt_micro),
    ):
        assert sum(round(float(row[column]) * 1e6) for row in rows) == micro
    assert written.decode("utf-8-sig") == csv_text(sheet)


def test_a_sku_is_no_formula_in_the_table_and_no_markup_on_the_page(books: Books, tmp_path: Path) -> None:
    books.job("=1+1", "settled", 5, run="two")
    sheet = sheet_of(books)
    assert "\r\n'=1+1," in csv_text(sheet)
    assert "<b>" in page_of(sheet, tmp_path).text


def test_savings_count_complete_kits_and_everything_that_was_paid(books: Books, tmp_path: Path) -> None:
    sheet = sheet_of(books, run_id="two")
    assert sheet.kits == 3
    assert sheet.saved_micro == 3 * AGENCY_MICRO - 3_651_248
    assert sum(sheet.saved_by_sku_micro(group) for group in sheet.by_sku) == sheet.saved_micro
    assert sheet.kit_micro == 1_217_083
    page = page_of(sheet, tmp_path)
    assert page.amounts["saved-in-all"] == [sheet.saved_micro]
    assert sum(page.amounts["sku-saved"]) == sheet.saved_micro
    for words in (
        "A listing cost ¥1.22",
        "1/123",
        "not complete",
        "未完成",
        "失败仍收费 ¥0.25",
        "free",
    ):
        assert words in page.text, words
    assert page.links == ["index.html", "costs.csv"]


def test_what_costs_more_than_an_agency_is_not_called_saved(books: Books, tmp_path: Path) -> None:
    sheet = cost_sheet(books.ledger, outsourcing_micro=1_000_000, complete={"MUG-1"})
    page = page_of(sheet, tmp_path)
    assert sheet.saved_micro == -2_651_248
    assert "more than the agency" in page.text
    assert "高于外包价" in page.text
    assert "3.3×" in page.text


def test_without_a_complete_kit_nothing_is_compared(books: Books, tmp_path: Path) -> None:
    page = page_of(cost_sheet(books.ledger, outsourcing_micro=AGENCY_MICRO), tmp_path)
    assert "No kit is complete yet" in page.text
    assert "agency" not in page.amounts


def test_an_empty_ledger_has_a_page_too(tmp_path: Path) -> None:
    sheet = cost_sheet(open_ledger(tmp_path), outsourcing_micro=AGENCY_MICRO, run_id="")
    assert page_of(sheet, tmp_path).amounts["total-ever"] == [0]
    assert csv_text(sheet) == ",".join(COLUMNS) + "\r\n"


def test_a_run_or_a_day_narrows_what_is_called_here_only(books: Books) -> None:
    whole = sheet_of(books)
    assert whole.here == whole.ever
    first_day = date(2026, 11, 20)
    assert sheet_of(books, run_id="one").here.settled_micro == 3_163_467
    assert sheet_of(books, run_id="one").here.wasted_micro == 40_009
    assert sheet_of(books, day=first_day).here.settled_micro == 3_201_236
    assert sheet_of(books, day=first_day, run_id="one").here.settled_micro == 3_123_458
    assert sheet_of(books, run_id="two").here.doubt_micro == 600_007
    assert sheet_of(books, run_id="").here.attempts == 0
    assert sheet_of(books, run_id="").ever == whole.ever


def test_many_skus_are_cut_short_on_the_page_but_not_in_its_sums(tmp_path: Path) -> None:
    books = Books(tmp_path)
    for number in range(SKUS_SHOWN + 3):
        books.job(f"S-{number}", "settled", 1_000 + number, run="one", paid=False)
    sheet = cost_sheet(books.ledger, outsourcing_micro=AGENCY_MICRO, complete={"S-0", "S-1"}, run_id="one")
    page = page_of(sheet, tmp_path)
    assert page.text.count("S-") == SKUS_SHOWN
    assert "3 more SKUs" in page.text
    assert sum(page.amounts["sku-ever"]) == sheet.ever.settled_micro
    assert sum(page.amounts["sku-saved"]) == sheet.saved_micro


def test_the_page_loads_nothing_from_elsewhere(books: Books, tmp_path: Path) -> None:
    html = write_cost_page(sheet_of(books), tmp_path).read_text(encoding="utf-8")
    assert "://" not in html
    assert "url(" not in html
    assert "@import" not in html


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (1, 52, "1/52"),
        (100, 5299, "1/52"),
        (1, 12_345, "1/12,345"),
        (100, 249, "1/2.4"),
        (10, 10, "1/1"),
        (101, 100, "1.1×"),
        (1200, 100, "12×"),
        (0, 10, ""),
        (10, 0, ""),
    ],
)
def test_a_share_never_looks_smaller_than_it_is(part: int, whole: int, said: str) -> None:
    assert share_text(part, whole) == said


def test_amounts_below_zero_have_their_sign_before_the_currency() -> None:
    assert money("-5") == "−¥5.00"
    assert money("-0.0046") == "−¥0.0046"
    assert decimal_cny(-2_651_248) == "-2.651248"
