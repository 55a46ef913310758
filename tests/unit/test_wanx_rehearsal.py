"""wanx against the emulated DashScope: every model to its end, every fault, the bill beside the adapter's figures."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from providers.dashscope.wanx import build
from providers.dashscope.wanx.provider import WanxProvider
from providers.emulators.core.faults import Fault
from providers.emulators.core.http import running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.emulators.dashscope.emulator import DashScopeEmulator
from providers.emulators.dashscope.errors import TASK_ERRORS
from providers.workplace import Workplace
from skuflow.jobs.contract import ImageTask, JobHandle, JobState, JobStatus, Request
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
from skuflow.settings import read_settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectStore
from tests.unit.wanx_wishes import KEY, creation, scene, video

QWEN = "qwen-image-edit-plus"
WORKSPACE = "llm-3f9c"
SPEED = 2000.0
"""An image of 15 s takes 7.5 ms."""

WISHES: dict[str, Callable[[ObjectStore], Request]] = {
    "background": scene,
    "older background": lambda store: replace(scene(store), options={"model_version": "v2"}),
    "redrawn scene": lambda store: replace(scene(store), model="wan2.5-i2i-preview"),
    "redrawn scene at once": lambda store: replace(scene(store), model=QWEN),
    "extended photo": lambda store: replace(scene(store), options={"extend": "16:9"}),
    "model": lambda store: creation(store, ImageTask.MODEL),
    "model at once": lambda store: replace(creation(store, ImageTask.MODEL), model=QWEN),
    "line art": lambda store: creation(store, ImageTask.LINE_ART, (600, 1920)),
    "concept": lambda store: creation(store, ImageTask.CONCEPT, (1080, 1920)),
    "video": video,
    "large video": lambda store: replace(video(store, 7.0), options={"resolution": "1080P"}),
    "flash video": lambda store: replace(video(store), model="wan2.6-i2v-flash"),
}


@pytest.fixture
def dashscope() -> Iterator[DashScopeEmulator]:
    emulator = DashScopeEmulator(
        timing=Timing(speed=SPEED),
        media=Media(tiny=True),
        keys={KEY: "main"},
        workspaces={WORKSPACE: "main"},
        workspace_keys=frozenset({KEY}),
    )
    with running(emulator):
        yield emulator


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "storage")


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as workers:
        yield workers


def provider_at(
    emulator: DashScopeEmulator, store: ObjectStore, pool: ThreadPoolExecutor, **fields: object
) -> WanxProvider:
    settings = read_settings(
        {
            "dashscope_api_key": KEY,
            "dashscope_http_base_url": f"{emulator.base_url}/api/v1/",
            "dashscope_workspace_id": WORKSPACE,
            "skuflow_http_timeout_s": 5.0,
            **fields,
        }
    )
    return build(Workplace(settings, store, pool))


@pytest.fixture
def wanx(dashscope: DashScopeEmulator, store: FolderStore, pool: ThreadPoolExecutor) -> WanxProvider:
    return provider_at(dashscope, store, pool)


async def ended(wanx: WanxProvider, handle: JobHandle) -> JobStatus:
    for _ in range(400):
        status = await wanx.poll(handle)
        if status.state.is_terminal:
            return status
        await asyncio.sleep(0.005)
    raise AssertionError(f"{handle} did not end")


def submits(emulator: DashScopeEmulator) -> int:
    return sum(seen.place == "submit" for seen in emulator.seen)


@pytest.mark.parametrize("name", WISHES)
async def test_every_wish_ends_with_a_whole_result_at_the_price_of_the_bill(
    wanx: WanxProvider, dashscope: DashScopeEmulator, store: FolderStore, name: str
) -> None:
    request = WISHES[name](store)
    handle = await wanx.submit(request, idempotency_key="key-1")
    assert handle.model == wanx.model_for(request)
    vendors_id = handle.vendor_request_id if "at once" in name else handle.job_id
    assert list(dashscope.bill.by_job()) == [vendors_id]
    status = await ended(wanx, handle)
    assert status.state is JobState.SUCCEEDED, status.error
    (artifact,) = status.artifacts
    data = await wanx.fetch(artifact)
    assert defect_in(data, artifact.media_type) is None
    assert artifact.label == ("canvas" if "background" in name else "original")
    assert artifact.media_type == ("video/mp4" if "video" in name else "image/png")
    assert status.cost == wanx.estimate(request) == dashscope.bill.total_micro()
    assert submits(dashscope) == 1
    if "at once" not in name:
        assert status.took_s is not None
        assert status.took_s > 0
    await wanx.forget(handle)
    assert not list(store.list("replies/"))


async def test_the_product_stays_where_it_was_laid_out(
    wanx: WanxProvider, store: FolderStore, dashscope: DashScopeEmulator
) -> None:
    from skuflow.studio.cutout_png import from_png
    from skuflow.studio.developing.canvas import lay_out

    request = scene(store)
    status = await ended(wanx, await wanx.submit(request, idempotency_key="key-1"))
    picture = np.asarray(Image.open(io.BytesIO(await wanx.fetch(status.artifacts[0]))).convert("RGB"))
    canvas = lay_out(from_png(store.get(request.cutout.key)))
    assert picture.shape[:2] == canvas.rgba.shape[:2]
    solid = canvas.rgba[..., 3] == 255
    assert np.array_equal(picture[solid], canvas.rgba[solid][:, :3])


@pytest.mark.parametrize(
    "fault",
    [Fault.RESET_AFTER, Fault.LOST_REPLY, Fault.HANG_AFTER, Fault.HTML_502_AFTER, Fault.MALFORMED_AFTER],
)
@pytest.mark.parametrize("name", ["concept", "line art at once"])
async def test_what_was_accepted_and_lost_is_in_doubt_and_on_the_bill_once(
    dashscope: DashScopeEmulator, store: FolderStore, pool: ThreadPoolExecutor, fault: Fault, name: str
) -> None:
    hangs = fault is Fault.HANG_AFTER
    wanx = provider_at(dashscope, store, pool, skuflow_http_timeout_s=0.2 if hangs else 5.0)
    request = creation(store, ImageTask.CONCEPT)
    if "at once" in name:
        request = replace(creation(store, ImageTask.LINE_ART), model=QWEN)
    dashscope.faults.add(fault, "submit")
    with pytest.raises(AmbiguousSubmitError):
        await wanx.submit(request, idempotency_key="key-1")
    assert submits(dashscope) == len(dashscope.bill.entries) == 1
    assert dashscope.bill.total_micro() == wanx.estimate(request)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.THROTTLE, RateLimitedError),
        (Fault.THROTTLE_BURST, RateLimitedError),
        (Fault.THROTTLE_PARALLEL, RateLimitedError),
        (Fault.SERVER_BUSY, TransientError),
        (Fault.REJECT_CREATE, ContentRejectedError),
        (Fault.ARREARS, InsufficientBalanceError),
        (Fault.QUOTA_USED_UP, InsufficientBalanceError),
        (Fault.AUTH, AuthError),
    ],
)
async def test_refusals_leave_nothing_on_the_bill(
    wanx: WanxProvider,
    dashscope: DashScopeEmulator,
    store: FolderStore,
    fault: Fault,
    kind: type[ProviderError],
) -> None:
    request = creation(store, ImageTask.CONCEPT)
    dashscope.faults.add(fault, "submit")
    with pytest.raises(kind) as caught:
        await wanx.submit(request, idempotency_key="key-1")
    assert type(caught.value) is kind
    assert not dashscope.bill.entries
    assert (await wanx.submit(request, idempotency_key="key-1")).job_id


@pytest.mark.parametrize(
    ("fault", "state", "kind"),
    [
        (Fault.REJECT_END, JobState.FAILED, ContentRejectedError),
        (Fault.FAIL_END, JobState.FAILED, TransientError),
        (Fault.CANCELED, JobState.CANCELED, ProviderError),
    ],
)
@pytest.mark.parametrize("name", ["redrawn scene", "concept", "extended photo", "video"])
async def test_jobs_that_fail_are_free(
    wanx: WanxProvider,
    dashscope: DashScopeEmulator,
    store: FolderStore,
    name: str,
    fault: Fault,
    state: JobState,
    kind: type[ProviderError],
) -> None:
    dashscope.faults.add(fault, "submit")
    status = await ended(wanx, await wanx.submit(WISHES[name](store), idempotency_key="key-1"))
    assert (status.state, status.charged, status.artifacts) == (state, False, ())
    assert isinstance(status.error, kind)
    assert dashscope.bill.total_micro() == 0


@pytest.mark.parametrize("name", ["redrawn scene", "concept", "extended photo", "video"])
async def test_a_failure_that_says_succeeded_is_a_failure(
    wanx: WanxProvider, dashscope: DashScopeEmulator, store: FolderStore, name: str
) -> None:
    dashscope.faults.add(Fault.FAIL_AS_SUCCESS, "submit")
    status = await ended(wanx, await wanx.submit(WISHES[name](store), idempotency_key="key-1"))
    assert (status.state, status.raw_state, status.charged) == (JobState.FAILED, "SUCCEEDED", False)
    kind = ContentRejectedError if name == "redrawn scene" else UnexpectedResponseError
    assert isinstance(status.error, kind)
    assert dashscope.bill.total_micro() == 0


async def test_an_answer_at_once_that_fails_as_a_success_is_in_doubt(
    wanx: WanxProvider, dashscope: DashScopeEmulator, store: FolderStore
) -> None:
    dashscope.faults.add(Fault.FAIL_AS_SUCCESS, "submit")
    with pytest.raises(AmbiguousSubmitError):
        await wanx.submit(WISHES["model at once"](store), idempotency_key="key-1")


@pytest.mark.parametrize("code", sorted(TASK_ERRORS))
async def test_every_code_that_a_task_fails_with_is_known(
    wanx: WanxProvider, dashscope: DashScopeEmulator, store: FolderStore, code: str
) -> None:
    dashscope.codes.end(code)
    status = await ended(wanx, await wanx.submit(creation(store, ImageTask.CONCEPT), idempotency_key="key-1"))
    assert (status.state, status.charged) == (JobState.FAILED, False)
    assert status.error is not None
    assert (status.error.code, type(status.error)) != (code, UnexpectedResponseError)
    assert isinstance(status.error, ContentRejectedError | TransientError | InvalidInputError)


@pytest.mark.parametrize("word", ["CANCELED", "CANCELLED"])
async def test_both_spellings_of_a_canceled_job_end_it(
    wanx: WanxProvider, dashscope: DashScopeEmulator, store: FolderStore, word: str
) -> None:
    dashscope.codes.word(word)
    status = await ended(wanx, await wanx.submit(creation(store, ImageTask.CONCEPT), idempotency_key="key-1"))
    assert (status.state, status.raw_state) == (JobState.CANCELED, word)


async def test_a_forgotten_task_has_expired(
    wanx: WanxProvider, dashscope: DashScopeEmulator, store: FolderStore
) -> None:
    dashscope.faults.add(Fault.EXPIRED_JOB, "submit")
    handle = await wanx.submit(creation(store, ImageTask.CONCEPT), idempotency_key="key-1")
    with pytest.raises(JobExpiredError):
        await ended(wanx, handle)


async def test_trouble_with_a_question_does_not_touch_the_job(
    wanx: WanxProvider, dashscope: DashScopeEmulator, store: FolderStore
) -> None:
    handle = await wanx.submit(creation(store, ImageTask.CONCEPT), idempotency_key="key-1")
    for fault, kind in (
        (Fault.UNKNOWN_STATUS, UnexpectedResponseError),
        (Fault.THROTTLE, RateLimitedError),
        (Fault.SERVER_BUSY, TransientError),
        (Fault.AUTH, AuthError),
        (Fault.HTML_500, TransientError),
        (Fault.LOST_REPLY, TransientError),
        (Fault.RESET_BEFORE, TransientError),
        (Fault.MALFORMED_AFTER, TransientError),
        (Fault.REDIRECT, TransientError),
    ):
        dashscope.faults.add(fault, "poll")
        with pytest.raises(kind):
            await wanx.poll(handle)
    assert (await ended(wanx, handle)).state is JobState.SUCCEEDED


async def test_a_suspended_or_stuck_job_is_waited_for(
    dashscope: DashScopeEmulator, wanx: WanxProvider, store: FolderStore
) -> None:
    dashscope.faults.add(Fault.STUCK, "submit")
    handle = await wanx.submit(creation(store, ImageTask.CONCEPT), idempotency_key="key-1")
    await asyncio.sleep(0.05)
    status = await wanx.poll(handle)
    assert (status.state, status.poll_after_s) == (JobState.RUNNING, 10.0)
    dashscope.codes.word("SUSPENDED")
    suspended = await wanx.submit(creation(store, ImageTask.CONCEPT), idempotency_key="key-2")
    assert (await ended(wanx, suspended)).state is JobState.SUCCEEDED


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.EXPIRED, JobExpiredError),
        (Fault.TRUNCATED, TransientError),
        (Fault.GIANT, UnexpectedResponseError),
        (Fault.HTML_500, TransientError),
        (Fault.RESET_AFTER, TransientError),
    ],
)
async def test_downloads_that_fail_say_how(
    wanx: WanxProvider,
    dashscope: DashScopeEmulator,
    store: FolderStore,
    fault: Fault,
    kind: type[ProviderError],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The limit of 256 MiB is tested where it belongs; here it is low, so that a giant is quickly met.
    monkeypatch.setattr(wanx._downloads, "_max_bytes", 1_000_000)
    status = await ended(wanx, await wanx.submit(creation(store, ImageTask.CONCEPT), idempotency_key="key-1"))
    dashscope.faults.add(fault, "download")
    with pytest.raises(kind):
        await wanx.fetch(status.artifacts[0])
    if fault is not Fault.EXPIRED:
        assert defect_in(await wanx.fetch(status.artifacts[0]), "image/png") is None


async def test_a_corrupt_download_is_seen_by_the_check_that_follows(
    wanx: WanxProvider, dashscope: DashScopeEmulator, store: FolderStore
) -> None:
    status = await ended(wanx, await wanx.submit(creation(store, ImageTask.CONCEPT), idempotency_key="key-1"))
    dashscope.faults.add(Fault.CORRUPT, "download")
    assert defect_in(await wanx.fetch(status.artifacts[0]), "image/png")


async def test_a_key_that_needs_a_workspace_names_it(
    dashscope: DashScopeEmulator, store: FolderStore, pool: ThreadPoolExecutor
) -> None:
    wanx = provider_at(dashscope, store, pool, dashscope_workspace_id="")
    with pytest.raises(AuthError, match="DASHSCOPE_WORKSPACE_ID"):
        await wanx.submit(creation(store, ImageTask.CONCEPT), idempotency_key="key-1")


async def test_backgrounds_are_made_one_by_one_and_queue_at_the_vendor(
    store: FolderStore, pool: ThreadPoolExecutor
) -> None:
    slow = DashScopeEmulator(
        timing=Timing(speed=SPEED, latencies_s={"image": 1e6}), media=Media(tiny=True), keys={KEY: "main"}
    )
    with running(slow):
        wanx = provider_at(slow, store, pool, dashscope_workspace_id="")
        handles = [await wanx.submit(scene(store), idempotency_key=key) for key in ("key-1", "key-2")]
        states = [(await wanx.poll(handle)).state for handle in handles]
    assert states == [JobState.RUNNING, JobState.QUEUED]
    tempo = wanx.tempo(scene(store))
    assert (tempo.parallel, tempo.parallel_most, tempo.submit_interval_s) == (4, 4, 0.6)


async def test_two_jobs_never_send_the_same_request(
    dashscope: DashScopeEmulator, store: FolderStore, pool: ThreadPoolExecutor
) -> None:
    # Inside the request, so that the pictures' addresses do not tell the requests apart.
    wanx = provider_at(dashscope, store, pool, skuflow_dashscope_inputs="data")
    for name in ("concept", "line art", "redrawn scene at once", "video"):
        for key in ("key-1", "key-2"):
            await wanx.submit(WISHES[name](store), idempotency_key=key)
    assert len(dashscope.bill.entries) == 8
    assert not dashscope.bill.doubles()
