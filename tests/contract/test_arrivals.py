"""Claims of what landed, on both databases: several processes, processes that are killed, and a receiver that is."""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event
from pathlib import Path

import httpx

from providers.emulators.oss.emulator import OssEmulator
from providers.emulators.oss.events import ObjectEvent, Shape, message_of
from skuflow.catalog.arrivals.book import ArrivalBook
from skuflow.catalog.arrivals.keys import LOCAL, Bucket, bucket_of
from skuflow.catalog.arrivals.listing import FolderListing
from skuflow.catalog.arrivals.states import Announced, FolderState, FoundBy, Sentence
from skuflow.environment import child_environment
from skuflow.ledger.engine import open_engine
from skuflow.settings import Settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectEntry, ObjectStore
from skuflow.storage.opening import open_store
from tests.contract.arrival_process import (
    make_arrivals,
    noted,
    processes,
    record_all,
    take_all,
    take_and_hang,
)
from tests.emulated_oss import oss_settings, oss_store

TOKEN = "token-of-the-test"
READY = Sentence("complete", "已齐全")


@contextmanager
def book_at(database_url: str, bucket: Bucket = LOCAL) -> Iterator[ArrivalBook]:
    engine = open_engine(database_url)
    yield ArrivalBook(engine, bucket, settle_s=0)
    engine.dispose()


def make_ready(book: ArrivalBook, names: Sequence[str]) -> None:
    book.record([Announced(f"incoming/{name}/product.json", "a") for name in names], FoundBy.EVENT)
    for folder in book.due(len(names)):
        assert book.judge(folder, FolderState.READY, READY)


def test_two_processes_take_every_folder_exactly_once(database_url: str, tmp_path: Path) -> None:
    names = [f"p{number:03}" for number in range(200)]
    barrier = processes.Barrier(2)
    with book_at(database_url) as book:
        make_ready(book, names)
        workers = [processes.Process(target=take_all, args=(database_url, tmp_path, barrier)) for _ in "ab"]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(120)
            assert worker.exitcode == 0
        assert noted(tmp_path) == dict.fromkeys(names, 1)
        assert book.counts().by_state == {FolderState.DONE: 200}
    pids = {line.rpartition(" ")[2] for line in (tmp_path / "made.txt").read_text().splitlines()}
    assert len(pids) == 2


def test_what_a_killed_process_held_is_free_at_once(database_url: str) -> None:
    holding = processes.Event()
    with book_at(database_url) as book:
        make_ready(book, [f"p{number}" for number in range(7)])
        worker = processes.Process(target=take_and_hang, args=(database_url, 5, holding))
        worker.start()
        assert holding.wait(60)
        assert len(book.take("me/-/-/1/1", 10)) == 2
        assert book.in_work()
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        worker.join(30)
        assert book.to_be_taken()
        again = book.take("me/-/-/1/1", 10)
        assert len(again) == 5
        assert {(claim.fence, claim.attempts) for claim in again} == {(2, 2)}


def test_what_is_left_over_or_put_again_is_news_on_both_databases(database_url: str) -> None:
    key = "incoming/p/product.json"

    def listed(written_at: datetime) -> FolderListing:
        return FolderListing("p", (ObjectEntry(key, 1, "a", written_at),), datetime.now(UTC))

    with book_at(database_url) as book:
        make_ready(book, ["p"])
        (claim,) = book.take("me", 1)
        assert book.defer(claim, datetime.now(UTC), READY, {key: "a"})
        assert not book.has_news("p")
        (claim,) = book.take("me", 1)
        assert claim.again
        assert book.release(claim, because=Sentence("not now", "稍后"), for_s=0.0)
        assert book.has_news("p"), "what was left over is not done"
        (waiting,) = book.due(1)
        assert waiting.note.en == "not now"
        assert book.judge(waiting, FolderState.REFUSED, READY)
        refused = book.folder("p")
        assert refused is not None
        assert book.observe([listed(refused.updated_at)], FoundBy.SWEEP) == ()
        assert book.takeable_since() is None
        time.sleep(0.01)
        assert book.observe([listed(datetime.now(UTC))], FoundBy.SWEEP) == ("p",)
        (waiting,) = book.due(1)
        assert (waiting.state, waiting.attempts) == (FolderState.WAITING, 0)


def test_no_refusal_stands_against_what_landed_meanwhile_on_both_databases(database_url: str) -> None:
    with book_at(database_url) as book:
        make_ready(book, ["p", "q"])
        changed, unchanged = book.take("me", 2)
        assert book.record([Announced("incoming/p/product.json", "corrected")], FoundBy.EVENT) == 1
        assert not book.refuse(changed, READY)
        assert book.refuse(unchanged, READY)
        states = {name: folder.state for name in "pq" if (folder := book.folder(name))}
        assert states == {"p": FolderState.WAITING, "q": FolderState.REFUSED}
        assert [folder.folder for folder in book.due(2)] == ["p"]


def test_events_told_to_two_receivers_at_once_are_noted_once(database_url: str) -> None:
    keys = [(f"incoming/p{number % 20}/{number}.jpg", "a") for number in range(200)]
    shuffled = [random.Random(seed).sample(keys, len(keys)) for seed in (1, 2)]
    barrier = processes.Barrier(2)
    workers = [processes.Process(target=record_all, args=(database_url, told, barrier)) for told in shuffled]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    with book_at(database_url) as book:
        assert book.counts().by_state == {FolderState.WAITING: 20}
        assert book.record([Announced(*key) for key in keys], FoundBy.EVENT) == 0


# A thousand events


class PrefectStandIn:
    """Takes events as Prefect's server does, and starts runs for them."""

    def __init__(self, rung: Event) -> None:
        self.events: list[str] = []
        self._rung = rung

    @contextmanager
    def running(self) -> Iterator[str]:
        events, rung = self.events, self._rung

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["content-length"])))
                events.extend(event["event"] for event in told)
                rung.set()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api"
        server.shutdown()
        server.server_close()


class ReceiverProcess:
    """``python -m deployments.events``, to be killed and started again on the same port."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            self.port = held.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = child_environment({**environment, "SKUFLOW_EVENTS_PORT": str(self.port)})
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deployments.events"],
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def wait_until_it_answers(self) -> None:
        give_up_s = time.monotonic() + 60
        while time.monotonic() < give_up_s:
            try:
                if httpx.get(f"{self.url}/healthz", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(self._log.read_text())

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@dataclass
class Told:
    """Events on their way: each is sent again until it is taken, as OSS does."""

    url: str
    waiting: queue.Queue[tuple[bytes, str]] = field(default_factory=queue.Queue)
    taken: int = 0
    failed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send_all(self, threads: int) -> None:
        workers = [threading.Thread(target=self._work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(120)

    def _work(self) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(trust_env=False, timeout=30, headers=headers) as client:
            while True:
                try:
                    body, kind = self.waiting.get(timeout=0.2)
                except queue.Empty:
                    return
                try:
                    reply = client.post(
                        f"{self.url}/events/oss", content=body, headers={"content-type": kind}
                    )
                    taken = reply.status_code == 200
                except httpx.TransportError:
                    taken = False
                with self._lock:
                    self.taken += taken
                    self.failed += not taken
                if not taken:
                    time.sleep(0.2)
                    self.waiting.put((body, kind))


PRODUCTS = {"sqlite": 40, "postgresql": 125}
"""A thousand events where many machines come together, and a third of them for the database of one machine."""
PHOTOS = ("1.jpg", "side 2.jpg", "图 3.jpg")


def objects(products: int) -> list[tuple[str, bytes]]:
    """What lands, in no order: a product's files come far from each other."""
    landing = []
    for number in range(products):
        sku = f"SKU-{number:03}"
        row = {"sku": sku, "title": "Mug", "images": list(PHOTOS)}
        landing.append((f"incoming/{sku}/product.json", json.dumps(row).encode()))
        landing.extend((f"incoming/{sku}/{photo}", f"{sku} {photo}".encode()) for photo in PHOTOS)
    random.Random(7).shuffle(landing)
    return landing


def announced(
    store: ObjectStore, bucket: Bucket, landing: list[tuple[str, bytes]]
) -> list[tuple[bytes, str]]:
    """Two messages for every object, in all shapes, some with coded keys, none in order."""
    etags = {entry.key: entry.etag for entry in store.entries("incoming/")}
    dice = random.Random(11)
    messages = []
    for number, (key, data) in enumerate([*landing, *landing]):
        event = ObjectEvent(
            name="ObjectCreated:PutObject",
            bucket=bucket.name,
            key=f"{bucket.prefix}{key}",
            etag=etags[key],
            size_bytes=len(data),
            region="cn-hangzhou",
            request_id=f"{number:024}",
            at_s=time.time(),
            coded_key=number % 5 == 0,
        )
        message = message_of(event, dice.choice(list(Shape)))
        messages.append((message.body, message.content_type))
    dice.shuffle(messages)
    return messages


def assert_each_is_made_once(settings: Settings, tmp_path: Path) -> None:
    bucket = bucket_of(settings)
    store, stop, rung = open_store(settings), processes.Event(), processes.Event()
    prefect = PrefectStandIn(rung)
    overrides = {**settings.model_dump(), "skuflow_settle_s": settings.skuflow_settle_s}
    products = PRODUCTS[settings.database_url.partition(":")[0].partition("+")[0]]
    landing = objects(products)
    with prefect.running() as api_url, book_at(settings.database_url, bucket) as book:
        receiver = ReceiverProcess(environment_of(settings, api_url), tmp_path / "receiver.log")
        receiver.start()
        receiver.wait_until_it_answers()
        makers = [
            processes.Process(target=make_arrivals, args=(overrides, tmp_path, stop, rung)) for _ in "ab"
        ]
        try:
            for key, data in landing:
                store.put(key, data, "application/octet-stream")
            told = Told(receiver.url)
            for message in announced(store, bucket, landing):
                told.waiting.put(message)
            before = 2 * len(landing) // 3
            killing = threading.Thread(target=kill_in_the_middle, args=(receiver, told, before))
            killing.start()
            for maker in makers:
                maker.start()
            told.send_all(threads=4)
            killing.join(90)
            assert told.taken == 2 * len(landing)
            assert told.failed > 0, "the receiver was to be away for a while"
            wait_until_done(book, products, tmp_path)
        finally:
            stop.set()
            for maker in makers:
                maker.join(60)
            receiver.stop()
        assert [maker.exitcode for maker in makers] == [0, 0]
        assert noted(tmp_path) == {f"SKU-{number:03}": 1 for number in range(products)}
        assert book.counts().by_state == {FolderState.DONE: products}
        assert set(prefect.events) == {"skuflow.products.arrived"}
        assert len(prefect.events) < products / 2


def environment_of(settings: Settings, api_url: str) -> dict[str, str]:
    place = {
        "SKUFLOW_HOME": str(settings.skuflow_home),
        "SKUFLOW_DATABASE_URL": settings.skuflow_database_url,
        "SKUFLOW_STORAGE": settings.skuflow_storage,
        "SKUFLOW_SETTLE_S": str(settings.skuflow_settle_s),
        "SKUFLOW_RING_EVERY_S": "1",
        "SKUFLOW_EVENTS_TOKEN": TOKEN,
        "PREFECT_API_URL": api_url,
        "OSS_ENDPOINT": settings.oss_endpoint,
        "OSS_REGION": settings.oss_region,
        "OSS_ACCESS_KEY_ID": settings.oss_access_key_id.get_secret_value(),
        "OSS_ACCESS_KEY_SECRET": settings.oss_access_key_secret.get_secret_value(),
    }
    return {name: value for name, value in place.items() if value}


def kill_in_the_middle(receiver: ReceiverProcess, told: Told, taken: int) -> None:
    while told.taken < taken:
        time.sleep(0.01)
    receiver.kill()
    # What is sent from now on is lost until another one listens.
    failed, give_up_s = told.failed, time.monotonic() + 30
    while told.failed == failed and time.monotonic() < give_up_s:
        time.sleep(0.01)
    receiver.start()


def wait_until_done(book: ArrivalBook, products: int, tmp_path: Path) -> None:
    give_up_s = time.monotonic() + 120
    while book.counts().by_state != {FolderState.DONE: products}:
        if time.monotonic() > give_up_s:
            notes = [(f.folder, f.state, f.note.en) for f in book.in_state(*FolderState)]
            raise AssertionError(f"{notes[:10]} {(tmp_path / 'receiver.log').read_text()[-2000:]}")
        time.sleep(0.2)


def test_a_thousand_events_make_each_product_once(database_url: str, tmp_path: Path) -> None:
    with oss_store() as (emulator, _):
        assert isinstance(emulator, OssEmulator)
        settings = oss_settings(
            emulator,
            skuflow_home=str(tmp_path / "home"),
            skuflow_database_url=database_url,
            skuflow_settle_s="1",
        )
        assert_each_is_made_once(settings, tmp_path)


def test_a_folder_that_is_watched_makes_each_product_once(tmp_path: Path) -> None:
    """No event at all: the receiver sees the folder's files by itself, and is killed in between."""
    from tests.money import sqlite_url

    url, stop, products = sqlite_url(tmp_path), processes.Event(), PRODUCTS["sqlite"]
    storage = tmp_path / "storage"
    overrides = {
        "skuflow_home": str(tmp_path / "home"),
        "skuflow_database_url": url,
        "skuflow_storage": f"file:{storage}",
        "skuflow_settle_s": 1.0,
    }
    environment = {name.upper(): str(value) for name, value in overrides.items()}
    receiver = ReceiverProcess(environment, tmp_path / "receiver.log")
    maker = processes.Process(target=make_arrivals, args=(overrides, tmp_path, stop))
    store = FolderStore(storage)
    with book_at(url) as book:
        receiver.start()
        receiver.wait_until_it_answers()
        maker.start()
        try:
            landing = objects(products)
            for number, (key, data) in enumerate(landing):
                store.put(key, data, "application/octet-stream")
                if number == len(landing) // 2:
                    receiver.kill()
            receiver.start()
            wait_until_done(book, products, tmp_path)
        finally:
            end(maker, stop)
            receiver.stop()
    assert noted(tmp_path) == {f"SKU-{number:03}": 1 for number in range(products)}


def end(maker: ForkServerProcess, stop: Event) -> None:
    stop.set()
    maker.join(60)
    assert maker.exitcode == 0
