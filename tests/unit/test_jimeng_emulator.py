"""The emulator of Jimeng on Volcengine Visual: V4 signatures, `code` before `data`, what is billed."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from PIL import Image

from providers.emulators.core.faults import Fault
from providers.emulators.core.http import running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.emulators.jimeng import make
from providers.emulators.jimeng.codes import ENDINGS, REFUSALS, TABLE
from providers.emulators.jimeng.emulator import QUERY, SUBMIT, VERSION, JimengEmulator
from providers.emulators.jimeng.signature import GatewayError, canonical_query, verify
from tests.unit.emulated_vendor import ODD_VALUES, Clock, base64_of, data_uri, picture

AK, SK = "AKJIMENGEMULATOR", "jimeng-emulator-secret"
RAW = base64_of(picture())
ALL = ("content-type", "host", "x-content-sha256", "x-date")
HOUR_S = 3600.0


def sign(
    *,
    access_key: str,
    secret_key: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    signed: tuple[str, ...],
    scope: str = "cn-north-1/cv/request",
) -> str:
    """An Authorization header, written from the vendor's description and not from the emulator."""
    x_date = headers["x-date"]
    pairs = "&".join(f"{quote(name)}={quote(query[name], safe='')}" for name in sorted(query))
    lines = "".join(f"{name}:{headers[name]}\n" for name in signed)
    request = f"POST\n/\n{pairs}\n{lines}\n{';'.join(signed)}\n{hashlib.sha256(body).hexdigest()}"
    full_scope = f"{x_date[:8]}/{scope}"
    text = f"HMAC-SHA256\n{x_date}\n{full_scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = secret_key.encode()
    for part in full_scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    names = ";".join(signed)
    return f"HMAC-SHA256 Credential={access_key}/{full_scope}, SignedHeaders={names}, Signature={signature}"


@dataclass
class Caller:
    """A client that signs; ``at_s`` is its clock."""

    emulator: JimengEmulator
    http: httpx.Client
    clock: Clock
    access_key: str = AK
    secret_key: str = SK
    signed: tuple[str, ...] = ALL
    scope: str = "cn-north-1/cv/request"
    skew_s: float = 0.0
    version: str = VERSION
    sent_body: bytes | None = None
    claimed: str = ""
    dropped: tuple[str, ...] = field(default=())

    def call(self, action: str, body: Any) -> httpx.Response:
        content = json.dumps(body).encode()
        query = {"Action": action, "Version": self.version}
        stamp = datetime.fromtimestamp(self.clock.at_s + self.skew_s, UTC).strftime("%Y%m%dT%H%M%SZ")
        headers = {
            "content-type": "application/json",
            "host": urlsplit(self.emulator.base_url).netloc,
            "x-content-sha256": self.claimed or hashlib.sha256(content).hexdigest(),
            "x-date": stamp,
        }
        authorization = sign(
            access_key=self.access_key,
            secret_key=self.secret_key,
            query=query,
            headers=headers,
            body=content,
            signed=self.signed,
            scope=self.scope,
        )
        sent = {name: value for name, value in headers.items() if name not in self.dropped}
        return self.http.post(
            "/",
            params=query,
            content=content if self.sent_body is None else self.sent_body,
            headers={**sent, "authorization": authorization},
        )

    def submit(self, **body: Any) -> str:
        reply = self.call(SUBMIT, body)
        assert reply.status_code == 200, reply.text
        assert (reply.json()["code"], reply.json()["status"]) == (10000, 10000)
        return str(reply.json()["data"]["task_id"])

    def refused(self, **body: Any) -> tuple[int, int]:
        reply = self.call(SUBMIT, body)
        assert reply.json()["data"] is None
        return reply.status_code, reply.json()["code"]

    def query(self, req_key: str, task_id: str, **options: Any) -> httpx.Response:
        body: dict[str, Any] = {"req_key": req_key, "task_id": task_id}
        if options:
            body["req_json"] = json.dumps(options)
        return self.call(QUERY, body)

    def data(self, req_key: str, task_id: str, **options: Any) -> dict[str, Any]:
        reply = self.query(req_key, task_id, **options)
        assert (reply.status_code, reply.json()["code"]) == (200, 10000), reply.text
        data: dict[str, Any] = reply.json()["data"]
        return data


@contextmanager
def vendor(**options: Any) -> Iterator[Caller]:
    clock = Clock()
    emulator = make(
        Timing(now=clock), **{"media": Media(tiny=True), "concurrency": 100, "qps": 100, **options}
    )
    with running(emulator) as url, httpx.Client(base_url=url, verify=False) as client:
        yield Caller(emulator, client, clock)


def picture_body(**changes: Any) -> dict[str, Any]:
    return {"req_key": "jimeng_t2i_v40", "prompt": "a mug", "force_single": True, **changes}


def clip_body(**changes: Any) -> dict[str, Any]:
    return {
        "req_key": "jimeng_i2v_first_v30",
        "prompt": "a mug",
        "binary_data_base64": [RAW],
        "frames": 121,
        **changes,
    }


VECTOR_BODY = b'{"req_key":"jimeng_t2i_v40","prompt":"test"}'
VECTOR = {
    "content-type": "application/json",
    "host": "visual.volcengineapi.com",
    "x-date": "20261120T120000Z",
    "x-content-sha256": "63e02c401caf6dacdcf3a0bc4df67c1b05831718b669435102804905b6d9848a",
    "authorization": "HMAC-SHA256 Credential=AKTEST/20261120/cn-north-1/cv/request, "
    "SignedHeaders=content-type;host;x-content-sha256;x-date, "
    "Signature=2e388c176b076848ae1dda3bb5b41e0cc2df96224539b79dcfe4e2f3b154ee71",
}


def check_vector(**changes: Any) -> str:
    given: dict[str, Any] = {
        "method": "POST",
        "path": "/",
        "query": {"Action": [SUBMIT], "Version": [VERSION]},
        "headers": VECTOR,
        "body": VECTOR_BODY,
        "secrets": {"AKTEST": "SKTEST"},
        "now_s": datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp(),
        "tolerance_s": 900.0,
        **changes,
    }
    return verify(**given)


def test_the_vendors_own_signature_passes() -> None:
    assert check_vector() == "AKTEST"
    assert check_vector(headers={**VECTOR, "host": "visual.volcengineapi.com:443"}) == "AKTEST"


@pytest.mark.parametrize(
    "changes",
    [
        {"body": VECTOR_BODY + b" "},
        {"query": {"Action": [QUERY], "Version": [VERSION]}},
        {"method": "GET"},
        {"path": "/x"},
        {"secrets": {"AKTEST": "other"}},
        {"headers": {**VECTOR, "host": "visual.volcengineapi.com:8080"}},
        {"headers": {**VECTOR, "content-type": "application/json; charset=utf-8"}},
    ],
    ids=str,
)
def test_whatever_is_signed_cannot_be_changed(changes: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as caught:
        check_vector(**changes)
    assert (caught.value.status, caught.value.code) == (401, "SignatureDoesNotMatch")


def test_a_query_is_signed_with_rfc_3986_escapes() -> None:
    assert canonical_query({"b": ["2 3~"], "a": ["x/y", "&"]}) == "a=%26&a=x%2Fy&b=2%203~"


@pytest.mark.parametrize(
    "changes,status,code",
    [
        ({"access_key": "AKOTHER"}, 401, "InvalidAccessKey"),
        ({"secret_key": "other"}, 401, "SignatureDoesNotMatch"),
        ({"sent_body": b"{}"}, 401, "SignatureDoesNotMatch"),
        ({"claimed": "0" * 64}, 401, "SignatureDoesNotMatch"),
        ({"skew_s": 901}, 400, "InvalidTimestamp"),
        ({"skew_s": -901}, 400, "InvalidTimestamp"),
        ({"scope": "cn-beijing/cv/request"}, 400, "InvalidCredential"),
        ({"scope": "cn-north-1/iam/request"}, 400, "InvalidCredential"),
        ({"scope": "cn-north-1/cv/aws4_request"}, 400, "InvalidCredential"),
        ({"signed": ("content-type", "x-date")}, 401, "SignatureDoesNotMatch"),
        ({"signed": ("x-date", "host")}, 401, "SignatureDoesNotMatch"),
        ({"dropped": ("x-content-sha256",)}, 401, "SignatureDoesNotMatch"),
        ({"version": "2020-08-26"}, 404, "InvalidActionOrVersion"),
    ],
    ids=str,
)
def test_the_gateway_refuses_in_its_own_shape(changes: dict[str, Any], status: int, code: str) -> None:
    with vendor() as caller:
        for name, value in changes.items():
            setattr(caller, name, value)
        reply = caller.call(SUBMIT, picture_body())
        metadata = reply.json()["ResponseMetadata"]
        assert (reply.status_code, metadata["Error"]["Code"]) == (status, code)
        assert (metadata["Action"], metadata["Service"], metadata["Region"]) == (SUBMIT, "cv", "cn-north-1")
        assert "code" not in reply.json()
        assert caller.emulator.bill.entries == ()


def test_a_request_without_a_signature_or_of_another_action_is_the_gateways_to_refuse() -> None:
    with vendor() as caller:
        unsigned = caller.http.post("/", params={"Action": SUBMIT, "Version": VERSION}, json=picture_body())
        assert unsigned.json()["ResponseMetadata"]["Error"]["Code"] == "MissingAuthenticationToken"
        odd = caller.http.post("/", headers={"authorization": "Bearer x"})
        assert odd.json()["ResponseMetadata"]["Error"]["Code"] == "InvalidAuthorization"
        unknown = caller.call("CVProcess", picture_body())
        assert unknown.json()["ResponseMetadata"]["Error"]["Code"] == "InvalidActionOrVersion"
        assert caller.http.get("/").status_code == 404


@pytest.mark.parametrize("signed", [ALL, ("host", "x-date"), ("content-type", "host", "x-date")])
@pytest.mark.parametrize("skew_s", [-899, 0, 899])
def test_the_declared_headers_are_the_ones_checked(signed: tuple[str, ...], skew_s: float) -> None:
    with vendor() as caller:
        caller.signed, caller.skew_s = signed, skew_s
        assert caller.submit(**picture_body())


def test_a_picture_comes_as_base64_unless_the_query_asks_for_links() -> None:
    with vendor() as caller:
        task_id = caller.submit(**picture_body())
        statuses = []
        for seconds in (0.5, 0.5, 15):
            statuses.append(caller.data("jimeng_t2i_v40", task_id)["status"])
            caller.clock.advance(seconds)
        assert statuses == ["in_queue", "in_queue", "generating"]
        plain = caller.data("jimeng_t2i_v40", task_id)
        assert (plain["status"], plain["image_urls"]) == ("done", None)
        linked = caller.data("jimeng_t2i_v40", task_id, return_url=True, logo_info={"add_logo": False})
        assert linked["binary_data_base64"] == []
        data = caller.http.get(linked["image_urls"][0]).content
        assert base64_of(data) == plain["binary_data_base64"][0]
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "PNG"
        assert caller.emulator.bill.total_micro() == 200_000
        # The body of a query, not a JSON object inside it.
        reply = caller.call(
            QUERY, {"req_key": "jimeng_t2i_v40", "task_id": task_id, "req_json": {"return_url": True}}
        )
        assert (reply.status_code, reply.json()["code"]) == (400, 50215)


def test_without_force_single_several_pictures_come_and_are_billed() -> None:
    with vendor(pictures_unless_single=4) as caller:
        body = picture_body()
        del body["force_single"]
        several = caller.submit(**body)
        caller.emulator.faults.add(Fault.PARTIAL, "submit")
        fewer = caller.submit(**body)
        caller.clock.advance(60)
        assert len(caller.data("jimeng_t2i_v40", several, return_url=True)["image_urls"]) == 4
        assert len(caller.data("jimeng_t2i_v40", fewer)["binary_data_base64"]) == 3
        assert caller.emulator.bill.by_job() == {several: Decimal("0.80"), fewer: Decimal("0.60")}


def test_the_pictures_have_the_size_asked_for() -> None:
    sizes: list[tuple[tuple[int, int], str]] = []

    class Studio(Media):
        def picture(
            self,
            size_px: tuple[int, int],
            base: bytes | None = None,
            seed: int | str = 0,
            *,
            media_type: str = "image/jpeg",
        ) -> bytes:
            sizes.append((size_px, media_type))
            return super().picture(size_px, base, seed, media_type=media_type)

    with vendor(media=Studio(tiny=True)) as caller:
        for size in ({}, {"size": 1_048_576}, {"width": 2304, "height": 1728}):
            task_id = caller.submit(**picture_body(**size))
            caller.clock.advance(60)
            caller.data("jimeng_t2i_v40", task_id)
    assert sizes == [((2048, 2048), "image/png"), ((1024, 1024), "image/png"), ((2304, 1728), "image/png")]


@pytest.mark.parametrize(
    "req_key,changes,price",
    [
        ("jimeng_i2v_first_v30", {}, "1.40"),
        ("jimeng_i2v_first_v30", {"frames": 241}, "2.80"),
        ("jimeng_i2v_first_tail_v30", {"binary_data_base64": [RAW, RAW]}, "1.40"),
        ("jimeng_t2v_v30", {"binary_data_base64": [], "aspect_ratio": "9:16"}, "1.40"),
        ("jimeng_ti2v_v30_pro", {}, "5.00"),
        ("jimeng_ti2v_v30_pro", {"binary_data_base64": [], "aspect_ratio": "1:1"}, "5.00"),
    ],
    ids=str,
)
def test_clips_are_billed_by_the_second(req_key: str, changes: dict[str, Any], price: str) -> None:
    with vendor() as caller:
        task_id = caller.submit(**clip_body(req_key=req_key, **changes))
        assert caller.emulator.bill.by_job() == {task_id: Decimal(price)}


def test_the_links_of_a_clip_live_an_hour_those_of_a_picture_a_day_and_tasks_half_a_day() -> None:
    with vendor() as caller:
        clip, image = caller.submit(**clip_body()), caller.submit(**picture_body())
        caller.clock.advance(60)
        clip_url = caller.data("jimeng_i2v_first_v30", clip)["video_url"]
        image_url = caller.data("jimeng_t2i_v40", image, return_url=True)["image_urls"][0]
        caller.clock.advance(HOUR_S - 60)
        assert caller.http.get(clip_url).status_code == 200
        caller.clock.advance(60)
        assert caller.http.get(clip_url).status_code == 403
        assert caller.data("jimeng_i2v_first_v30", clip)["video_url"] == clip_url
        caller.clock.advance(11 * HOUR_S)
        assert caller.data("jimeng_i2v_first_v30", clip)["status"] == "not_found"
        assert caller.http.get(image_url).status_code == 200
        caller.clock.advance(12 * HOUR_S)
        assert caller.http.get(image_url).status_code == 403


def test_a_task_is_found_only_under_its_own_key() -> None:
    with vendor() as caller:
        task_id = caller.submit(**clip_body())
        assert caller.data("jimeng_t2v_v30", task_id)["status"] == "not_found"
        assert caller.data("jimeng_i2v_first_v30", "1")["status"] == "not_found"


@pytest.mark.parametrize("code", sorted(code for code in TABLE if code != 10000))
def test_every_row_of_the_table_is_said_with_its_http_status_and_without_data(code: int) -> None:
    with vendor(codes_of={Fault.SERVER_BUSY: code}, ending_codes={Fault.REJECT_END: code}) as caller:
        caller.emulator.faults.add(Fault.SERVER_BUSY, "submit")
        assert caller.refused(**picture_body()) == (TABLE[code][0], code)
        caller.emulator.faults.add(Fault.REJECT_END, "submit")
        task_id = caller.submit(**picture_body())
        caller.clock.advance(60)
        reply = caller.query("jimeng_t2i_v40", task_id)
        assert reply.status_code == TABLE[code][0]
        assert (reply.json()["code"], reply.json()["status"], reply.json()["data"]) == (code, code, None)
        assert caller.emulator.bill.total_micro() == 0


@pytest.mark.parametrize("fault,code", REFUSALS.items())
def test_each_scripted_refusal_has_its_usual_code(fault: Fault, code: int) -> None:
    with vendor() as caller:
        caller.emulator.faults.add(fault, "submit")
        assert caller.refused(**picture_body())[1] == code
        caller.emulator.faults.add(fault, "poll")
        assert caller.query("jimeng_t2i_v40", "1").json()["code"] == code


def test_the_gateway_throttles_and_refuses_keys_too() -> None:
    with vendor() as caller:
        caller.emulator.faults.add(Fault.THROTTLE_BURST, "submit")
        caller.emulator.faults.add(Fault.AUTH, "submit")
        replies = [caller.call(SUBMIT, picture_body()) for _ in range(2)]
        assert [
            (reply.status_code, reply.json()["ResponseMetadata"]["Error"]["Code"]) for reply in replies
        ] == [
            (429, "FlowLimitExceeded"),
            (401, "SignatureDoesNotMatch"),
        ]


@pytest.mark.parametrize("kind,fault", [key for key in ENDINGS if key[1] is not Fault.FAIL_AS_SUCCESS])
def test_a_task_that_ends_badly_is_free_and_has_no_data(kind: str, fault: Fault) -> None:
    with vendor() as caller:
        caller.emulator.faults.add(fault, "submit")
        body = picture_body() if kind == "image" else clip_body()
        task_id = caller.submit(**body)
        caller.clock.advance(60)
        reply = caller.query(body["req_key"], task_id).json()
        assert (reply["code"], reply["data"]) == (ENDINGS[(kind, fault)], None)
        assert caller.emulator.bill.total_micro() == 0


def test_done_may_stand_under_a_bad_code_or_over_nothing() -> None:
    for options, code in (({}, 50520), ({"done_without_result": True}, 10000)):
        with vendor(**options) as caller:
            caller.emulator.faults.add(Fault.FAIL_AS_SUCCESS, "submit")
            task_id = caller.submit(**clip_body())
            caller.clock.advance(60)
            reply = caller.query("jimeng_i2v_first_v30", task_id)
            assert (reply.status_code, reply.json()["code"]) == (200, code)
            assert (reply.json()["data"]["status"], reply.json()["data"]["video_url"]) == ("done", "")
            assert caller.emulator.bill.total_micro() == 0


def test_odd_words_lost_tasks_and_pictures_that_come_as_base64_all_the_same() -> None:
    with vendor(base64_always=True) as caller:
        caller.emulator.faults.add(Fault.STUCK, "submit")
        caller.emulator.faults.add(Fault.EXPIRED_JOB, "submit")
        stuck, expired, good = (caller.submit(**picture_body()) for _ in range(3))
        caller.clock.advance(HOUR_S)
        assert caller.data("jimeng_t2i_v40", stuck)["status"] == "generating"
        assert caller.data("jimeng_t2i_v40", expired)["status"] == "expired"
        caller.emulator.faults.add(Fault.UNKNOWN_STATUS, "poll")
        assert caller.data("jimeng_t2i_v40", good)["status"] == "reviewing"
        assert caller.data("jimeng_t2i_v40", good, return_url=True)["binary_data_base64"]
        caller.emulator.faults.add(Fault.EXPIRED_JOB, "poll")
        assert [caller.data("jimeng_t2i_v40", good)["status"] for _ in range(2)] == ["not_found"] * 2
        assert caller.emulator.bill.by_job() == {
            stuck: Decimal(0),
            expired: Decimal(0),
            good: Decimal("0.20"),
        }


def test_tasks_of_a_key_are_limited_in_number_and_submits_in_rate() -> None:
    with vendor(concurrency=2, qps=3) as caller:
        caller.submit(**picture_body())
        caller.submit(**picture_body())
        assert caller.refused(**picture_body()) == (429, 50430)
        assert caller.refused(**clip_body()) == (429, 50429)
        caller.clock.advance(1)
        caller.submit(**clip_body())
        caller.clock.advance(60)
        caller.submit(**picture_body())


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": ""},
        {"prompt": "x" * 801},
        {"width": 2048},
        {"width": 512, "height": 512},
        {"width": 5000, "height": 4000},
        {"width": 2048.0, "height": 2048},
        {"size": 100},
        {"scale": 50},
        {"scale": "0.5"},
        {"force_single": "true"},
        {"image_urls": "http://127.0.0.1/a.jpg"},
        {"image_urls": ["http://example.com/a.jpg"]},
        {"image_urls": ["http://127.0.0.1/a.jpg"] * 11},
        {"binary_data_base64": [RAW], "image_urls": ["http://127.0.0.1/a.jpg"]},
        {"binary_data_base64": [base64_of(picture((100, 301)))]},
        {"min_ratio": 2, "max_ratio": 1},
        {"return_url": True},
        {"req_key": "jimeng_seedream46_cvtob", "scale": 0.5},
    ],
    ids=lambda changes: str(changes)[:50],
)
def test_a_picture_request_that_does_not_fit_is_50215(changes: dict[str, Any]) -> None:
    with vendor() as caller:
        assert caller.refused(**picture_body(**changes)) == (400, 50215)
        assert caller.emulator.bill.entries == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": None},
        {"frames": 120},
        {"frames": "121"},
        {"seed": "1"},
        {"binary_data_base64": []},
        {"binary_data_base64": [RAW, RAW]},
        {"binary_data_base64": [data_uri(picture())]},
        {"binary_data_base64": [base64_of(picture((319, 400)))]},
        {"binary_data_base64": [base64_of(picture((320, 961)))]},
        {"binary_data_base64": [base64_of(picture((4097, 2000)))]},
        {"binary_data_base64": [base64_of(picture(form="WEBP"))]},
        {"binary_data_base64": [base64_of(picture() + bytes(5_000_000))]},
        {"aspect_ratio": "16:9"},
        {"req_key": "jimeng_ti2v_v30_pro", "aspect_ratio": "16:9"},
        {"req_key": "jimeng_i2v_first_tail_v30"},
        {"req_key": "jimeng_t2v_v30"},
        {"resolution": "720p"},
    ],
    ids=lambda changes: str(changes)[:50],
)
def test_a_clip_request_that_does_not_fit_is_50215(changes: dict[str, Any]) -> None:
    with vendor() as caller:
        assert caller.refused(**clip_body(**changes)) == (400, 50215)
        assert caller.emulator.bill.entries == ()


def test_what_is_accepted_at_the_edges() -> None:
    with vendor() as caller:
        caller.submit(**clip_body(binary_data_base64=[base64_of(picture((320, 960)))]))
        caller.submit(
            **clip_body(binary_data_base64=[base64_of(picture((320, 320), form="PNG", mode="RGBA"))])
        )
        caller.submit(**picture_body(binary_data_base64=[RAW]))
        caller.submit(**picture_body(req_key="jimeng_seedream46_cvtob", scale=50))
        link = caller.emulator.shelf.put(picture(), "image/jpeg", 60.0)
        caller.submit(**picture_body(image_urls=[link]))
    with vendor(pictures_as_base64=False) as caller:
        assert caller.refused(**picture_body(binary_data_base64=[RAW])) == (400, 50215)


def test_a_key_that_is_not_sold_or_not_opened_is_50400() -> None:
    with vendor(opened=["jimeng_t2i_v40"]) as caller:
        assert caller.refused(**picture_body(req_key="jimeng_t2i_v99")) == (400, 50400)
        assert caller.refused(**clip_body()) == (400, 50400)
        assert caller.submit(**picture_body())


def test_a_submit_whose_reply_is_lost_is_billed_and_a_second_one_is_a_double() -> None:
    with vendor() as caller:
        caller.emulator.faults.add(Fault.LOST_REPLY, "submit")
        with pytest.raises(httpx.TransportError):
            caller.call(SUBMIT, picture_body())
        assert caller.emulator.bill.total_micro() == 200_000
        caller.submit(**picture_body())
        assert len(caller.emulator.bill.doubles()) == 1


def test_no_odd_value_is_more_than_a_refusal() -> None:
    with vendor(concurrency=10_000, qps=10_000) as caller:
        for action, body in (
            (SUBMIT, picture_body(image_urls=[], width=1, size=1, scale=1, min_ratio=1)),
            (SUBMIT, clip_body(seed=1, aspect_ratio="1:1")),
            (QUERY, {"req_key": "jimeng_t2i_v40", "task_id": "1", "req_json": "{}"}),
        ):
            replies = [caller.call(action, {**body, name: value}) for name in body for value in ODD_VALUES]
            replies += [caller.call(action, value) for value in ODD_VALUES]
            assert {reply.status_code for reply in replies} <= {200, 400}


def test_the_vendors_own_sdk_signs_what_the_emulator_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    """``volcengine`` is for tests only: pip install volcengine==1.0.229."""
    sdk = pytest.importorskip("volcengine.visual.VisualService", reason="the vendor's SDK is not installed")
    monkeypatch.setenv("HOME", "")
    emulator = make(Timing(speed=1000), media=Media(tiny=True))
    with running(emulator) as url:
        service = sdk.VisualService()
        service.set_scheme("http")
        service.set_host(urlsplit(url).netloc)
        service.set_ak(AK)
        service.set_sk(SK)
        task_id = service.cv_sync2async_submit_task(picture_body(prompt="马克杯"))["data"]["task_id"]
        query = {"req_key": "jimeng_t2i_v40", "task_id": task_id, "req_json": '{"return_url":true}'}
        while (reply := service.cv_sync2async_get_result(query))["data"]["status"] != "done":
            assert reply["code"] == 10000
        assert httpx.get(reply["data"]["image_urls"][0], verify=False).status_code == 200
        service.set_sk("other")
        with pytest.raises(Exception, match="SignatureDoesNotMatch"):
            service.cv_sync2async_submit_task(picture_body())
    assert emulator.bill.total_micro() == 200_000
