"""The emulated DashScope: its protocol, tasks, inputs, errors and bill, by plain HTTP and by DashScope's own SDK."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from providers.emulators.core.faults import Fault
from providers.emulators.core.http import running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.emulators.dashscope import make
from providers.emulators.dashscope.emulator import DashScopeEmulator
from providers.emulators.dashscope.errors import ERRORS, TASK_ERRORS
from providers.emulators.dashscope.models import MODELS
from providers.emulators.dashscope.pictures import background

KEY = "sk-emulator-dashscope"
ASYNC = {"x-dashscope-async": "enable"}
BACKGROUND = "aigc/background-generation/generation/"
IMAGE_TO_IMAGE = "aigc/image2image/image-synthesis"
TEXT_TO_IMAGE = "aigc/text2image/image-synthesis"
OUT_PAINTING = "aigc/image2image/out-painting"
IMAGE_TASKS = "aigc/image-generation/generation"
MULTIMODAL = "aigc/multimodal-generation/generation"
TEXT = "aigc/text-generation/generation"
VIDEO = "aigc/video-generation/video-synthesis"


class Clock:
    """A wall clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at_s = 1_790_000_000.0

    def __call__(self) -> float:
        return self.at_s


class Caller:
    """A client of the emulator, with the emulator itself at hand."""

    def __init__(self, emulator: DashScopeEmulator, url: str) -> None:
        self.emulator = emulator
        self.url = url
        headers = {"authorization": f"Bearer {KEY}"}
        self.http = httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=10, trust_env=False)

    def post(self, service: str, body: Any, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(f"/services/{service}", json=body, headers=named)

    def create(self, service: str, body: Any, **headers: str) -> str:
        reply = self.post(service, body, x_dashscope_async="enable", **headers)
        assert reply.status_code == 200, reply.text
        output = reply.json()["output"]
        assert output["task_status"] == "PENDING"
        return str(output["task_id"])

    def query(self, task_id: str) -> dict[str, Any]:
        reply = self.http.get(f"/tasks/{task_id}")
        assert reply.status_code == 200, reply.text
        told: dict[str, Any] = reply.json()
        assert told["request_id"]
        return told

    def put(self, data: bytes, media_type: str = "image/png") -> str:
        """The address of an input; it stands on the emulator's own shelf."""
        return self.emulator.shelf.put(data, media_type, 1e9)

    @property
    def charges(self) -> list[Decimal]:
        return [entry.amount for entry in self.emulator.bill.entries]


@contextlib.contextmanager
def calling(emulator: DashScopeEmulator) -> Iterator[Caller]:
    with running(emulator) as url:
        caller = Caller(emulator, url)
        try:
            yield caller
        finally:
            caller.http.close()


def fast(**kw: Any) -> DashScopeEmulator:
    """Answers at once and has no limits of rate."""
    latencies = {"copy": 0.0, "image": 0.0, "video": 0.0}
    return make(Timing(latencies_s=latencies), limited=False, **kw)


@pytest.fixture
def caller() -> Iterator[Caller]:
    with calling(fast()) as one:
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slow(clock: Clock) -> Iterator[Caller]:
    """Vendor time stands still until the test moves it."""
    with calling(make(Timing(now=clock), media=Media(tiny=True))) as one:
        yield one


def png(size_px: tuple[int, int] = (600, 600), mode: str = "RGB") -> bytes:
    picture = Image.new(mode, size_px, (0, 0, 0, 0) if mode == "RGBA" else (200, 120, 40))
    if mode == "RGBA":
        box = (size_px[0] // 4, size_px[1] // 4, size_px[0] * 3 // 4, size_px[1] * 3 // 4)
        picture.paste((180, 40, 30, 255), box)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def picture_at(url: str) -> Image.Image:
    reply = httpx.get(url, trust_env=False)
    assert reply.status_code == 200
    picture = Image.open(io.BytesIO(reply.content))
    picture.load()
    return picture


def scene(url: str, **parameters: Any) -> dict[str, Any]:
    given = {"base_image_url": url, "ref_prompt": "a wooden table by a window"}
    return {"model": "wanx-background-generation-v2", "input": given, "parameters": parameters}


def edit(url: str, **parameters: Any) -> dict[str, Any]:
    given = {"prompt": "worn by a person in a park", "images": [url]}
    return {"model": "wan2.5-i2i-preview", "input": given, "parameters": parameters}


def clip(url: str, model: str = "wan2.6-i2v-flash", **parameters: Any) -> dict[str, Any]:
    return {"model": model, "input": {"prompt": "slowly around", "img_url": url}, "parameters": parameters}


def message(*parts: dict[str, str]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def ask(text: str = "hello", *, model: str = "qwen-plus", **parameters: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {
        "model": model,
        "input": {"messages": messages},
        "parameters": {"result_format": "message", **parameters},
    }


# Background generation


def test_a_background_is_made_around_the_product_which_stays_where_it_is(caller: Caller) -> None:
    base = png((400, 300), "RGBA")
    url = caller.put(base)
    task_id = caller.create(BACKGROUND, scene(url, n=2, model_version="v3"))
    told = caller.query(task_id)
    output = told["output"]
    assert output["task_status"] == "SUCCEEDED"
    assert told["usage"] == {"image_count": 2}
    assert output["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 2, "FAILED": 0}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", output["submit_time"])
    assert output["submit_time"] <= output["scheduled_time"] <= output["end_time"]
    first, second = (picture_at(result["url"]) for result in output["results"])
    assert first.size == (400, 300)
    assert first.format == "PNG"
    assert first.getpixel((200, 150)) == (180, 40, 30)
    assert first.getpixel((100, 75)) == (180, 40, 30)
    assert first.getpixel((99, 75)) != (180, 40, 30)
    assert first.getpixel((5, 5)) != second.getpixel((5, 5))
    assert caller.charges == [Decimal("0.16")]


def test_the_backdrop_follows_the_prompt_and_has_a_floor_with_a_shadow() -> None:
    base = png((400, 400), "RGBA")
    one, same, other = (
        Image.open(io.BytesIO(background(base, prompt, 0))) for prompt in ("oak", "oak", "marble")
    )
    assert one.tobytes() == same.tobytes()
    assert one.getpixel((5, 5)) != other.getpixel((5, 5))
    below, beside = one.getpixel((200, 305)), one.getpixel((20, 305))
    assert isinstance(below, tuple)
    assert isinstance(beside, tuple)
    assert sum(below) < sum(beside) - 60


def test_both_spellings_of_the_path_are_served(caller: Caller) -> None:
    url = caller.put(png(mode="RGBA"))
    for service in (BACKGROUND, BACKGROUND.rstrip("/")):
        assert caller.query(caller.create(service, scene(url)))["output"]["task_status"] == "SUCCEEDED"


def test_a_base_image_without_alpha_is_accepted_and_fails_free_of_charge(caller: Caller) -> None:
    told = caller.query(caller.create(BACKGROUND, scene(caller.put(png(mode="RGB")))))
    assert told["output"]["task_status"] == "FAILED"
    assert told["output"]["code"] == "BadRequest.UnsupportedFileFormat"
    assert told["usage"] == {"image_count": 0}
    assert caller.charges == [Decimal(0)]


def test_a_base_image_must_be_an_address_and_within_2048_px(caller: Caller) -> None:
    inline = "data:image/png;base64," + base64.b64encode(png(mode="RGBA")).decode()
    reply = caller.post(BACKGROUND, scene(inline), x_dashscope_async="enable")
    assert (reply.status_code, reply.json()["code"]) == (400, "InvalidURL")
    told = caller.query(caller.create(BACKGROUND, scene(caller.put(png((2100, 8), "RGBA")))))
    assert told["output"]["code"] == "InvalidImageResolution"


# Other images


def test_wan_edit_makes_and_bills_four_where_n_is_not_given(caller: Caller) -> None:
    url = caller.put(png((400, 500)))
    told = caller.query(caller.create(IMAGE_TO_IMAGE, edit(url)))
    assert len(told["output"]["results"]) == 4
    assert told["output"]["results"][0]["orig_prompt"] == "worn by a person in a park"
    caller.create(IMAGE_TO_IMAGE, edit(url, n=1, size="1024*768"))
    assert caller.charges == [Decimal("0.80"), Decimal("0.20")]


@pytest.mark.parametrize(
    "size_px, mode, code",
    [
        ((380, 500), "RGB", "InvalidImageResolution"),
        ((500, 500), "RGBA", "InvalidParameter.ImageFormat"),
    ],
)
def test_wan_edit_takes_no_alpha_and_no_small_picture(
    caller: Caller, size_px: tuple[int, int], mode: str, code: str
) -> None:
    told = caller.query(caller.create(IMAGE_TO_IMAGE, edit(caller.put(png(size_px, mode)), n=1)))
    assert (told["output"]["task_status"], told["output"]["code"]) == ("FAILED", code)
    assert "usage" not in told
    assert caller.charges == [Decimal(0)]


def test_imageedit_takes_data_and_checks_the_mask(caller: Caller) -> None:
    inline = "data:image/png;base64," + base64.b64encode(png()).decode()
    given = {"function": "description_edit_with_mask", "prompt": "blue", "base_image_url": inline}
    body = {"model": "wanx2.1-imageedit", "input": given, "parameters": {"n": 1}}
    assert caller.post(IMAGE_TO_IMAGE, body, x_dashscope_async="enable").status_code == 400
    given["mask_image_url"] = caller.put(png((520, 520)))
    assert caller.query(caller.create(IMAGE_TO_IMAGE, body))["output"]["task_status"] == "FAILED"
    given["mask_image_url"] = caller.put(png())
    told = caller.query(caller.create(IMAGE_TO_IMAGE, body))
    assert picture_at(told["output"]["results"][0]["url"]).size == (600, 600)
    assert caller.emulator.bill.total() == Decimal("0.14")


def test_out_painting_keeps_the_picture_and_marks_it_unless_told_not_to(caller: Caller) -> None:
    given = {"image_url": caller.put(png())}
    corners = []
    for wish in ({}, {"add_watermark": False}):
        body = {"model": "image-out-painting", "input": given, "parameters": {"output_ratio": "9:16", **wish}}
        told = caller.query(caller.create(OUT_PAINTING, body))
        picture = picture_at(told["output"]["output_image_url"])
        assert picture.size == (600, 1067)
        middle = picture.getpixel((300, 533))
        assert isinstance(middle, tuple)
        assert all(abs(a - b) < 8 for a, b in zip(middle, (200, 120, 40), strict=True))
        corners.append(picture.getpixel((598, 1065)))
    assert corners[0] == (255, 255, 255)
    assert corners[1] != (255, 255, 255)
    assert caller.charges == [Decimal("0.18")] * 2


def test_text_to_image_in_both_generations(caller: Caller) -> None:
    older = {"model": "wan2.2-t2i-flash", "input": {"prompt": "a lamp"}, "parameters": {"n": 1}}
    told = caller.query(caller.create(TEXT_TO_IMAGE, older))
    assert told["output"]["results"][0]["actual_prompt"] == "a lamp"
    newer = {"model": "wan2.6-t2i", "input": message({"text": "a lamp"}), "parameters": {"is_async": True}}
    told = caller.query(caller.create(IMAGE_TASKS, newer))
    assert len(told["output"]["choices"]) == 4
    part = told["output"]["choices"][0]["message"]["content"][0]
    assert part["type"] == "image"
    assert picture_at(part["image"]).size == (1280, 1280)
    assert told["usage"]["image_count"] == 4
    assert told["usage"]["size"] == "1280*1280"
    newer["parameters"] = {"n": 1, "size": "1440*1280"}
    at_once = caller.post(MULTIMODAL, newer).json()
    assert picture_at(at_once["output"]["choices"][0]["message"]["content"][0]["image"]).size == (1440, 1280)
    assert caller.charges == [Decimal("0.14"), Decimal("0.80"), Decimal("0.20")]


def test_qwen_image_edit_answers_at_once(caller: Caller) -> None:
    given = message({"image": caller.put(png())}, {"text": "on a beach"})
    body = {"model": "qwen-image-edit-plus", "input": given, "parameters": {"n": 2, "size": "1030*770"}}
    told = caller.post(MULTIMODAL, body).json()
    assert len(told["output"]["choices"]) == 1
    parts = told["output"]["choices"][0]["message"]["content"]
    assert [picture_at(part["image"]).size for part in parts] == [(1024, 768)] * 2
    assert told["usage"] == {"width": 1024, "height": 768, "image_count": 2}
    body["model"] = "qwen-image-edit"
    assert caller.post(MULTIMODAL, body).status_code == 400
    assert caller.charges == [Decimal("0.40")]


# Video


def test_a_clip_opens_with_the_frame_and_is_billed_by_the_second(caller: Caller) -> None:
    import av

    url = caller.put(png((480, 270)))
    body = clip(url, "wan2.5-i2v-preview", resolution="480P", duration=5, prompt_extend=False)
    task_id = caller.create(VIDEO, body)
    told = caller.query(task_id)
    while told["output"]["task_status"] == "RUNNING":
        told = caller.query(task_id)
    assert told["usage"] == {
        "duration": 5,
        "input_video_duration": 0,
        "output_video_duration": 5,
        "video_count": 1,
        "SR": 480,
    }
    data = httpx.get(told["output"]["video_url"], trust_env=False).content
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert abs(stream.width / stream.height - 16 / 9) < 0.05
        assert stream.average_rate is not None
        assert abs(float(stream.frames / stream.average_rate) - 5) < 0.1
    assert caller.charges == [Decimal("1.5")]


@pytest.mark.parametrize(
    "model, parameters, amount",
    [
        ("wan2.6-i2v", {}, "5.0"),
        ("wan2.6-i2v", {"resolution": "720P", "audio": False}, "3.0"),
        ("wan2.6-i2v-flash", {}, "2.5"),
        ("wan2.6-i2v-flash", {"resolution": "720P", "duration": 10, "audio": False}, "1.5"),
    ],
)
def test_prices_of_clips(model: str, parameters: dict[str, Any], amount: str) -> None:
    with calling(fast(media=Media(tiny=True))) as caller:
        task_id = caller.create(VIDEO, clip(caller.put(png()), model, **parameters))
        assert caller.query(task_id)["output"]["video_url"].startswith(caller.url)
        assert caller.charges == [Decimal(amount)]


def test_frames_with_alpha_and_odd_durations_are_refused(caller: Caller) -> None:
    told = caller.query(caller.create(VIDEO, clip(caller.put(png(mode="RGBA")))))
    assert told["output"]["task_status"] == "FAILED"
    for parameters in ({"duration": 16}, {"duration": "5"}, {"resolution": "480P"}, {"fps": 24}):
        reply = caller.post(VIDEO, clip(caller.put(png()), **parameters), x_dashscope_async="enable")
        assert (reply.status_code, reply.json()["code"]) == (400, "InvalidParameter")
    assert caller.charges == [Decimal(0)]


# Tasks


def test_states_follow_vendor_time_and_queued_tasks_wait_their_turn(slow: Caller, clock: Clock) -> None:
    url = slow.put(png(mode="RGBA"))
    first, second = (slow.create(BACKGROUND, scene(url)) for _ in range(2))
    running_now = slow.query(first)["output"]
    assert running_now["task_status"] == "RUNNING"
    assert running_now["task_metrics"]["TOTAL"] == 1
    waiting = slow.query(second)["output"]
    assert set(waiting) == {"task_id", "task_status", "submit_time"}
    clock.at_s += 16
    assert slow.query(first)["output"]["task_status"] == "SUCCEEDED"
    assert slow.query(second)["output"]["task_status"] == "RUNNING"
    clock.at_s += 16
    assert slow.query(second)["output"]["task_status"] == "SUCCEEDED"


def test_only_a_waiting_task_can_be_canceled_and_then_it_is_free(slow: Caller, clock: Clock) -> None:
    url = slow.put(png(mode="RGBA"))
    first, second = (slow.create(BACKGROUND, scene(url)) for _ in range(2))
    refused = slow.http.post(f"/tasks/{first}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (400, "UnsupportedOperation")
    assert slow.http.post(f"/tasks/{second}/cancel").json().keys() == {"request_id"}
    assert slow.query(second)["output"]["task_status"] == "CANCELED"
    assert slow.charges == [Decimal("0.08"), Decimal(0)]


def test_how_many_are_worked_on_at_once_can_be_changed(clock: Clock) -> None:
    at_once = {"wanx-background-generation-v2": 2}
    with calling(make(Timing(now=clock), at_once=at_once, limited=False)) as caller:
        url = caller.put(png(mode="RGBA"))
        tasks = [caller.create(BACKGROUND, scene(url)) for _ in range(3)]
        states = [caller.query(task)["output"]["task_status"] for task in tasks]
        assert states == ["RUNNING", "RUNNING", "PENDING"]


def test_submits_beyond_two_a_second_are_throttled(slow: Caller, clock: Clock) -> None:
    url = slow.put(png(mode="RGBA"))
    replies = [slow.post(BACKGROUND, scene(url), x_dashscope_async="enable") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[2].json()["code"] == "Throttling.RateQuota"
    clock.at_s += 1.1
    assert slow.post(BACKGROUND, scene(url), x_dashscope_async="enable").status_code == 200


def test_queries_are_limited_to_twenty_a_second(slow: Caller, clock: Clock) -> None:
    statuses = [slow.http.get("/tasks/unknown").status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    assert slow.http.get("/tasks").status_code == 200
    clock.at_s += 1.1
    assert slow.http.get("/tasks/unknown").status_code == 200


def test_unknown_foreign_and_forgotten_tasks_are_unknown(clock: Clock) -> None:
    keys = {KEY: "main", "sk-second": "main", "sk-foreign": "other"}
    with calling(make(Timing(now=clock), media=Media(tiny=True), keys=keys)) as caller:
        task_id = caller.create(BACKGROUND, scene(caller.put(png(mode="RGBA"))))
        clock.at_s += 60

        def status(key: str, task: str = task_id) -> str:
            reply = caller.http.get(f"/tasks/{task}", headers={"authorization": f"Bearer {key}"})
            assert reply.status_code == 200
            return str(reply.json()["output"]["task_status"])

        assert status(KEY) == status("sk-second") == "SUCCEEDED"
        assert status("sk-foreign") == status(KEY, "no-such-task") == "UNKNOWN"
        url = caller.query(task_id)["output"]["results"][0]["url"]
        assert httpx.get(url, trust_env=False).status_code == 200
        clock.at_s += 24 * 3600
        assert status(KEY) == "UNKNOWN"
        assert httpx.get(url, trust_env=False).status_code == 403


def test_the_list_of_tasks(slow: Caller, clock: Clock) -> None:
    url = slow.put(png(mode="RGBA"))
    tasks = [slow.create(BACKGROUND, scene(url)) for _ in range(2)]
    clock.at_s += 20
    listing = slow.http.get("/tasks/", params={"page_size": 1, "status": "SUCCEEDED"}).json()
    assert (listing["total"], listing["total_page"], listing["page_no"]) == (1, 1, 1)
    line = listing["data"][0]
    assert line["task_id"] == tasks[0]
    assert line["user_api_unique_key"] == (
        "apikey:v1:aigc:background-generation:generation:wanx-background-generation-v2"
    )
    assert line["end_time"] - line["start_time"] == 15_000
    assert slow.http.get("/tasks", params={"model_name": "wan2.6-t2i"}).json()["total"] == 0
    wide = {"start_time": "20260901000000", "end_time": "20260903000000"}
    assert slow.http.get("/tasks", params=wide).status_code == 400


# Faults


def ended(caller: Caller, fault: Fault | None = None, **parameters: Any) -> dict[str, Any]:
    if fault is not None:
        caller.emulator.faults.add(fault, "submit")
    url = caller.put(png(mode="RGBA"))
    return caller.query(caller.create(BACKGROUND, scene(url, **parameters)))


def test_partial_success_says_which_failed_and_bills_the_others(caller: Caller) -> None:
    told = ended(caller, Fault.PARTIAL, n=3)
    assert told["output"]["task_status"] == "SUCCEEDED"
    results = told["output"]["results"]
    assert ["url" in result for result in results] == [True, True, False]
    assert results[2]["code"] == "DataInspectionFailed"
    assert told["usage"]["image_count"] == 2
    assert told["output"]["task_metrics"]["FAILED"] == 1
    assert caller.charges == [Decimal("0.16")]


def test_a_failure_that_says_succeeded(caller: Caller) -> None:
    told = ended(caller, Fault.FAIL_AS_SUCCESS)
    assert told["output"]["task_status"] == "SUCCEEDED"
    assert "url" not in told["output"]["results"][0]
    caller.emulator.faults.add(Fault.FAIL_AS_SUCCESS, "submit")
    told = caller.query(caller.create(VIDEO, clip(caller.put(png()))))
    assert told["output"]["task_status"] == "SUCCEEDED"
    assert "video_url" not in told["output"]
    caller.emulator.faults.add(Fault.FAIL_AS_SUCCESS, "submit")
    reply = caller.post(TEXT, ask())
    assert (reply.status_code, reply.json()["code"]) == (200, "InternalError.Algo")
    assert caller.emulator.bill.total() == 0


@pytest.mark.parametrize(
    "fault, status, code",
    [
        (Fault.REJECT_END, "FAILED", "DataInspectionFailed"),
        (Fault.FAIL_END, "FAILED", "InternalError.Algo"),
        (Fault.CANCELED, "CANCELED", None),
    ],
)
def test_bad_ends_are_free(caller: Caller, fault: Fault, status: str, code: str | None) -> None:
    told = ended(caller, fault)
    assert told["output"]["task_status"] == status
    assert told["output"].get("code") == code
    assert caller.charges == [Decimal(0)]


def test_expired_and_odd_words(caller: Caller) -> None:
    told = ended(caller, Fault.EXPIRED_JOB)
    assert told["output"]["task_status"] == "UNKNOWN"
    assert caller.charges == [Decimal("0.08")]
    caller.emulator.faults.add(Fault.UNKNOWN_STATUS, "poll")
    assert ended(caller)["output"]["task_status"] not in (
        ["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "CANCELLED", "SUSPENDED", "UNKNOWN"]
    )
    caller.emulator.codes.word("CANCELLED")
    assert ended(caller)["output"]["task_status"] == "CANCELLED"


def test_stuck_suspended_and_unknown_words_while_it_runs(slow: Caller, clock: Clock) -> None:
    slow.emulator.faults.add(Fault.STUCK, "submit")
    slow.emulator.codes.word("SUSPENDED", after=1)
    url = slow.put(png(mode="RGBA"))
    stuck, suspended = (slow.create(BACKGROUND, scene(url)) for _ in range(2))
    assert slow.query(suspended)["output"]["task_status"] == "SUSPENDED"
    clock.at_s += 4 * 3600
    assert slow.query(stuck)["output"]["task_status"] == "RUNNING"
    assert slow.charges == [Decimal(0), Decimal("0.08")]
    assert slow.query(suspended)["output"]["task_status"] == "SUCCEEDED"
    slow.emulator.faults.add(Fault.UNKNOWN_STATUS, "submit")
    odd = slow.create(BACKGROUND, scene(url))
    assert slow.query(odd)["output"]["task_status"] == "PREPARING"
    clock.at_s += 16
    assert slow.query(odd)["output"]["task_status"] == "SUCCEEDED"


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_row_of_the_error_table_can_be_had(caller: Caller, code: str) -> None:
    status, usual = ERRORS[code]
    for place in ("submit", "poll"):
        caller.emulator.codes.refuse(code, place, message="said so")
        reply = caller.post(TEXT, ask()) if place == "submit" else caller.http.get("/tasks/some")
        assert reply.status_code == status
        assert reply.json().keys() == {"code", "message", "request_id"}
        assert (reply.json()["code"], reply.json()["message"]) == (code, "said so")
    assert usual
    assert caller.charges == []


@pytest.mark.parametrize("code", sorted(TASK_ERRORS))
def test_every_task_level_code_can_be_had(caller: Caller, code: str) -> None:
    caller.emulator.codes.end(code)
    told = ended(caller)
    assert (told["output"]["task_status"], told["output"]["code"]) == ("FAILED", code)
    assert told["output"]["message"]
    assert caller.charges == [Decimal(0)]


def test_codes_that_do_not_exist_cannot_be_scripted(caller: Caller) -> None:
    for script in (caller.emulator.codes.refuse, caller.emulator.codes.end, caller.emulator.codes.word):
        with pytest.raises(ValueError, match="NoSuchCode"):
            script("NoSuchCode")


@pytest.mark.parametrize(
    "fault, status, code",
    [
        (Fault.THROTTLE, 429, "Throttling.RateQuota"),
        (Fault.THROTTLE_BURST, 429, "Throttling.BurstRate"),
        (Fault.THROTTLE_PARALLEL, 429, "Throttling.AllocationQuota"),
        (Fault.QUOTA_USED_UP, 429, "Throttling.AllocationQuota"),
        (Fault.SERVER_BUSY, 503, "ModelServingError"),
        (Fault.REJECT_CREATE, 400, "DataInspectionFailed"),
        (Fault.ARREARS, 400, "Arrearage"),
        (Fault.AUTH, 401, "InvalidApiKey"),
    ],
)
def test_scripted_refusals(caller: Caller, fault: Fault, status: int, code: str) -> None:
    caller.emulator.faults.add(fault, "submit")
    reply = caller.post(BACKGROUND, scene(caller.put(png(mode="RGBA"))), x_dashscope_async="enable")
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert (reply.json()["message"] == "Free allocated quota exceeded.") == (fault is Fault.QUOTA_USED_UP)
    assert caller.charges == []


def test_a_create_that_is_reset_after_acceptance_is_billed_once_and_told_as_double_when_sent_again(
    caller: Caller,
) -> None:
    caller.emulator.faults.add(Fault.RESET_AFTER, "submit")
    body = scene(caller.put(png(mode="RGBA")))
    with pytest.raises(httpx.TransportError):
        caller.post(BACKGROUND, body, x_dashscope_async="enable")
    assert caller.charges == [Decimal("0.08")]
    caller.create(BACKGROUND, body)
    assert len(caller.emulator.bill.doubles()) == len(caller.emulator.jobs.doubles()) == 1


# Requests


def test_keys_and_workspaces() -> None:
    emulator = fast(
        keys={KEY: "main", "sk-sub": "main"},
        workspaces={"llm-ours": "main", "llm-theirs": "other"},
        workspace_keys=frozenset({"sk-sub"}),
    )
    with calling(emulator) as caller:

        def told(key: str, workspace: str = "") -> tuple[int, str | None]:
            headers = {"authorization": f"Bearer {key}", "x-dashscope-workspace": workspace}
            reply = caller.http.get("/tasks", headers=headers)
            return reply.status_code, reply.json().get("code")

        assert told(KEY) == (200, None)
        assert told("sk-wrong") == (401, "InvalidApiKey")
        assert told("sk-sub") == (403, "Workspace.AccessDenied")
        assert told("sk-sub", "llm-ours") == (200, None)
        assert told(KEY, "llm-theirs") == (403, "Workspace.AccessDenied")
        assert told(KEY, "llm-none") == (404, "WorkSpaceNotFound")
        basic = caller.http.get("/tasks", headers={"authorization": f"Basic {KEY}"})
        assert basic.status_code == 401


def test_async_and_sync_models_are_told_apart(caller: Caller) -> None:
    body = scene(caller.put(png(mode="RGBA")))
    reply = caller.post(BACKGROUND, body)
    assert (reply.status_code, reply.json()["code"]) == (403, "AccessDenied")
    assert reply.json()["message"] == "current user api does not support synchronous calls"
    reply = caller.post(TEXT, ask(), x_dashscope_async="enable")
    assert (reply.status_code, reply.json()["message"]) == (
        403,
        "current user api does not support asynchronous calls",
    )


@pytest.mark.parametrize(
    "service, body, status, code",
    [
        (
            BACKGROUND,
            {"model": "wanx-background-generation-v3", "input": {"ref_prompt": "x"}},
            400,
            "InvalidParameter",
        ),
        (IMAGE_TO_IMAGE, {"model": "wan2.2-t2i-flash", "input": {"prompt": "x"}}, 400, "InvalidParameter"),
        (BACKGROUND, {"input": {"ref_prompt": "x"}}, 400, "BadRequest.EmptyModel"),
        (BACKGROUND, {"model": "wanx-background-generation-v2"}, 400, "BadRequest.EmptyInput"),
        (
            BACKGROUND,
            {"model": "wan2.6-t2i", "input": {"a": 1}, "parameters": None},
            400,
            "BadRequest.EmptyParameters",
        ),
        (BACKGROUND, [], 400, "InvalidParameter"),
        ("aigc/no/service", {"model": "wan2.6-t2i", "input": {"a": 1}}, 400, "InvalidParameter"),
        (BACKGROUND, scene("https://a.example/图.png"), 400, "InvalidURL"),
        (BACKGROUND, scene("ftp://a.example/a.png"), 400, "InvalidURL"),
        (BACKGROUND, scene("oss://folder/a.png"), 400, "InvalidParameter"),
        (BACKGROUND, scene("https://a.example/a.png", n=5), 400, "InvalidParameter"),
        (BACKGROUND, scene("https://a.example/a.png", n=True), 400, "InvalidParameter"),
        (BACKGROUND, scene("https://a.example/a.png", seed=1), 400, "InvalidParameter"),
        (IMAGE_TO_IMAGE, edit("https://a.example/a.png", size="400*400"), 400, "InvalidParameter"),
        (IMAGE_TO_IMAGE, edit("https://a.example/a.png", size="2000*2000"), 400, "InvalidParameter"),
        (IMAGE_TO_IMAGE, edit("https://a.example/a.png", size="1024x1024"), 400, "InvalidParameter"),
        (VIDEO, clip(""), 400, "InvalidParameter"),
    ],
)
def test_wrong_requests_are_refused(caller: Caller, service: str, body: Any, status: int, code: str) -> None:
    reply = caller.post(service, body, x_dashscope_async="enable")
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert caller.charges == []


def test_broken_large_and_lost_requests(caller: Caller) -> None:
    reply = caller.http.post(f"/services/{TEXT}", content=b"{")
    assert (reply.status_code, reply.json()["code"]) == (400, "InvalidParameter")
    assert caller.http.get("/nowhere").status_code == 404
    with calling(fast(max_body_bytes=100)) as small:
        reply = small.post(TEXT, ask("x" * 200))
        assert (reply.status_code, reply.json()["code"]) == (413, "BadRequest.TooLarge")


def test_an_input_that_cannot_be_had_fails_the_task(caller: Caller) -> None:
    told = caller.query(caller.create(BACKGROUND, scene(f"{caller.url}/files/none/none.png")))
    assert told["output"]["code"] == "InvalidParameter.FileDownload"
    told = caller.query(caller.create(BACKGROUND, scene(caller.put(b"no picture"))))
    assert told["output"]["code"] == "InvalidFile.Content"


# Temporary uploads


def permit(caller: Caller, model: str) -> dict[str, str]:
    reply = caller.http.get("/uploads", params={"action": "getPolicy", "model": model})
    data: dict[str, str] = reply.json()["data"]
    return data


def upload(caller: Caller, data: bytes, model: str, **changes: str) -> tuple[httpx.Response, str]:
    return upload_with(permit(caller, model), data, **changes)


def upload_with(granted: dict[str, str], data: bytes, **changes: str) -> tuple[httpx.Response, str]:
    form = {
        "OSSAccessKeyId": granted["oss_access_key_id"],
        "Signature": granted["signature"],
        "policy": granted["policy"],
        "key": f"{granted['upload_dir']}/a.png",
        "x-oss-object-acl": granted["x_oss_object_acl"],
        "x-oss-forbid-overwrite": granted["x_oss_forbid_overwrite"],
        "success_action_status": "200",
        "x-oss-content-type": "image/png",
        **changes,
    }
    reply = httpx.post(granted["upload_host"], data=form, files={"file": data}, trust_env=False)
    return reply, f"oss://{form['key']}"


def test_an_uploaded_file_serves_its_model_for_48_hours(slow: Caller, clock: Clock) -> None:
    data = png(mode="RGBA") + b"\r\n--not-the-boundary\r\n"
    reply, address = upload(slow, data, "wanx-background-generation-v2")
    assert reply.status_code == 200
    resolve = {"x_dashscope_ossresourceresolve": "enable"}
    task_id = slow.create(BACKGROUND, scene(address), **resolve)
    other = slow.create(IMAGE_TO_IMAGE, edit(address, n=1), **resolve)
    clock.at_s += 20
    assert slow.query(task_id)["output"]["task_status"] == "SUCCEEDED"
    assert slow.query(other)["output"]["code"] == "InvalidParameter.FileDownload"
    clock.at_s += 48 * 3600
    late = slow.create(BACKGROUND, scene(address), **resolve)
    clock.at_s += 20
    assert slow.query(late)["output"]["code"] == "InvalidParameter.FileDownload"


@pytest.mark.parametrize(
    "changes, status, code",
    [
        ({"Signature": "AAAA"}, 403, "SignatureDoesNotMatch"),
        ({"policy": "AAAA"}, 403, "InvalidAccessKeyId"),
        ({"key": "elsewhere/a.png"}, 403, "AccessDenied"),
        ({"x-oss-forbid-overwrite": "false"}, 403, "AccessDenied"),
    ],
)
def test_the_upload_host_checks_its_policy(
    caller: Caller, changes: dict[str, str], status: int, code: str
) -> None:
    reply, _ = upload(caller, b"data", "qwen3-vl-plus", **changes)
    assert reply.status_code == status
    assert f"<Code>{code}</Code>" in reply.text


@pytest.mark.parametrize("fault, status", [(Fault.AUTH, 403), (Fault.SERVER_BUSY, 503)])
def test_the_upload_host_has_its_own_faults(caller: Caller, fault: Fault, status: int) -> None:
    caller.emulator.faults.add(fault, "upload", after=1)
    reply, _ = upload(caller, b"data", "qwen3-vl-plus")
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/xml")


def test_uploads_are_not_overwritten_and_need_an_existing_model(caller: Caller) -> None:
    policy = permit(caller, "qwen3-vl-plus")
    first, _ = upload_with(policy, b"data")
    assert first.status_code == 200
    again, _ = upload_with(policy, b"other data")
    assert again.status_code == 409
    assert "FileAlreadyExists" in again.text
    no_model = caller.http.get("/uploads", params={"action": "getPolicy", "model": "none"})
    assert no_model.status_code == 404
    assert caller.http.get("/uploads", params={"model": "qwen3-vl-plus"}).status_code == 400


# Text


def test_text_is_billed_by_its_tokens(caller: Caller) -> None:
    told = caller.post(TEXT, ask("x" * 2000)).json()
    assert told["output"]["choices"][0]["finish_reason"] == "stop"
    usage = told["usage"]
    assert usage["input_tokens"] == 1000
    assert usage["total_tokens"] == 1000 + usage["output_tokens"]
    expected = (1000 * Decimal("0.8") + usage["output_tokens"] * 2) / 1_000_000
    assert caller.charges == [expected]
    plain = caller.post(TEXT, {"model": "qwen-plus-2025-12-01", "input": {"prompt": "hello"}}).json()
    assert set(plain["output"]) == {"text", "finish_reason"}


def test_dear_models_cost_more_for_long_requests() -> None:
    model = MODELS["qwen3-max"]
    assert model.token_charge(32_000, 0) == Decimal("0.08")
    assert model.token_charge(32_001, 0) == Decimal("32001") * 4 / 1_000_000
    assert MODELS["qwen-plus"].token_charge(0, 1_000_000, thinking=True) == 8


def test_json_mode_needs_the_word_and_no_thinking(caller: Caller) -> None:
    wish: dict[str, Any] = {"response_format": {"type": "json_object"}}
    reply = caller.post(TEXT, ask("hello", **wish))
    assert (reply.status_code, reply.json()["code"]) == (400, "InvalidParameter")
    assert "must contain the word 'json'" in reply.json()["message"]
    assert caller.post(TEXT, ask("Json, please", enable_thinking=True, **wish)).status_code == 400
    told = caller.post(TEXT, ask("Json, please", **wish)).json()
    assert isinstance(json.loads(told["output"]["choices"][0]["message"]["content"]), dict)


def test_copy_is_written_from_the_order(caller: Caller) -> None:
    facts = {"language": "de", "title": "Wasserkocher", "attributes": {"容量": "1.7 L"}, "shots": 2}
    told = caller.post(TEXT, ask(f"Write JSON.\n<<<PRODUCT\n{json.dumps(facts)}\nPRODUCT>>>")).json()
    copy = json.loads(told["output"]["choices"][0]["message"]["content"])
    assert copy["title"] == "Wasserkocher, 1.7 L"
    assert "Fassungsvermögen: 1.7 L" in copy["bullets"]
    assert len(copy["captions"]) == 2


def test_text_faults(caller: Caller) -> None:
    caller.emulator.faults.add(Fault.TRUNCATED_JSON, "submit")
    told = caller.post(TEXT, ask()).json()
    assert told["output"]["choices"][0]["finish_reason"] == "length"
    caller.emulator.faults.add(Fault.REJECT_END, "submit")
    assert caller.post(TEXT, ask()).json()["code"] == "DataInspectionFailed"
    caller.emulator.faults.add(Fault.STUCK, "submit")
    assert caller.post(TEXT, ask()).json()["code"] == "RequestTimeOut"
    caller.emulator.codes.end("InternalError.Timeout")
    assert caller.post(TEXT, ask()).json()["code"] == "InternalError.Timeout"
    assert [amount > 0 for amount in caller.charges] == [True, False, False, False]


def test_bursts_of_text_are_throttled(slow: Caller, clock: Clock) -> None:
    for _ in range(10):
        assert slow.post(TEXT, ask(model="qwen-nothing")).status_code == 404
    emulator = make(Timing(now=clock, latencies_s={"copy": 0}))
    with calling(emulator) as caller:
        replies = [caller.post(TEXT, ask()) for _ in range(11)]
        assert [reply.status_code for reply in replies] == [200] * 10 + [429]
        assert replies[-1].json()["code"] == "Throttling.BurstRate"
        clock.at_s += 1.1
        used = caller.post(TEXT, ask("x" * 2_000_000))
        assert used.json()["code"] == "Throttling.AllocationQuota"


def test_streaming_is_refused_in_words(caller: Caller) -> None:
    reply = caller.post(TEXT, ask(), x_dashscope_sse="enable")
    assert reply.status_code == 400
    assert "X-DashScope-SSE" in reply.json()["message"]


def test_pictures_are_judged(caller: Caller) -> None:
    given = message({"image": caller.put(png())}, {"image": caller.put(png((700, 700)))}, {"text": "as json"})
    body = {
        "model": "qwen3-vl-plus",
        "input": given,
        "parameters": {"response_format": {"type": "json_object"}},
    }
    told = caller.post(MULTIMODAL, body).json()
    content = told["output"]["choices"][0]["message"]["content"]
    verdict = json.loads(content[0]["text"])
    assert 0 <= verdict["identity"] <= 100
    assert told["usage"]["image_tokens"] == 2400
    assert told["usage"]["input_tokens"] == 2400 + 4
    given["messages"][0]["content"][0]["image"] = f"{caller.url}/files/none/none.png"
    reply = caller.post(MULTIMODAL, body)
    assert (reply.status_code, reply.json()["code"]) == (400, "InvalidParameter.DataInspection")


# Compatible mode


def compatible(caller: Caller, **changes: Any) -> httpx.Response:
    body = {"model": "qwen-plus", "messages": [{"role": "user", "content": "hello"}], **changes}
    return caller.http.post(f"{caller.url}/compatible-mode/v1/chat/completions", json=body)


def test_compatible_mode_speaks_the_other_protocol(caller: Caller) -> None:
    told = compatible(caller, enable_thinking=False).json()
    assert told["choices"][0]["message"]["role"] == "assistant"
    usage = told["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    expected = (usage["prompt_tokens"] * Decimal("0.8") + usage["completion_tokens"] * 2) / 1_000_000
    assert caller.charges == [expected]


@pytest.mark.parametrize(
    "native, code",
    [
        ("InvalidApiKey", "invalid_api_key"),
        ("DataInspectionFailed", "data_inspection_failed"),
        ("Throttling.RateQuota", "limit_requests"),
        ("Throttling.BurstRate", "limit_burst_rate"),
        ("Throttling.AllocationQuota", "insufficient_quota"),
        ("model_not_found", "model_not_found"),
        ("Arrearage", "arrearage"),
    ],
)
def test_compatible_errors_have_their_own_envelope(caller: Caller, native: str, code: str) -> None:
    caller.emulator.codes.refuse(native)
    reply = compatible(caller)
    assert reply.status_code == ERRORS[native][0]
    assert reply.json().keys() == {"error", "request_id"}
    assert reply.json()["error"]["code"] == code


def test_compatible_mode_refuses_what_it_does_not_know(caller: Caller) -> None:
    assert compatible(caller, model="qwen-nothing").json()["error"]["code"] == "model_not_found"
    assert compatible(caller, model="wan2.6-t2i").json()["error"]["code"] == "model_not_supported"
    reply = compatible(caller, messages=[])
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_parameter_error")


# DashScope's own SDK


@pytest.fixture
def sdk(caller: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    import dashscope

    monkeypatch.setattr(dashscope, "base_http_api_url", f"{caller.url}/api/v1")
    monkeypatch.setattr(dashscope, "api_key", KEY)
    yield dashscope
    dashscope.close_shared_sync_session()


def test_sdk_writes_text(sdk: Any, caller: Caller) -> None:
    rsp = sdk.Generation.call(
        model="qwen-plus",
        messages=[{"role": "user", "content": "hello json"}],
        result_format="message",
        response_format={"type": "json_object"},
        enable_thinking=False,
    )
    assert rsp.status_code == 200, rsp
    assert json.loads(rsp.output.choices[0].message.content)
    assert rsp.usage.input_tokens == 5
    caller.emulator.faults.add(Fault.THROTTLE, "submit")
    rsp = sdk.Generation.call(model="qwen-plus", prompt="hello")
    assert (rsp.status_code, rsp.code) == (429, "Throttling.RateQuota")
    assert len(caller.charges) == 1


def test_sdk_s_new_client_writes_text(sdk: Any, caller: Caller) -> None:
    with sdk.Client(api_key=KEY, base_url=f"{caller.url}/api/v1", max_retries=0) as client:
        answer = client.chat.completions.create(
            model="qwen-plus", messages=[{"role": "user", "content": "hello"}]
        )
        assert answer.choices[0].message.content
        caller.emulator.faults.add(Fault.ARREARS, "submit")
        with pytest.raises(Exception, match="Arrearage"):
            client.chat.completions.create(model="qwen-plus", messages=[{"role": "user", "content": "hello"}])


def test_sdk_edits_images(sdk: Any, caller: Caller) -> None:
    created = sdk.ImageSynthesis.async_call(
        model="wan2.5-i2i-preview", prompt="in a park", images=[caller.put(png())], n=2
    )
    assert created.output.task_status == "PENDING", created
    done = sdk.ImageSynthesis.fetch(created)
    assert done.output.task_status == "SUCCEEDED"
    assert [picture_at(result.url).format for result in done.output.results] == ["PNG", "PNG"]
    assert done.usage.image_count == 2
    caller.emulator.codes.end("InternalError.Timeout")
    failed = sdk.ImageSynthesis.call(model="wan2.2-t2i-flash", prompt="a lamp", n=1)
    assert (failed.status_code, failed.output.task_status) == (200, "FAILED")
    assert failed.output.code == "InternalError.Timeout"


def test_sdk_sends_a_create_again_after_a_reset_and_the_bill_shows_it(sdk: Any, caller: Caller) -> None:
    url = caller.put(png())
    caller.emulator.faults.add(Fault.RESET_AFTER, "submit")
    created = sdk.ImageSynthesis.async_call(model="wan2.5-i2i-preview", prompt="park", images=[url], n=1)
    assert created.output.task_status == "PENDING"
    assert caller.charges == [Decimal("0.20")] * 2
    assert len(caller.emulator.bill.doubles()) == 1


def test_sdk_leaks_fields_that_are_tolerated(sdk: Any, caller: Caller) -> None:
    from dashscope.aigc.image_generation import ImageGeneration
    from dashscope.api_entities.dashscope_response import Message

    caller.emulator.media.tiny = True
    created = sdk.VideoSynthesis.async_call(
        model="wan2.6-i2v-flash",
        prompt="turn",
        img_url=caller.put(png()),
        resolution="720P",
        duration=5,
        audio=False,
    )
    assert created.status_code == 200, created
    done = sdk.VideoSynthesis.fetch(created)
    assert done.output.video_url.startswith(caller.url)
    drawn: Any = ImageGeneration.async_call(
        model="wan2.6-t2i", messages=[Message(role="user", content=[{"text": "a lamp"}])], n=1
    )
    assert ImageGeneration.fetch(drawn.output.task_id).output.choices[0].message.content[0]["image"]
    assert caller.charges == [Decimal("0.75"), Decimal("0.20")]


def test_sdk_uploads_a_local_file_for_a_judgement(sdk: Any, caller: Caller, tmp_path: Path) -> None:
    path = tmp_path / "product.png"
    path.write_bytes(png())
    content = [{"image": str(path)}, {"text": "Judge it as json."}]
    rsp = sdk.MultiModalConversation.call(
        model="qwen3-vl-plus", messages=[{"role": "user", "content": content}]
    )
    assert rsp.status_code == 200, rsp
    assert json.loads(rsp.output.choices[0].message.content[0]["text"])["identity"]
    places = [seen.place for seen in caller.emulator.seen]
    assert places == ["upload", "upload", "submit"]


def test_sdk_lists_and_cancels(sdk: Any, clock: Clock) -> None:
    with calling(make(Timing(now=clock), media=Media(tiny=True))) as caller:
        sdk.base_http_api_url = f"{caller.url}/api/v1"
        url = caller.put(png(mode="RGBA"))
        _, waiting = (caller.create(BACKGROUND, scene(url)) for _ in range(2))
        assert sdk.ImageSynthesis.cancel(waiting).status_code == 200
        assert sdk.ImageSynthesis.fetch(waiting).output.task_status == "CANCELED"
        assert sdk.ImageSynthesis.list().output["total"] == 2


def test_an_import_of_the_emulator_s_package_is_light() -> None:
    import subprocess
    import sys

    code = (
        "import sys, providers.emulators.dashscope, providers.emulators.openai;"
        "print([name for name in ('PIL', 'numpy', 'av', 'dashscope', 'httpx') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


class CountingMedia(Media):
    def __init__(self) -> None:
        super().__init__(tiny=True)
        self.made = 0

    def picture(self, *args: Any, **kw: Any) -> bytes:
        self.made += 1
        return super().picture(*args, **kw)


def test_pictures_are_made_once_and_only_when_somebody_asks() -> None:
    media = CountingMedia()
    with calling(fast(media=media)) as caller:
        task_id = caller.create(IMAGE_TO_IMAGE, edit(caller.put(png()), n=2))
        assert media.made == 0
        first, again = (caller.query(task_id)["output"]["results"] for _ in range(2))
        assert first == again
        assert media.made == 2
