"""Runs that work off what landed, in processes of their own: they note what they make, and can be killed."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Mapping
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

from skuflow.catalog.arrivals.book import ArrivalBook
from skuflow.catalog.arrivals.keys import LOCAL, bucket_of
from skuflow.catalog.arrivals.listing import list_folder
from skuflow.catalog.arrivals.reading import read_folder
from skuflow.catalog.arrivals.states import Announced, FoundBy, Sentence
from skuflow.ledger.engine import open_engine
from skuflow.ledger.owners import this_process
from skuflow.settings import read_settings
from skuflow.storage.opening import open_store

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.contract.arrival_process"])

MADE = Sentence("1 needs_review", "1 个待审核")


def note(folder: Path, what: str) -> None:
    """One line for everything that is made, whole lines also when several processes write."""
    with (folder / "made.txt").open("ab", buffering=0) as file:
        file.write(f"{what} {os.getpid()}\n".encode())


def noted(folder: Path) -> Counter[str]:
    path = folder / "made.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return Counter(line.rpartition(" ")[0] for line in lines)


def take_all(database_url: str, folder: Path, barrier: Barrier) -> None:
    """Claim and finish whatever there is, a few folders at a time. All begin together, and go on when each has its
    first folders: one alone could be through before the others are let into the database.
    """
    engine = open_engine(database_url)
    book = ArrivalBook(engine, LOCAL, settle_s=0)
    barrier.wait(60)
    taken = book.take(this_process(), 3)
    barrier.wait(60)
    while taken:
        for claim in taken:
            note(folder, claim.folder)
            assert book.done(claim, {f"incoming/{claim.folder}/product.json": "a"}, MADE)
        taken = book.take(this_process(), 3)
    engine.dispose()


def take_and_hang(database_url: str, most: int, holding: Event) -> None:
    engine = open_engine(database_url)
    assert len(ArrivalBook(engine, LOCAL, settle_s=0).take(this_process(), most)) == most
    holding.set()
    time.sleep(600)


def record_all(database_url: str, announced: list[tuple[str, str]], barrier: Barrier) -> None:
    engine = open_engine(database_url)
    book = ArrivalBook(engine, LOCAL, settle_s=0)
    barrier.wait(60)
    for key, etag in announced:
        book.record([Announced(key, etag)], FoundBy.EVENT)
    engine.dispose()


def make_arrivals(
    overrides: Mapping[str, object], folder: Path, stop: Event, rung: Event | None = None
) -> None:
    """Runs that draw no pictures: they read what was claimed, note each product, and close the folder. With ``rung``
    one begins whenever that is set, and goes on until nothing is left; without it they follow each other.
    """
    settings = read_settings(overrides)
    store, engine = open_store(settings), open_engine(settings.database_url)
    book = ArrivalBook(engine, bucket_of(settings), settle_s=settings.skuflow_settle_s)
    while not stop.is_set():
        if rung is None:
            time.sleep(0.1)
        elif rung.wait(0.2):
            rung.clear()
        else:
            continue
        while taken := book.take(this_process(), 5):
            for claim in taken:
                read = read_folder(list_folder(store, claim.folder, book.clock()), store, folder / "copies")
                for product in read.products:
                    assert all(Path(image).is_file() for image in product.images)
                    note(folder, product.sku)
                assert book.done(claim, read.etags, MADE)
    engine.dispose()
