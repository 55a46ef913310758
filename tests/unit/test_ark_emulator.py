"""The emulator of Volcengine Ark: Seedance tasks, synchronous Seedream pictures, tokens, errors."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import pytest
from PIL import Image

from providers.emulators.ark import make
from providers.emulators.ark.codes import REFUSALS, TABLE
from providers.emulators.ark.emulator import ArkEmulator
from providers.emulators.ark.pictures import watermarked
from providers.emulators.core.faults import Fault
from providers.emulators.core.http import running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from tests.unit.emulated_vendor import ODD_VALUES, Clock, Receiver, base64_of, data_uri, picture, wait_until

KEY = "ark-emulator-key"
TASKS = "/contents/generations/tasks"
PICTURES = "/images/generations"
FRAME = data_uri(picture())
SEEDANCE_2 = "doubao-seedance-2-0-260128"
SEEDANCE_25 = "doubao-seedance-2-5-260628"
SEEDANCE_1 = "doubao-seedance-1-0-pro-250528"
SEEDREAM_40, SEEDREAM_45 = "doubao-seedream-4-0-250828", "doubao-seedream-4-5-251128"
DAY_S = 86400.0


@dataclass
class Account:
    """A client of the emulator."""

    emulator: ArkEmulator
    http: httpx.Client

    def create(self, **changes: Any) -> str:
        reply = self.http.post(TASKS, json=clip_body(**changes))
        assert reply.status_code == 200, reply.text
        return str(reply.json()["id"])

    def task(self, task_id: str) -> dict[str, Any]:
        reply = self.http.get(f"{TASKS}/{task_id}")
        assert reply.status_code == 200, reply.text
        body: dict[str, Any] = reply.json()
        return body

    def draw(self, **changes: Any) -> dict[str, Any]:
        reply = self.http.post(PICTURES, json=picture_body(**changes))
        assert reply.status_code == 200, reply.text
        body: dict[str, Any] = reply.json()
        return body

    def refused(self, path: str, body: Any) -> tuple[int, str, str]:
        reply = self.http.post(path, json=body)
        error = reply.json()["error"]
        assert f"Request id: {reply.headers['x-request-id']}" in error["message"]
        return reply.status_code, error["code"], error["param"]


@contextmanager
def vendor(clock: Clock | None = None, **options: Any) -> Iterator[Account]:
    timing = Timing(now=clock) if clock else Timing(speed=2000)
    emulator = make(timing, **{"media": Media(tiny=True), **options})
    with running(emulator) as url:
        variables = emulator.environment(url)
        head = {"Authorization": f"Bearer {variables['ARK_API_KEY']}"}
        with httpx.Client(base_url=variables["ARK_BASE_URL"], headers=head, verify=False) as client:
            yield Account(emulator, client)


def frame(address: str = FRAME, role: str = "first_frame") -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": address}, "role": role}


def clip_body(*items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = {
        "model": SEEDANCE_2,
        "content": [{"type": "text", "text": "a mug"}, *(items or (frame(),))],
        "resolution": "720p",
        "duration": 5,
        "watermark": False,
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def picture_body(**changes: Any) -> dict[str, Any]:
    body = {
        "model": SEEDREAM_45,
        "prompt": "a mug",
        "size": "2048x2048",
        "sequential_image_generation": "disabled",
        "response_format": "url",
        "watermark": False,
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def test_a_task_goes_from_queued_to_a_link_that_lives_a_day() -> None:
    clock = Clock()
    with vendor(clock) as account:
        task_id = account.create(ratio="16:9", seed=10)
        assert task_id.startswith("cgt-")
        created_at = int(clock.at_s)
        assert account.task(task_id)["status"] == "queued"
        clock.advance(2)
        waiting = account.task(task_id)
        assert waiting["status"] == "running"
        assert "content" not in waiting
        assert "usage" not in waiting
        clock.advance(40)
        done = account.task(task_id)
        url = done["content"]["video_url"]
        assert done == {
            "id": task_id,
            "model": SEEDANCE_2,
            "status": "succeeded",
            "error": None,
            "content": {"video_url": url},
            "seed": 10,
            "resolution": "720p",
            "ratio": "16:9",
            "duration": 5,
            "framespersecond": 24,
            "usage": {"completion_tokens": 108900, "total_tokens": 108900},
            "service_tier": "default",
            "execution_expires_after": 172800,
            "created_at": created_at,
            "updated_at": created_at + 42,
        }
        assert account.http.get(url).status_code == 200
        assert account.http.get(url.partition("?")[0]).status_code == 403
        clock.advance(DAY_S)
        assert account.http.get(account.task(task_id)["content"]["video_url"]).status_code == 403
        asked_late = account.create()
        clock.advance(42 + DAY_S - 1)
        url = account.task(asked_late)["content"]["video_url"]
        assert account.http.get(url).status_code == 200
        clock.advance(1)
        assert account.http.get(url).status_code == 403
        clock.advance(5 * DAY_S)
        gone = account.http.get(f"{TASKS}/{task_id}")
        assert (gone.status_code, gone.json()["error"]["type"]) == (404, "NotFound")


@pytest.mark.parametrize(
    "changes,tokens,micro_cny",
    [
        ({"ratio": "16:9"}, 108_900, 5_009_400),
        ({"ratio": "9:16"}, 108_900, 5_009_400),
        ({"ratio": "16:9", "resolution": "1080p"}, 246_840, 12_588_840),
        ({"ratio": "16:9", "model": "doubao-seedance-2-0-fast-260128"}, 108_900, 4_029_300),
        ({"ratio": "16:9", "model": "doubao-seedance-2-0-mini-260615"}, 108_900, 2_504_700),
        ({"ratio": None, "model": SEEDANCE_25}, 108_900, 7_623_000),
        ({"ratio": "16:9", "model": SEEDANCE_1, "service_tier": "flex"}, 108_900, 816_750),
        ({"ratio": "16:9", "model": SEEDANCE_1, "duration": None, "frames": 29}, 26_100, 391_500),
    ],
    ids=str,
)
def test_tokens_follow_the_formula_and_are_what_is_billed(
    changes: dict[str, Any], tokens: int, micro_cny: int
) -> None:
    clock = Clock()
    with vendor(clock) as account:
        task_id = account.create(**changes)
        clock.advance(3600)
        assert account.task(task_id)["usage"]["completion_tokens"] == tokens
        assert account.emulator.bill.total_micro() == micro_cny


def test_the_reply_carries_the_true_tokens_where_they_are_not_the_formulas() -> None:
    clock = Clock()
    with vendor(clock, list_price_factor=Decimal("1.1")) as account:
        task_id = account.create(ratio="16:9")
        clock.advance(60)
        assert account.task(task_id)["usage"]["total_tokens"] == 119_790
        assert account.emulator.bill.total_micro() == 119_790 * 46


def test_adaptive_takes_the_ratio_nearest_to_the_first_frame() -> None:
    with vendor() as account:
        square = {"content": [{"type": "text", "text": "a mug"}, frame(data_uri(picture((400, 410))))]}
        assert account.task(account.create(**square))["ratio"] == "1:1"
        assert account.task(account.create())["ratio"] == "9:16"


def test_models_of_1_0_read_flags_from_the_text() -> None:
    with vendor() as account:
        content = [{"type": "text", "text": "a mug --resolution 480p --ratio 4:3 --dur 3"}]
        old = account.create(model=SEEDANCE_1, content=content, resolution=None, duration=None)
        task = account.task(old)
        assert (task["resolution"], task["ratio"], task["duration"]) == ("480p", "4:3", 3)
        new = account.task(account.create(content=content, resolution=None, duration=None))
        assert (new["resolution"], new["ratio"], new["duration"]) == ("720p", "16:9", 5)


@pytest.mark.parametrize(
    "changes,code,param",
    [
        ({"model": None}, "MissingParameter", "model"),
        ({"content": None}, "MissingParameter", "content"),
        ({"content": [{"type": "text", "text": " "}]}, "MissingParameter", "content.text"),
        ({"content": "a mug"}, "InvalidParameter", "content"),
        ({"content": [frame(), frame()]}, "InvalidParameter", "content.role"),
        ({"content": [frame(role="last_frame")]}, "InvalidParameter", "content.role"),
        ({"content": [frame(), frame(role="reference_image")]}, "InvalidParameter", "content.role"),
        ({"content": [frame(base64_of(picture()))]}, "InvalidParameter", "content.image_url"),
        (
            {"content": [frame(FRAME.replace("image/jpeg", "image/JPEG"))]},
            "InvalidParameter",
            "content.image_url",
        ),
        ({"content": [frame(data_uri(picture((299, 400))))]}, "InvalidParameter", "content.image_url"),
        ({"content": [frame(data_uri(picture((300, 751))))]}, "InvalidParameter", "content.image_url"),
        ({"resolution": "768P"}, "InvalidParameter", "resolution"),
        (
            {"resolution": "1080p", "model": "doubao-seedance-2-0-fast-260128"},
            "InvalidParameter",
            "resolution",
        ),
        ({"duration": 3}, "InvalidParameter", "duration"),
        ({"duration": 16}, "InvalidParameter", "duration"),
        ({"duration": "5"}, "InvalidParameter", "duration"),
        ({"ratio": "2:1"}, "InvalidParameter", "ratio"),
        ({"ratio": "9:16", "model": SEEDANCE_25}, "InvalidParameter.TaskTypeConstraint", "ratio"),
        ({"camera_fixed": True}, "InvalidParameter", "camera_fixed"),
        ({"generate_audio": False, "model": SEEDANCE_1}, "InvalidParameter", "generate_audio"),
        ({"service_tier": "flex"}, "InvalidParameter", "service_tier"),
        ({"watermark": "no"}, "InvalidParameter", "watermark"),
        ({"execution_expires_after": 60}, "InvalidParameter", "execution_expires_after"),
        ({"safety_identifier": "x" * 65}, "InvalidParameter", "safety_identifier"),
        ({"external_task_id": "1"}, "InvalidParameter", "external_task_id"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_task_that_does_not_fit_is_refused_by_the_field(
    changes: dict[str, Any], code: str, param: str
) -> None:
    with vendor() as account:
        assert account.refused(TASKS, clip_body(**changes)) == (400, code, param)
        assert account.emulator.bill.entries == ()


@pytest.mark.parametrize(
    "changes,code,param",
    [
        ({"prompt": ""}, "MissingParameter", "prompt"),
        ({"size": "1024x1024"}, "InvalidParameter", "size"),
        ({"size": "1K"}, "InvalidParameter", "size"),
        ({"size": "3K"}, "InvalidParameter", "size"),
        ({"size": "5000x5000"}, "InvalidParameter", "size"),
        ({"size": "200x20000"}, "InvalidParameter", "size"),
        ({"size": 2048}, "InvalidParameter", "size"),
        ({"size": "900x1000", "model": SEEDREAM_40}, "InvalidParameter", "size"),
        ({"image": base64_of(picture())}, "InvalidParameter", "image"),
        ({"image": [FRAME] * 15}, "InvalidParameter", "image"),
        ({"response_format": "png"}, "InvalidParameter", "response_format"),
        ({"watermark": 0}, "InvalidParameter", "watermark"),
        ({"stream": True}, "InvalidParameter", "stream"),
        ({"sequential_image_generation": "yes"}, "InvalidParameter", "sequential_image_generation"),
        ({"n": 1}, "InvalidParameter", "n"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_picture_request_that_does_not_fit_is_refused_by_the_field(
    changes: dict[str, Any], code: str, param: str
) -> None:
    with vendor() as account:
        assert account.refused(PICTURES, picture_body(**changes)) == (400, code, param)
        assert account.emulator.bill.entries == ()


def test_models_must_exist_and_be_activated_and_keys_be_right() -> None:
    with vendor(activated=[SEEDREAM_45]) as account:
        assert account.refused(TASKS, clip_body(model="doubao-seedance-9"))[:2] == (
            404,
            "InvalidEndpointOrModel.NotFound",
        )
        assert account.refused(TASKS, clip_body())[:2] == (404, "ModelNotOpen")
        assert account.refused(PICTURES, picture_body(model=SEEDREAM_40))[:2] == (404, "ModelNotOpen")
        assert account.draw()["usage"]["generated_images"] == 1
        account.http.headers["Authorization"] = "Bearer other"
        assert account.refused(PICTURES, picture_body())[:2] == (401, "AuthenticationError")


@pytest.mark.parametrize("code", TABLE)
def test_every_row_of_the_table_is_said_with_its_http_status(code: str) -> None:
    with vendor(codes_of={Fault.SERVER_BUSY: code}) as account:
        for _ in range(3):
            account.emulator.faults.add(Fault.SERVER_BUSY, "submit")
        account.emulator.faults.add(Fault.SERVER_BUSY, "poll")
        assert account.refused(TASKS, clip_body()) == (TABLE[code][0], code, "")
        assert account.refused(PICTURES, picture_body()) == (TABLE[code][0], code, "")
        assert account.http.get(f"{TASKS}/cgt-1").json()["error"]["code"] == code
        assert account.emulator.bill.entries == ()


@pytest.mark.parametrize("fault,code", REFUSALS.items())
def test_each_scripted_refusal_has_its_usual_code(fault: Fault, code: str) -> None:
    with vendor() as account:
        account.emulator.faults.add(fault, "submit")
        assert account.refused(TASKS, clip_body())[1] == code
        account.create()


def test_tasks_that_end_badly_are_free_and_have_their_own_words() -> None:
    clock = Clock()
    with vendor(clock) as account:
        faults = (
            Fault.REJECT_END,
            Fault.FAIL_END,
            Fault.FAIL_AS_SUCCESS,
            Fault.CANCELED,
            Fault.EXPIRED_JOB,
            Fault.STUCK,
        )
        ids = []
        for fault in faults:
            account.emulator.faults.add(fault, "submit")
            ids.append(account.create())
        clock.advance(3600)
        tasks = [account.task(task_id) for task_id in ids]
        words = ["failed", "failed", "succeeded", "cancelled", "expired", "running"]
        assert [task["status"] for task in tasks] == words
        assert tasks[0]["error"]["code"] == "OutputVideoSensitiveContentDetected"
        assert tasks[1]["error"]["code"] == "InternalServiceError"
        assert (tasks[2]["error"], tasks[2]["content"], tasks[2]["usage"]["total_tokens"]) == (None, {}, 0)
        clock.advance(172_800)
        assert account.task(ids[5])["status"] == "expired"
        assert account.emulator.bill.total_micro() == 0
        assert len(account.emulator.bill.entries) == 6


def test_a_task_waits_its_turn_and_expires_for_nothing_where_that_takes_too_long() -> None:
    clock = Clock()
    with vendor(clock, parallel=1, flex_factor=100) as account:
        first = account.create(model=SEEDANCE_1, service_tier="flex", ratio="16:9")
        late = account.create(model=SEEDANCE_1, execution_expires_after=3600)
        clock.advance(3599)
        assert [account.task(task_id)["status"] for task_id in (first, late)] == ["running", "queued"]
        clock.advance(1)
        assert account.task(late)["status"] == "expired"
        assert account.emulator.bill.by_job() == {first: Decimal("0.81675"), late: Decimal(0)}


def test_a_poll_may_meet_an_unknown_word_and_a_lost_task() -> None:
    with vendor() as account:
        task_id = account.create()
        account.emulator.faults.add(Fault.UNKNOWN_STATUS, "poll")
        assert account.task(task_id)["status"] == "reviewing"
        account.emulator.faults.add(Fault.EXPIRED_JOB, "poll")
        assert [account.http.get(f"{TASKS}/{task_id}").status_code for _ in range(2)] == [404, 404]


def test_tasks_are_listed_newest_first_by_page_and_filter() -> None:
    clock = Clock()
    with vendor(clock) as account:
        account.emulator.faults.add(Fault.REJECT_END, "submit")
        ids = [account.create(), account.create(), account.create(model=SEEDANCE_25)]
        clock.advance(60)

        def listed(**params: Any) -> tuple[list[str], int]:
            reply = account.http.get(TASKS, params=params).json()
            return [task["id"] for task in reply["items"]], reply["total"]

        assert listed() == (ids[::-1], 3)
        assert listed(page_num=2, page_size=2) == (ids[:1], 3)
        assert listed(**{"filter.status": "failed"}) == (ids[:1], 1)
        assert listed(**{"filter.model": SEEDANCE_25}) == (ids[2:], 1)
        assert listed(**{"filter.task_ids": [ids[0], ids[1]]}) == ([ids[1], ids[0]], 2)
        assert account.http.get(TASKS, params={"page_size": "x"}).status_code == 400


def test_only_what_waits_can_be_cancelled_and_then_it_is_free() -> None:
    clock = Clock()
    with vendor(clock, parallel=1) as account:
        busy, waiting = account.create(), account.create()
        clock.advance(10)
        assert account.http.delete(f"{TASKS}/{busy}").status_code == 400
        assert account.http.delete(f"{TASKS}/{waiting}").status_code == 200
        assert account.task(waiting)["status"] == "cancelled"
        assert account.http.delete(f"{TASKS}/{waiting}").status_code == 400
        assert account.emulator.bill.by_job()[waiting] == 0
        assert account.emulator.bill.by_job()[busy] > 0


def test_creates_are_limited_by_the_minute_for_each_model() -> None:
    clock = Clock()
    with vendor(clock, rpm=1) as account:
        account.create()
        assert account.refused(TASKS, clip_body())[:2] == (429, "ModelAccountRpmRateLimitExceeded")
        account.create(model=SEEDANCE_25)
        clock.advance(60)
        account.create()
    with vendor(pictures_per_minute=1) as account:
        account.draw()
        assert account.refused(PICTURES, picture_body())[:2] == (429, "ModelAccountRpmRateLimitExceeded")


def test_callbacks_carry_the_task_and_come_twice_or_early_where_scripted() -> None:
    receiver = Receiver()
    with vendor() as account, running(receiver) as address:
        account.emulator.faults.add(Fault.DUPLICATE_CALLBACK, "submit")
        task_id = account.create(callback_url=address)
        wait_until(lambda: len(receiver.bodies) == 3)
        assert [body["status"] for body in receiver.bodies] == ["running", "succeeded", "succeeded"]
        assert receiver.bodies[-1] == account.task(task_id)
        receiver.bodies.clear()
        account.emulator.faults.add(Fault.EARLY_CALLBACK, "callback")
        assert account.create(callback_url=address) == receiver.bodies[0]["id"]


def test_a_picture_is_answered_at_once_with_its_tokens_and_a_link() -> None:
    with vendor() as account:
        reply = account.draw(image=FRAME)
        item = reply["data"][0]
        assert reply["model"] == SEEDREAM_45
        assert reply["usage"] == {"generated_images": 1, "output_tokens": 16384, "total_tokens": 16384}
        assert item["size"] == "2048x2048"
        with Image.open(io.BytesIO(account.http.get(item["url"]).content)) as image:
            assert image.format == "JPEG"
        inline = account.draw(image=[FRAME, FRAME], response_format="b64_json", size="2K")["data"][0]
        assert set(inline) == {"b64_json", "size"}
        assert account.emulator.bill.total_micro() == 500_000


def test_prices_of_pictures_can_be_set() -> None:
    with vendor(picture_prices={SEEDREAM_45: Decimal("0.33")}) as account:
        account.draw()
        account.draw(model=SEEDREAM_40, size="1K")
        assert account.emulator.bill.total_micro() == 530_000


def test_a_watermark_is_drawn_unless_it_is_declined() -> None:
    with vendor() as account:
        marked = account.draw(watermark=None)["data"][0]["url"]
        plain = account.draw(watermark=False)["data"][0]["url"]
        corners = []
        for url in (marked, plain):
            with Image.open(io.BytesIO(account.http.get(url).content)) as image:
                box = (image.width - 3, image.height - 3, image.width, image.height)
                corners.append(max(image.crop(box).convert("L").tobytes()))
        assert corners[0] < 50
        assert corners[1] > 120
        assert [job.payload["watermark"] for job in account.emulator.jobs.all()] == [True, False]


def test_the_watermark_is_legible_on_a_large_picture() -> None:
    with Image.open(io.BytesIO(watermarked(picture((800, 800))))) as image:
        plate = image.crop((640, 734, 800, 800)).convert("L").histogram()
        rest = image.crop((0, 0, 640, 700)).convert("L").tobytes()
    assert sum(plate[:60]) > 5000
    assert sum(plate[200:]) > 150
    assert max(rest) - min(rest) < 12


def test_a_group_may_be_partly_good_and_only_that_is_billed() -> None:
    group = {
        "sequential_image_generation": "auto",
        "sequential_image_generation_options": {"max_images": 3},
    }
    with vendor() as account:
        assert len(account.draw(**group)["data"]) == 3
        account.emulator.faults.add(Fault.PARTIAL, "submit")
        reply = account.draw(**group)
        assert [set(item) for item in reply["data"]] == [{"url", "size"}, {"url", "size"}, {"error"}]
        assert reply["usage"]["generated_images"] == 2
        account.emulator.faults.add(Fault.FAIL_AS_SUCCESS, "submit")
        hollow = account.draw()
        assert set(hollow["data"][0]["error"]) == {"code", "message"}
        assert hollow["usage"] == {"generated_images": 0, "output_tokens": 0, "total_tokens": 0}
        assert [entry.amount for entry in account.emulator.bill.entries] == [
            Decimal("0.75"),
            Decimal("0.50"),
            Decimal(0),
        ]


@pytest.mark.parametrize(
    "fault,status,code",
    [
        (Fault.REJECT_END, 400, "OutputImageSensitiveContentDetected"),
        (Fault.FAIL_END, 500, "InternalServiceError"),
    ],
)
def test_a_picture_that_fails_is_an_error_and_free(fault: Fault, status: int, code: str) -> None:
    with vendor() as account:
        account.emulator.faults.add(fault, "submit")
        assert account.refused(PICTURES, picture_body())[:2] == (status, code)
        assert account.emulator.bill.total_micro() == 0
        assert len(account.emulator.bill.entries) == 1


def test_a_picture_is_owed_though_its_client_has_gone_away() -> None:
    clock = Clock()
    with vendor(clock) as account:
        # The clock stands still here, so the answer takes its real 15 s: nobody waits for them.
        with pytest.raises(httpx.ReadTimeout):
            account.http.post(PICTURES, json=picture_body(), timeout=0.05)
        assert account.emulator.bill.total_micro() == 250_000


def test_pictures_are_made_side_by_side() -> None:
    with vendor() as account:
        replies: list[dict[str, Any]] = []
        threads = [threading.Thread(target=lambda: replies.append(account.draw())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({reply["data"][0]["url"] for reply in replies}) == 4
        assert len(account.emulator.bill.doubles()) == 1


def test_a_fault_that_the_vendor_does_not_know_is_the_test_writers_mistake() -> None:
    with vendor() as account:
        account.emulator.faults.add(Fault.STUCK, "submit")
        assert account.http.post(PICTURES, json=picture_body()).status_code == 500
        assert "Ark has no stuck" in str(account.emulator.crashes.pop())


def test_no_odd_value_is_more_than_a_refusal() -> None:
    with vendor(rpm=10_000, pictures_per_minute=10_000) as account:
        clip = clip_body(seed=1, ratio="1:1", service_tier="default", callback_url="", frames=29)
        for path, body in (
            (TASKS, clip),
            (
                PICTURES,
                picture_body(image=[], sequential_image_generation_options={}, optimize_prompt_options={}),
            ),
        ):
            replies = [
                account.http.post(path, json={**body, name: value}) for name in body for value in ODD_VALUES
            ]
            replies += [account.http.post(path, json=value) for value in ODD_VALUES]
            assert {reply.status_code for reply in replies} <= {200, 400, 404}
