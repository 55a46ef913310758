"""wanx: what it asks for, how it reads the answers, and that it never asks twice.

The vendor is a script here, request by request; ``test_wanx_rehearsal.py`` has the emulator.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from providers.dashscope.wanx import build
from providers.dashscope.wanx.answers import status_of
from providers.dashscope.wanx.models import MODELS, Work
from providers.dashscope.wanx.orders import order_for
from providers.dashscope.wanx.provider import WanxProvider
from providers.dashscope.wanx.wishes import wish_of
from providers.emulators.core.emulator import Emulator
from providers.emulators.core.faults import Fault
from providers.emulators.core.http import Answer, Incoming, running
from providers.workplace import Workplace
from skuflow.jobs.contract import (
    Artifact,
    CopyRequest,
    CreationRequest,
    ImageRequest,
    ImageTask,
    JobHandle,
    JobState,
    Request,
    Slot,
)
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    ContentRejectedError,
    InsufficientBalanceError,
    InvalidInputError,
    JobExpiredError,
    ProviderError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from skuflow.jobs.result_checks import defect_in
from skuflow.settings import Settings, SettingsError, read_settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectStore, StorageError, StoredObject
from tests.unit.wanx_wishes import KEY, creation, product, put_picture, scene, video

TASK_ID = "0385dc79-5ff8-4d82-bcb6-7a2e4b1c9d10"


class ScriptedVendor(Emulator):
    """Answers tasks, uploads and files from what the test has put there; counts like every emulator."""

    name = "scripted"

    def __init__(self) -> None:
        super().__init__()
        self.submit_answer = accepted()
        self.task: Mapping[str, Any] = {}
        self.policy_host = ""
        self.upload_status = 200

    def place(self, request: Incoming) -> str:
        if "/services/" in request.path:
            return "submit"
        return "poll" if "/tasks/" in request.path else "upload"

    async def answer(self, request: Incoming) -> Answer:
        if "/services/" in request.path:
            return self.submit_answer
        if "/tasks/" in request.path:
            return Answer.json(self.task)
        if request.method == "GET":
            return Answer.json({"request_id": "r", "data": self._policy()})
        return Answer(self.upload_status, b"<Error/>")

    def _policy(self) -> dict[str, str]:
        return {
            "policy": "cG9saWN5",
            "signature": "c2lnbmF0dXJl",
            "upload_dir": "dashscope-instant/7a/2026-11-20/5b",
            "upload_host": self.policy_host or self.base_url,
            "oss_access_key_id": "temporary-key-id",
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }

    def environment(self, base_url: str) -> dict[str, str]:
        return {}

    def count(self, place: str) -> int:
        return sum(seen.place == place for seen in self.seen)

    def last_order(self) -> dict[str, Any]:
        order: dict[str, Any] = json.loads([seen for seen in self.seen if seen.place == "submit"][-1].body)
        return order


def accepted() -> Answer:
    return Answer.json({"output": {"task_status": "PENDING", "task_id": TASK_ID}, "request_id": "request-1"})


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "storage")


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as workers:
        yield workers


@pytest.fixture
def vendor() -> Iterator[ScriptedVendor]:
    site = ScriptedVendor()
    with running(site):
        yield site


def settings_for(vendor: ScriptedVendor | None, **fields: object) -> Settings:
    base_url = f"{vendor.base_url}/api/v1" if vendor else "http://127.0.0.1:9/api/v1"
    return read_settings(
        {
            "dashscope_api_key": KEY,
            "dashscope_http_base_url": base_url,
            "skuflow_http_timeout_s": 5.0,
            "skuflow_dashscope_inputs": "data",
            **fields,
        }
    )


def provider_at(
    vendor: ScriptedVendor | None, store: ObjectStore, pool: ThreadPoolExecutor, **fields: object
) -> WanxProvider:
    return build(Workplace(settings_for(vendor, **fields), store, pool))


@pytest.fixture
def wanx(vendor: ScriptedVendor, store: FolderStore, pool: ThreadPoolExecutor) -> WanxProvider:
    return provider_at(vendor, store, pool)


def concept() -> CreationRequest:
    """The request that needs no picture."""
    return CreationRequest(
        slot=Slot("MUG-1", "image:concept"),
        product=product(),
        task=ImageTask.CONCEPT,
        description="a mug of blue glaze on slate",
    )


# What is asked for


@pytest.mark.parametrize(
    ("model", "options", "expected", "cost"),
    [
        ("", {}, "wanx-background-generation-v2", 80_000),
        ("wan2.5-i2i-preview", {}, "wan2.5-i2i-preview", 200_000),
        ("qwen-image-edit-plus", {}, "qwen-image-edit-plus", 200_000),
        ("wan2.6-t2i, qwen-image-edit-plus", {}, "qwen-image-edit-plus", 200_000),
        ("", {"extend": "9:16"}, "image-out-painting", 180_000),
    ],
)
def test_scenes_have_a_model_and_its_price(
    wanx: WanxProvider,
    store: FolderStore,
    model: str,
    options: dict[str, str],
    expected: str,
    cost: int,
) -> None:
    request = replace(scene(store), model=model, options=options)
    assert (wanx.model_for(request), wanx.estimate(request)) == (expected, cost)
    assert wanx.tempo(request).pool == f"dashscope:{expected}"


@pytest.mark.parametrize(
    ("options", "model", "seconds", "cost"),
    [
        ({}, "", 5.0, 3_000_000),
        ({"resolution": "1080P"}, "", 5.0, 5_000_000),
        ({}, "wan2.6-i2v-flash", 5.0, 750_000),
        ({"resolution": "1080P"}, "wan2.6-i2v-flash", 5.0, 1_250_000),
        ({}, "", 5.2, 3_600_000),
    ],
)
def test_a_video_costs_its_seconds(
    wanx: WanxProvider, store: FolderStore, options: dict[str, str], model: str, seconds: float, cost: int
) -> None:
    request = replace(video(store, seconds), options=options, model=model)
    assert wanx.estimate(request) == cost


@pytest.mark.parametrize(
    ("task", "model"),
    [
        (ImageTask.MODEL, "wan2.5-i2i-preview"),
        (ImageTask.LINE_ART, "wan2.5-i2i-preview"),
        (ImageTask.CONCEPT, "wan2.6-t2i"),
    ],
)
def test_created_pictures_have_a_model(
    wanx: WanxProvider, store: FolderStore, task: ImageTask, model: str
) -> None:
    request = creation(store, task)
    assert (wanx.model_for(request), wanx.estimate(request)) == (model, 200_000)


def unusable(store: FolderStore) -> dict[str, Request]:
    shot = scene(store)
    film = video(store)
    return {
        "wanx has no model 'wanx-3'; it has wanx-background": replace(shot, model="wanx-3"),
        "wan2.6-t2i cannot make a scene of the product; add": replace(shot, model="wan2.6-t2i"),
        "makes no main image": replace(shot, style=""),
        "option extend='2:1': choose one of 1:1": replace(shot, options={"extend": "2:1"}),
        "option model_version='v4'": replace(shot, options={"model_version": "v4"}),
        "option prompt_extend='yes'": replace(shot, options={"prompt_extend": "yes"}),
        "option resolution='4K'": replace(film, options={"resolution": "4K"}),
        "from a first frame": replace(film, frames=()),
        "unknown motion 'explode'": replace(film, motion="explode"),
        "model came with 0 pictures": replace(creation(store, ImageTask.MODEL), pictures=()),
        "concept came with 1 pictures": replace(creation(store, ImageTask.CONCEPT), pictures=(shot.photo,)),
        "0 x 10 px cannot be made": replace(creation(store, ImageTask.CONCEPT), size_px=(0, 10)),
        "pictures and video, no copy": CopyRequest(
            slot=Slot("MUG-1", "copy", language="en"),
            product=product(),
            language="en",
            marketplace="amazon",
        ),
    }


async def test_what_cannot_be_done_is_refused_before_anything_is_sent(
    wanx: WanxProvider, vendor: ScriptedVendor, store: FolderStore
) -> None:
    for words, request in unusable(store).items():
        with pytest.raises(InvalidInputError, match=words):
            wanx.estimate(request)
        with pytest.raises(InvalidInputError, match=words):
            await wanx.submit(request, idempotency_key="key-1")
        assert wanx.model_for(request) == request.model
    assert not vendor.seen


def body_of(request: Request, *addresses: str, seeded: bool = True) -> dict[str, Any]:
    """The request's body; that two jobs get two seeds is checked on the way, and then left out."""
    bodies = [dict(order_for(wish_of(request), addresses, key).body) for key in ("key-1", "key-2", "key-1")]
    seeds = [body["parameters"].pop("seed", None) for body in bodies]
    assert seeds[0] == seeds[2]
    if seeded:
        assert seeds[0] != seeds[1]
        assert all(0 <= seed < 2**31 for seed in seeds)
    else:
        assert seeds == [None] * 3
    return bodies[0]


def test_a_background_is_asked_for_once_in_its_better_version(store: FolderStore) -> None:
    body = body_of(scene(store), "oss://a/b.png", seeded=False)
    assert body["model"] == "wanx-background-generation-v2"
    assert body["parameters"] == {"n": 1, "model_version": "v3"}
    assert body["input"]["base_image_url"] == "oss://a/b.png"
    assert "window sill" in body["input"]["ref_prompt"]
    assert body["input"]["neg_ref_prompt"]
    older = body_of(replace(scene(store), options={"model_version": "v2"}), "oss://a/b.png", seeded=False)
    assert older["parameters"]["model_version"] == "v2"


@pytest.mark.parametrize("task", [ImageTask.MODEL, ImageTask.LINE_ART])
def test_edits_are_asked_for_once_without_surprises(store: FolderStore, task: ImageTask) -> None:
    request = creation(store, task, size_px=(1080, 1920))
    addresses = [f"https://a/{number}.jpg" for number, _ in enumerate(request.pictures)]
    wan = body_of(request, *addresses)
    assert wan["parameters"] == {"n": 1, "size": "960*1696", "prompt_extend": False, "watermark": False}
    assert wan["input"]["images"] == addresses
    assert "negative_prompt" not in wan["input"]
    qwen = body_of(replace(request, model="qwen-image-edit-plus"), *addresses)
    assert qwen["parameters"] == {"n": 1, "size": "1152*2048", "prompt_extend": False, "watermark": False}
    content = qwen["input"]["messages"][0]["content"]
    assert content == [*({"image": address} for address in addresses), {"text": wan["input"]["prompt"]}]


def test_words_alone_are_asked_for_once(store: FolderStore) -> None:
    body = body_of(creation(store, ImageTask.CONCEPT))
    assert body["parameters"] == {"n": 1, "size": "1440*1440", "prompt_extend": False, "watermark": False}
    assert [list(part) for part in body["input"]["messages"][0]["content"]] == [["text"]]


def test_an_extended_photo_has_no_watermark(store: FolderStore) -> None:
    body = body_of(replace(scene(store), options={"extend": "9:16"}), "https://a/b.jpg", seeded=False)
    assert body == {
        "model": "image-out-painting",
        "input": {"image_url": "https://a/b.jpg"},
        "parameters": {"output_ratio": "9:16", "add_watermark": False},
    }


def test_a_video_is_silent_one_shot_of_720p_unless_told_otherwise(store: FolderStore) -> None:
    body = body_of(replace(video(store, 5.0), motion="rising_steam"), "https://a/frame.jpg")
    assert body["parameters"] == {
        "resolution": "720P",
        "duration": 5,
        "prompt_extend": False,
        "shot_type": "single",
        "audio": False,
        "watermark": False,
    }
    assert body["input"]["img_url"] == "https://a/frame.jpg"
    assert "steam" in body["input"]["prompt"]
    told = replace(video(store, 6.5), options={"resolution": "1080P", "prompt_extend": True})
    parameters = body_of(told, "https://a/frame.jpg")["parameters"]
    assert (parameters["resolution"], parameters["duration"], parameters["prompt_extend"]) == (
        "1080P",
        7,
        True,
    )


@pytest.mark.parametrize("size_px", [(1, 1000), (1000, 1), (300, 300), (1080, 1920), (1920, 600), (7, 9)])
@pytest.mark.parametrize("model", ["wan2.5-i2i-preview", "qwen-image-edit-plus", "wan2.6-t2i"])
def test_sizes_keep_to_the_vendors_limits(store: FolderStore, model: str, size_px: tuple[int, int]) -> None:
    task = ImageTask.CONCEPT if Work.CONCEPT in MODELS[model].works else ImageTask.LINE_ART
    wish = wish_of(replace(creation(store, task, size_px=size_px), model=model))
    assert wish.size_px is not None
    width, height = wish.size_px
    wanted = min(max(size_px[0] / size_px[1], 0.25), 4.0)
    assert width % 16 == height % 16 == 0
    assert width / height == pytest.approx(wanted, rel=0.05)
    assert max(width, height) / min(width, height) <= 4.2
    if wish.model.area_px:
        assert wish.model.area_px[0] <= width * height <= wish.model.area_px[1]
    if wish.model.sides_px:
        assert wish.model.sides_px[0] <= min(width, height) <= max(width, height) <= wish.model.sides_px[1]


def test_prompts_end_with_a_whole_word_within_the_limit(store: FolderStore) -> None:
    words = replace(scene(store), prompt=" ".join(["evergreen"] * 400))
    assert len(wish_of(words).prompt.split()) == 150
    chinese = replace(scene(store), prompt="雪" * 400)
    assert len(wish_of(chinese).prompt) == 120
    for model in ("wan2.5-i2i-preview", "qwen-image-edit-plus"):
        edit = replace(words, model=model)
        told = wish_of(edit).prompt
        assert len(told) <= MODELS[model].prompt_chars
        assert told.endswith("No text, no people.")
    film = replace(video(store), description="steam " * 500)
    told = wish_of(film).prompt
    assert len(told) <= 1500
    assert told.endswith("without cuts.")


def test_a_prompt_that_is_given_is_what_the_vendor_is_told(store: FolderStore) -> None:
    for request in (
        video(store),
        creation(store, ImageTask.MODEL),
        creation(store, ImageTask.LINE_ART),
        creation(store, ImageTask.CONCEPT),
        scene(store),
    ):
        told = replace(request, prompt="A plain room, nothing else")
        assert wish_of(told).prompt == "A plain room, nothing else"
        assert wish_of(replace(request, prompt="")).prompt


# How answers are read


def task(word: str, **output: Any) -> dict[str, Any]:
    usage = output.pop("usage", None)
    answer = {"request_id": "r-1", "output": {"task_id": TASK_ID, "task_status": word, **output}}
    return answer if usage is None else {**answer, "usage": usage}


def handle(model: str = "wanx-background-generation-v2") -> JobHandle:
    return JobHandle("wanx", model, TASK_ID, "r-0")


TIMES = {"submit_time": "2026-11-20 10:25:26.436", "end_time": "2026-11-20 10:26:06.936"}
URL = "https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/x.png?Expires=1"
REJECTED = {"code": "DataInspectionFailed", "message": "Output data may contain inappropriate content."}


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PENDING", JobState.QUEUED),
        ("RUNNING", JobState.RUNNING),
        ("SUSPENDED", JobState.RUNNING),
        ("CANCELED", JobState.CANCELED),
        ("CANCELLED", JobState.CANCELED),
    ],
)
def test_words_for_states(word: str, state: JobState) -> None:
    status = status_of(handle(), task(word))
    assert (status.state, status.raw_state, status.charged) == (state, word, False)
    assert status.poll_after_s == (10.0 if not state.is_terminal else 5.0)
    if not state.is_terminal:
        assert status_of(handle("wan2.6-i2v"), task(word)).poll_after_s == 15.0


def test_a_task_that_the_vendor_does_not_have_has_expired() -> None:
    with pytest.raises(JobExpiredError, match="24 hours"):
        status_of(handle(), task("UNKNOWN"))


def test_a_word_that_is_not_known_is_never_taken_for_an_end() -> None:
    with pytest.raises(UnexpectedResponseError, match="PREPARING"):
        status_of(handle(), task("PREPARING"))
    with pytest.raises(UnexpectedResponseError):
        status_of(handle(), {"request_id": "r"})


CHOICES = [{"message": {"role": "assistant", "content": [{"image": URL, "type": "image"}]}}]


@pytest.mark.parametrize(
    ("model", "output", "label", "media_type"),
    [
        ("wanx-background-generation-v2", {"results": [{"url": URL}]}, "canvas", "image/png"),
        ("wan2.5-i2i-preview", {"results": [{"url": URL, "orig_prompt": "x"}]}, "original", "image/png"),
        ("wan2.6-t2i", {"choices": CHOICES, "finished": True}, "original", "image/png"),
        ("image-out-painting", {"output_image_url": URL}, "original", "image/png"),
        ("wan2.6-i2v", {"video_url": URL}, "original", "video/mp4"),
    ],
)
def test_every_shape_of_a_result_is_read(
    model: str, output: dict[str, Any], label: str, media_type: str
) -> None:
    status = status_of(handle(model), task("SUCCEEDED", **output, **TIMES))
    assert status.state is JobState.SUCCEEDED
    assert status.artifacts == (Artifact(label, media_type, URL),)
    assert status.took_s == pytest.approx(40.5)


def test_an_answer_at_once_is_read_like_a_task() -> None:
    answer = {"output": {"choices": CHOICES}, "usage": {"image_count": 1, "width": 2048}, "request_id": "r"}
    status = status_of(handle("qwen-image-edit-plus"), answer)
    assert status.artifacts == (Artifact("original", "image/png", URL),)
    assert (status.cost, status.took_s) == (200_000, None)


@pytest.mark.parametrize(
    ("model", "usage", "cost"),
    [
        ("wanx-background-generation-v2", {"image_count": 1}, 80_000),
        ("wan2.5-i2i-preview", {"image_count": 4}, 800_000),
        ("wan2.6-i2v", {"duration": 5, "SR": 720, "video_count": 1}, 3_000_000),
        ("wan2.6-i2v", {"duration": 5, "SR": 1080}, 5_000_000),
        ("wan2.6-i2v-flash", {"duration": 5.5, "SR": 720}, 825_000),
        ("wan2.6-i2v", {"duration": 5}, None),
        ("wan2.6-i2v", {"duration": 5, "SR": 480}, None),
        ("wanx-background-generation-v2", {"image_count": "1"}, None),
        ("wanx-background-generation-v2", None, None),
        ("a-model-of-last-year", {"image_count": 1}, None),
    ],
)
def test_the_cost_is_what_the_vendor_counts(
    model: str, usage: dict[str, Any] | None, cost: int | None
) -> None:
    output = {"results": [{"url": URL}]}
    assert status_of(handle(model), task("SUCCEEDED", **output, usage=usage)).cost == cost


def test_a_partial_success_gives_what_is_good() -> None:
    both = [{"code": "InternalError.Timeout", "message": "late"}, {"url": URL}]
    status = status_of(handle(), task("SUCCEEDED", results=both, usage={"image_count": 1}))
    assert [artifact.reference for artifact in status.artifacts] == [URL]
    assert status.cost == 80_000


@pytest.mark.parametrize(
    "results", [[REJECTED], [{"url": "", **REJECTED}]], ids=["error item", "error item with an empty address"]
)
def test_a_success_of_nothing_but_errors_is_a_failure_and_free(results: list[dict[str, str]]) -> None:
    status = status_of(handle(), task("SUCCEEDED", results=results, usage={"image_count": 0}))
    assert (status.state, status.charged) == (JobState.FAILED, False)
    assert isinstance(status.error, ContentRejectedError)


@pytest.mark.parametrize(
    ("usage", "charged", "cost"),
    [({"image_count": 0}, False, 0), ({"image_count": 1}, True, 80_000), (None, True, None)],
)
def test_a_success_without_a_result_is_a_failure_charged_as_counted(
    usage: dict[str, int] | None, charged: bool, cost: int | None
) -> None:
    empty: list[dict[str, Any]] = [
        {},
        {"results": []},
        {"results": None},
        {"results": [{"url": ""}]},
        {"results": "?"},
    ]
    for output in empty:
        status = status_of(handle(), task("SUCCEEDED", **output, usage=usage))
        assert (status.state, status.charged, status.cost) == (JobState.FAILED, charged, cost)
        assert isinstance(status.error, UnexpectedResponseError)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("DataInspectionFailed", ContentRejectedError),
        ("IPInfringementSuspect", ContentRejectedError),
        ("InvalidParameter.FileDownload", TransientError),
        ("BadRequest.InputDownloadFailed", TransientError),
        ("InternalError.Timeout", TransientError),
        ("InternalError.Algo", TransientError),
        ("BadRequest.UnsupportedFileFormat", InvalidInputError),
        ("InvalidParameter.ImageFormat", InvalidInputError),
        ("InvalidParameter.ImageContent", InvalidInputError),
        ("InvalidParameter.JsonPhrase", InvalidInputError),
        ("InvalidFile.Content", InvalidInputError),
        ("InvalidFile.Resolution", InvalidInputError),
        ("InvalidImageResolution", InvalidInputError),
        ("SomethingNew", UnexpectedResponseError),
    ],
)
def test_a_failed_task_is_free_and_says_what_to_do(code: str, kind: type[ProviderError]) -> None:
    answer = task("FAILED", code=code, message=f"see {URL}", **TIMES, usage={"image_count": 0})
    status = status_of(handle(), answer)
    assert (status.state, status.charged, status.took_s) == (JobState.FAILED, False, 40.5)
    assert type(status.error) is kind
    assert (status.error.code, status.error.request_id) == (code, "r-1")
    assert "Expires" not in str(status.error)


def test_times_that_make_no_sense_are_no_times() -> None:
    for times in ({}, {"submit_time": "soon", "end_time": "later"}, {"submit_time": None, "end_time": 3}):
        assert status_of(handle(), task("SUCCEEDED", output_image_url=URL, **times)).took_s is None


# The money path


async def test_a_task_is_submitted_once_and_polled_by_its_id(
    wanx: WanxProvider, vendor: ScriptedVendor, store: FolderStore, pool: ThreadPoolExecutor
) -> None:
    accepted_as = await wanx.submit(concept(), idempotency_key="key-1")
    assert accepted_as == JobHandle("wanx", "wan2.6-t2i", TASK_ID, "request-1")
    sent = next(seen for seen in vendor.seen if seen.place == "submit")
    assert sent.path == "/api/v1/services/aigc/image-generation/generation"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["x-dashscope-async"] == "enable"
    assert "x-dashscope-ossresourceresolve" not in sent.headers
    vendor.task = task("SUCCEEDED", choices=CHOICES, usage={"image_count": 1})
    elsewhere = provider_at(vendor, store, pool)
    status = await elsewhere.poll(JobHandle(**json.loads(json.dumps(asdict(accepted_as)))))
    assert (status.state, status.cost) == (JobState.SUCCEEDED, 200_000)
    assert vendor.seen[-1].path == f"/api/v1/tasks/{TASK_ID}"
    assert vendor.count("submit") == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault.RESET_BEFORE,
        Fault.RESET_AFTER,
        Fault.LOST_REPLY,
        Fault.HTML_500,
        Fault.HTML_502_AFTER,
        Fault.MALFORMED_AFTER,
        Fault.REDIRECT,
    ],
)
async def test_an_answer_that_is_lost_is_in_doubt_and_never_asked_for_again(
    wanx: WanxProvider, vendor: ScriptedVendor, fault: Fault
) -> None:
    vendor.faults.add(fault, "submit")
    with pytest.raises(AmbiguousSubmitError):
        await wanx.submit(concept(), idempotency_key="key-1")
    assert vendor.count("submit") == 1


async def test_an_answer_that_never_comes_is_in_doubt(
    vendor: ScriptedVendor, store: FolderStore, pool: ThreadPoolExecutor
) -> None:
    vendor.faults.add(Fault.HANG_AFTER, "submit")
    wanx = provider_at(vendor, store, pool, skuflow_http_timeout_s=0.15)
    with pytest.raises(AmbiguousSubmitError, match="ReadTimeout"):
        await wanx.submit(concept(), idempotency_key="key-1")
    assert vendor.count("submit") == 1


async def test_a_vendor_that_cannot_be_reached_has_accepted_nothing(
    store: FolderStore, pool: ThreadPoolExecutor
) -> None:
    with pytest.raises(TransientError, match="ConnectError"):
        await provider_at(None, store, pool).submit(concept(), idempotency_key="key-1")


REFUSALS = [
    (400, "InvalidParameter", InvalidInputError),
    (400, "DataInspectionFailed", ContentRejectedError),
    (400, "IPInfringementSuspect", ContentRejectedError),
    (400, "InvalidParameter.DataInspection", TransientError),
    (400, "InvalidURL", InvalidInputError),
    (400, "BadRequest.EmptyInput", InvalidInputError),
    (400, "UnsupportedOperation", InvalidInputError),
    (400, "Arrearage", InsufficientBalanceError),
    (401, "InvalidApiKey", AuthError),
    (403, "AccessDenied", AuthError),
    (403, "AccessDenied.Unpurchased", AuthError),
    (403, "Model.AccessDenied", AuthError),
    (403, "Workspace.AccessDenied", AuthError),
    (403, "AllocationQuota.FreeTierOnly", InsufficientBalanceError),
    (404, "ModelNotFound", InvalidInputError),
    (404, "WorkSpaceNotFound", AuthError),
    (413, "BadRequest.TooLarge", InvalidInputError),
    (429, "Throttling", RateLimitedError),
    (429, "Throttling.RateQuota", RateLimitedError),
    (429, "Throttling.BurstRate", RateLimitedError),
    (429, "Throttling.AllocationQuota", RateLimitedError),
    (429, "CommodityNotPurchased", InsufficientBalanceError),
    (429, "PrepaidBillOverdue", InsufficientBalanceError),
    (429, "PostpaidBillOverdue", InsufficientBalanceError),
    (500, "InternalError", AmbiguousSubmitError),
    (500, "InternalError.Algo", AmbiguousSubmitError),
    (500, "SystemError", AmbiguousSubmitError),
    (500, "RequestTimeOut", AmbiguousSubmitError),
    (503, "ModelServingError", TransientError),
    (503, "ModelUnavailable", TransientError),
    (200, "SomethingNew", AmbiguousSubmitError),
    (418, "SomethingNew", AmbiguousSubmitError),
]


@pytest.mark.parametrize("model", ["wan2.6-t2i", "qwen-image-edit-plus"])
@pytest.mark.parametrize(("status", "code", "kind"), REFUSALS)
async def test_refusals_by_code(
    wanx: WanxProvider,
    vendor: ScriptedVendor,
    store: FolderStore,
    model: str,
    status: int,
    code: str,
    kind: type[ProviderError],
) -> None:
    vendor.submit_answer = Answer.json(
        {"code": code, "message": f"no {KEY}", "request_id": "r-9"}, status, retry_after="7"
    )
    request = concept() if model == "wan2.6-t2i" else edit(store)
    with pytest.raises(kind) as caught:
        await wanx.submit(request, idempotency_key="key-1")
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.request_id) == (code, "r-9")
    assert KEY not in str(caught.value)
    assert vendor.count("submit") == 1
    if isinstance(caught.value, RateLimitedError):
        assert caught.value.retry_after_s == 7.0
    assert not await wanx.find("key-1")


@pytest.mark.parametrize(
    "answer",
    [
        {"request_id": "r"},
        {"output": None, "request_id": "r"},
        {"output": {"task_status": "PENDING"}, "request_id": "r"},
        {"output": {"task_status": "PENDING", "task_id": "a/../b"}, "request_id": "r"},
    ],
)
async def test_an_acceptance_without_a_task_is_in_doubt(
    wanx: WanxProvider, vendor: ScriptedVendor, answer: dict[str, Any]
) -> None:
    vendor.submit_answer = Answer.json(answer)
    with pytest.raises(AmbiguousSubmitError):
        await wanx.submit(concept(), idempotency_key="key-1")
    assert vendor.count("submit") == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, {"code": "Throttling.RateQuota", "message": "", "request_id": "r"}, RateLimitedError),
        (500, {"code": "InternalError", "message": "", "request_id": "r"}, TransientError),
        (401, {"code": "InvalidApiKey", "message": "", "request_id": "r"}, AuthError),
        (429, {"request_id": "r"}, RateLimitedError),
        (200, {"request_id": "r"}, UnexpectedResponseError),
    ],
)
async def test_a_question_that_fails_says_nothing_about_the_task(
    wanx: WanxProvider, vendor: ScriptedVendor, status: int, body: dict[str, Any], kind: type[ProviderError]
) -> None:
    async def other(request: Incoming) -> Answer:
        return Answer.json(body, status)

    vendor.answer = other  # type: ignore[method-assign]
    with pytest.raises(kind) as caught:
        await wanx.poll(handle())
    assert type(caught.value) is kind


async def test_a_job_it_never_had_has_expired(wanx: WanxProvider, vendor: ScriptedVendor) -> None:
    vendor.task = task("UNKNOWN")
    with pytest.raises(JobExpiredError):
        await wanx.poll(JobHandle("wanx", "any", "no-such-job"))
    with pytest.raises(JobExpiredError):
        await wanx.poll(JobHandle("wanx", "qwen-image-edit-plus", "no-such-job"))
    assert await wanx.find("no-such-key") is None
    assert not wanx.can_find


# Answers at once


def answer_at_once() -> Answer:
    request_id = "7574ee8f-38a3-4b1e-9280-11c33ab46e51"
    return Answer.json(
        {"output": {"choices": CHOICES}, "usage": {"image_count": 1}, "request_id": request_id}
    )


def edit(store: FolderStore) -> CreationRequest:
    return replace(creation(store, ImageTask.LINE_ART), model="qwen-image-edit-plus")


async def test_an_answer_at_once_is_kept_until_its_result_is_safe(
    wanx: WanxProvider, vendor: ScriptedVendor, store: FolderStore, pool: ThreadPoolExecutor
) -> None:
    vendor.submit_answer = answer_at_once()
    made = await wanx.submit(edit(store), idempotency_key="key-1")
    sent = next(seen for seen in vendor.seen if seen.place == "submit")
    assert "x-dashscope-async" not in sent.headers
    assert (made.job_id, made.vendor_request_id) == ("key-1", "7574ee8f-38a3-4b1e-9280-11c33ab46e51")
    elsewhere = provider_at(vendor, store, pool)
    assert await elsewhere.find("key-1") == made
    assert await elsewhere.submit(edit(store), idempotency_key="key-1") == made
    assert vendor.count("submit") == 1
    status = await elsewhere.poll(made)
    assert (status.state, status.cost) == (JobState.SUCCEEDED, 200_000)
    assert vendor.count("poll") == 0
    await elsewhere.forget(made)
    await elsewhere.forget(made)
    assert not list(store.list("replies/"))
    assert await wanx.find("key-1") is None
    with pytest.raises(JobExpiredError):
        await wanx.poll(made)


async def test_an_answer_that_cannot_be_kept_is_in_doubt(
    vendor: ScriptedVendor, store: FolderStore, pool: ThreadPoolExecutor
) -> None:
    class FullStore(FolderStore):
        def put(self, key: str, data: bytes, media_type: str) -> StoredObject:
            if key.startswith("replies/"):
                raise StorageError("no space left")
            return super().put(key, data, media_type)

    vendor.submit_answer = answer_at_once()
    wanx = provider_at(vendor, FullStore(store.root), pool)
    with pytest.raises(AmbiguousSubmitError, match="could not be kept"):
        await wanx.submit(edit(store), idempotency_key="key-1")


# Pictures on their way


async def test_local_pictures_go_through_the_vendors_temporary_storage(
    vendor: ScriptedVendor, store: FolderStore, pool: ThreadPoolExecutor
) -> None:
    wanx = provider_at(vendor, store, pool, skuflow_dashscope_inputs="upload")
    await wanx.submit(scene(store), idempotency_key="key-1")
    asked, uploaded, submitted = vendor.seen
    assert (asked.method, asked.path) == ("GET", "/api/v1/uploads")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert KEY.encode() not in uploaded.body
    assert "authorization" not in uploaded.headers
    for part in (
        b'name="OSSAccessKeyId"\r\n\r\ntemporary-key-id',
        b'name="success_action_status"\r\n\r\n200',
    ):
        assert part in uploaded.body
    assert uploaded.body.index(b'name="file"') > uploaded.body.index(b'name="x-oss-content-type"')
    address = vendor.last_order()["input"]["base_image_url"]
    assert address.startswith("oss://dashscope-instant/7a/2026-11-20/5b/")
    assert address.removeprefix("oss://").encode() in uploaded.body
    assert submitted.headers["x-dashscope-ossresourceresolve"] == "enable"
    picture = Image.open(io.BytesIO(uploaded.body[uploaded.body.index(b"\x89PNG") :]))
    assert (picture.mode, max(picture.size)) == ("RGBA", 2048)
    alpha = np.asarray(picture.getchannel("A"))
    assert (alpha.min(), alpha.max()) == (0, 255)


async def test_a_failed_upload_costs_nothing_and_submits_nothing(
    vendor: ScriptedVendor, store: FolderStore, pool: ThreadPoolExecutor
) -> None:
    wanx = provider_at(vendor, store, pool, skuflow_dashscope_inputs="upload")
    for fault in (Fault.RESET_AFTER, Fault.HTML_500, Fault.MALFORMED_AFTER):
        vendor.faults.add(fault, "upload")
        with pytest.raises(TransientError):
            await wanx.submit(edit(store), idempotency_key="key-1")
    vendor.faults.add(Fault.LOST_REPLY, "upload", after=1)
    with pytest.raises(TransientError, match="temporary storage"):
        await wanx.submit(edit(store), idempotency_key="key-1")
    vendor.upload_status = 403
    with pytest.raises(TransientError, match="HTTP 403"):
        await wanx.submit(edit(store), idempotency_key="key-1")
    for host in ("http://example.com", "ftp://example.com", "nowhere"):
        vendor.policy_host = host
        with pytest.raises(TransientError, match="without TLS"):
            await wanx.submit(edit(store), idempotency_key="key-1")
    assert vendor.count("submit") == 0


async def test_pictures_that_take_too_long_are_given_up_before_anything_is_asked(
    vendor: ScriptedVendor, store: FolderStore, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.dashscope.wanx.pictures._MOST_S", 0.2)
    vendor.faults.add(Fault.HANG_AFTER, "upload")
    wanx = provider_at(vendor, store, pool, skuflow_dashscope_inputs="upload")
    with pytest.raises(TransientError, match="not ready within"):
        await wanx.submit(edit(store), idempotency_key="key-1")
    assert vendor.count("submit") == 0


class PublicStore(FolderStore):
    """A folder whose objects have addresses on the internet."""

    prefix = "https://bucket.oss-cn-hangzhou.aliyuncs.com/kits/"

    def url(self, key: str, valid_s: int = 3600) -> str:
        super().url(key)
        return f"{self.prefix}{key}?x-oss-expires={valid_s}"


async def test_pictures_in_public_storage_are_published_as_they_are_to_be_seen(
    vendor: ScriptedVendor, store: FolderStore, pool: ThreadPoolExecutor
) -> None:
    wanx = provider_at(vendor, PublicStore(store.root), pool, skuflow_dashscope_inputs="upload")
    await wanx.submit(scene(store), idempotency_key="key-1")
    (published,) = store.list("published/wanx/")
    address = vendor.last_order()["input"]["base_image_url"]
    assert address == f"{PublicStore.prefix}{published}?x-oss-expires=86400"
    assert published.endswith(".png")
    assert Image.open(io.BytesIO(store.get(published))).mode == "RGBA"
    assert vendor.count("upload") == 0
    assert "x-dashscope-ossresourceresolve" not in vendor.seen[-1].headers


async def test_an_address_that_the_vendor_would_refuse_is_not_sent(
    vendor: ScriptedVendor, store: FolderStore, pool: ThreadPoolExecutor
) -> None:
    class ChineseStore(PublicStore):
        prefix = "https://bucket.oss-cn-hangzhou.aliyuncs.com/商品/"

    with pytest.raises(InvalidInputError, match="ASCII"):
        await provider_at(vendor, ChineseStore(store.root), pool).submit(
            scene(store), idempotency_key="key-1"
        )
    assert not vendor.seen


async def test_pictures_inside_the_request_where_that_is_set_and_documented(
    wanx: WanxProvider, vendor: ScriptedVendor, store: FolderStore
) -> None:
    with pytest.raises(InvalidInputError, match="SKUFLOW_DASHSCOPE_INPUTS=upload"):
        await wanx.submit(scene(store), idempotency_key="key-1")
    assert not vendor.seen
    await wanx.submit(replace(scene(store), model="wan2.5-i2i-preview"), idempotency_key="key-2")
    (address,) = vendor.last_order()["input"]["images"]
    picture = Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/jpeg;base64,"))))
    assert (picture.format, picture.mode) == ("JPEG", "RGB")
    assert picture.getpixel((2, 2)) == (255, 255, 255)
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    middle = pixels[picture.height // 2, picture.width // 2]
    assert middle[2] > middle[0] + 60


async def test_frames_and_drawings_lose_their_alpha(
    wanx: WanxProvider, vendor: ScriptedVendor, store: FolderStore
) -> None:
    film = video(store)
    clear = put_picture(store, "in/clear.png", (500, 900), alpha=True)
    await wanx.submit(
        replace(film, frames=(replace(film.frames[0], picture=clear),)), idempotency_key="key-1"
    )
    frame = vendor.last_order()["input"]["img_url"].removeprefix("data:image/jpeg;base64,")
    assert Image.open(io.BytesIO(base64.b64decode(frame))).size == (500, 900)


async def test_a_picture_that_cannot_be_used_is_refused_before_anything_is_sent(
    wanx: WanxProvider, vendor: ScriptedVendor, store: FolderStore
) -> None:
    small = put_picture(store, "in/small.png", (300, 300))
    broken = store.put("in/broken.png", b"\x89PNG nothing", "image/png")
    line_art = creation(store, ImageTask.LINE_ART)
    with pytest.raises(InvalidInputError, match="300 x 300 px; wanx needs 384 px"):
        await wanx.submit(replace(line_art, pictures=(small,)), idempotency_key="key-1")
    for model in ("", "wan2.5-i2i-preview"):
        with pytest.raises(InvalidInputError):
            await wanx.submit(replace(scene(store), cutout=broken, model=model), idempotency_key="key-1")
        with pytest.raises(InvalidInputError):
            await wanx.submit(replace(scene(store), cutout=small, model=model), idempotency_key="key-1")
    with pytest.raises(InvalidInputError, match="no picture that can be opened"):
        await wanx.submit(replace(line_art, pictures=(broken,)), idempotency_key="key-1")
    with pytest.raises(TransientError, match="from storage"):
        await wanx.submit(
            replace(line_art, pictures=(replace(small, key="in/gone.png"),)), idempotency_key="key-1"
        )
    assert not vendor.seen


# Results


def jpeg(size: tuple[int, int] = (64, 48)) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 80).convert("RGB").save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


async def test_a_picture_in_another_format_becomes_the_one_that_was_announced(
    wanx: WanxProvider, vendor: ScriptedVendor
) -> None:
    data = jpeg()
    address = vendor.shelf.put(data, "image/jpeg", 60)
    png = await wanx.fetch(Artifact("original", "image/png", address))
    assert defect_in(png, "image/png") is None
    assert Image.open(io.BytesIO(png)).tobytes() == Image.open(io.BytesIO(data)).tobytes()


async def test_a_picture_that_is_cut_off_is_not_made_to_look_whole(
    wanx: WanxProvider, vendor: ScriptedVendor
) -> None:
    cut_off = vendor.shelf.put(jpeg((640, 480))[:-9000], "image/jpeg", 60)
    data = await wanx.fetch(Artifact("original", "image/png", cut_off))
    assert defect_in(data, "image/png")
    nonsense = vendor.shelf.put(b"nothing", "image/png", 60)
    assert await wanx.fetch(Artifact("original", "image/png", nonsense)) == b"nothing"


async def test_results_come_from_public_addresses_or_the_vendor_itself(wanx: WanxProvider) -> None:
    with pytest.raises(UnexpectedResponseError, match="not a public one"):
        await wanx.fetch(Artifact("original", "image/png", "http://127.0.0.1:1/latest/meta-data"))


# Keys


def test_without_a_key_there_is_no_provider(store: FolderStore, pool: ThreadPoolExecutor) -> None:
    with pytest.raises(SettingsError, match="DASHSCOPE_API_KEY: wanx needs a key"):
        provider_at(None, store, pool, dashscope_api_key="")


async def test_the_key_stays_where_it_belongs(
    wanx: WanxProvider, vendor: ScriptedVendor, store: FolderStore
) -> None:
    made = await wanx.submit(edit_as_task(store), idempotency_key="key-1")
    vendor.submit_answer = Answer.json({"code": "InvalidApiKey", "message": f"bad {KEY}"}, 401)
    with pytest.raises(AuthError) as caught:
        await wanx.submit(edit_as_task(store), idempotency_key="key-2")
    for text in (repr(wanx), repr(made), json.dumps(asdict(made)), str(caught.value), repr(caught.value)):
        assert KEY not in text


def edit_as_task(store: FolderStore) -> ImageRequest:
    return replace(scene(store), model="wan2.5-i2i-preview")


def test_it_is_named_as_the_ledger_knows_it(wanx: WanxProvider) -> None:
    assert (wanx.name, wanx.paid, sorted(wanx.capabilities)) == ("wanx", True, ["image", "video"])
