"""Ark: what is sent, what each answer means, and that a paid answer is kept before anything else happens."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from providers.emulators.ark import make
from providers.emulators.ark.emulator import ArkEmulator
from providers.emulators.core.faults import Fault
from providers.emulators.core.http import Answer, Break, running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.volcengine.ark import ArkProvider, build
from providers.workplace import Workplace
from skuflow.jobs.contract import Artifact, ImageTask, JobHandle, JobState, Provider, Request
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
from skuflow.settings import SettingsError, read_settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectStore, StorageError
from tests.money import copy_wish
from tests.unit.volcengine_wishes import Site, creation, finish, picture, scene, video

SEEDREAM = "doubao-seedream-4-5-251128"
SEEDANCE = "doubao-seedance-2-0-260128"
TASK = JobHandle("ark", SEEDANCE, "cgt-20251120-abc")
PICTURE = JobHandle("ark", SEEDREAM, "key-1")
MADE = {
    "model": SEEDREAM,
    "created": 1757321139,
    "data": [{"url": "https://x.example/1.jpeg?sig=1", "size": "2048x2048"}],
    "usage": {"generated_images": 1, "output_tokens": 16384, "total_tokens": 16384},
}


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return FolderStore(tmp_path)


@contextmanager
def answering(
    store: ObjectStore, *answers: Answer | Break, timeout_s: float = 5.0
) -> Iterator[tuple[ArkProvider, Site]]:
    site = Site(*answers)
    with running(site) as url:
        yield ArkProvider(store, "ARKCANARY", f"{url}/api/v3", timeout_s=timeout_s), site


@contextmanager
def emulated(store: ObjectStore, **options: Any) -> Iterator[tuple[Provider, ArkEmulator]]:
    emulator = make(Timing(speed=2000), media=Media(tiny=True), **options)
    with running(emulator) as url:
        yield built(store, emulator.environment(url)), emulator


def built(store: ObjectStore, environment: dict[str, str]) -> Provider:
    fields = {name.lower(): value for name, value in environment.items()}
    return build(Workplace(read_settings({**fields, "skuflow_http_timeout_s": 2.0}), store, cast(Any, None)))


def sent(site: Site) -> dict[str, Any]:
    return cast(dict[str, Any], site.asked[0].json())


def concept(store: ObjectStore, **changes: Any) -> Request:
    return creation(store, ImageTask.CONCEPT, 0, **changes)


def task(status: str, **more: Any) -> Answer:
    return Answer.json({"id": TASK.job_id, "model": SEEDANCE, "status": status, "error": None, **more})


def refusal(code: str, status: int, message: str = "Said. Request id: r") -> Answer:
    return Answer.json(
        {"error": {"code": code, "message": message, "param": "", "type": "BadRequest"}}, status
    )


# What is sent


async def test_a_scene_is_one_picture_without_a_watermark(store: ObjectStore) -> None:
    with answering(store, Answer.json(MADE, x_request_id="req-1")) as (provider, site):
        handle = await provider.submit(scene(store), idempotency_key="key-1")
    assert handle == JobHandle("ark", SEEDREAM, "key-1", "req-1")
    request, body = site.asked[0], sent(site)
    assert (request.method, request.target) == ("POST", "/api/v3/images/generations")
    assert request.headers["authorization"] == "Bearer ARKCANARY"
    [given] = body.pop("image")
    assert "大理石" in body.pop("prompt")
    assert body == {
        "model": SEEDREAM,
        "size": "2048x2048",
        "sequential_image_generation": "disabled",
        "response_format": "url",
        "watermark": False,
        "stream": False,
    }
    prefix, _, data = given.partition(",")
    assert prefix == "data:image/jpeg;base64"
    assert base64.b64decode(data, validate=True).startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("task, pictures", [("model", 1), ("model", 2), ("line_art", 1), ("concept", 0)])
@pytest.mark.parametrize("size_px", [(800, 800), (1080, 1920), (1920, 600), (3000, 100)])
async def test_creations_have_as_many_pixels_as_the_model_wants(
    store: ObjectStore, task: str, pictures: int, size_px: tuple[int, int]
) -> None:
    wish = creation(store, ImageTask(task), pictures, size_px=size_px)
    with answering(store, Answer.json(MADE)) as (provider, site):
        await provider.submit(wish, idempotency_key="key-1")
    assert len(sent(site).get("image", [])) == pictures
    width, height = (int(side) for side in sent(site)["size"].split("x"))
    assert 3_686_400 <= width * height <= 16_777_216
    wanted = min(3.0, max(1 / 3, size_px[0] / size_px[1]))
    assert width / height == pytest.approx(wanted, rel=0.01)


async def test_a_video_opens_with_its_frame_in_a_data_uri(store: ObjectStore) -> None:
    with answering(store, Answer.json({"id": TASK.job_id}, x_request_id="req-2")) as (provider, site):
        handle = await provider.submit(video(store, description="steam rises"), idempotency_key="key-1")
    assert handle == JobHandle("ark", SEEDANCE, TASK.job_id, "req-2")
    assert site.asked[0].target == "/api/v3/contents/generations/tasks"
    body = sent(site)
    text, frame = body.pop("content")
    assert text["type"] == "text"
    assert "steam rises" in text["text"]
    assert (frame["type"], frame["role"]) == ("image_url", "first_frame")
    assert frame["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")
    assert 0 <= body.pop("seed") < 2**31
    assert body == {
        "model": SEEDANCE,
        "resolution": "720p",
        "ratio": "adaptive",
        "duration": 5,
        "generate_audio": False,
        "watermark": False,
    }


@pytest.mark.parametrize(
    "model, frames, ratio",
    [
        (SEEDANCE, 1, "adaptive"),
        (SEEDANCE, 0, "9:16"),
        ("doubao-seedance-2-5-260628", 1, None),
        ("doubao-seedance-2-5-260628", 0, "9:16"),
    ],
)
async def test_a_ratio_is_sent_where_the_model_takes_it(
    store: ObjectStore, model: str, frames: int, ratio: str | None
) -> None:
    with answering(store, Answer.json({"id": TASK.job_id})) as (provider, site):
        await provider.submit(
            video(store, frames=frames, model=model, description="x"), idempotency_key="key"
        )
    assert sent(site).get("ratio") == ratio


@pytest.mark.parametrize(
    "model, size_px, duration_s, micro",
    [
        # 108,900 and 246,840 tokens are the vendor's samples for 5 s of 16:9.
        ("", (1920, 1080), 5.0, 5_009_400),
        ("", (1080, 1920), 5.0, 5_009_400),
        ("", (1080, 1920), 3.0, 5_009_400),
        (f"{SEEDANCE}@1080p", (1920, 1080), 5.0, 246_840 * 51),
        (f"{SEEDANCE}@480p", (1080, 1080), 5.0, 48_400 * 46),
        ("doubao-seedance-2-0-fast-260128", (1080, 1920), 5.0, 108_900 * 37),
        ("doubao-seedance-2-0-mini-260615", (1080, 1920), 5.0, 108_900 * 23),
        ("doubao-seedance-2-5-260628", (1080, 1920), 5.0, 108_900 * 70),
        ("", (1080, 1080), 8.0, 173_700 * 46),
        ("", (1080, 1080), 7.1, 173_700 * 46),
    ],
)
def test_the_estimate_is_the_formula_of_the_shape(
    store: ObjectStore, model: str, size_px: tuple[int, int], duration_s: float, micro: int
) -> None:
    provider = ArkProvider(store, "key", "http://127.0.0.1:9")
    wish = video(store, model=model, size_px=size_px, duration_s=duration_s)
    assert provider.estimate(wish) == micro


def test_pictures_have_one_price_each(store: ObjectStore) -> None:
    provider = ArkProvider(store, "key", "http://127.0.0.1:9")
    assert provider.estimate(scene(store)) == 250_000
    assert provider.estimate(scene(store, model="doubao-seedream-4-0-250828")) == 200_000


async def test_what_cannot_be_done_is_refused_before_anything_is_sent(store: ObjectStore) -> None:
    wishes: list[tuple[Request, str]] = [
        (scene(store, model="gpt"), SEEDREAM),
        (scene(store, model=SEEDANCE), SEEDREAM),
        (scene(store, style=""), "offline"),
        (scene(store, style="no such style"), "unknown style"),
        (video(store, model=SEEDREAM), SEEDANCE),
        (video(store, model="doubao-seedance-2-0-fast-260128@1080p"), "@480p"),
        (video(store, motion="no such motion"), "unknown motion"),
        (creation(store, ImageTask.MODEL, 3), "needs 1 or 2 pictures; 3 were given"),
        (copy_wish(), "no copy"),
    ]
    with answering(store, Answer.json(MADE)) as (provider, site):
        for wish, words in wishes:
            with pytest.raises(InvalidInputError, match=words):
                await provider.submit(wish, idempotency_key="key-1")
    assert site.asked == []


async def test_trouble_with_the_inputs_is_a_refusal_since_nothing_was_sent(store: ObjectStore) -> None:
    with answering(store, Answer.json(MADE)) as (provider, site):
        wishes = (scene(store), video(store), creation(store, ImageTask.LINE_ART, 1))
        for wish in wishes:
            for key in ("in/cutout.png", "in/frame.png", "in/given-0.png"):
                store.delete(key)
            with pytest.raises(TransientError):
                await provider.submit(wish, idempotency_key="key-1")
    assert site.asked == []


async def test_no_two_jobs_send_the_same_video_request(store: ObjectStore) -> None:
    with answering(store, Answer.json({"id": TASK.job_id})) as (provider, site):
        for key in ("key-1", "key-2", "key-1"):
            await provider.submit(video(store), idempotency_key=key)
    first, second, again = (request.body for request in site.asked)
    assert first == again != second


# What answers mean

CODES: list[tuple[int, str, type[ProviderError], type[ProviderError]]] = [
    # HTTP, code, raised by submit, raised by a poll
    (400, "MissingParameter", InvalidInputError, InvalidInputError),
    (400, "InvalidParameter", InvalidInputError, InvalidInputError),
    (400, "InvalidParameter.TaskTypeConstraint", InvalidInputError, InvalidInputError),
    (400, "InputTextSensitiveContentDetected", ContentRejectedError, ContentRejectedError),
    (400, "InputTextSensitiveContentDetected.PolicyViolation", ContentRejectedError, ContentRejectedError),
    (400, "InputImageSensitiveContentDetected", ContentRejectedError, ContentRejectedError),
    (
        400,
        "InputImageSensitiveContentDetected.PrivacyInformation",
        ContentRejectedError,
        ContentRejectedError,
    ),
    (400, "InputImageSensitiveContentDetected.PolicyViolation", ContentRejectedError, ContentRejectedError),
    (400, "OutputImageSensitiveContentDetected", ContentRejectedError, ContentRejectedError),
    (401, "AuthenticationError", AuthError, AuthError),
    (403, "AccountOverdueError", InsufficientBalanceError, InsufficientBalanceError),
    (403, "AccessDenied", AuthError, AuthError),
    (404, "InvalidEndpointOrModel.NotFound", AuthError, AuthError),
    (404, "ModelNotOpen", AuthError, AuthError),
    (429, "RateLimitExceeded.EndpointRPMExceeded", RateLimitedError, RateLimitedError),
    (429, "RateLimitExceeded.EndpointTPMExceeded", RateLimitedError, RateLimitedError),
    (429, "ModelAccountRpmRateLimitExceeded", RateLimitedError, RateLimitedError),
    (429, "ModelAccountTpmRateLimitExceeded", RateLimitedError, RateLimitedError),
    (429, "QuotaExceeded", InsufficientBalanceError, InsufficientBalanceError),
    (429, "ModelLoadingError", RateLimitedError, RateLimitedError),
    (429, "ServerOverloaded", RateLimitedError, RateLimitedError),
    (500, "InternalServiceError", AmbiguousSubmitError, TransientError),
    (429, "SomethingNew", RateLimitedError, RateLimitedError),
    (500, "SomethingNew", AmbiguousSubmitError, UnexpectedResponseError),
    (400, "", AmbiguousSubmitError, UnexpectedResponseError),
    (404, "ResourceNotFound", AmbiguousSubmitError, JobExpiredError),
]


@pytest.mark.parametrize("status, code, at_submit, at_poll", CODES)
async def test_each_code(
    store: ObjectStore,
    status: int,
    code: str,
    at_submit: type[ProviderError],
    at_poll: type[ProviderError],
) -> None:
    body = {"error": {"code": code, "message": "key ARKCANARY, see https://x.example/?sig=1"}}
    with answering(store, Answer.json(body, status, x_request_id="req-9")) as (provider, site):
        for wish in (concept(store), video(store)):
            with pytest.raises(ProviderError) as caught:
                await provider.submit(wish, idempotency_key="key-1")
            assert type(caught.value) is at_submit
            assert (caught.value.code, caught.value.request_id) == (code, "req-9")
            assert "x.example" not in str(caught.value)
            assert at_submit is not AuthError or "ARKCANARY" not in str(caught.value)
        with pytest.raises(ProviderError) as caught:
            await provider.poll(TASK)
        assert type(caught.value) is at_poll
    assert len(site.asked) == 3
    assert await provider.find("key-1") is None


async def test_hints(store: ObjectStore) -> None:
    limited = Answer.json({"error": {"code": "ServerOverloaded"}}, 429, retry_after="3")
    unopened = refusal("ModelNotOpen", 404)
    face = refusal("InputImageSensitiveContentDetected.PrivacyInformation", 400)
    with answering(store, limited, unopened, face) as (provider, _):
        with pytest.raises(RateLimitedError) as caught:
            await provider.submit(concept(store), idempotency_key="key-1")
        assert caught.value.retry_after_s == 3.0
        with pytest.raises(AuthError, match="activate it"):
            await provider.submit(concept(store), idempotency_key="key-1")
        with pytest.raises(ContentRejectedError, match="without people"):
            await provider.submit(video(store), idempotency_key="key-1")


@pytest.mark.parametrize("body", [{}, {"id": ""}, {"id": None}, {"id": 7}, {"data": None}, {"data": {}}])
async def test_an_answer_that_nobody_understands_leaves_the_submit_open(
    store: ObjectStore, body: dict[str, Any]
) -> None:
    with answering(store, Answer.json(body)) as (provider, site):
        for wish in (concept(store), video(store)):
            with pytest.raises(AmbiguousSubmitError):
                await provider.submit(wish, idempotency_key="key-1")
    assert len(site.asked) == 2


# Video tasks


@pytest.mark.parametrize("word, state", [("queued", JobState.QUEUED), ("running", JobState.RUNNING)])
async def test_unfinished_tasks(store: ObjectStore, word: str, state: JobState) -> None:
    with answering(store, task(word)) as (provider, site):
        status = await provider.poll(TASK)
    assert (status.state, status.raw_state, status.poll_after_s) == (state, word, 10.0)
    assert site.asked[0].target == f"/api/v3/contents/generations/tasks/{TASK.job_id}"


async def test_a_finished_task_costs_what_its_tokens_cost(store: ObjectStore) -> None:
    done = task(
        "succeeded",
        content={"video_url": "https://x.example/1.mp4?X-Tos-Signature=1&a=b"},
        usage={"completion_tokens": 108_901, "total_tokens": 108_901},
        created_at=1743414619,
        updated_at=1743414673,
    )
    with answering(store, done) as (provider, _):
        status = await provider.poll(TASK)
        dearer = await provider.poll(JobHandle("ark", f"{SEEDANCE}@1080p", TASK.job_id))
    assert status.artifacts == (
        Artifact("original", "video/mp4", "https://x.example/1.mp4?X-Tos-Signature=1&a=b"),
    )
    assert (status.state, status.cost, status.took_s) == (JobState.SUCCEEDED, 108_901 * 46, 54.0)
    assert dearer.cost == 108_901 * 51


@pytest.mark.parametrize(
    "more",
    [{}, {"usage": None}, {"usage": {"completion_tokens": "9"}}, {"usage": {"completion_tokens": True}}],
)
async def test_without_tokens_the_estimate_is_settled(store: ObjectStore, more: dict[str, Any]) -> None:
    with answering(store, task("succeeded", content={"video_url": "https://x.example/1"}, **more)) as (
        provider,
        _,
    ):
        status = await provider.poll(TASK)
    assert (status.state, status.cost, status.took_s) == (JobState.SUCCEEDED, None, None)


@pytest.mark.parametrize("tokens, charged", [(0, False), (108_900, True)])
@pytest.mark.parametrize("content", [None, {}, {"video_url": None}, {"video_url": ""}])
async def test_a_success_without_a_video_is_a_failure_charged_as_reported(
    store: ObjectStore, content: Any, tokens: int, charged: bool
) -> None:
    with answering(store, task("succeeded", content=content, usage={"completion_tokens": tokens})) as (
        provider,
        _,
    ):
        status = await provider.poll(TASK)
    assert (status.state, type(status.error)) == (JobState.FAILED, UnexpectedResponseError)
    assert (status.charged, status.cost) == (charged, tokens * 46)


@pytest.mark.parametrize(
    "code, kind",
    [
        ("OutputVideoSensitiveContentDetected", ContentRejectedError),
        ("OutputVideoSensitiveContentDetected.PolicyViolation", ContentRejectedError),
        ("InternalServiceError", TransientError),
        ("SomethingNew", UnexpectedResponseError),
    ],
)
async def test_a_failed_task_is_free(store: ObjectStore, code: str, kind: type[ProviderError]) -> None:
    with answering(store, task("failed", error={"code": code, "message": "why"})) as (provider, _):
        status = await provider.poll(TASK)
    assert (status.state, type(status.error), status.charged) == (JobState.FAILED, kind, False)
    assert ("succeed unchanged" in str(status.error)) == (kind is ContentRejectedError)


@pytest.mark.parametrize("word, state", [("cancelled", JobState.CANCELED), ("expired", JobState.FAILED)])
async def test_these_words_are_an_end_that_costs_nothing(
    store: ObjectStore, word: str, state: JobState
) -> None:
    with answering(store, task(word)) as (provider, _):
        status = await provider.poll(TASK)
    assert (status.state, status.cost, status.charged) == (state, 0, False)
    assert status.error is not None


@pytest.mark.parametrize("word", ["reviewing", "", None, 7])
async def test_a_state_that_nobody_knows_keeps_the_job(store: ObjectStore, word: Any) -> None:
    with answering(store, task(word)) as (provider, _), pytest.raises(UnexpectedResponseError):
        await provider.poll(TASK)


# Pictures: the reply is all there is


async def test_the_reply_is_kept_before_submit_returns(store: ObjectStore) -> None:
    with answering(store, Answer.json(MADE)) as (provider, site):
        handle = await provider.submit(concept(store), idempotency_key="key-1")
        again = ArkProvider(store, "other", "http://127.0.0.1:9")
        assert await again.find("key-1") == JobHandle("ark", SEEDREAM, "key-1")
        assert await again.find("key-2") is None
        status = await again.poll(JobHandle(**{n: getattr(handle, n) for n in JobHandle.__slots__}))
    assert (status.state, status.cost) == (JobState.SUCCEEDED, 250_000)
    assert status.artifacts == (Artifact("original", "image/jpeg", "https://x.example/1.jpeg?sig=1"),)
    assert len(site.asked) == 1
    for _ in range(2):
        await again.forget(handle)
    with pytest.raises(JobExpiredError):
        await again.poll(handle)


async def test_an_answer_that_cannot_be_kept_leaves_the_submit_open(store: ObjectStore) -> None:
    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def put(self, key: str, data: bytes, media_type: str) -> Any:
            raise StorageError("the disk is full")

    wish = concept(store)
    full = cast(ObjectStore, Full())
    with (
        answering(full, Answer.json(MADE)) as (provider, site),
        pytest.raises(AmbiguousSubmitError, match="kept"),
    ):
        await provider.submit(wish, idempotency_key="key-1")
    assert len(site.asked) == 1


async def kept_status(store: ObjectStore, **changes: Any) -> Any:
    with answering(store, Answer.json({**MADE, **changes})) as (provider, _):
        handle = await provider.submit(concept(store), idempotency_key="key-1")
        return await provider.poll(handle)


@pytest.mark.parametrize(
    "code, kind",
    [
        ("OutputImageSensitiveContentDetected", ContentRejectedError),
        ("InternalServiceError", TransientError),
        ("SomethingNew", UnexpectedResponseError),
    ],
)
async def test_an_error_instead_of_the_picture(
    store: ObjectStore, code: str, kind: type[ProviderError]
) -> None:
    status = await kept_status(
        store, data=[{"error": {"code": code, "message": "why"}}], usage={"generated_images": 0}
    )
    assert (status.state, type(status.error), status.charged) == (JobState.FAILED, kind, False)


async def test_a_good_picture_beside_an_error(store: ObjectStore) -> None:
    items = [{"error": {"code": "InternalServiceError"}}, {"url": "https://x.example/2.jpeg"}]
    status = await kept_status(store, data=items)
    assert [artifact.reference for artifact in status.artifacts] == ["https://x.example/2.jpeg"]
    assert status.cost == 250_000


@pytest.mark.parametrize("items", [[], [{}], [{"url": None}], ["what"], [None]])
@pytest.mark.parametrize(
    "usage, charged, cost",
    [
        ({"generated_images": 1}, True, 250_000),
        ({"generated_images": 0}, False, 0),
        ({}, True, None),
        (None, True, None),
    ],
)
async def test_no_picture_is_a_failure_charged_as_reported(
    store: ObjectStore, items: list[Any], usage: Any, charged: bool, cost: int | None
) -> None:
    """Where nothing is reported, nobody knows that a success was free: the estimate is settled."""
    status = await kept_status(store, data=items, usage=usage)
    assert (status.state, type(status.error)) == (JobState.FAILED, UnexpectedResponseError)
    assert (status.charged, status.cost) == (charged, cost)


async def test_a_picture_inside_the_answer(store: ObjectStore) -> None:
    inside = picture((64, 64), form="JPEG")
    data = [{"error": {"code": "x"}}, {"b64_json": base64.b64encode(inside).decode()}]
    with answering(store, Answer.json({**MADE, "data": data})) as (provider, _):
        handle = await provider.submit(concept(store), idempotency_key="key-1")
        [artifact] = (await provider.poll(handle)).artifacts
        assert len(artifact.reference) < 200
        assert await provider.fetch(artifact) == inside
        await provider.forget(handle)
        with pytest.raises(JobExpiredError):
            await provider.fetch(artifact)


async def test_a_picture_in_another_format_is_converted(store: ObjectStore) -> None:
    with answering(store, Answer(200, picture((64, 64)), {"content-type": "image/png"})) as (provider, site):
        data = await provider.fetch(Artifact("original", "image/jpeg", f"{site.base_url}/1.png"))
    assert defect_in(data, "image/jpeg") is None


# Money: one request, whatever happens


@pytest.mark.parametrize("broken", [Break.RESET, Break.DROP, Break.HANG])
async def test_a_lost_answer_is_one_request_and_leaves_it_open(store: ObjectStore, broken: Break) -> None:
    with answering(store, broken, timeout_s=0.2) as (provider, site):
        for wish in (concept(store), video(store)):
            with pytest.raises(AmbiguousSubmitError):
                await provider.submit(wish, idempotency_key="key-1")
        assert len(site.asked) == 2
        assert await provider.find("key-1") is None
        assert not provider.can_find


@pytest.mark.parametrize(
    "answer",
    [
        Answer.html("<h1>502</h1>", 502),
        Answer(200, b'{"id": "cgt', {"content-type": "application/json"}),
        Answer(302, b"", {"location": "/moved"}),
    ],
)
async def test_what_is_no_answer_of_the_vendor_leaves_it_open(store: ObjectStore, answer: Answer) -> None:
    with answering(store, answer) as (provider, site):
        for wish in (concept(store), video(store)):
            with pytest.raises(AmbiguousSubmitError):
                await provider.submit(wish, idempotency_key="key-1")
        with pytest.raises(TransientError):
            await provider.poll(TASK)
    assert len(site.asked) == 3


async def test_nobody_there_is_a_refusal(store: ObjectStore) -> None:
    provider = ArkProvider(store, "key", "http://127.0.0.1:9")
    with pytest.raises(TransientError):
        await provider.submit(concept(store), idempotency_key="key-1")


# Settings and secrets


def test_a_missing_key_is_named(store: ObjectStore) -> None:
    with pytest.raises(SettingsError, match="ARK_API_KEY"):
        build(Workplace(read_settings({"ark_api_key": ""}), store, cast(Any, None)))


async def test_the_key_shows_nowhere(store: ObjectStore) -> None:
    with answering(store, Answer.json(MADE), Break.RESET) as (provider, _):
        shown = [repr(provider)]
        shown.append(repr(await provider.submit(concept(store), idempotency_key="key-1")))
        with pytest.raises(AmbiguousSubmitError) as caught:
            await provider.submit(concept(store), idempotency_key="key-2")
        shown.append(repr(caught.value))
    kept = "".join(store.get(key).decode("latin-1") for key in store.list("replies/"))
    assert kept
    assert not any("ARKCANARY" in text for text in (*shown, kept))


def test_a_model_is_one_pool_in_all_resolutions(store: ObjectStore) -> None:
    provider = ArkProvider(store, "key", "http://127.0.0.1:9")
    plain, sharp = (provider.tempo(video(store, model=f"{SEEDANCE}{end}")) for end in ("", "@1080p"))
    assert plain.pool == sharp.pool != provider.tempo(scene(store)).pool
    assert (plain.parallel, plain.parallel_most) == (3, 10)


# Against the emulator


async def test_all_that_it_makes_at_the_price_of_the_bill(store: ObjectStore) -> None:
    wishes: list[Request] = [
        scene(store),
        scene(store, model="doubao-seedream-4-0-250828"),
        scene(store, model="doubao-seedream-5-0-260128"),
        creation(store, ImageTask.MODEL, 2),
        creation(store, ImageTask.LINE_ART, 1),
        creation(store, ImageTask.CONCEPT, 0),
        video(store),
        video(store, duration_s=8.0),
        video(store, model="doubao-seedance-2-5-260628"),
        video(store, model="doubao-seedance-2-0-fast-260128@480p"),
        video(store, model=f"{SEEDANCE}@1080p"),
        video(store, frames=0, description="waves", size_px=(1080, 1080)),
    ]
    with emulated(store) as (provider, emulator):
        for number, wish in enumerate(wishes):
            handle = await provider.submit(wish, idempotency_key=f"key-{number}")
            again = built(store, emulator.environment(emulator.base_url))
            status = await finish(again, handle)
            assert status.state is JobState.SUCCEEDED, status.error
            [artifact] = status.artifacts
            assert defect_in(await again.fetch(artifact), artifact.media_type) is None
            billed = int(emulator.bill.entries[-1].amount * 1_000_000)
            assert status.cost == billed <= provider.estimate(wish) <= billed * 1.01
    assert emulator.bill.doubles() == []
    assert len(emulator.bill.entries) == len(wishes)


async def test_what_is_settled_is_what_the_vendor_counted(store: ObjectStore) -> None:
    with emulated(store, list_price_factor=Decimal("0.97")) as (provider, emulator):
        status = await finish(provider, await provider.submit(video(store), idempotency_key="key-1"))
        assert status.cost == emulator.bill.total_micro() == 105_633 * 46
        assert status.cost < provider.estimate(video(store))


@pytest.mark.parametrize("of_video", [False, True])
@pytest.mark.parametrize(
    "fault, kind",
    [
        (Fault.THROTTLE, RateLimitedError),
        (Fault.THROTTLE_BURST, RateLimitedError),
        (Fault.THROTTLE_PARALLEL, RateLimitedError),
        (Fault.SERVER_BUSY, AmbiguousSubmitError),
        (Fault.REJECT_CREATE, ContentRejectedError),
        (Fault.ARREARS, InsufficientBalanceError),
        (Fault.QUOTA_USED_UP, InsufficientBalanceError),
        (Fault.AUTH, AuthError),
        (Fault.RESET_BEFORE, AmbiguousSubmitError),
        (Fault.RESET_AFTER, AmbiguousSubmitError),
        (Fault.LOST_REPLY, AmbiguousSubmitError),
        (Fault.HTML_502_AFTER, AmbiguousSubmitError),
        (Fault.MALFORMED_AFTER, AmbiguousSubmitError),
    ],
)
async def test_each_fault_of_a_submit(
    store: ObjectStore, fault: Fault, kind: type[ProviderError], of_video: bool
) -> None:
    with emulated(store) as (provider, emulator):
        emulator.faults.add(fault, "submit")
        with pytest.raises(ProviderError) as caught:
            await provider.submit(video(store) if of_video else concept(store), idempotency_key="key-1")
        assert type(caught.value) is kind
        assert len(emulator.seen) == 1
        if kind is not AmbiguousSubmitError:
            assert emulator.bill.entries == ()


@pytest.mark.parametrize(
    "fault, state, kind",
    [
        (Fault.REJECT_END, JobState.FAILED, ContentRejectedError),
        (Fault.FAIL_END, JobState.FAILED, TransientError),
        (Fault.FAIL_AS_SUCCESS, JobState.FAILED, UnexpectedResponseError),
        (Fault.CANCELED, JobState.CANCELED, ProviderError),
        (Fault.EXPIRED_JOB, JobState.FAILED, ProviderError),
    ],
)
async def test_each_bad_ending_of_a_video_is_free(
    store: ObjectStore, fault: Fault, state: JobState, kind: type[ProviderError]
) -> None:
    with emulated(store) as (provider, emulator):
        emulator.faults.add(fault, "submit")
        status = await finish(provider, await provider.submit(video(store), idempotency_key="key-1"))
        assert (status.state, type(status.error), status.cost) == (state, kind, 0)
        assert emulator.bill.total_micro() == 0


async def test_a_picture_that_failed_as_a_success_is_free(store: ObjectStore) -> None:
    with emulated(store) as (provider, emulator):
        emulator.faults.add(Fault.FAIL_AS_SUCCESS, "submit")
        status = await finish(provider, await provider.submit(concept(store), idempotency_key="key-1"))
        assert (status.state, type(status.error), status.cost) == (JobState.FAILED, ContentRejectedError, 0)
        assert emulator.bill.total_micro() == 0


async def test_a_model_that_is_not_activated(store: ObjectStore) -> None:
    with emulated(store, activated=()) as (provider, _):
        for wish in (concept(store), video(store)):
            with pytest.raises(AuthError, match="activate"):
                await provider.submit(wish, idempotency_key="key-1")


async def test_faults_of_polls_pass_and_a_task_may_be_gone(store: ObjectStore) -> None:
    with emulated(store) as (provider, emulator):
        handle = await provider.submit(video(store), idempotency_key="key-1")
        for fault, kind in (
            (Fault.HTML_500, TransientError),
            (Fault.RESET_AFTER, TransientError),
            (Fault.THROTTLE, RateLimitedError),
            (Fault.SERVER_BUSY, TransientError),
            (Fault.UNKNOWN_STATUS, UnexpectedResponseError),
        ):
            emulator.faults.add(fault, "poll")
            with pytest.raises(kind):
                await provider.poll(handle)
        [artifact] = (await finish(provider, handle)).artifacts
        emulator.faults.add(Fault.TRUNCATED, "download")
        with pytest.raises(TransientError):
            await provider.fetch(artifact)
        emulator.faults.add(Fault.EXPIRED, "download")
        with pytest.raises(JobExpiredError):
            await provider.fetch(artifact)
        emulator.faults.add(Fault.EXPIRED_JOB, "poll")
        with pytest.raises(JobExpiredError):
            await provider.poll(handle)
        for unknown in (JobHandle("ark", "any", "no-such-job"), PICTURE):
            with pytest.raises(JobExpiredError):
                await provider.poll(unknown)
