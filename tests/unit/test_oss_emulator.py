"""The OSS emulator by itself: signatures, lists, parts, ranges, events; addressed with oss2 and by hand."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import oss2
import pytest

from providers.emulators.core.faults import Fault
from providers.emulators.core.http import running
from providers.emulators.core.timing import Timing
from providers.emulators.oss.bucket import MIN_PART_BYTES, crc64
from providers.emulators.oss.emulator import OssEmulator, Receiver
from providers.emulators.oss.events import ObjectEvent, Shape, message_of
from providers.emulators.oss.ranges import part_of
from providers.emulators.oss.signature import Account

NAME, REGION = "skuflow-rehearsal", "cn-hangzhou"
KEY_ID, SECRET = "OSSEMULATORKEY", "oss-emulator-secret"


def bucket(url: str, *, key_id: str = KEY_ID, secret: str = SECRET, **options: Any) -> oss2.Bucket:
    auth = oss2.AuthV4(key_id, secret)
    return oss2.Bucket(auth, url, options.pop("name", NAME), region=options.pop("region", REGION), **options)


def refused(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(oss2.exceptions.OssError) as caught:
        call()
    assert caught.value.request_id
    return caught.value.status, caught.value.code


@pytest.fixture
def emulator() -> Iterator[OssEmulator]:
    one = OssEmulator()
    with running(one):
        yield one


@pytest.fixture
def client(emulator: OssEmulator) -> oss2.Bucket:
    return bucket(emulator.base_url)


# --- signatures ---


def test_who_signs_rightly_is_let_in(client: oss2.Bucket) -> None:
    result = client.put_object(
        "a b/ü+~*'().txt", b"x", headers={"x-oss-meta-note": "v", "Content-Type": "a/b"}
    )
    assert result.status == 200
    assert client.get_object("a b/ü+~*'().txt").read() == b"x"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"key_id": "UNKNOWN"}, (403, "InvalidAccessKeyId")),
        ({"secret": "wrong"}, (403, "SignatureDoesNotMatch")),
        ({"region": "cn-beijing"}, (400, "InvalidArgument")),
        ({"name": "other-bucket"}, (404, "NoSuchBucket")),
    ],
)
def test_who_does_not_is_refused(
    emulator: OssEmulator, options: dict[str, str], told: tuple[int, str]
) -> None:
    other = bucket(emulator.base_url, **options)
    assert refused(lambda: other.put_object("a", b"x")) == told
    assert refused(lambda: other.get_object_meta("a")) == told, "HEAD says it in a header"
    assert emulator.bucket.keys == ()


@pytest.mark.parametrize("version", [oss2.Auth, oss2.AuthV2], ids=["V1", "V2"])
def test_older_signatures_are_refused(emulator: OssEmulator, version: type[Any]) -> None:
    old = oss2.Bucket(version(KEY_ID, SECRET), emulator.base_url, NAME)
    assert refused(lambda: old.put_object("a", b"x")) == (400, "InvalidArgument")


@pytest.mark.parametrize(("late_s", "status"), [(899, 200), (901, 403), (-899, 200), (-901, 403)])
def test_a_clock_may_be_wrong_by_a_quarter_of_an_hour(late_s: float, status: int) -> None:
    # The signature's date has whole seconds, so a second of slack belongs to it.
    now_s = float(int(time.time()))
    one = OssEmulator(timing=Timing(now=lambda: now_s + late_s))
    with running(one) as url:
        if status == 200:
            assert bucket(url).put_object("a", b"x").status == 200
        else:
            assert refused(lambda: bucket(url).put_object("a", b"x")) == (403, "RequestTimeTooSkewed")


def signed_headers(emulator: OssEmulator) -> tuple[str, dict[str, str]]:
    """Address and headers of a right PUT, to be meddled with."""
    bucket(emulator.base_url).put_object(
        "a", b"x", headers={"x-oss-meta-note": "v", "Content-Type": "text/plain"}
    )
    sent = dict(emulator.seen[-1].headers)
    names = ("authorization", "x-oss-date", "x-oss-content-sha256", "x-oss-meta-note", "content-type")
    return f"{emulator.base_url}/{NAME}/a", {name: sent[name] for name in names}


@pytest.mark.parametrize(
    "change",
    [
        {"x-oss-meta-note": "w"},
        {"content-type": "text/html"},
        {"x-oss-meta-more": "1"},
        {"x-oss-forbid-overwrite": "true"},
        {"content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="},
    ],
)
def test_headers_that_were_not_signed_are_noticed(emulator: OssEmulator, change: dict[str, str]) -> None:
    url, headers = signed_headers(emulator)
    assert httpx.put(url, headers=headers, content=b"x", trust_env=False).status_code == 200
    reply = httpx.put(url, headers={**headers, **change}, content=b"x", trust_env=False)
    assert reply.status_code == 403
    assert "<Code>SignatureDoesNotMatch</Code>" in reply.text
    assert "<CanonicalRequest>PUT" in reply.text


def test_another_object_or_method_needs_another_signature(emulator: OssEmulator) -> None:
    url, headers = signed_headers(emulator)
    for answer in (
        httpx.put(url + "b", headers=headers, content=b"x", trust_env=False),
        httpx.request("DELETE", url, headers=headers, trust_env=False),
        httpx.put(url + "?x=1", headers=headers, content=b"x", trust_env=False),
    ):
        assert "<Code>SignatureDoesNotMatch</Code>" in answer.text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"authorization": "OSS LTAI:abc"}, "InvalidArgument"),
        ({"authorization": ""}, "InvalidArgument"),
        ({"x-oss-content-sha256": "0" * 64}, "InvalidArgument"),
        ({"x-oss-date": "yesterday"}, "AccessDenied"),
    ],
)
def test_what_is_no_signature_is_refused(emulator: OssEmulator, change: dict[str, str], code: str) -> None:
    url, headers = signed_headers(emulator)
    reply = httpx.put(url, headers={**headers, **change}, content=b"x", trust_env=False)
    assert f"<Code>{code}</Code>" in reply.text


def test_nobody_without_a_name_is_let_in(emulator: OssEmulator) -> None:
    reply = httpx.get(f"{emulator.base_url}/{NAME}/a", trust_env=False)
    assert (reply.status_code, "AccessDenied" in reply.text) == (403, True)


def test_an_address_is_signed_for_one_object_and_a_time() -> None:
    shift_s = [0.0]
    one = OssEmulator(timing=Timing(now=lambda: time.time() + shift_s[0]))
    with running(one) as url:
        client = bucket(url)
        client.put_object("a", b"x")
        address = client.sign_url("GET", "a", 60, slash_safe=True)
        assert httpx.get(address, trust_env=False).content == b"x"
        altered = {
            "another key": address.replace("/a?", "/b?"),
            "longer": address.replace("x-oss-expires=60", "x-oss-expires=600"),
            "another signature": re.sub(r"x-oss-signature=.{4}", "x-oss-signature=0000", address),
            "another parameter": address + "&x-oss-process=image%2Finfo",
        }
        for what, changed in altered.items():
            reply = httpx.get(changed, trust_env=False)
            assert (reply.status_code, "SignatureDoesNotMatch" in reply.text) == (403, True), what
        assert httpx.delete(address, trust_env=False).status_code == 403
        assert "InvalidArgument" in httpx.get(client.sign_url("GET", "a", 604801), trust_env=False).text
        shift_s[0] = 62.0
        late = httpx.get(address, trust_env=False)
        assert (late.status_code, "Request has expired" in late.text) == (403, True)


def test_a_temporary_key_needs_its_token() -> None:
    one = OssEmulator(accounts={"STS.X": Account("s", "token")})
    with running(one) as url:
        for token, status in (("token", 200), ("other", 403), ("", 403)):
            provider = oss2.credentials.StaticCredentialsProvider("STS.X", "s", token)
            client = oss2.Bucket(oss2.ProviderAuthV4(provider), url, NAME, region=REGION)
            if status == 200:
                assert client.put_object("a", b"x").status == 200
                assert httpx.get(client.sign_url("GET", "a", 60), trust_env=False).status_code == 200
            else:
                assert refused(lambda: client.put_object("a", b"x")) == (403, "InvalidSecurityToken")  # noqa: B023


# --- objects ---


def test_the_checksum_is_that_of_the_standard() -> None:
    assert crc64(b"123456789") == 0x995DC9BBDF1939FA
    assert crc64(b"6789", crc64(b"12345")) == 0x995DC9BBDF1939FA


def test_what_oss_says_of_an_object(emulator: OssEmulator, client: oss2.Bucket) -> None:
    done = client.put_object("a.txt", b"bytes", headers={"x-oss-meta-sha256": "d", "Content-Type": "text/x"})
    assert done.etag == hashlib.md5(b"bytes", usedforsecurity=False).hexdigest().upper()
    assert done.crc == crc64(b"bytes")
    head = client.head_object("a.txt")
    assert (head.content_length, head.headers["x-oss-meta-sha256"]) == (5, "d")
    assert head.headers["content-type"] == "text/x"
    brief = client.get_object_meta("a.txt")
    assert (brief.content_length, brief.etag) == (5, done.etag)
    assert "x-oss-meta-sha256" not in brief.headers
    assert client.delete_object("a.txt").status == 204
    assert client.delete_object("a.txt").status == 204
    assert refused(lambda: client.head_object("a.txt")) == (404, "NoSuchKey")
    assert refused(lambda: client.get_object("a.txt")) == (404, "NoSuchKey")


def test_writing_once(client: oss2.Bucket) -> None:
    once = {"x-oss-forbid-overwrite": "true"}
    client.put_object("a", b"1", headers=once)
    assert refused(lambda: client.put_object("a", b"1", headers=once)) == (409, "FileAlreadyExists")
    assert refused(lambda: client.init_multipart_upload("a", headers=once)) == (409, "FileAlreadyExists")
    upload_id = client.init_multipart_upload("a").upload_id
    part = client.upload_part("a", upload_id, 1, b"2")
    parts = [oss2.models.PartInfo(1, part.etag, 1, part_crc=part.crc)]

    def complete(headers: Mapping[str, str] | None = None) -> None:
        client.complete_multipart_upload("a", upload_id, parts, headers=headers)

    assert refused(lambda: complete(headers=once)) == (409, "FileAlreadyExists")
    assert client.get_object("a").read() == b"1"
    complete()
    assert client.get_object("a").read() == b"2"


def test_a_wrong_md5_is_refused(client: oss2.Bucket) -> None:
    wrong = {"Content-MD5": base64.b64encode(bytes(16)).decode()}
    assert refused(lambda: client.put_object("a", b"x", headers=wrong)) == (400, "InvalidDigest")


@pytest.mark.parametrize(("size", "status"), [(1022, 200), (1023, 200), (1024, 400)])
def test_names_have_a_length(client: oss2.Bucket, size: int, status: int) -> None:
    if status == 200:
        assert client.put_object("k" * size, b"").status == 200
    else:
        assert refused(lambda: client.put_object("k" * size, b"")) == (400, "InvalidObjectName")


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("", None),
        ("bytes=0-0", (0, 0)),
        ("bytes=3-", (3, 9)),
        ("bytes=-4", (6, 9)),
        ("bytes=-40", (0, 9)),
        ("bytes=0-99", (0, 9)),
        ("bytes=10-", None),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=-0", None),
        ("chars=0-1", None),
    ],
)
def test_ranges(header: str, part: tuple[int, int] | None) -> None:
    assert part_of(header, 10) == part


def test_a_range_is_sent(client: oss2.Bucket) -> None:
    client.put_object("a", b"0123456789")
    reply = client.get_object("a", byte_range=(2, 4))
    assert (reply.status, reply.read(), reply.content_range) == (206, b"234", "bytes 2-4/10")


# --- lists ---


def test_lists_come_in_pages_in_order(client: oss2.Bucket, emulator: OssEmulator) -> None:
    names = sorted([f"p/{number}" for number in range(25)] + ["p/ü & <x>", "p/马克杯", "q", "o"])
    for name in names:
        emulator.bucket.put(name, b"", {})
    wanted = [name for name in names if name.startswith("p/")]
    pages, token = [], ""
    while True:
        page = client.list_objects_v2("p/", continuation_token=token, max_keys=9)
        pages.append([found.key for found in page.object_list])
        if not page.is_truncated:
            break
        token = page.next_continuation_token
    assert [len(page) for page in pages] == [9, 9, 9]
    assert [key for page in pages for key in page] == wanted
    exactly = client.list_objects_v2("p/", max_keys=27)
    assert (len(exactly.object_list), exactly.is_truncated) == (27, False)
    behind = client.list_objects_v2("", start_after="p/9").object_list
    assert behind[0].key == "p/ü & <x>"
    assert refused(lambda: client.list_objects_v2("", max_keys=1001)) == (400, "InvalidArgument")
    assert refused(lambda: client.list_objects_v2("", delimiter="/")) == (501, "NotImplemented")
    assert refused(lambda: client.list_objects("")) == (501, "NotImplemented")


# --- parts ---


def test_parts_become_an_object(client: oss2.Bucket, emulator: OssEmulator) -> None:
    upload_id = client.init_multipart_upload("v", headers={"Content-Type": "video/mp4"}).upload_id
    pieces = [bytes([n]) * MIN_PART_BYTES for n in range(2)] + [b"end"]
    parts = []
    for number, piece in enumerate(pieces, start=1):
        done = client.upload_part("v", upload_id, number, piece)
        parts.append(oss2.models.PartInfo(number, done.etag, len(piece), part_crc=done.crc))
    assert [part.part_number for part in client.list_parts("v", upload_id).parts] == [1, 2, 3]
    assert [upload.key for upload in client.list_multipart_uploads().upload_list] == ["v"]
    done = client.complete_multipart_upload("v", upload_id, parts)
    assert re.fullmatch(r"[0-9A-F]{32}-3", done.etag)
    assert client.get_object("v").read() == b"".join(pieces)
    assert client.head_object("v").headers["content-type"] == "video/mp4"
    assert refused(lambda: client.complete_multipart_upload("v", upload_id, parts)) == (404, "NoSuchUpload")


def test_parts_that_do_not_fit_are_refused(client: oss2.Bucket, emulator: OssEmulator) -> None:
    upload_id = client.init_multipart_upload("v").upload_id
    small = client.upload_part("v", upload_id, 1, b"x" * (MIN_PART_BYTES - 1))
    last = client.upload_part("v", upload_id, 2, b"end")
    first = oss2.models.PartInfo(1, small.etag)
    second = oss2.models.PartInfo(2, last.etag)

    def complete(*parts: oss2.models.PartInfo) -> tuple[int, str]:
        return refused(lambda: client.complete_multipart_upload("v", upload_id, list(parts)))

    assert complete(first, second) == (400, "EntityTooSmall")
    assert complete(oss2.models.PartInfo(1, "0" * 32), second) == (400, "InvalidPart")
    assert complete(oss2.models.PartInfo(3, last.etag)) == (400, "InvalidPart")
    assert complete() == (400, "MalformedXML")
    assert refused(lambda: client.upload_part("v", upload_id, 10_001, b"")) == (400, "InvalidArgument")
    assert refused(lambda: client.upload_part("v", "0" * 32, 1, b"")) == (404, "NoSuchUpload")
    assert refused(lambda: client.upload_part("w", upload_id, 1, b"")) == (404, "NoSuchUpload")
    client.abort_multipart_upload("v", upload_id)
    assert refused(lambda: client.abort_multipart_upload("v", upload_id)) == (404, "NoSuchUpload")
    assert emulator.bucket.keys == ()


# --- faults and rights ---


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.THROTTLE, (503, "QpsLimitExceeded")),
        (Fault.SERVER_BUSY, (500, "InternalError")),
        (Fault.AUTH, (403, "AccessDenied")),
        (Fault.ARREARS, (403, "UserDisable")),
    ],
)
def test_scripted_faults_are_said_as_oss_does(
    emulator: OssEmulator, client: oss2.Bucket, fault: Fault, told: tuple[int, str]
) -> None:
    for place, use in (
        ("put", lambda: client.put_object("a", b"x")),
        ("head", lambda: client.get_object_meta("a")),
        ("list", lambda: client.list_objects_v2()),
    ):
        emulator.faults.add(fault, place)
        assert refused(use) == told


def test_what_is_forbidden_is_refused(client: oss2.Bucket, emulator: OssEmulator) -> None:
    emulator.forbidden.add("DeleteObject")
    client.put_object("a", b"x")
    assert refused(lambda: client.delete_object("a")) == (403, "AccessDenied")
    assert client.get_object("a").read() == b"x"


# --- events ---


class _Hook:
    """A receiver of events; refuses the first ``refusals`` of them."""

    def __init__(self, refusals: int = 0) -> None:
        self.heard: list[tuple[Mapping[str, str], bytes]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.heard.append((dict(self.headers), body))
                self.send_response(503 if len(hook.heard) <= refusals else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait(self, count: int) -> None:
        until = time.monotonic() + 10
        while len(self.heard) < count and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.heard) == count

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hook() -> Iterator[_Hook]:
    one = _Hook()
    yield one
    one.close()


def record_in(body: bytes, shape: Shape) -> dict[str, Any]:
    """The record of the one event, whatever it is wrapped in."""
    match shape:
        case Shape.FUNCTION:
            found: dict[str, Any] = json.loads(body)["events"][0]
        case Shape.MNS_SIMPLIFIED:
            found = json.loads(base64.b64decode(body, validate=True))["events"][0]
        case Shape.MNS_JSON:
            found = json.loads(base64.b64decode(json.loads(body)["Message"]))["events"][0]
        case Shape.EVENTBRIDGE:
            told = json.loads(body)
            assert (told["specversion"], told["source"]) == ("1.0", "acs.oss")
            assert told["type"] == f"oss:{told['data']['eventName']}"
            found = told["data"]
    return found


@pytest.mark.parametrize("shape", list(Shape))
def test_a_new_object_is_told_in_every_shape(hook: _Hook, shape: Shape) -> None:
    receiver = Receiver(hook.url, shape, headers={"x-eventbridge-signature-token": "t"})
    one = OssEmulator(receiver=receiver, timing=Timing(speed=1000))
    with running(one) as url:
        client = bucket(url)
        client.put_object("kits/a.jpg", b"not told")
        done = client.put_object("incoming/马克杯/product.json", b"{}")
        hook.wait(1)
    headers, body = hook.heard[0]
    assert {name.lower(): value for name, value in headers.items()}["x-eventbridge-signature-token"] == "t"
    record = record_in(body, shape)
    assert record["eventName"] == "ObjectCreated:PutObject"
    assert record["oss"]["bucket"]["name"] == NAME
    told = record["oss"]["object"]
    assert (told["key"], told["eTag"], told["size"]) == ("incoming/马克杯/product.json", done.etag, 2)


def test_parts_are_told_when_they_are_complete(hook: _Hook) -> None:
    one = OssEmulator(receiver=Receiver(hook.url), timing=Timing(speed=1000))
    with running(one) as url:
        client = bucket(url)
        upload_id = client.init_multipart_upload("incoming/a").upload_id
        part = client.upload_part("incoming/a", upload_id, 1, b"x")
        client.complete_multipart_upload("incoming/a", upload_id, [oss2.models.PartInfo(1, part.etag)])
        hook.wait(1)
    assert record_in(hook.heard[0][1], Shape.FUNCTION)["eventName"] == "ObjectCreated:CompleteMultipartUpload"


def test_a_receiver_that_fails_is_asked_again_and_events_may_come_twice() -> None:
    hook = _Hook(refusals=2)
    one = OssEmulator(receiver=Receiver(hook.url), timing=Timing(speed=1000))
    try:
        with running(one) as url:
            bucket(url).put_object("incoming/a", b"x")
            hook.wait(3)
            one.faults.add(Fault.DUPLICATE_CALLBACK, "event")
            bucket(url).put_object("incoming/b", b"x")
            hook.wait(5)
    finally:
        hook.close()
    assert [record_in(body, Shape.FUNCTION)["oss"]["object"]["key"] for _, body in hook.heard] == [
        *["incoming/a"] * 3,
        *["incoming/b"] * 2,
    ]


def test_a_key_may_come_percent_encoded() -> None:
    event = ObjectEvent(
        "ObjectCreated:PutObject", NAME, "incoming/a b/ü", "E", 1, REGION, "R", 0.0, coded_key=True
    )
    record = record_in(message_of(event, Shape.FUNCTION).body, Shape.FUNCTION)
    assert record["oss"]["object"]["key"] == "incoming/a%20b/%C3%BC"
    assert record["eventTime"] == "1970-01-01T00:00:00.000Z"


def test_objects_stay_in_a_folder_that_is_named(tmp_path: Path) -> None:
    first = OssEmulator(folder=tmp_path)
    with running(first) as url:
        bucket(url).put_object("a/ü", b"x", headers={"x-oss-meta-note": "v"})
        bucket(url).put_object("b", b"gone")
        bucket(url).delete_object("b")
    second = OssEmulator(folder=tmp_path)
    with running(second) as url:
        assert second.bucket.keys == ("a/ü",)
        reply = bucket(url).get_object("a/ü")
        assert (reply.read(), reply.headers["x-oss-meta-note"]) == (b"x", "v")
