"""The emulator of MiniMax Hailuo: v1 with its HTTP 200 errors, v2 with real codes, the challenge, prices."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import av
import httpx
import pytest

from providers.emulators.core.faults import Fault
from providers.emulators.core.http import running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.emulators.hailuo import make
from providers.emulators.hailuo.codes import HTTP, REFUSALS, TEXTS
from providers.emulators.hailuo.emulator import HailuoEmulator
from tests.unit.emulated_vendor import ODD_VALUES, Clock, Receiver, base64_of, data_uri, picture, wait_until

KEY = "hailuo-emulator-key"
FRAME = data_uri(picture())
ERROR_CODES = sorted(code for code in TEXTS if code)
DAY_S = 86400.0


@contextmanager
def vendor(clock: Clock | None = None, **options: Any) -> Iterator[tuple[HailuoEmulator, httpx.Client]]:
    timing = Timing(now=clock) if clock else Timing(speed=2000)
    emulator = make(timing, **{"media": Media(tiny=True), **options})
    with (
        running(emulator) as url,
        # Without a TLS context, which takes longer to build than most of these tests run.
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, verify=False) as client,
    ):
        yield emulator, client


def v1_body(**changes: Any) -> dict[str, Any]:
    return {
        "model": "MiniMax-Hailuo-2.3",
        "prompt": "a mug on a table",
        "first_frame_image": FRAME,
        "duration": 6,
        "resolution": "768P",
        **changes,
    }


def v2_body(*, pictures: int = 1, role: str = "first_frame", **changes: Any) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": "a mug on a table"}]
    content += [{"type": "image_url", "image_url": {"url": FRAME}, "role": role}] * pictures
    return {"model": "MiniMax-H3", "content": content, "resolution": "768P", "duration": 5, **changes}


def create_v1(client: httpx.Client, **changes: Any) -> dict[str, Any]:
    reply = client.post("/v1/video_generation", json=v1_body(**changes))
    assert reply.status_code == 200
    body: dict[str, Any] = reply.json()
    return body


def query_v1(client: httpx.Client, task_id: str) -> dict[str, Any]:
    body: dict[str, Any] = client.get("/v1/query/video_generation", params={"task_id": task_id}).json()
    return body


def create_v2(client: httpx.Client, **changes: Any) -> str:
    reply = client.post("/v2/video_generation", json=v2_body(**changes))
    assert reply.status_code == 200, reply.text
    return str(reply.json()["task_id"])


def query_v2(client: httpx.Client, task_id: str) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"/v2/query/video_generation/{task_id}").json()["task"]
    return body


def code_of(body: dict[str, Any]) -> int:
    return int(body["base_resp"]["status_code"])


def test_v1_takes_three_steps_and_its_link_lives_an_hour() -> None:
    clock = Clock()
    with vendor(clock) as (emulator, client):
        created = create_v1(client)
        assert created["base_resp"] == {"status_code": 0, "status_msg": "success"}
        statuses = []
        for seconds in (2, 2, 39.5, 0.5):
            statuses.append(query_v1(client, created["task_id"])["status"])
            clock.advance(seconds)
        assert statuses == ["Preparing", "Queueing", "Processing", "Processing"]
        done = query_v1(client, created["task_id"])
        assert done["status"] == "Success"
        assert (done["video_width"], done["video_height"]) == (768, 1366)

        def retrieve() -> str:
            reply = client.get("/v1/files/retrieve", params={"file_id": done["file_id"]}).json()
            assert str(reply["file"]["file_id"]) == done["file_id"]
            return str(reply["file"]["download_url"])

        link = retrieve()
        clip = client.get(link)
        with av.open(io.BytesIO(clip.content)) as container:
            assert container.streams.video[0].codec_context.name == "h264"
        clock.advance(3600)
        assert client.get(link).status_code == 403
        assert client.get(retrieve()).content == clip.content
        assert emulator.bill.total_micro() == 2_000_000


class Camera(Media):
    """Writes down what was filmed."""

    def __init__(self) -> None:
        super().__init__(tiny=True)
        self.filmed: list[tuple[tuple[int, int], float, bytes | None]] = []

    def clip(
        self,
        size_px: tuple[int, int],
        seconds: float,
        first_frame: bytes | None = None,
        fps: int = 24,
        seed: int | str = 0,
    ) -> bytes:
        self.filmed.append((size_px, seconds, first_frame))
        return super().clip(size_px, seconds, first_frame, fps, seed)


def test_the_clip_has_the_size_and_length_asked_for_and_opens_with_the_first_frame() -> None:
    camera = Camera()
    last = data_uri(picture((400, 400)))
    with vendor(media=camera) as (_, client):
        older = create_v1(client, model="MiniMax-Hailuo-02", duration=10, last_frame_image=last)["task_id"]
        newer = create_v2(client, resolution="2K", duration=4)
        unframed = create_v2(client, pictures=0, ratio="16:9")
        wait_until(lambda: query_v1(client, older)["status"] == "Success")
        client.get("/v1/files/retrieve", params={"file_id": query_v1(client, older)["file_id"]})
        wait_until(lambda: query_v2(client, newer)["status"] == "succeeded")
        wait_until(lambda: query_v2(client, unframed)["status"] == "succeeded")
    # 9:16 comes to 1365.3 px; a side of H.264 is even.
    assert set(camera.filmed) == {
        ((768, 1366), 10, picture()),
        ((1440, 2560), 4, picture()),
        ((1366, 768), 5, None),
    }


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_row_of_the_table_is_said_in_both_dialects(code: int) -> None:
    with vendor(codes_of={Fault.SERVER_BUSY: code}) as (emulator, client):
        emulator.faults.add(Fault.SERVER_BUSY, "submit", times=2)
        emulator.faults.add(Fault.SERVER_BUSY, "poll", times=2)
        created = create_v1(client)
        assert created["task_id"] == ""
        polled = query_v1(client, "1")
        assert (polled["status"], polled["file_id"]) == ("", "")
        assert created["base_resp"] == polled["base_resp"] == {"status_code": code, "status_msg": TEXTS[code]}
        for reply in (
            client.post("/v2/video_generation", json=v2_body()),
            client.get("/v2/query/video_generation/1"),
        ):
            status, kind = HTTP[code]
            error = reply.json()["error"]
            assert reply.status_code == status
            assert error == {"type": kind, "message": f"{TEXTS[code]} ({code})", "http_code": str(status)}
            assert reply.json()["request_id"] == reply.headers["trace-id"]
        assert emulator.bill.entries == ()


@pytest.mark.parametrize("fault,code", REFUSALS.items())
def test_each_scripted_refusal_has_its_usual_number(fault: Fault, code: int) -> None:
    with vendor() as (emulator, client):
        emulator.faults.add(fault, "submit")
        assert code_of(create_v1(client)) == code
        assert code_of(create_v1(client)) == 0


def test_keys_are_checked_and_a_foreign_one_looks_like_none() -> None:
    with vendor(foreign_keys=["of-singapore"]) as (_, client):
        heads = [
            {"Authorization": ""},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Bearer of-singapore"},
        ]
        assert [
            code_of(client.post("/v1/video_generation", json=v1_body(), headers=head).json())
            for head in heads
        ] == [1004, 2049, 1004]
        assert [client.get("/v2/query/video_generation/1", headers=head).status_code for head in heads] == [
            401
        ] * 3


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "MiniMax-H3"},
        {"model": None},
        {"duration": 5},
        {"duration": "6"},
        {"duration": 10, "resolution": "1080P"},
        {"resolution": "512P"},
        {"resolution": "720P"},
        {"prompt": "x" * 2001},
        {"prompt": 7},
        {"prompt": "", "first_frame_image": None},
        {"model": "MiniMax-Hailuo-2.3-Fast", "first_frame_image": None},
        {"last_frame_image": FRAME},
        {"first_frame_image": base64_of(picture())},
        {"first_frame_image": "data:image/jpeg;base64,####"},
        {"first_frame_image": data_uri(b"no picture")},
        {"first_frame_image": data_uri(picture((300, 600)))},
        {"first_frame_image": data_uri(picture((301, 760)))},
        {"first_frame_image": data_uri(picture(form="GIF"), "gif")},
        {"first_frame_image": "http://example.com/a.jpg"},
        {"prompt_optimizer": "yes"},
        {"aspect_ratio": "1:1"},
        {"callback_url": "ftp://example.com"},
    ],
    ids=str,
)
def test_v1_refuses_with_2013_what_its_page_does_not_allow(changes: dict[str, Any]) -> None:
    with vendor() as (emulator, client):
        body = {name: value for name, value in v1_body(**changes).items() if value is not None}
        reply = client.post("/v1/video_generation", json=body)
        assert (reply.status_code, code_of(reply.json())) == (200, 2013)
        assert emulator.bill.entries == ()


def test_invisible_characters_have_a_number_of_their_own() -> None:
    with vendor() as (_, client):
        assert code_of(create_v1(client, prompt="a\x00mug")) == 1042
        assert code_of(create_v1(client, prompt="a mug\non a table")) == 0


@pytest.mark.parametrize(
    "changes,price",
    [
        ({}, "2.0"),
        ({"duration": 10}, "4.0"),
        ({"resolution": "1080P"}, "3.5"),
        ({"model": "MiniMax-Hailuo-2.3-Fast"}, "1.35"),
        ({"model": "MiniMax-Hailuo-2.3-Fast", "duration": 10}, "2.25"),
        ({"model": "MiniMax-Hailuo-2.3-Fast", "resolution": "1080P"}, "2.31"),
        ({"model": "MiniMax-Hailuo-02", "resolution": "512P", "last_frame_image": FRAME}, "0.6"),
    ],
    ids=str,
)
def test_v1_is_billed_by_the_clip(changes: dict[str, Any], price: str) -> None:
    with vendor() as (emulator, client):
        task_id = create_v1(client, **changes)["task_id"]
        assert emulator.bill.by_job() == {task_id: Decimal(price)}


@pytest.mark.parametrize(
    "changes,price",
    [
        ({}, "2.50"),
        ({"resolution": "2K", "duration": 4}, "3.20"),
        ({"pictures": 0, "ratio": "9:16", "duration": 15}, "7.50"),
        ({"pictures": 7, "role": "reference_image"}, "3.00"),
    ],
    ids=str,
)
def test_v2_is_billed_by_the_second_and_by_inputs_after_the_fifth(
    changes: dict[str, Any], price: str
) -> None:
    with vendor() as (emulator, client):
        task_id = create_v2(client, **changes)
        assert emulator.bill.by_job() == {task_id: Decimal(price)}


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "MiniMax-Hailuo-2.3"},
        {"duration": 3},
        {"duration": 16},
        {"duration": "5"},
        {"duration": None},
        {"resolution": "1080P"},
        {"resolution": None},
        {"model": "MiniMax-H3-Max", "resolution": "2K"},
        {"model": "MiniMax-H3-Max", "duration": 4},
        {"model": "MiniMax-H3-Max", "role": "reference_image"},
        {"pictures": 0},
        {"pictures": 0, "ratio": "adaptive"},
        {"ratio": "2:1"},
        {"pictures": 2},
        {"role": "last_frame"},
        {"pictures": 10, "role": "reference_image"},
        {"content": [{"type": "image_url", "image_url": {"url": FRAME}}]},
        {"content": [{"type": "text", "text": "x" * 7001}]},
        {
            "content": [
                {"type": "text", "text": "x"},
                {"type": "image_url", "image_url": {"url": base64_of(picture())}},
            ]
        },
        {
            "content": [
                {"type": "text", "text": "x"},
                {"type": "image_url", "image_url": {"url": "mm_file://1"}},
            ]
        },
        {"content": "a mug"},
        {"seed": 1},
    ],
    ids=lambda changes: str(changes)[:60],
)
def test_v2_refuses_with_400_what_its_page_does_not_allow(changes: dict[str, Any]) -> None:
    with vendor() as (emulator, client):
        body = {name: value for name, value in v2_body(**changes).items() if value is not None}
        reply = client.post("/v2/video_generation", json=body)
        assert reply.status_code == 400
        assert reply.json()["error"]["type"] == "bad_request_error"
        assert reply.json()["error"]["message"].endswith("(2013)")
        assert emulator.bill.entries == ()


def test_v2_answers_a_task_with_a_link_that_a_later_query_renews() -> None:
    clock = Clock()
    with vendor(clock) as (_, client):
        task_id = create_v2(client)
        assert query_v2(client, task_id)["status"] == "queued"
        clock.advance(4)
        assert query_v2(client, task_id)["status"] == "running"
        clock.advance(40)
        task = query_v2(client, task_id)
        assert task["status"] == "succeeded"
        assert task["usage"] == {
            "total_seconds": 5,
            "input_seconds": 0,
            "output_seconds": 5,
            "input_image_count": 1,
        }
        assert client.get(task["content"]["url"]).status_code == 200
        clock.advance(3600)
        assert client.get(task["content"]["url"]).status_code == 403
        assert client.get(query_v2(client, task_id)["content"]["url"]).status_code == 200


def test_v2_forgets_a_task_after_seven_days_and_v1_asks_by_another_path() -> None:
    clock = Clock()
    with vendor(clock) as (_, client):
        task_id = create_v2(client)
        assert code_of(query_v1(client, task_id)) == 2013
        assert client.get("/v2/query/video_generation", params={"task_id": task_id}).json()["total"] == 1
        clock.advance(7 * DAY_S)
        reply = client.get(f"/v2/query/video_generation/{task_id}")
        assert reply.status_code == 400
        assert "invalid task_id" in reply.json()["error"]["message"]
        assert client.get("/v2/query/video_generation").json() == {"items": [], "total": 0}


def test_v2_lists_the_newest_first_by_page_and_filter() -> None:
    clock = Clock()
    with vendor(clock) as (emulator, client):
        emulator.faults.add(Fault.REJECT_END, "submit", after=1)
        ids = [create_v2(client) for _ in range(3)]
        create_v1(client)
        clock.advance(60)

        def listed(**params: Any) -> tuple[list[str], int]:
            reply = client.get("/v2/query/video_generation", params=params).json()
            return [task["id"] for task in reply["items"]], reply["total"]

        assert listed() == (ids[::-1], 3)
        assert listed(page_num=2, page_size=2) == (ids[:1], 3)
        assert listed(**{"filter.status": "failed"}) == ([ids[1]], 1)
        assert listed(**{"filter.task_ids": ids[:2]}) == ([ids[1], ids[0]], 2)
        assert client.get("/v2/query/video_generation", params={"page_num": 0}).status_code == 400


def test_v2_cancels_what_waits_for_nothing() -> None:
    clock = Clock()
    with vendor(clock) as (emulator, client):
        waiting, running_one = create_v2(client), create_v2(client)
        assert client.delete(f"/v2/video_generation/{waiting}").status_code == 200
        assert query_v2(client, waiting)["status"] == "cancelled"
        clock.advance(10)
        assert client.delete(f"/v2/video_generation/{running_one}").status_code == 400
        assert emulator.bill.by_job() == {waiting: Decimal(0), running_one: Decimal("2.50")}


def test_tasks_that_end_badly_are_free_and_say_so_in_either_dialect() -> None:
    clock = Clock()
    with vendor(clock) as (emulator, client):
        for fault in (Fault.REJECT_END, Fault.FAIL_END, Fault.FAIL_AS_SUCCESS, Fault.STUCK):
            emulator.faults.add(fault, "submit")
        first = [create_v1(client)["task_id"] for _ in range(4)]
        for fault in (Fault.REJECT_END, Fault.FAIL_END, Fault.FAIL_AS_SUCCESS, Fault.CANCELED):
            emulator.faults.add(fault, "submit")
        second = [create_v2(client) for _ in range(4)]
        clock.advance(3600)
        old = [query_v1(client, task_id) for task_id in first]
        assert [(task["status"], task["file_id"], code_of(task)) for task in old] == [
            ("Fail", "", 1027),
            ("Fail", "", 0),
            ("Success", "", 0),
            ("Processing", "", 0),
        ]
        new = [query_v2(client, task_id) for task_id in second]
        assert [task["status"] for task in new] == ["failed", "failed", "succeeded", "cancelled"]
        assert [task.get("error", {}).get("code") for task in new] == ["1027", "1000", None, None]
        assert new[2]["content"] == {}
        assert emulator.bill.total_micro() == 0
        assert len(emulator.bill.entries) == 8


def test_a_poll_may_meet_an_unknown_word_and_a_lost_task() -> None:
    with vendor() as (emulator, client):
        task_id, newer = create_v1(client)["task_id"], create_v2(client)
        emulator.faults.add(Fault.UNKNOWN_STATUS, "poll", times=2)
        assert query_v1(client, task_id)["status"] == "Reviewing"
        assert query_v2(client, newer)["status"] == "reviewing"
        emulator.faults.add(Fault.EXPIRED_JOB, "poll")
        assert code_of(query_v1(client, task_id)) == 2013
        assert code_of(query_v1(client, task_id)) == 2013
        assert query_v2(client, newer)["id"] == newer


def test_creates_are_limited_by_the_minute_and_v2_tasks_by_number() -> None:
    clock = Clock()
    with vendor(clock, rpm=5, h3_parallel=2) as (_, client):
        assert [code_of(create_v1(client)) for _ in range(6)] == [0] * 5 + [1002]
        clock.advance(60)
        assert code_of(create_v1(client)) == 0
        create_v2(client)
        create_v2(client)
        assert client.post("/v2/video_generation", json=v2_body()).status_code == 429
        clock.advance(60)
        create_v2(client)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "echo", [lambda body: {"challenge": "other"}, lambda body: {}, lambda body: ["challenge"]]
)
def test_a_create_fails_where_the_challenge_is_not_echoed(version: int, echo: Callable[[Any], Any]) -> None:
    with vendor() as (emulator, client), running(Receiver(echo)) as address:
        body = v1_body(callback_url=address) if version == 1 else v2_body(callback_url=address)
        reply = client.post(f"/v{version}/video_generation", json=body)
        assert "fail to check callback url" in reply.text
        assert reply.status_code == (200 if version == 1 else 400)
        assert emulator.bill.entries == ()


def test_a_create_fails_where_the_challenge_is_answered_too_late() -> None:
    with vendor(challenge_wait_s=0.05) as (_, client):
        slow = make(Timing(speed=2000))
        slow.faults.add(Fault.HANG_AFTER, "other")
        with running(slow) as address:
            assert code_of(create_v1(client, callback_url=address)) == 2013


@pytest.mark.parametrize(
    "case,words", [("lower", ["processing", "success"]), ("query", ["Processing", "Success"])]
)
def test_v1_calls_back_in_either_casing(case: Any, words: list[str]) -> None:
    receiver = Receiver()
    with vendor(callback_case=case) as (_, client), running(receiver) as address:
        task_id = create_v1(client, callback_url=address)["task_id"]
        assert list(receiver.bodies[0]) == ["challenge"]
        wait_until(lambda: len(receiver.bodies) == 3)
        assert [body["status"] for body in receiver.bodies[1:]] == words
        last = receiver.bodies[-1]
        assert last == {
            "task_id": task_id,
            "status": words[-1],
            "file_id": query_v1(client, task_id)["file_id"],
            "base_resp": {"status_code": 0, "status_msg": "success"},
        }


def test_callbacks_come_twice_late_or_before_the_create_is_answered() -> None:
    receiver = Receiver()
    with vendor(late_callback_s=400) as (emulator, client), running(receiver) as address:
        emulator.faults.add(Fault.DUPLICATE_CALLBACK, "submit")
        create_v2(client, callback_url=address)
        wait_until(lambda: len(receiver.bodies) == 4)
        assert [body["task"]["status"] for body in receiver.bodies[1:]] == [
            "running",
            "succeeded",
            "succeeded",
        ]
        receiver.bodies.clear()

        emulator.faults.add(Fault.LATE_CALLBACK, "submit")
        late = create_v2(client, callback_url=address)
        wait_until(lambda: query_v2(client, late)["status"] == "succeeded")
        assert len(receiver.bodies) <= 2
        wait_until(lambda: len(receiver.bodies) == 3)
        receiver.bodies.clear()

        emulator.faults.add(Fault.EARLY_CALLBACK, "callback")
        early = create_v2(client, callback_url=address)
        assert [body["task"]["id"] for body in receiver.bodies[1:]] == [early]
        assert receiver.bodies[1]["task"]["status"] == "succeeded"


def test_a_create_that_is_reset_after_acceptance_is_billed_and_a_second_one_is_a_double() -> None:
    with vendor() as (emulator, client):
        emulator.faults.add(Fault.RESET_AFTER, "submit")
        with pytest.raises(httpx.TransportError):
            create_v1(client)
        assert emulator.bill.total_micro() == 2_000_000
        assert emulator.bill.doubles() == []
        create_v1(client)
        assert len(emulator.bill.doubles()) == 1


def test_a_fault_that_the_vendor_does_not_know_is_the_test_writers_mistake() -> None:
    with vendor() as (emulator, client):
        emulator.faults.add(Fault.PARTIAL, "submit")
        assert client.post("/v1/video_generation", json=v1_body()).status_code == 500
        assert "MiniMax has no partial at 'submit'" in str(emulator.crashes.pop())


def test_the_environment_names_the_key_that_it_accepts() -> None:
    with vendor() as (emulator, client):
        variables = emulator.environment(emulator.base_url)
        reply = client.get(
            variables["MINIMAX_BASE_URL"] + "/v2/query/video_generation",
            headers={"Authorization": f"Bearer {variables['MINIMAX_API_KEY']}"},
        )
        assert reply.status_code == 200
        assert client.get("/v1/models").status_code == 404


def test_no_odd_value_is_more_than_a_refusal() -> None:
    with vendor(rpm=10_000, h3_parallel=10_000) as (_, client):
        for path, body in (("/v1/video_generation", v1_body()), ("/v2/video_generation", v2_body())):
            fields = [*body, "callback_url", "last_frame_image", "ratio"]
            replies = [
                client.post(path, json={**body, field: value}) for field in fields for value in ODD_VALUES
            ]
            replies += [client.post(path, json=value) for value in ODD_VALUES]
            assert {reply.status_code for reply in replies} <= {200, 400}
        odd = [
            client.get("/v2/query/video_generation", params={"page_num": value}) for value in ("²", "-1", "")
        ]
        assert [reply.status_code for reply in odd] == [400] * 3
