"""What OSS storage promises beyond the contract of stores: against the emulator, over real connections."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

import skuflow.storage.oss as oss_module
from providers.emulators.core.faults import Fault
from providers.emulators.core.http import running
from providers.emulators.core.timing import Timing
from providers.emulators.oss.emulator import OssEmulator
from providers.emulators.oss.signature import Account
from skuflow.storage.keys import asset_key, photo_key
from skuflow.storage.objects import ObjectMissingError, StorageError
from skuflow.storage.oss import MAX_URL_S, OssStore
from skuflow.storage.oss_calls import Patience
from tests.emulated_oss import oss_settings, oss_store, store_of

SECRET = "a-secret-that-nobody-may-see"
ASSET = b"the bytes of a picture"
DIGEST = hashlib.sha256(ASSET).hexdigest()
KEY = asset_key("MUG-1", "image:scene-2", "1200x630", DIGEST, "jpg")


@pytest.fixture
def oss() -> Iterator[tuple[OssEmulator, OssStore]]:
    with oss_store(accounts={"LTAIEMULATED0001": Account(SECRET)}) as both:
        yield both


def places(emulator: OssEmulator) -> Counter[str]:
    return Counter(seen.place for seen in emulator.seen)


def refusal(store: OssStore, key: str = "kits/a/kit.json") -> str:
    """What a person reads when a write fails."""
    with pytest.raises(StorageError) as caught:
        store.put(key, b"{}", "application/json")
    said = str(caught.value)
    assert "\n" not in said
    assert SECRET not in said
    assert "Signature=" not in said
    assert "OSS4-HMAC" not in said
    return said


# --- what is written ---


def test_an_object_is_kept_as_it_is_called_with_its_digest(oss: tuple[OssEmulator, OssStore]) -> None:
    emulator, store = oss
    store.put("kits/Tasse 1/kit.json", b"{}", "application/json")
    stored = emulator.bucket.get("shop/kits/Tasse 1/kit.json")
    assert stored.headers["content-type"] == "application/json"
    assert stored.headers["x-oss-meta-sha256"] == hashlib.sha256(b"{}").hexdigest()
    sent = next(seen for seen in emulator.seen if seen.place == "put")
    assert sent.headers["content-md5"]
    assert "x-oss-forbid-overwrite" not in sent.headers


@pytest.mark.parametrize("key", [KEY, photo_key("MUG-1", DIGEST, ".jpg")])
def test_what_a_key_names_by_its_digest_is_written_once(oss: tuple[OssEmulator, OssStore], key: str) -> None:
    emulator, store = oss
    first = store.put(key, ASSET, "image/jpeg")
    assert store.put(key, ASSET, "image/jpeg") == first
    emulator.bucket.put(f"shop/{key}", b"somebody else's", {})
    with pytest.raises(StorageError, match="other bytes stand there"):
        store.put(key, ASSET, "image/jpeg")
    assert store.get(key) == b"somebody else's"


def test_the_same_bytes_without_our_header_are_the_same_bytes(oss: tuple[OssEmulator, OssStore]) -> None:
    emulator, store = oss
    emulator.bucket.put(f"shop/{KEY}", ASSET, {})
    assert store.put(KEY, ASSET, "image/jpeg").sha256 == DIGEST
    emulator.bucket.put(f"shop/{KEY}", bytes(len(ASSET)), {})
    with pytest.raises(StorageError, match="other bytes"):
        store.put(KEY, ASSET, "image/jpeg")


def test_a_key_that_names_something_else_is_overwritten(oss: tuple[OssEmulator, OssStore]) -> None:
    _, store = oss
    for key in (
        "kits/MUG-1/kit.json",
        "cutouts/MUG-1/0123456789ab-v3.png",
        f"kits/{DIGEST[:8]}/kit.json",
        f"published/wanx/{DIGEST}.jpg",
    ):
        store.put(key, b"old", "text/plain")
        store.put(key, ASSET, "text/plain")
        assert store.get(key) == ASSET


def test_things_that_are_no_keys_are_not_listed(oss: tuple[OssEmulator, OssStore]) -> None:
    emulator, store = oss
    for name in (
        "shop/incoming/",
        "shop/",
        "shop/incoming//a",
        "shop/incoming/a\\b",
        "shop/incoming/a",
        "other/b",
        "shopping/c",
    ):
        emulator.bucket.put(name, b"", {})
    assert list(store.list("")) == ["incoming/a"]


def test_a_long_listing_comes_in_pages(oss: tuple[OssEmulator, OssStore]) -> None:
    emulator, store = oss
    names = [f"incoming/sku {number:04}/ü.json" for number in range(2001)]
    for name in names:
        emulator.bucket.put(f"shop/{name}", b"", {})
    assert list(store.list("incoming/")) == names
    assert places(emulator)["list"] == 3


# --- large files ---


@pytest.mark.parametrize(("size_bytes", "parts"), [(300_000, 0), (300_001, 3), (400_002, 3), (400_003, 4)])
def test_a_large_file_goes_in_parts(
    oss: tuple[OssEmulator, OssStore],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size_bytes: int,
    parts: int,
) -> None:
    monkeypatch.setattr(oss_module, "MULTIPART_ABOVE_BYTES", 300_000)
    monkeypatch.setattr(oss_module, "PART_BYTES", 133_334)
    emulator, store = oss
    data = bytes(number % 251 for number in range(size_bytes))
    (tmp_path / "a.mp4").write_bytes(data)
    done = store.put_file("videos/a.mp4", tmp_path / "a.mp4", "video/mp4")
    assert (done.sha256, done.size_bytes) == (hashlib.sha256(data).hexdigest(), size_bytes)
    assert store.get("videos/a.mp4") == data
    assert store.put("videos/b.mp4", data, "video/mp4").sha256 == done.sha256
    assert store.get("videos/b.mp4") == data
    assert places(emulator)["part"] == 2 * parts
    stored = emulator.bucket.get("shop/videos/a.mp4")
    assert stored.headers["content-type"] == "video/mp4"
    assert stored.headers["x-oss-meta-sha256"] == done.sha256
    assert not emulator.bucket.uploads


def test_a_big_file_of_real_size_arrives_whole(oss: tuple[OssEmulator, OssStore], tmp_path: Path) -> None:
    emulator, store = oss
    path = tmp_path / "film.mp4"
    path.write_bytes(b"0123456789abcdef" * (1 << 20) + b"!")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert store.put_file(f"kits/a/film-{digest[:8]}.mp4", path, "video/mp4").sha256 == digest
    assert hashlib.sha256(store.get(f"kits/a/film-{digest[:8]}.mp4")).hexdigest() == digest
    assert places(emulator)["part"] == 3
    again = store.put_file(f"kits/a/film-{digest[:8]}.mp4", path, "video/mp4")
    assert again.sha256 == digest
    assert places(emulator)["part"] == 3, "what is there already is told before anything is sent"


def in_parts(store: OssStore, key: str = "a.bin") -> bytes:
    data = bytes(number % 249 for number in range(350_000))
    store.put(key, data, "video/mp4")
    return data


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oss_module, "MULTIPART_ABOVE_BYTES", 300_000)
    monkeypatch.setattr(oss_module, "PART_BYTES", 120_000)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("place", ["initiate", "part", "complete"])
@pytest.mark.parametrize(
    "fault", [Fault.RESET_BEFORE, Fault.RESET_AFTER, Fault.THROTTLE, Fault.SERVER_BUSY, Fault.MALFORMED_AFTER]
)
def test_any_step_of_a_large_write_may_fail_once(
    oss: tuple[OssEmulator, OssStore], place: str, fault: Fault
) -> None:
    emulator, store = oss
    emulator.faults.add(fault, place)
    data = in_parts(store)
    assert store.get("a.bin") == data
    assert len(emulator.faults.taken) == 1


@pytest.mark.usefixtures("small_parts")
def test_a_large_write_that_fails_leaves_no_parts(oss: tuple[OssEmulator, OssStore]) -> None:
    emulator, store = oss
    store.put("a.bin", b"old", "video/mp4")
    emulator.faults.add(Fault.SERVER_BUSY, "part", times=5, after=1)
    with pytest.raises(StorageError, match="OSS answered 500 InternalError"):
        in_parts(store)
    assert not emulator.bucket.uploads
    assert store.get("a.bin") == b"old"


@pytest.mark.usefixtures("small_parts")
def test_a_file_that_grows_meanwhile_is_refused(
    oss: tuple[OssEmulator, OssStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator, store = oss
    path = tmp_path / "a.mp4"
    path.write_bytes(bytes(350_000))
    real, seen = oss_module._md5, itertools.count()

    def meddle(data: bytes) -> str:
        if next(seen) == 0:
            path.write_bytes(b"\1" * 350_000)
        return real(data)

    monkeypatch.setattr(oss_module, "_md5", meddle)
    with pytest.raises(StorageError, match="changed while it was read"):
        store.put_file("a.mp4", path, "video/mp4")
    assert not store.exists("a.mp4")
    assert not emulator.bucket.uploads


# --- what passes ---


PASSING = [
    Fault.RESET_BEFORE,
    Fault.RESET_AFTER,
    Fault.LOST_REPLY,
    Fault.HTML_500,
    Fault.HTML_502_AFTER,
    Fault.MALFORMED_AFTER,
    Fault.THROTTLE,
    Fault.SERVER_BUSY,
]


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("place", ["put", "get", "head", "list", "delete"])
def test_what_passes_is_tried_again(oss: tuple[OssEmulator, OssStore], place: str, fault: Fault) -> None:
    emulator, store = oss
    store.put("a", b"bytes", "text/plain")
    before = places(emulator)[place]
    emulator.faults.add(fault, place, times=4)
    uses: dict[str, Callable[[], object]] = {
        "put": lambda: store.put("a", b"bytes", "text/plain").size_bytes,
        "get": lambda: store.get("a"),
        "head": lambda: store.exists("a"),
        "list": lambda: list(store.list("")),
        "delete": lambda: store.delete("a"),
    }
    told = {"put": 5, "get": b"bytes", "head": True, "list": ["a"], "delete": None}
    assert uses[place]() == told[place]
    assert places(emulator)[place] - before == 5


@pytest.mark.parametrize("fault", [Fault.TRUNCATED, Fault.CORRUPT])
@pytest.mark.parametrize("place", ["put", "get"])
def test_bytes_that_change_on_the_way_are_noticed(
    oss: tuple[OssEmulator, OssStore], place: str, fault: Fault
) -> None:
    emulator, store = oss
    if place == "get":
        store.put("a", b"bytes", "text/plain")
    emulator.faults.add(fault, place, times=2)
    if place == "put":
        store.put("a", b"bytes", "text/plain")
    assert store.get("a") == b"bytes"
    assert places(emulator)[place] == 3
    emulator.faults.add(fault, "get", times=5)
    with pytest.raises(StorageError):
        store.get("a")


def test_a_write_whose_reply_was_lost_has_succeeded(oss: tuple[OssEmulator, OssStore]) -> None:
    """The second attempt meets the object of the first, which must not be overwritten."""
    emulator, store = oss
    emulator.faults.add(Fault.RESET_AFTER, "put")
    assert store.put(KEY, ASSET, "image/jpeg").sha256 == DIGEST
    assert places(emulator) == {"put": 2, "head": 1}


def test_after_five_attempts_the_last_reason_is_told(oss: tuple[OssEmulator, OssStore]) -> None:
    emulator, store = oss
    emulator.faults.add(Fault.THROTTLE, "put", times=5)
    said = refusal(store)
    assert said.startswith(
        "cannot write kits/a/kit.json in oss://skuflow-rehearsal/shop: OSS answered 503 QpsLimit"
    )
    assert places(emulator)["put"] == 5


def test_pauses_grow_and_end_when_patience_does(oss: tuple[OssEmulator, OssStore]) -> None:
    emulator, _ = oss
    pauses: list[float] = []
    store = store_of(oss_settings(emulator), sleep=pauses.append)
    emulator.faults.add(Fault.THROTTLE, "put", times=5)
    refusal(store)
    for pause_s, usual_s in zip(pauses, (0.2, 0.6, 1.5, 4.0), strict=True):
        assert 0.5 * usual_s <= pause_s <= 1.5 * usual_s
    hasty = store_of(oss_settings(emulator), Patience(overall_s=1.0), pauses.append)
    pauses.clear()
    emulator.faults.add(Fault.THROTTLE, "put", times=3)
    refusal(hasty)
    assert len(pauses) == 2, "a pause of 1.5 s would not fit into one second"


def test_an_oss_that_says_nothing_is_left(oss: tuple[OssEmulator, OssStore]) -> None:
    emulator, _ = oss
    store = store_of(oss_settings(emulator), Patience(read_s=0.2, pauses_s=(0.0,)))
    emulator.faults.add(Fault.HANG_AFTER, "put", times=2)
    begun_s = time.monotonic()
    assert "does not answer (ReadTimeout)" in refusal(store)
    assert time.monotonic() - begun_s < 5


@pytest.mark.parametrize("fault", [Fault.AUTH, Fault.ARREARS])
def test_what_does_not_pass_is_not_tried_again(oss: tuple[OssEmulator, OssStore], fault: Fault) -> None:
    emulator, store = oss
    emulator.faults.add(fault, "put", times=5)
    assert ("docs/storage.md" if fault is Fault.AUTH else "unpaid") in refusal(store)
    assert places(emulator)["put"] == 1


# --- what a person is told ---


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"skuflow_storage": "oss://no-such-bucket/shop"}, "no bucket no-such-bucket"),
        ({"oss_access_key_id": "LTAIUNKNOWN00001"}, "does not know this OSS_ACCESS_KEY_ID"),
        ({"oss_access_key_secret": "a-wrong-secret"}, "does not belong to OSS_ACCESS_KEY_ID"),
        ({"oss_region": "cn-beijing"}, "not in cn-beijing; correct OSS_REGION"),
        ({"oss_session_token": "old-token-of-somebody"}, "OSS_SESSION_TOKEN does not belong"),
        ({"skuflow_storage": "oss://skuflow-rehearsal/" + "p" * 1010}, "the key is too long"),
    ],
)
def test_wrong_settings_are_told_in_one_sentence(
    oss: tuple[OssEmulator, OssStore], changes: dict[str, str], told: str
) -> None:
    emulator, _ = oss
    store = store_of(oss_settings(emulator, **changes))
    assert told in refusal(store)
    assert places(emulator)["put"] == 1
    if "key is too long" not in told:
        with pytest.raises(StorageError, match=told.split(";")[0]) as caught:
            store.exists("a")
        assert not isinstance(caught.value, ObjectMissingError)
        with pytest.raises(StorageError, match=told.split(";")[0]):
            list(store.list(""))


def test_nobody_there_is_told_in_one_sentence() -> None:
    with oss_store() as (emulator, _):
        settings = oss_settings(emulator)
    said = refusal(store_of(settings))
    assert "does not answer (ConnectionError); check OSS_ENDPOINT" in said


def test_a_clock_that_is_wrong_is_told() -> None:
    def late() -> float:
        return time.time() + 901

    emulator = OssEmulator(timing=Timing(now=late))
    with running(emulator):
        assert "clock is more than 15 minutes wrong" in refusal(store_of(oss_settings(emulator)))


@pytest.mark.parametrize(
    ("action", "key"), [("PutObject", "put"), ("GetObject", "get"), ("ListObjects", "list")]
)
def test_a_right_that_is_missing_is_told(oss: tuple[OssEmulator, OssStore], action: str, key: str) -> None:
    emulator, store = oss
    store.put("a", b"x", "text/plain")
    emulator.forbidden.add(action)
    uses: dict[str, Callable[[], object]] = {
        "put": lambda: store.put("a", b"x", "text/plain"),
        "get": lambda: store.get("a"),
        "list": lambda: list(store.list("")),
    }
    with pytest.raises(StorageError, match="give its RAM user the rights listed"):
        uses[key]()


def test_a_temporary_key_works_with_its_token() -> None:
    with oss_store(accounts={"STS.EMULATED": Account(SECRET, token="token-of-this-key")}) as (
        emulator,
        store,
    ):
        store.put("a", b"x", "text/plain")
        assert httpx.get(store.url("a"), trust_env=False).content == b"x"
        without = store_of(oss_settings(emulator, oss_session_token=""))
        assert "OSS_SESSION_TOKEN" in refusal(without)


def test_a_page_that_is_not_oss_is_not_taken_for_a_missing_object() -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Portal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("content-length", "0")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Portal)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with oss_store() as (emulator, _):
            settings = oss_settings(emulator, oss_endpoint=f"http://127.0.0.1:{server.server_port}")
        store = store_of(settings)
        for look in (lambda: store.exists("a"), lambda: store.get("a")):
            with pytest.raises(StorageError, match="is not OSS") as caught:
                look()
            assert not isinstance(caught.value, ObjectMissingError)
    finally:
        server.shutdown()
        server.server_close()


# --- addresses ---


@pytest.mark.parametrize(
    "key", ["photos/马克杯/正面 1.jpg", "a+b&c=d#e?f%20.png", "ü/é~'(x)!*.txt", "plain/a.jpg"]
)
def test_an_address_of_any_key_can_be_fetched_by_a_plain_client(
    oss: tuple[OssEmulator, OssStore], key: str
) -> None:
    _, store = oss
    store.put(key, key.encode(), "text/plain")
    assert store.get(key) == key.encode()
    assert list(store.list(key[:3])) == [key]
    address = store.url(key)
    assert address.isascii()
    assert " " not in address
    assert httpx.get(address, trust_env=False).content == key.encode()


def test_an_address_lives_as_long_as_was_asked() -> None:
    shift = [0.0]
    emulator = OssEmulator(timing=Timing(now=lambda: time.time() + shift[0]))
    with running(emulator):
        store = store_of(oss_settings(emulator))
        store.put("a", b"x", "text/plain")
        address = store.url("a", 24 * 3600)
        for later_s, status in ((0, 200), (24 * 3600 - 5, 200), (24 * 3600 + 5, 403)):
            shift[0] = later_s
            assert httpx.get(address, trust_env=False).status_code == status


@pytest.mark.parametrize("valid_s", [0, -1, MAX_URL_S + 1])
def test_an_address_that_oss_cannot_sign_is_refused(oss: tuple[OssEmulator, OssStore], valid_s: int) -> None:
    _, store = oss
    store.put("a", b"x", "text/plain")
    with pytest.raises(StorageError, match="cannot be valid"):
        store.url("a", valid_s)
    assert store.url("a", MAX_URL_S)


def test_addresses_are_signed_for_the_public_endpoint(oss: tuple[OssEmulator, OssStore]) -> None:
    emulator, _ = oss
    public = oss_settings(emulator, oss_public_endpoint="https://oss-cn-hangzhou.aliyuncs.com")
    store = store_of(public)
    store.put("a b", b"x", "text/plain")
    host = "https://skuflow-rehearsal.oss-cn-hangzhou.aliyuncs.com/shop/a%20b?"
    assert store.url("a b").startswith(host)
    own = store_of(oss_settings(emulator, oss_public_endpoint="https://img.example.com"))
    assert own.url("a b").startswith("https://img.example.com/shop/a%20b?")


# --- many at once ---


def test_many_threads_share_the_store(
    oss: tuple[OssEmulator, OssStore], caplog: pytest.LogCaptureFixture
) -> None:
    emulator, _ = oss
    place = oss_settings(emulator).storage
    assert not isinstance(place, Path)
    store = OssStore(place, threads=16)

    def work(number: int) -> bool:
        data = bytes([number]) * 20_000
        store.put(f"kits/{number}/kit.json", data, "application/json")
        return store.get(f"kits/{number}/kit.json") == data

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(100)))
    assert len(list(store.list("kits/"))) == 100
    assert "pool is full" not in caplog.text
