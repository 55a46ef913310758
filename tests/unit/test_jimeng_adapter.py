"""Jimeng: what is sent, what each answer means, and that a submit is one request whatever happens to it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from providers.emulators.core.faults import Fault
from providers.emulators.core.http import Answer, Break, running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.emulators.jimeng import make
from providers.emulators.jimeng.emulator import JimengEmulator
from providers.volcengine.jimeng import JimengProvider, build
from providers.volcengine.signing import Credentials
from providers.workplace import Workplace
from skuflow.jobs.contract import Capability, ImageTask, JobHandle, JobState, Provider, Request
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    ContentRejectedError,
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
from skuflow.storage.objects import ObjectStore
from tests.money import copy_wish
from tests.unit.volcengine_wishes import (
    LinkedStore,
    Site,
    creation,
    finish,
    picture,
    scene,
    video,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HANDLE = JobHandle("jimeng", "jimeng_t2i_v40", "7392616336519610409")
ACCEPTED = {"code": 10000, "data": {"task_id": "7392616336519610409"}, "request_id": "req-1"}


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return FolderStore(tmp_path)


@contextmanager
def answering(
    store: ObjectStore, *answers: Answer | Break, timeout_s: float = 5.0
) -> Iterator[tuple[JimengProvider, Site]]:
    site = Site(*answers)
    with running(site) as url:
        keys = Credentials("AKCANARY", "SKCANARY", "cn-north-1", "cv")
        yield JimengProvider(store, keys, url, timeout_s=timeout_s, clock=lambda: NOON), site


@contextmanager
def emulated(store: ObjectStore, **options: Any) -> Iterator[tuple[Provider, JimengEmulator]]:
    emulator = make(Timing(speed=2000), media=Media(tiny=True), **options)
    with running(emulator) as url:
        yield built(store, emulator.environment(url)), emulator


def built(store: ObjectStore, environment: dict[str, str]) -> Provider:
    fields = {name.lower(): value for name, value in environment.items()}
    return build(Workplace(read_settings({**fields, "skuflow_http_timeout_s": 2.0}), store, cast(Any, None)))


def sent(site: Site, number: int = 0) -> dict[str, Any]:
    return cast(dict[str, Any], site.asked[number].json())


# What is sent


async def test_a_scene_is_asked_for_with_the_product_on_white(store: ObjectStore) -> None:
    with answering(store, Answer.json(ACCEPTED)) as (provider, site):
        handle = await provider.submit(scene(store), idempotency_key="key-1")
    assert handle == JobHandle("jimeng", "jimeng_t2i_v40", "7392616336519610409", "req-1")
    request, body = site.asked[0], sent(site)
    assert request.target == "/?Action=CVSync2AsyncSubmitTask&Version=2022-08-31"
    assert request.headers["authorization"].startswith(
        "HMAC-SHA256 Credential=AKCANARY/20261120/cn-north-1/cv/"
    )
    assert request.headers["host"] == site.base_url.removeprefix("http://")
    [given] = body.pop("binary_data_base64")
    prompt = body.pop("prompt")
    assert body == {
        "req_key": "jimeng_t2i_v40",
        "width": 2048,
        "height": 2048,
        "scale": 0.5,
        "force_single": True,
    }
    assert "大理石" in prompt
    with Image.open(io.BytesIO(base64.b64decode(given, validate=True))) as shown:
        assert (shown.format, shown.size) == ("JPEG", (1024, 1024))
        assert shown.getpixel((5, 5)) == (255, 255, 255)
        middle = cast(tuple[int, int, int], shown.getpixel((512, 512)))
        assert all(abs(a - b) < 8 for a, b in zip(middle, (40, 90, 170), strict=True))


async def test_public_storage_gives_addresses_instead_of_bytes(store: ObjectStore) -> None:
    linked = cast(ObjectStore, LinkedStore(store))
    with answering(linked, Answer.json(ACCEPTED)) as (provider, site):
        await provider.submit(scene(store), idempotency_key="key-1")
    [address] = sent(site)["image_urls"]
    assert "binary_data_base64" not in sent(site)
    assert address.startswith("https://bucket.example.com/published/jimeng/")
    key = address.removeprefix("https://bucket.example.com/").partition("?")[0]
    assert defect_in(store.get(key), "image/jpeg") is None


async def test_local_storage_is_not_filled_with_inputs(store: ObjectStore) -> None:
    with answering(store, Answer.json(ACCEPTED)) as (provider, _):
        await provider.submit(scene(store), idempotency_key="key-1")
    assert list(store.list("published/")) == []


async def test_the_newer_model_weighs_in_percent(store: ObjectStore) -> None:
    wish = scene(store, model="jimeng_seedream46_cvtob")
    with answering(store, Answer.json(ACCEPTED)) as (provider, site):
        handle = await provider.submit(wish, idempotency_key="key-1")
        assert provider.estimate(wish) == 220_000
    assert handle.model == sent(site)["req_key"] == "jimeng_seedream46_cvtob"
    assert (sent(site)["scale"], type(sent(site)["scale"])) == (50, int)
    assert sent(site)["force_single"] is True


@pytest.mark.parametrize("task, pictures", [("model", 1), ("model", 2), ("line_art", 1), ("concept", 0)])
async def test_creations_come_with_the_pictures_of_their_task(
    store: ObjectStore, task: str, pictures: int
) -> None:
    wish = creation(store, ImageTask(task), pictures, description="海边", size_px=(1080, 1920))
    with answering(store, Answer.json(ACCEPTED)) as (provider, site):
        await provider.submit(wish, idempotency_key="key-1")
    body = sent(site)
    assert len(body.get("binary_data_base64", [])) == pictures
    assert (body["width"], body["height"]) == (1536, 2736)
    assert "海边" in body["prompt"] or (task, pictures) == ("model", 2)


async def test_a_video_opens_with_its_frame_as_plain_base64(store: ObjectStore) -> None:
    with answering(store, Answer.json(ACCEPTED)) as (provider, site):
        handle = await provider.submit(video(store, description="steam rises"), idempotency_key="key-1")
    body = sent(site)
    [frame] = body.pop("binary_data_base64")
    assert "steam rises" in body.pop("prompt")
    assert 0 <= body.pop("seed") < 2**31
    assert body == {"req_key": "jimeng_i2v_first_v30", "frames": 121}
    assert base64.b64decode(frame, validate=True).startswith(b"\xff\xd8\xff")
    assert handle.model == "jimeng_i2v_first_v30"


@pytest.mark.parametrize(
    "changes, model, micro, frames",
    [
        ({}, "jimeng_i2v_first_v30", 1_400_000, 121),
        ({"duration_s": 5.1}, "jimeng_i2v_first_v30", 2_800_000, 241),
        ({"duration_s": 10.0}, "jimeng_i2v_first_v30", 2_800_000, 241),
        ({"duration_s": 3.0}, "jimeng_i2v_first_v30", 1_400_000, 121),
        ({"model": "jimeng_ti2v_v30_pro"}, "jimeng_ti2v_v30_pro", 5_000_000, 121),
        ({"frames": 0, "description": "a beach"}, "jimeng_ti2v_v30_pro", 5_000_000, 121),
    ],
)
async def test_videos_are_five_or_ten_seconds_long(
    store: ObjectStore, changes: dict[str, Any], model: str, micro: int, frames: int
) -> None:
    wish = video(store, **changes)
    with answering(store, Answer.json(ACCEPTED)) as (provider, site):
        assert (provider.model_for(wish), provider.estimate(wish)) == (model, micro)
        await provider.submit(wish, idempotency_key="key-1")
    assert sent(site)["frames"] == frames
    assert ("aspect_ratio" in sent(site)) == (not wish.frames)


async def test_prompts_keep_to_eight_hundred_characters(store: ObjectStore) -> None:
    long = "很长的描述 " * 400
    for wish in (scene(store, prompt=long), video(store, prompt=long), video(store, description=long)):
        with answering(store, Answer.json(ACCEPTED)) as (provider, site):
            await provider.submit(wish, idempotency_key="key-1")
        assert 600 < len(sent(site)["prompt"]) <= 800
        assert ("完全一致" in sent(site)["prompt"]) == (wish.capability is Capability.IMAGE)


async def test_what_cannot_be_done_is_refused_before_anything_is_sent(store: ObjectStore) -> None:
    wishes: list[tuple[Request, str]] = [
        (scene(store, model="gpt"), "jimeng_t2i_v40, jimeng_seedream46_cvtob"),
        (scene(store, model="jimeng_i2v_first_v30"), "jimeng_t2i_v40"),
        (scene(store, style=""), "offline"),
        (video(store, model="jimeng_t2i_v40"), "jimeng_i2v_first_v30"),
        (video(store, frames=0, model="jimeng_i2v_first_v30"), "first frame"),
        (creation(store, ImageTask.LINE_ART, 0), "needs 1 pictures; 0 were given"),
        (creation(store, ImageTask.CONCEPT, 1), "needs 0 pictures"),
        (copy_wish(), "no copy"),
    ]
    with answering(store, Answer.json(ACCEPTED)) as (provider, site):
        for wish, words in wishes:
            with pytest.raises(InvalidInputError, match=words):
                provider.estimate(wish)
            with pytest.raises(InvalidInputError, match=words):
                await provider.submit(wish, idempotency_key="key-1")
    assert site.asked == []


async def test_trouble_with_the_inputs_is_a_refusal_since_nothing_was_sent(store: ObjectStore) -> None:
    with answering(store, Answer.json(ACCEPTED)) as (provider, site):
        wishes = (scene(store), video(store), creation(store, ImageTask.LINE_ART, 1))
        for key in ("in/cutout.png", "in/frame.png", "in/given-0.png"):
            store.put(key, b"no picture", "image/png")
        for wish in wishes:
            with pytest.raises(InvalidInputError):
                await provider.submit(wish, idempotency_key="key-1")
        for key in ("in/cutout.png", "in/frame.png", "in/given-0.png"):
            store.delete(key)
        for wish in wishes:
            with pytest.raises(TransientError):
                await provider.submit(wish, idempotency_key="key-1")
    assert site.asked == []


async def test_no_two_jobs_send_the_same_video_request(store: ObjectStore) -> None:
    with answering(store, Answer.json(ACCEPTED)) as (provider, site):
        for key in ("key-1", "key-2", "key-1"):
            await provider.submit(video(store), idempotency_key=key)
    first, second, again = (request.body for request in site.asked)
    assert first == again != second


# What answers mean

CODES: list[tuple[int, int, type[ProviderError], type[ProviderError] | None]] = [
    # HTTP, code, raised by submit, the failed job's error (None: the query itself failed, and is asked again)
    (400, 50215, InvalidInputError, None),
    (400, 50400, AuthError, None),
    (400, 50411, ContentRejectedError, ContentRejectedError),
    (400, 50412, ContentRejectedError, ContentRejectedError),
    (400, 50413, ContentRejectedError, ContentRejectedError),
    (429, 50429, RateLimitedError, None),
    (429, 50430, RateLimitedError, None),
    (500, 50500, AmbiguousSubmitError, None),
    (500, 50501, AmbiguousSubmitError, None),
    (400, 50511, ContentRejectedError, ContentRejectedError),
    (400, 50512, ContentRejectedError, ContentRejectedError),
    (400, 50516, ContentRejectedError, ContentRejectedError),
    (400, 50517, ContentRejectedError, ContentRejectedError),
    (400, 50518, ContentRejectedError, ContentRejectedError),
    (400, 50519, ContentRejectedError, ContentRejectedError),
    (400, 50520, InvalidInputError, ProviderError),
    (400, 50521, InvalidInputError, ProviderError),
    (400, 50522, InvalidInputError, ProviderError),
    (400, 59999, AmbiguousSubmitError, None),
]


@pytest.mark.parametrize("status, code, at_submit, at_end", CODES)
async def test_each_code(
    store: ObjectStore,
    status: int,
    code: int,
    at_submit: type[ProviderError],
    at_end: type[ProviderError] | None,
) -> None:
    body = {"code": code, "data": None, "message": "Said https://x.example/?sig=1", "request_id": "req-9"}
    with answering(store, Answer.json(body, status)) as (provider, site):
        with pytest.raises(ProviderError) as caught:
            await provider.submit(creation(store, ImageTask.CONCEPT, 0), idempotency_key="key-1")
        assert type(caught.value) is at_submit
        assert (caught.value.code, caught.value.request_id) == (str(code), "req-9")
        assert "x.example" not in str(caught.value)
        assert len(site.asked) == 1
        if at_end is None:
            with pytest.raises(ProviderError) as caught:
                await provider.poll(HANDLE)
            later = TransientError if code in (50500, 50501) else UnexpectedResponseError
            assert type(caught.value) is (later if at_submit is AmbiguousSubmitError else at_submit)
        else:
            ended = await provider.poll(HANDLE)
            assert (ended.state, type(ended.error), ended.charged) == (JobState.FAILED, at_end, False)


@pytest.mark.parametrize("code", [50511, 50516, 50517, 50519])
async def test_a_rejected_result_says_that_it_may_succeed_unchanged(store: ObjectStore, code: int) -> None:
    with answering(store, Answer.json({"code": code, "data": None}, 400)) as (provider, _):
        status = await provider.poll(HANDLE)
    assert "may succeed unchanged" in str(status.error)


async def test_the_hints(store: ObjectStore) -> None:
    with answering(
        store,
        Answer.json({"code": 50400, "message": "Access Denied"}, 400),
        Answer.json({"code": 50430}, 429, retry_after="7"),
        Answer.json({"code": 50429}, 429),
    ) as (provider, _):
        wish = creation(store, ImageTask.CONCEPT, 0)
        with pytest.raises(AuthError, match=r"req_key.*activated"):
            await provider.submit(wish, idempotency_key="key-1")
        for parallel, hint_s in ((True, 7.0), (False, None)):
            with pytest.raises(RateLimitedError) as caught:
                await provider.submit(wish, idempotency_key="key-1")
            assert (caught.value.parallel, caught.value.retry_after_s) == (parallel, hint_s)


@pytest.mark.parametrize(
    "status, code, at_submit, at_poll",
    [
        (401, "SignatureDoesNotMatch", AuthError, AuthError),
        (401, "InvalidAccessKey", AuthError, AuthError),
        (400, "InvalidTimestamp", AuthError, AuthError),
        (400, "InvalidCredential", AuthError, AuthError),
        (401, "MissingAuthenticationToken", AuthError, AuthError),
        (401, "InvalidAuthorization", AuthError, AuthError),
        (403, "AccessDenied", AuthError, AuthError),
        (404, "InvalidActionOrVersion", InvalidInputError, InvalidInputError),
        (429, "FlowLimitExceeded", RateLimitedError, RateLimitedError),
        (500, "InternalError", AmbiguousSubmitError, TransientError),
        (504, "InternalServiceTimeout", AmbiguousSubmitError, TransientError),
        (400, "SomethingNew", AmbiguousSubmitError, UnexpectedResponseError),
        (400, "", AmbiguousSubmitError, UnexpectedResponseError),
    ],
)
async def test_the_gateway_speaks_otherwise(
    store: ObjectStore,
    status: int,
    code: str,
    at_submit: type[ProviderError],
    at_poll: type[ProviderError],
) -> None:
    told = {"Code": code, "Message": "key AKCANARY"} if code else None
    body = {"ResponseMetadata": {"RequestId": "req-2", "Service": "cv", "Error": told}}
    with answering(store, Answer.json(body, status)) as (provider, _):
        with pytest.raises(ProviderError) as caught:
            await provider.submit(creation(store, ImageTask.CONCEPT, 0), idempotency_key="key-1")
        assert type(caught.value) is at_submit
        assert caught.value.request_id == "req-2"
        if at_submit is AuthError:
            assert "AKCANARY" not in str(caught.value)
        with pytest.raises(ProviderError) as caught:
            await provider.poll(HANDLE)
        assert type(caught.value) is at_poll


@pytest.mark.parametrize(
    "body",
    [
        {"code": 10000, "data": None},
        {"code": 10000, "data": {}},
        {"code": 10000, "data": {"task_id": ""}},
        {"code": "10000", "data": {"task_id": "1"}},
        {"code": True, "data": {"task_id": "1"}},
        {"data": {"task_id": "1"}},
        {},
    ],
)
async def test_an_answer_that_nobody_understands_leaves_the_submit_open(
    store: ObjectStore, body: dict[str, Any]
) -> None:
    with answering(store, Answer.json(body)) as (provider, site), pytest.raises(AmbiguousSubmitError):
        await provider.submit(creation(store, ImageTask.CONCEPT, 0), idempotency_key="key-1")
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    "data, state",
    [
        ({"status": "in_queue"}, JobState.QUEUED),
        ({"status": "generating"}, JobState.RUNNING),
        ({"status": "not_found"}, JobState.EXPIRED),
        ({"status": "expired"}, JobState.EXPIRED),
        ({"status": "done"}, JobState.FAILED),
        ({"status": "done", "image_urls": None, "binary_data_base64": [], "video_url": ""}, JobState.FAILED),
    ],
)
async def test_each_state(store: ObjectStore, data: dict[str, Any], state: JobState) -> None:
    with answering(store, Answer.json({"code": 10000, "data": data})) as (provider, site):
        status = await provider.poll(HANDLE)
    hollow = data["status"] == "done"
    assert (status.state, status.raw_state, status.charged) == (state, data["status"], hollow)
    assert isinstance(status.error, ProviderError) == state.is_terminal
    body = sent(site)
    assert (body["req_key"], body["task_id"]) == (HANDLE.model, HANDLE.job_id)
    assert isinstance(body["req_json"], str)
    assert json.loads(body["req_json"])["return_url"] is True


@pytest.mark.parametrize("data", [None, {}, {"status": None}, {"status": "reviewing"}, "done"])
async def test_a_state_that_nobody_knows_keeps_the_job(store: ObjectStore, data: Any) -> None:
    with (
        answering(store, Answer.json({"code": 10000, "data": data})) as (provider, _),
        pytest.raises(UnexpectedResponseError),
    ):
        await provider.poll(HANDLE)


@pytest.mark.parametrize("code, kind", [(50501, TransientError), (59999, UnexpectedResponseError)])
async def test_done_under_a_bad_code_is_a_failure(
    store: ObjectStore, code: int, kind: type[ProviderError]
) -> None:
    body = {"code": code, "data": {"status": "done", "image_urls": ["https://x.example/1.png"]}}
    with answering(store, Answer.json(body)) as (provider, _):
        status = await provider.poll(HANDLE)
    assert (status.state, type(status.error), status.artifacts) == (JobState.FAILED, kind, ())


async def test_several_pictures_are_paid_by_their_number_and_one_is_kept(store: ObjectStore) -> None:
    data = {"status": "done", "image_urls": ["https://x.example/1.png", "https://x.example/2.png"]}
    with answering(store, Answer.json({"code": 10000, "data": data})) as (provider, _):
        status = await provider.poll(HANDLE)
    assert [artifact.reference for artifact in status.artifacts] == ["https://x.example/1.png"]
    assert status.cost == 400_000


async def test_a_picture_inside_the_answer_is_asked_for_again(store: ObjectStore) -> None:
    inside = picture((64, 64), form="JPEG")
    data = {"status": "done", "binary_data_base64": [base64.b64encode(inside).decode()]}
    with answering(store, Answer.json({"code": 10000, "data": data})) as (provider, site):
        status = await provider.poll(HANDLE)
        [artifact] = status.artifacts
        assert len(artifact.reference) < 200
        assert artifact.media_type == "image/jpeg"
        assert await provider.fetch(artifact) == inside
    assert len(site.asked) == 2


@pytest.mark.parametrize(
    "body, kind",
    [
        ({"code": 10000, "data": {"status": "not_found"}}, JobExpiredError),
        ({"code": 10000, "data": {"status": "done", "binary_data_base64": ["?"]}}, UnexpectedResponseError),
        ({"code": 10000, "data": None}, UnexpectedResponseError),
        ({"code": 50429, "data": None}, RateLimitedError),
    ],
)
async def test_a_picture_that_is_not_there_the_second_time(
    store: ObjectStore, body: dict[str, Any], kind: type[ProviderError]
) -> None:
    data = {"status": "done", "binary_data_base64": [base64.b64encode(picture((64, 64))).decode()]}
    first = Answer.json({"code": 10000, "data": data})
    with answering(store, first, Answer.json(body)) as (provider, _):
        [artifact] = (await provider.poll(HANDLE)).artifacts
        with pytest.raises(kind):
            await provider.fetch(artifact)


async def test_a_picture_in_another_format_is_converted(store: ObjectStore) -> None:
    file = Answer(200, picture((64, 64), form="JPEG"), {"content-type": "image/jpeg"})
    with answering(store, file) as (provider, site):
        from skuflow.jobs.contract import Artifact

        data = await provider.fetch(Artifact("original", "image/png", f"{site.base_url}/1.png"))
    assert defect_in(data, "image/png") is None


# Money: one request, whatever happens


@pytest.mark.parametrize("broken", [Break.RESET, Break.DROP, Break.HANG])
async def test_a_lost_answer_is_one_request_and_leaves_it_open(store: ObjectStore, broken: Break) -> None:
    with answering(store, broken, timeout_s=0.2) as (provider, site):
        with pytest.raises(AmbiguousSubmitError):
            await provider.submit(creation(store, ImageTask.CONCEPT, 0), idempotency_key="key-1")
        assert len(site.asked) == 1
        assert await provider.find("key-1") is None
        assert not provider.can_find


@pytest.mark.parametrize(
    "answer",
    [
        Answer.html("<h1>502</h1>", 502),
        Answer(200, b'{"code": 10000, "data": {"task_', {"content-type": "application/json"}),
        Answer(302, b"", {"location": "/moved"}),
    ],
)
async def test_what_is_no_answer_of_the_vendor_leaves_it_open(store: ObjectStore, answer: Answer) -> None:
    with answering(store, answer) as (provider, site):
        with pytest.raises(AmbiguousSubmitError):
            await provider.submit(creation(store, ImageTask.CONCEPT, 0), idempotency_key="key-1")
        with pytest.raises(TransientError):
            await provider.poll(HANDLE)
    assert len(site.asked) == 2


async def test_nobody_there_is_a_refusal(store: ObjectStore) -> None:
    keys = Credentials("AK", "SK", "cn-north-1", "cv")
    provider = JimengProvider(store, keys, "http://127.0.0.1:9")
    with pytest.raises(TransientError):
        await provider.submit(creation(store, ImageTask.CONCEPT, 0), idempotency_key="key-1")


# Settings and secrets


@pytest.mark.parametrize("missing", ["jimeng_access_key", "jimeng_secret_key"])
def test_a_missing_key_is_named(store: ObjectStore, missing: str) -> None:
    fields = {"jimeng_access_key": "AK", "jimeng_secret_key": "SK", missing: ""}
    with pytest.raises(SettingsError, match=missing.upper()):
        build(Workplace(read_settings(fields), store, cast(Any, None)))


async def test_keys_show_nowhere(store: ObjectStore) -> None:
    with answering(store, Answer.json(ACCEPTED), Break.RESET) as (provider, site):
        shown = [repr(provider), str(vars(provider))]
        wish = creation(store, ImageTask.CONCEPT, 0)
        shown.append(repr(await provider.submit(wish, idempotency_key="key-1")))
        with pytest.raises(AmbiguousSubmitError) as caught:
            await provider.submit(wish, idempotency_key="key-2")
        shown.append(repr(caught.value))
    assert not any("SKCANARY" in text for text in shown)
    assert b"SKCANARY" not in site.asked[0].body


def test_it_starts_slowly(store: ObjectStore) -> None:
    keys = Credentials("AK", "SK", "cn-north-1", "cv")
    provider = JimengProvider(store, keys, "http://127.0.0.1:9")
    of_scene, of_video = provider.tempo(scene(store)), provider.tempo(video(store))
    assert of_scene.parallel == of_video.parallel == 1
    assert of_scene.pool != of_video.pool
    assert provider.capabilities == {Capability.IMAGE, Capability.VIDEO}


# Against the emulator


async def test_all_that_it_makes_at_the_price_of_the_bill(store: ObjectStore) -> None:
    wishes: list[Request] = [
        scene(store),
        scene(store, model="jimeng_seedream46_cvtob"),
        creation(store, ImageTask.MODEL, 2),
        creation(store, ImageTask.LINE_ART, 1),
        creation(store, ImageTask.CONCEPT, 0),
        video(store),
        video(store, duration_s=8.0),
        video(store, model="jimeng_ti2v_v30_pro"),
        video(store, frames=0, description="waves"),
    ]
    with emulated(store) as (provider, emulator):
        for number, wish in enumerate(wishes):
            handle = await provider.submit(wish, idempotency_key=f"key-{number}")
            status = await finish(provider, handle)
            assert status.state is JobState.SUCCEEDED, status.error
            [artifact] = status.artifacts
            data = await provider.fetch(artifact)
            assert artifact.label == "original"
            assert defect_in(data, artifact.media_type) is None
            billed = int(emulator.bill.by_job()[handle.job_id] * 1_000_000)
            estimate = provider.estimate(wish)
            assert billed == estimate == (estimate if status.cost is None else status.cost)
    assert emulator.bill.doubles() == []
    assert len(emulator.bill.entries) == len(wishes)


async def test_another_process_collects(store: ObjectStore) -> None:
    with emulated(store, base64_always=True) as (provider, emulator):
        handle = await provider.submit(scene(store), idempotency_key="key-1")
        again = built(store, emulator.environment(emulator.base_url))
        status = await finish(again, JobHandle(**json.loads(json.dumps(vars_of(handle)))))
        data = await again.fetch(status.artifacts[0])
    assert defect_in(data, "image/png") is None
    assert status.cost == 200_000


def vars_of(handle: JobHandle) -> dict[str, str]:
    return {name: getattr(handle, name) for name in JobHandle.__slots__}


@pytest.mark.parametrize(
    "fault, kind",
    [
        (Fault.THROTTLE, RateLimitedError),
        (Fault.THROTTLE_BURST, RateLimitedError),
        (Fault.THROTTLE_PARALLEL, RateLimitedError),
        (Fault.SERVER_BUSY, AmbiguousSubmitError),
        (Fault.REJECT_CREATE, ContentRejectedError),
        (Fault.ARREARS, AuthError),
        (Fault.QUOTA_USED_UP, AuthError),
        (Fault.AUTH, AuthError),
        (Fault.RESET_BEFORE, AmbiguousSubmitError),
        (Fault.RESET_AFTER, AmbiguousSubmitError),
        (Fault.LOST_REPLY, AmbiguousSubmitError),
        (Fault.HTML_500, AmbiguousSubmitError),
        (Fault.HTML_502_AFTER, AmbiguousSubmitError),
        (Fault.MALFORMED_AFTER, AmbiguousSubmitError),
        (Fault.REDIRECT, AmbiguousSubmitError),
    ],
)
async def test_each_fault_of_a_submit(store: ObjectStore, fault: Fault, kind: type[ProviderError]) -> None:
    with emulated(store) as (provider, emulator):
        emulator.faults.add(fault, "submit")
        with pytest.raises(ProviderError) as caught:
            await provider.submit(creation(store, ImageTask.CONCEPT, 0), idempotency_key="key-1")
        assert type(caught.value) is kind
        assert len(emulator.seen) == 1
        if kind is not AmbiguousSubmitError:
            assert emulator.bill.entries == ()


@pytest.mark.parametrize(
    "fault, options, kind",
    [
        (Fault.REJECT_END, {}, ContentRejectedError),
        (Fault.FAIL_END, {}, ProviderError),
        (Fault.FAIL_END, {"ending_codes": {Fault.FAIL_END: 50512}}, ContentRejectedError),
        (Fault.FAIL_AS_SUCCESS, {}, ProviderError),
        (Fault.FAIL_AS_SUCCESS, {"ending_codes": {Fault.FAIL_AS_SUCCESS: 50501}}, TransientError),
        (Fault.FAIL_AS_SUCCESS, {"done_without_result": True}, UnexpectedResponseError),
    ],
)
async def test_each_bad_ending_is_free(
    store: ObjectStore, fault: Fault, options: dict[str, Any], kind: type[ProviderError]
) -> None:
    """But for a success that brings nothing: nobody knows that it was not charged, so it is settled."""
    with emulated(store, **options) as (provider, emulator):
        emulator.faults.add(fault, "submit")
        handle = await provider.submit(creation(store, ImageTask.CONCEPT, 0), idempotency_key="key-1")
        status = await finish(provider, handle)
        hollow = kind is UnexpectedResponseError
        assert (status.state, type(status.error), status.charged) == (JobState.FAILED, kind, hollow)
        assert emulator.bill.total_micro() == 0


async def test_faults_of_polls_pass(store: ObjectStore) -> None:
    with emulated(store) as (provider, emulator):
        handle = await provider.submit(creation(store, ImageTask.CONCEPT, 0), idempotency_key="key-1")
        for fault, kind in (
            (Fault.HTML_500, TransientError),
            (Fault.LOST_REPLY, TransientError),
            (Fault.THROTTLE, RateLimitedError),
            (Fault.UNKNOWN_STATUS, UnexpectedResponseError),
        ):
            emulator.faults.add(fault, "poll")
            with pytest.raises(kind):
                await provider.poll(handle)
        assert (await finish(provider, handle)).state is JobState.SUCCEEDED


async def test_a_task_that_is_gone_and_links_that_have_lapsed(store: ObjectStore) -> None:
    with emulated(store) as (provider, emulator):
        handle = await provider.submit(creation(store, ImageTask.CONCEPT, 0), idempotency_key="key-1")
        [artifact] = (await finish(provider, handle)).artifacts
        for fault, kind in ((Fault.TRUNCATED, TransientError), (Fault.EXPIRED, JobExpiredError)):
            emulator.faults.add(fault, "download")
            with pytest.raises(kind):
                await provider.fetch(artifact)
        emulator.faults.add(Fault.EXPIRED_JOB, "poll")
        assert (await provider.poll(handle)).state is JobState.EXPIRED
        unknown = await provider.poll(JobHandle("jimeng", "any", "no-such-job"))
        assert unknown.state is JobState.EXPIRED
