"""The Kling emulator, asked with plain HTTP as any client would."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from providers.emulators.core.emulator import Emulator
from providers.emulators.core.faults import Fault, FaultScript
from providers.emulators.core.http import Answer, Incoming, running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.emulators.kling import KlingEmulator, make
from providers.emulators.kling.webhooks import signed_headers

LEGACY = "/v1/videos/image2video"
NEW = "/image-to-video/kling-3.0"


class Clock:
    """A wall clock that is moved by hand."""

    def __init__(self) -> None:
        self.at_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at_s


class Eighth(Media):
    """Media with an eighth of the sides, for tests that look into a clip."""

    def clip(self, size_px: tuple[int, int], *args: Any, **options: Any) -> bytes:
        return super().clip((size_px[0] // 8, size_px[1] // 8), *args, **options)


@contextmanager
def kling(**options: Any) -> Iterator[tuple[KlingEmulator, httpx.Client, Clock]]:
    """An emulator with tiny media and a clock that stands still, and a client with its key."""
    clock = Clock()
    options = {"timing": Timing(now=clock), "media": Media(tiny=True), **options}
    emulator = KlingEmulator(**options)
    keys = {"Authorization": f"Bearer {emulator.api_key}"}
    with (
        running(emulator) as url,
        httpx.Client(base_url=url, headers=keys, timeout=10, trust_env=False) as client,
    ):
        yield emulator, client, clock


def photo(size_px: tuple[int, int] = (360, 640), form: str = "JPEG") -> str:
    out = io.BytesIO()
    Image.new("RGB", size_px, "teal").save(out, form)
    return base64.b64encode(out.getvalue()).decode()


PHOTO = photo()


def legacy(**changes: Any) -> dict[str, Any]:
    body = {
        "model_name": "kling-v2-6",
        "image": PHOTO,
        "prompt": "turn slowly",
        "mode": "std",
        "duration": "5",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def new(settings: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    contents = [{"type": "prompt", "text": "turn slowly"}, {"type": "first_frame", "url": PHOTO}]
    return {"contents": contents, "settings": {"multi_shot": False, **(settings or {})}, "options": options}


def refused(reply: httpx.Response, status: int, code: int) -> bool:
    body = reply.json()
    assert set(body) == {"code", "message", "request_id"}
    assert (reply.status_code, body["code"]) == (status, code), body
    return True


def token(secret: str = "", **changes: Any) -> str:
    """A token as the vendor's page describes, with the emulator's default keys."""
    claims = {"iss": "emulated-kling-access-key", "exp": 1_800_001_800, "nbf": 1_799_999_995, **changes}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "typ": "JWT"}, {k: v for k, v in claims.items() if v is not None})
    ]
    key = (secret or "emulated-kling-secret-key-of-32-bytes").encode()
    mark = hmac.new(key, ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, base64.urlsafe_b64encode(mark).rstrip(b"=").decode()])


# Who may ask


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", 1001),
        ("Bearer", 1002),
        ("Basic emulated-kling-api-key", 1002),
        ("Bearer another-key", 1002),
        ("Bearer a.b.c", 1002),
        (f"Bearer {token(iss='somebody')}", 1002),
        (f"Bearer {token(exp='soon')}", 1002),
        (f"Bearer {token(exp=None)}", 1002),
        (f"Bearer {token('another-secret')}", 1000),
        (f"Bearer {token(nbf=1_800_000_001)}", 1003),
        (f"Bearer {token(exp=1_800_000_000)}", 1004),
    ],
)
def test_a_wrong_key_or_token_gets_its_own_code(header: str, code: int) -> None:
    with kling() as (_, client, _):
        assert refused(client.get(LEGACY, headers={"Authorization": header}), 401, code)


def test_a_token_opens_the_legacy_endpoints_and_is_checked_by_the_wall_clock() -> None:
    with kling(timing=Timing(speed=1000.0, now=(clock := Clock()))) as (_, client, _):
        headers = {"Authorization": f"Bearer {token()}"}
        clock.at_s += 1000
        assert client.get(LEGACY, headers=headers).json()["code"] == 0
        assert refused(client.get("/tasks?task_ids=1", headers=headers), 401, 1002)
        clock.at_s += 801
        assert refused(client.get(LEGACY, headers=headers), 401, 1004)


def test_tokens_may_be_allowed_on_the_newer_endpoints() -> None:
    with kling(token_on_new=True) as (_, client, _):
        reply = client.get("/tasks?task_ids=1", headers={"Authorization": f"Bearer {token()}"})
        assert reply.json()["data"] == []


def test_the_pages_own_token_example_is_accepted() -> None:
    example = (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
        ".eyJpc3MiOiJBS1RFU1QiLCJleHAiOjE4MDAwMDE4MDAsIm5iZiI6MTc5OTk5OTk5NX0"
        ".skU6F0Cb6aUFh5KXa7uZmvYjynNYMK9UC_Eat-p40LI"
    )
    with kling(access_key="AKTEST", secret_key="SKTEST") as (_, client, _):
        assert client.get(LEGACY, headers={"Authorization": f"Bearer {example}"}).json()["code"] == 0


# The legacy generation


def test_a_legacy_job_from_create_to_download() -> None:
    with kling(media=Eighth()) as (emulator, client, clock):
        reply = client.post(
            LEGACY, json=legacy(image=photo((300, 450)), external_task_id="sku1-shot2")
        ).json()
        assert (reply["code"], reply["message"]) == (0, "SUCCEED")
        data = reply["data"]
        assert data == {
            "task_id": data["task_id"],
            "task_status": "submitted",
            "task_info": {"external_task_id": "sku1-shot2"},
            "created_at": 1_800_000_000_000,
            "updated_at": 1_800_000_000_000,
        }
        assert data["task_id"].isdigit()
        shown = [client.get(f"{LEGACY}/{data['task_id']}").json()["data"]]
        for step_s in (4.0, 36.0):
            clock.at_s += step_s
            shown.append(client.get(f"{LEGACY}/{data['task_id']}").json()["data"])
        assert [entry["task_status"] for entry in shown] == ["submitted", "processing", "succeed"]
        assert "task_result" not in shown[1]
        assert shown[2]["updated_at"] == 1_800_000_040_000
        assert shown[2]["final_unit_deduction"] == "1.5"
        assert shown[2]["final_balance_deduction"] == {"quota": "", "list_price": ""}
        (video,) = shown[2]["task_result"]["videos"]
        assert (video["duration"], video["watermark_url"]) == ("5.04", "")
        clip = client.get(video["url"], headers={"Authorization": ""})
        with av.open(io.BytesIO(clip.content), "r") as film:
            stream = film.streams.video[0]
            # The picture's own shape, with the area of 720p.
            assert (stream.width, stream.height, stream.frames) == (784 // 8, 1176 // 8 - 1, 121)
        assert emulator.bill.total_micro() == 1_500_000
        clock.at_s += 30 * 86_400
        assert client.get(video["url"]).status_code == 403


def test_an_external_id_finds_the_job_in_the_paths_position() -> None:
    with kling() as (emulator, client, _):
        name = "sku/1 ü"
        made = client.post(LEGACY, json=legacy(external_task_id=name)).json()["data"]
        found = client.get(f"{LEGACY}/sku%2F1%20%C3%BC").json()["data"]
        assert found["task_id"] == made["task_id"]
        assert emulator.seen[-1].place == "find"
        assert refused(client.get(f"{LEGACY}/nothing"), 404, 1203)
        assert refused(client.get(f"/v1/videos/text2video/{made['task_id']}"), 404, 1203)
        assert client.get(f"/tasks?task_ids={made['task_id']}").json()["data"] == []


def test_the_old_key_model_has_no_effect_and_is_billed_as_v1() -> None:
    with kling() as (emulator, client, _):
        client.post(LEGACY, json=legacy(model_name=None, model="kling-v2-6"))
        assert [(entry.model, entry.amount) for entry in emulator.bill.entries] == [
            ("kling-v1", Decimal("1.0"))
        ]


@pytest.mark.parametrize(
    "changes",
    [
        {"image": None},
        {"image": f"data:image/jpeg;base64,{PHOTO}"},
        {"image": "not base64"},
        {"image": base64.b64encode(b"no picture").decode()},
        {"image": photo((299, 400))},
        {"image": photo((300, 751))},
        {"image": photo((400, 400), "WEBP")},
        {"image": "http://127.0.0.1:1/photo.jpg"},
        {"image": 5},
        {"aspect_ratio": "9:16"},
        {"duration": 5},
        {"duration": "6"},
        {"mode": "4k"},
        {"mode": "fast"},
        {"cfg_scale": 0.5},
        {"model_name": "kling-v1-6", "cfg_scale": 1.5},
        {"sound": "on"},
        {"sound": True, "mode": "pro"},
        {"model_name": "kling-v2-5-turbo", "sound": "off"},
        {"multi_shot": False},
        {"model_name": "kling-v3", "multi_shot": "false"},
        {"prompt": "x" * 2501},
        {"negative_prompt": "x" * 2501},
        {"image_tail": PHOTO, "camera_control": {"type": "down_back"}},
        {"camera_control": {"type": "simple", "config": {"pan": 1, "zoom": 2}}},
        {"camera_control": {"type": "simple", "config": {"pan": 11}}},
        {"dynamic_masks": [{"mask": "m", "trajectories": [{"x": 1, "y": 1}]}]},
        {"watermark_info": True},
        {"surprise": 1},
    ],
)
def test_legacy_requests_are_read_strictly(changes: dict[str, Any]) -> None:
    with kling() as (emulator, client, _):
        assert refused(client.post(LEGACY, json=legacy(**changes)), 400, 1201)
        assert emulator.bill.entries == ()


@pytest.mark.parametrize(
    ("changes", "amount"),
    [
        ({"mode": "pro"}, "2.5"),
        ({"mode": "pro", "sound": "on"}, "5"),
        ({"model_name": "kling-v2-5-turbo", "duration": "10"}, "3"),
        ({"model_name": "kling-v3", "duration": "7", "multi_shot": False}, "4.2"),
        ({"model_name": "kling-v3", "mode": "4k", "multi_shot": False}, "15"),
        ({"model_name": "kling-v1-6", "cfg_scale": 0.5}, "2"),
        (
            {"model_name": "kling-v1", "camera_control": {"type": "simple", "config": {"pan": 3, "zoom": 0}}},
            "1",
        ),
        ({"image_tail": PHOTO}, "1.5"),
    ],
)
def test_what_legacy_models_take_is_billed_by_mode_and_length(changes: dict[str, Any], amount: str) -> None:
    with kling() as (emulator, client, _):
        assert client.post(LEGACY, json=legacy(**changes)).json()["code"] == 0
        assert emulator.bill.total() == Decimal(amount)


def test_text_to_video_takes_a_shape_and_no_picture() -> None:
    with kling() as (emulator, client, _):
        body = {"model_name": "kling-v2-6", "prompt": "a mug", "aspect_ratio": "9:16", "duration": "5"}
        made = client.post("/v1/videos/text2video", json=body).json()["data"]
        job = emulator.jobs.get(made["task_id"])
        assert job is not None
        assert job.payload["size_px"] == (720, 1280)
        assert refused(client.post("/v1/videos/text2video", json={**body, "prompt": " "}), 400, 1201)
        assert refused(client.post("/v1/videos/text2video", json={**body, "image": PHOTO}), 400, 1201)


def test_what_does_not_exist_is_404_and_what_is_no_json_is_400() -> None:
    with kling(forbidden_models=["kling-v3"]) as (_, client, _):
        assert refused(client.post(LEGACY, json=legacy(model_name="kling-v9")), 404, 1203)
        assert refused(client.post("/image-to-video/kling-9", json=new()), 404, 1203)
        assert refused(client.post("/v1/videos/omni", json={}), 404, 1202)
        assert refused(client.put(LEGACY, json={}), 404, 1202)
        assert refused(
            client.post(LEGACY, content=b"{", headers={"Content-Type": "application/json"}), 400, 1200
        )
        assert refused(client.post(LEGACY, content=b"{}"), 400, 1200)
        assert refused(client.post(LEGACY, json=legacy(model_name="kling-v3")), 403, 1103)


def test_a_picture_may_be_an_address_that_the_vendor_fetches() -> None:
    with kling() as (emulator, client, _):
        url = emulator.shelf.put(base64.b64decode(PHOTO), "image/jpeg", 60.0)
        assert client.post(LEGACY, json=legacy(image=url)).json()["code"] == 0
        assert refused(client.post(LEGACY, json=legacy(image=url + "0")), 400, 1201)


def test_pictures_have_a_largest_size_by_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.emulators.kling.images.LEGACY_BYTES", len(base64.b64decode(PHOTO)) - 1)
    with kling() as (_, client, _):
        assert refused(client.post(LEGACY, json=legacy()), 400, 1201)
        assert client.post(NEW, json=new()).json()["code"] == 0


def test_a_clip_that_takes_long_to_make_keeps_its_task_in_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.emulators.kling.emulator._PATIENCE_S", 0.01)
    ready = threading.Event()

    class Slow(Media):
        def clip(self, *args: Any, **options: Any) -> bytes:
            ready.wait(5)
            return super().clip(*args, **options)

    with kling(media=Slow(tiny=True)) as (_, client, clock):
        task_id = client.post(NEW, json=new()).json()["data"]["id"]
        clock.at_s += 40
        path = f"/tasks?task_ids={task_id}"
        (task,) = client.get(path).json()["data"]
        assert (task["status"], task["outputs"], task["billing"]) == ("processing", [], [])
        ready.set()
        wait_for(lambda: client.get(path).json()["data"][0]["status"] == "succeeded")


def test_an_unusable_picture_may_fail_the_task_instead() -> None:
    with kling(image_check="task") as (emulator, client, clock):
        made = client.post(LEGACY, json=legacy(image=photo((299, 400)))).json()["data"]
        clock.at_s += 40
        entry = client.get(f"{LEGACY}/{made['task_id']}").json()["data"]
        assert entry["task_status"] == "failed"
        assert "Image pixel is invalid" in entry["task_status_msg"]
        assert emulator.bill.total_micro() == 0


# The newer generation


def test_a_new_job_from_create_to_download() -> None:
    with kling() as (emulator, client, clock):
        data = client.post(NEW, json=new({"resolution": "1080p"}, external_task_id="a")).json()["data"]
        assert data == {
            "id": data["id"],
            "status": "submitted",
            "create_time": 1_800_000_000_000,
            "update_time": 1_800_000_000_000,
            "external_id": "a",
        }
        clock.at_s += 10
        (running_task,) = client.get("/tasks", params={"task_ids": data["id"]}).json()["data"]
        assert (running_task["status"], running_task["outputs"], running_task["billing"]) == (
            "processing",
            [],
            [],
        )
        clock.at_s += 30
        (task,) = client.get("/tasks", params={"external_task_ids": "a"}).json()["data"]
        assert task["status"] == "succeeded"
        assert task["billing"] == [
            {
                "charge_type": "unit",
                "amount": "4",
                "package_type": "video",
                "cash_type": "",
                "currency": "CNY",
                "list_price": "4",
            }
        ]
        (output,) = task["outputs"]
        assert (output["type"], output["duration"]) == ("video", "5.04")
        with av.open(io.BytesIO(client.get(output["url"]).content), "r") as film:
            assert film.streams.video[0].codec_context.name == "h264"
        assert emulator.bill.by_job() == {data["id"]: Decimal("4.0")}


def test_tasks_are_asked_by_one_kind_of_id_in_batches() -> None:
    with kling() as (emulator, client, _):
        ids = [client.post(NEW, json=new(external_task_id=name)).json()["data"]["id"] for name in "ab"]
        both = client.get("/tasks", params={"task_ids": f"{ids[1]},{ids[0]},77"}).json()["data"]
        assert [task["id"] for task in both] == [ids[1], ids[0]]
        assert [seen.place for seen in emulator.seen] == ["submit", "submit", "poll"]
        named = client.get("/tasks", params={"external_task_ids": "a,c"}).json()["data"]
        assert [task["id"] for task in named] == [ids[0]]
        assert emulator.seen[-1].place == "find"
        for query in ("", "?task_ids=1&external_task_ids=a", "?task_ids=", "?task_ids=1&page=2"):
            assert refused(client.get(f"/tasks{query}"), 400, 1201)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (NEW, {"contents": []}),
        (NEW, {"contents": [{"type": "prompt", "text": "x"}]}),
        (NEW, {"contents": [{"type": "last_frame", "url": PHOTO}]}),
        (NEW, {"contents": [{"type": "first_frame", "url": f"data:image/jpeg;base64,{PHOTO}"}]}),
        (NEW, {"contents": [{"type": "first_frame", "url": PHOTO}] * 2}),
        (NEW, {"contents": [{"type": "first_frame", "url": PHOTO}] + [{"type": "element"}] * 4}),
        (NEW, new({"duration": "5"})),
        (NEW, new({"duration": 2})),
        (NEW, new({"duration": True})),
        (NEW, new({"duration": 5.5})),
        (NEW, new({"aspect_ratio": "9:16"})),
        (NEW, new({"audio": "on"})),
        (NEW, new({"mode": "std"})),
        (NEW, new({"resolution": "480p"})),
        (NEW, {**new(), "negative_prompt": "x"}),
        (NEW, new(watermark=True)),
        ("/image-to-video/kling-3.0-turbo", new()),
        ("/image-to-video/kling-3.0-turbo", {**new(), "settings": {"audio": "off"}}),
        ("/image-to-video/kling-3.0-turbo", {**new(), "settings": {"resolution": "4k"}}),
        ("/text-to-video/kling-2.6", {"prompt": ""}),
        ("/text-to-video/kling-2.6", {"prompt": "a mug", "settings": {"duration": 6}}),
        ("/text-to-video/kling-2.6", {"prompt": "a mug", "settings": {"audio": "native"}}),
    ],
)
def test_new_requests_are_read_strictly(path: str, body: dict[str, Any]) -> None:
    with kling() as (emulator, client, _):
        assert refused(client.post(path, json=body), 400, 1201)
        assert emulator.bill.entries == ()


@pytest.mark.parametrize(
    ("path", "settings", "amount"),
    [
        (NEW, {}, "3"),
        (NEW, {"duration": 15}, "9"),
        (NEW, {"audio": "native"}, "4.5"),
        (NEW, {"audio": "native", "resolution": "1080p"}, "6"),
        (NEW, {"resolution": "4k", "duration": 3}, "9"),
        ("/image-to-video/kling-3.0-turbo", {}, "4"),
        ("/image-to-video/kling-3.0-turbo", {"resolution": "1080p"}, "5"),
    ],
)
def test_new_models_are_billed_by_the_second(path: str, settings: dict[str, Any], amount: str) -> None:
    with kling() as (emulator, client, _):
        assert client.post(path, json={**new(), "settings": settings}).json()["code"] == 0
        assert emulator.bill.total() == Decimal(amount)


def test_silence_about_multi_shot_means_yes_on_3_0() -> None:
    with kling() as (emulator, client, _):
        for body in (new(), {**new(), "settings": {}}):
            client.post(NEW, json=body)
        client.post("/image-to-video/kling-3.0-turbo", json={**new(), "settings": {}})
        client.post(LEGACY, json=legacy(model_name="kling-v3"))
        assert [job.payload["multi_shot"] for job in emulator.jobs.all()] == [False, True, False, True]


def test_new_text_to_video_has_a_shape() -> None:
    with kling() as (emulator, client, _):
        body = {"prompt": "a mug", "settings": {"aspect_ratio": "1:1", "resolution": "1080p", "duration": 10}}
        client.post("/text-to-video/kling-2.6", json=body)
        (job,) = emulator.jobs.all()
        assert (job.payload["size_px"], emulator.bill.total()) == ((1440, 1440), Decimal(5))


# Slots, names, lists


def test_slots_are_counted_by_model_version_and_freed_at_the_end() -> None:
    with kling(parallel=2) as (emulator, client, clock):
        emulator.faults.add(Fault.FAIL_END, "submit")
        assert client.post(NEW, json=new()).json()["code"] == 0
        assert client.post(LEGACY, json=legacy(model_name="kling-v3")).json()["code"] == 0
        # The same version under its other name shares the slots; another version has its own.
        assert refused(client.post(NEW, json=new()), 429, 1303)
        assert client.post(LEGACY, json=legacy()).json()["code"] == 0
        clock.at_s += 40
        assert [client.post(NEW, json=new()).json()["code"] for _ in range(3)] == [0, 0, 1303]
        assert len(emulator.bill.entries) == 5


def test_an_external_id_may_be_used_once() -> None:
    with kling() as (emulator, client, _):
        client.post(LEGACY, json=legacy(external_task_id="a"))
        assert refused(client.post(NEW, json=new(external_task_id="a")), 400, 1201)
        assert emulator.bill.doubles() == []


@pytest.mark.parametrize(("manner", "jobs"), [("accept", 2), ("same", 1)])
def test_what_a_used_external_id_meets_can_be_chosen(manner: str, jobs: int) -> None:
    with kling(duplicate_external_id=manner) as (emulator, client, _):
        ids = [client.post(NEW, json=new(external_task_id="a")).json()["data"]["id"] for _ in range(2)]
        assert (len(set(ids)), len(emulator.bill.entries)) == (jobs, jobs)
        assert len(emulator.bill.doubles()) == len(emulator.jobs.doubles()) == jobs - 1
        assert len(client.get("/tasks?external_task_ids=a").json()["data"]) == jobs


def test_lists_come_in_pages_newest_first() -> None:
    with kling() as (_, client, clock):
        old = [client.post(LEGACY, json=legacy()).json()["data"]["task_id"] for _ in range(3)]
        page = client.get(LEGACY, params={"pageNum": 2, "pageSize": 2}).json()["data"]
        assert [entry["task_id"] for entry in page] == [old[0]]
        assert refused(client.get(LEGACY, params={"pageSize": 501}), 400, 1201)
        ids = []
        for _ in range(3):
            ids.append(client.post(NEW, json=new()).json()["data"]["id"])
            clock.at_s += 1
        first = client.post("/tasks", json={"limit": 2}).json()["data"]
        assert ([task["id"] for task in first["result"]], first["has_more"]) == (ids[:0:-1], True)
        last = client.post("/tasks", json={"limit": 2, "cursor": first["next_cursor"]}).json()["data"]
        assert ([task["id"] for task in last["result"]], last["has_more"]) == (ids[:1], False)
        late = client.post(
            "/tasks", json={"start_time": 1_800_000_001_000, "end_time": 1_800_000_001_000}
        ).json()
        assert [task["id"] for task in late["data"]["result"]] == [ids[1]]
        done = {"filters": [{"key": "status", "values": ["succeeded"]}]}
        assert client.post("/tasks", json=done).json()["data"]["result"] == []
        assert refused(client.post("/tasks", json={"limit": 501}), 400, 1201)


def test_account_costs_may_be_asked_once_a_second() -> None:
    with kling() as (_, client, clock):
        query = {"start_time": 1, "end_time": 2}
        packs = client.get("/account/costs", params=query).json()["data"]["resource_pack_subscribe_infos"]
        assert packs[0]["status"] == "online"
        assert refused(client.get("/account/costs", params=query), 429, 1302)
        clock.at_s += 1
        assert refused(client.get("/account/costs"), 400, 1201)


# What goes wrong


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault.THROTTLE, 429, 1302),
        (Fault.THROTTLE_PARALLEL, 429, 1303),
        (Fault.ARREARS, 429, 1101),
        (Fault.QUOTA_USED_UP, 429, 1102),
        (Fault.REJECT_CREATE, 400, 1301),
        (Fault.AUTH, 401, 1002),
    ],
)
def test_refusals_cost_nothing(fault: Fault, status: int, code: int) -> None:
    with kling() as (emulator, client, _):
        emulator.faults.add(fault, "submit")
        assert refused(client.post(NEW, json=new()), status, code)
        assert emulator.bill.entries == ()
        assert client.post(NEW, json=new()).json()["code"] == 0


def test_the_server_has_three_ways_of_being_busy() -> None:
    with kling() as (emulator, client, _):
        emulator.faults.add(Fault.SERVER_BUSY, "submit", times=3)
        replies = [client.post(NEW, json=new()) for _ in range(3)]
        assert [(reply.status_code, reply.json()["code"]) for reply in replies] == [
            (500, 5000),
            (503, 5001),
            (504, 5002),
        ]
        assert emulator.bill.entries == ()


@pytest.mark.parametrize(("code", "status"), [(1100, 429), (1300, 400), (1304, 429), (5001, 503)])
def test_every_code_of_the_page_can_be_had(code: int, status: int) -> None:
    with kling() as (emulator, client, _):
        emulator.submit_code = code
        assert refused(client.post(LEGACY, json=legacy()), status, code)


@pytest.mark.parametrize(("bill_failed", "owed"), [(False, "0"), (True, "3")])
@pytest.mark.parametrize(
    ("fault", "words"), [(Fault.REJECT_END, "content security"), (Fault.FAIL_END, "internal")]
)
def test_a_failed_task_says_why_and_is_free_unless_told_otherwise(
    fault: Fault, words: str, bill_failed: bool, owed: str
) -> None:
    with kling(bill_failed=bill_failed) as (emulator, client, clock):
        emulator.faults.add(fault, "submit", times=2)
        task_id = client.post(NEW, json=new()).json()["data"]["id"]
        old_id = client.post(LEGACY, json=legacy(model_name="kling-v3", multi_shot=False)).json()["data"][
            "task_id"
        ]
        assert emulator.bill.by_job()[task_id] == Decimal(owed)
        clock.at_s += 40
        (task,) = client.get(f"/tasks?task_ids={task_id}").json()["data"]
        assert (task["status"], task["outputs"]) == ("failed", [])
        assert words in task["message"]
        assert [line["amount"] for line in task["billing"]] == ([owed] if bill_failed else [])
        old = client.get(f"{LEGACY}/{old_id}").json()["data"]
        assert (old["task_status"], old["task_result"], old["final_unit_deduction"]) == ("failed", {}, owed)
        assert words in old["task_status_msg"]


def test_a_success_without_a_video_is_charged() -> None:
    with kling() as (emulator, client, clock):
        emulator.faults.add(Fault.FAIL_AS_SUCCESS, "submit")
        task_id = client.post(NEW, json=new()).json()["data"]["id"]
        clock.at_s += 40
        (task,) = client.get(f"/tasks?task_ids={task_id}").json()["data"]
        assert (task["status"], task["outputs"], task["billing"][0]["amount"]) == ("succeeded", [], "3")
        assert emulator.bill.total() == 3


def test_a_stuck_task_runs_for_ever_and_holds_its_slot() -> None:
    with kling(parallel=1) as (emulator, client, clock):
        emulator.faults.add(Fault.STUCK, "submit")
        task_id = client.post(NEW, json=new()).json()["data"]["id"]
        clock.at_s += 86_400
        assert client.get(f"/tasks?task_ids={task_id}").json()["data"][0]["status"] == "processing"
        assert refused(client.post(NEW, json=new()), 429, 1303)


def test_queries_go_wrong_too() -> None:
    with kling() as (emulator, client, _):
        task_id = client.post(NEW, json=new()).json()["data"]["id"]
        for fault in (Fault.THROTTLE, Fault.SERVER_BUSY, Fault.UNKNOWN_STATUS, Fault.EXPIRED_JOB):
            emulator.faults.add(fault, "poll")
        path = f"/tasks?task_ids={task_id}"
        assert refused(client.get(path), 429, 1302)
        assert refused(client.get(path), 500, 5000)
        assert client.get(path).json()["data"][0]["status"] == "reviewing"
        assert client.get(path).json()["data"] == []
        assert client.get(path).json()["data"][0]["status"] == "submitted"


def test_a_fault_that_the_vendor_does_not_know_is_a_mistake_of_the_test() -> None:
    script = FaultScript()
    script.add(Fault.PARTIAL, "submit")
    with pytest.raises(ValueError, match="no fault"), kling(faults=script) as (_, client, _):
        client.post(NEW, json=new())


def test_a_lost_create_can_be_found_by_its_external_id() -> None:
    with kling() as (emulator, client, _):
        emulator.faults.add(Fault.RESET_AFTER, "submit")
        with pytest.raises(httpx.TransportError):
            client.post(NEW, json=new(external_task_id="a"))
        (task,) = client.get("/tasks?external_task_ids=a").json()["data"]
        assert list(emulator.bill.by_job()) == [task["id"]]


def test_the_account_may_pay_another_price_in_cash() -> None:
    with kling(charged_as="cash", list_price_factor=Decimal("0.8")) as (emulator, client, clock):
        task_id = client.post(NEW, json=new()).json()["data"]["id"]
        old_id = client.post(LEGACY, json=legacy()).json()["data"]["task_id"]
        clock.at_s += 40
        (line,) = client.get(f"/tasks?task_ids={task_id}").json()["data"][0]["billing"]
        assert (line["charge_type"], line["amount"], line["list_price"]) == ("cash", "2.4", "3")
        old = client.get(f"{LEGACY}/{old_id}").json()["data"]
        assert old["final_unit_deduction"] == ""
        assert old["final_balance_deduction"] == {"quota": "1.2", "list_price": "1.5"}
        assert emulator.bill.total() == Decimal("3.6")


# Callbacks


class Ear(Emulator):
    """Somebody who is called back."""

    name = "ear"

    def place(self, request: Incoming) -> str:
        return "other"

    async def answer(self, request: Incoming) -> Answer:
        return Answer.json({})

    def environment(self, base_url: str) -> dict[str, str]:
        return {}

    def heard(self) -> list[dict[str, Any]]:
        return [json.loads(seen.body) for seen in tuple(self.seen)]


def wait_for(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < ends, "did not happen"
        time.sleep(0.01)


FAST = 400.0
"""A video in a tenth of a second."""


def test_callbacks_follow_each_change_unwrapped_and_signed() -> None:
    secrets = ["whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=", "whsec_c2Vjb25kc2Vjb25kc2Vjb25k"]
    ear = Ear()
    with (
        running(ear) as address,
        kling(timing=Timing(speed=FAST), webhook_secrets=secrets) as (emulator, client, _),
    ):
        old = legacy(callback_url=f"{address}/old", external_task_id="o")
        client.post(LEGACY, json=old)
        client.post(NEW, json=new(callback_url=f"{address}/new", external_task_id="n"))
        wait_for(lambda: len(ear.seen) == 4)
        heard = {path: [json.loads(s.body) for s in ear.seen if s.path == path] for path in ("/old", "/new")}
        assert [body["task_status"] for body in heard["/old"]] == ["processing", "succeed"]
        assert [body["status"] for body in heard["/new"]] == ["processing", "succeeded"]
        assert heard["/old"][1]["task_info"] == {"external_task_id": "o"}
        assert heard["/old"][1]["task_result"]["videos"][0]["url"].startswith(emulator.base_url)
        assert heard["/new"][1] == client.get("/tasks?external_task_ids=n").json()["data"][0]
        for seen in ear.seen:
            # Dated by the wall clock, whatever the emulator's speed.
            assert abs(int(seen.headers["webhook-timestamp"]) - time.time()) < 30
            signed = f"{seen.headers['webhook-id']}.{seen.headers['webhook-timestamp']}.".encode() + seen.body
            marks = [
                "v1," + base64.b64encode(hmac.digest(base64.b64decode(secret[6:]), signed, "sha256")).decode()
                for secret in secrets
            ]
            assert seen.headers["webhook-signature"].split(" ") == marks
        assert len({seen.headers["webhook-id"] for seen in ear.seen}) == 4


def test_the_signature_is_that_of_the_vendors_example() -> None:
    body = (
        b'{"id":"1234567890","status":"succeeded","message":"",'
        b'"create_time":1781080778802,"update_time":1781080794151}'
    )
    secret = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
    headers = signed_headers([secret], "9876543210", 1_781_080_794.9, body)
    assert headers["webhook-signature"] == "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="
    assert signed_headers([], "1", 0, body) == {}


def test_a_callback_may_come_before_the_create_reply_or_twice_or_late() -> None:
    ear = Ear()
    with running(ear) as address, kling(timing=Timing(speed=FAST)) as (emulator, client, _):
        emulator.faults.add(Fault.EARLY_CALLBACK, "callback")
        emulator.faults.add(Fault.DUPLICATE_CALLBACK, "callback", after=1)
        client.post(NEW, json=new(callback_url=f"{address}/early"))
        assert [body["status"] for body in ear.heard()] == ["submitted"]
        wait_for(lambda: len(ear.seen) == 3)
        client.post(NEW, json=new(callback_url=f"{address}/twice"))
        wait_for(lambda: len(ear.seen) == 6)
        assert [body["status"] for body in ear.heard()[3:]] == ["processing", "succeeded", "succeeded"]
        emulator.faults.add(Fault.LATE_CALLBACK, "submit")
        client.post(NEW, json=new(callback_url=f"{address}/late", external_task_id="late"))
        wait_for(
            lambda: client.get("/tasks?external_task_ids=late").json()["data"][0]["status"] == "succeeded"
        )
        wait_for(lambda: len(ear.seen) == 7)
        assert [body["status"] for body in ear.heard()[6:]] == ["processing"]


def test_a_callback_that_nobody_takes_harms_nothing() -> None:
    with kling(timing=Timing(speed=FAST)) as (emulator, client, _):
        client.post(NEW, json=new(callback_url="http://127.0.0.1:1/", external_task_id="a"))
        wait_for(lambda: len(emulator.callbacks.sent) == 2)
        assert client.get("/tasks?external_task_ids=a").json()["data"][0]["status"] == "succeeded"


def test_many_asking_at_once_get_one_and_the_same_video() -> None:
    with kling() as (emulator, client, clock):
        task_id = client.post(NEW, json=new()).json()["data"]["id"]
        clock.at_s += 40
        urls: set[str] = set()

        def ask() -> None:
            (task,) = client.get(f"/tasks?task_ids={task_id}").json()["data"]
            urls.add(task["outputs"][0]["url"])

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(urls) == 1
        assert emulator.bill.total() == 3


def test_the_environment_names_keys_that_it_accepts() -> None:
    emulator = make(Timing(), webhook_secrets=["whsec_YQ=="])
    assert emulator.environment("http://h:1") == {
        "KLING_API_KEY": emulator.api_key,
        "KLING_BASE_URL": "http://h:1",
        "KLING_WEBHOOK_SECRET": "whsec_YQ==",
    }
