"""The gallery: pages that a person opens from a folder to look at kits and decide.

One card per SKU, plain HTML that needs no server and no network. Pages are written from the kits each time;
cards of kits that have not changed are taken over from the page that is there, so that a run over thousands
of finished SKUs spends no time on drawing what stands.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from skuflow.review.cards import (
    Card,
    Film,
    KitEntry,
    Picture,
    build_card,
    search_text,
    status_group,
    style_words,
)
from skuflow.review.cost_page import COSTS_PAGE
from skuflow.review.figures import duration_text, money
from skuflow.review.outfiles import relative_url, write_whole
from skuflow.review.reasons import average
from skuflow.review.rendering import page_environment
from skuflow.review.score_words import penalty_words
from skuflow.review.shot_words import shot_words
from skuflow.review.subject_words import subject_words
from skuflow.review.wording import Wording, name_of, say

CARDS_PER_PAGE = 60

_GENERATOR = "skuflow gallery"
_GROUPS = ("all", "ready", "blocked", "deferred", "failed", "rejected")
_CARDS = re.compile(r"<!--cards-->\n(.*)\n<!--/cards-->", re.DOTALL)
_FINGERPRINT = re.compile(r'<meta name="skuflow-cards" content="([0-9a-f]+)-([0-9a-f]+)">')


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The run that wrote the gallery, for its heading. ``started_at`` is shown as given; ``made`` kits
    were made or changed by this run, ``kept`` were complete before; ``wall_s`` is the run's whole time,
    None when unknown.
    """

    catalog: str
    started_at: str
    made: int
    kept: int
    wall_s: float | None = None


@dataclass(slots=True)
class _Totals:
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_GROUPS, 0))
    scores: list[float | None] = field(default_factory=list)
    settled: Decimal = Decimal(0)
    estimated: Decimal = Decimal(0)
    index: list[dict[str, str]] = field(default_factory=list)

    def add(self, entry: KitEntry, page: int) -> None:
        kit = entry.kit
        self.counts["all"] += 1
        self.counts[status_group(kit)] += 1
        self.scores.append(kit.scores.overall)
        self.settled += Decimal(kit.cost.settled)
        self.estimated += Decimal(kit.cost.estimated)
        if page > 1:
            self.index.append(
                {
                    "sku": kit.sku,
                    "title": kit.product.title,
                    "group": status_group(kit),
                    "text": search_text(kit),
                    "url": f"{page_file(page)}#{relative_url('sku-' + entry.folder)}",
                }
            )


def write_gallery(kits: Iterable[KitEntry], out: Path, *, title: str, run: RunSummary | None) -> Path:
    """Write ``out/index.html`` and, for more than 60 SKUs, ``out/index-2.html`` and so on; returns the first.

    Each kit must have been exported to ``out`` by ``export_kit``. Kits are taken one page at a time, so any
    number may come from a generator. Pages left over from a larger gallery are removed. A cost page that is in
    ``out`` already is linked. Raises OSError.
    """
    totals = _Totals()
    fingerprints: list[str] = []
    with tempfile.TemporaryDirectory(prefix="skuflow-gallery-") as scratch:
        for number, entries in enumerate(_in_pages(kits), start=1):
            for entry in entries:
                totals.add(entry, number)
            fingerprint, cards = _cards(entries, out / page_file(number))
            (Path(scratch) / str(number)).write_text(cards, encoding="utf-8")
            fingerprints.append(fingerprint)
        shell = _environment().get_template("page.html.j2")
        for number, fingerprint in enumerate(fingerprints, start=1):
            page = shell.render(
                **_page_values(totals, run),
                title=title,
                generator=_GENERATOR,
                fingerprint=fingerprint,
                page=number,
                pages=len(fingerprints),
                index=totals.index if number == 1 else [],
                costs=COSTS_PAGE if (out / COSTS_PAGE).is_file() else "",
                cards=Markup((Path(scratch) / str(number)).read_text(encoding="utf-8")),
            )
            write_whole(out / page_file(number), page.encode())
    _remove_surplus_pages(out, len(fingerprints))
    return out / page_file(1)


def page_file(number: int) -> str:
    """File name of a page, counted from 1."""
    return "index.html" if number == 1 else f"index-{number}.html"


def _in_pages(kits: Iterable[KitEntry]) -> Iterator[Sequence[KitEntry]]:
    """The kits in pages; one empty page when there are none, so that there is always a page to open."""
    remaining = iter(kits)
    page = list(islice(remaining, CARDS_PER_PAGE))
    yield page
    while page := list(islice(remaining, CARDS_PER_PAGE)):
        yield page


def _cards(entries: Sequence[KitEntry], page: Path) -> tuple[str, str]:
    """(fingerprint, HTML) of a page's cards; the HTML that the page already has when it shows the same kits.

    A person's decision changes a kit's status without changing its kit_id, so both are looked at. A time that
    is not known this time does not make a card new: its kit was made when the known time was taken.
    """
    ids = _digest(
        _design(),
        *(part for e in entries for part in (e.kit.sku, e.kit.kit_id, e.kit.created_at, e.kit.status)),
    )
    times = _digest(*(str(e.seconds) for e in entries))
    former = page.read_text(encoding="utf-8") if page.is_file() else ""
    head, body = _FINGERPRINT.search(former), _CARDS.search(former)
    untimed = all(e.seconds is None for e in entries)
    if head and body and head[1] == ids and (untimed or head[2] == times):
        return f"{head[1]}-{head[2]}", body[1]
    template = _environment().get_template("card.html.j2")
    return f"{ids}-{times}", "\n".join(template.render(card=build_card(e)) for e in entries)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


@cache
def _design() -> str:
    """Stands for everything that decides how a card looks, so that a new release draws every card anew."""
    here = Path(__file__).parent
    files = sorted([*here.glob("*.py"), *here.glob("templates/*.j2")])
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _page_values(totals: _Totals, run: RunSummary | None) -> dict[str, Any]:
    settled, estimated = money(str(totals.settled)), money(str(totals.estimated))
    return {
        "count": totals.counts["all"],
        "groups": [(g, n) for g, n in totals.counts.items() if g != "rejected" or n],
        "score": average(totals.scores),
        "cost": settled,
        "cost_estimated": estimated if estimated != settled else None,
        "run_line": _run_line(run),
    }


def _run_line(run: RunSummary | None) -> list[Wording]:
    if run is None:
        return []
    line = [
        say("run.catalog").filled(catalog=run.catalog),
        Wording(run.started_at, run.started_at),
        say("run.made").filled(made=run.made, kept=run.kept),
    ]
    if run.wall_s is not None:
        line.append(say("run.wall").filled(wall=duration_text(run.wall_s)))
    return line


def _remove_surplus_pages(out: Path, pages: int) -> None:
    for path in out.glob("index-*.html"):
        number = path.stem.removeprefix("index-")
        if number.isdecimal() and int(number) > pages and _is_ours(path):
            path.unlink()


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return f'content="{_GENERATOR}"'.encode() in file.read(2000)


@cache
def _environment() -> Environment:
    environment = page_environment()
    environment.globals.update(
        name_of=name_of,
        shot_words=shot_words,
        style_words=style_words,
        subject_words=subject_words,
        penalty_words=penalty_words,
        page_file=page_file,
        picture_alt=_picture_alt,
        film_alt=_film_alt,
    )
    return environment


def _picture_alt(card: Card, picture: Picture) -> Wording:
    en, zh = picture.label.en, picture.label.zh
    if picture.style is not None:
        en, zh = f"{en}, {picture.style.en}", f"{zh}，{picture.style.zh}"
    return Wording(f"{card.heading.en}: {en}", f"{card.heading.zh}：{zh}")


def _film_alt(card: Card, film: Film) -> Wording:
    return Wording(f"{card.heading.en}: {film.label.en}", f"{card.heading.zh}：{film.label.zh}")
