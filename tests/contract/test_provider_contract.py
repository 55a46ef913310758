"""What every provider promises, for every provider in the registry and every kind of work that it offers.

A provider brings no tests of its own here and cannot switch any off; vendors talk to their emulators.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PIL import Image

from providers.emulators.core.faults import Fault
from providers.registry import CAPABILITIES, REGISTRY, Workplace, build_provider
from skuflow.jobs.contract import (
    CopyRequest,
    ImageRequest,
    JobHandle,
    JobState,
    JobStatus,
    JudgeRequest,
    Provider,
    Request,
    VideoRequest,
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
from skuflow.listing.copywriting import ListingCopy
from skuflow.settings import SettingsError
from tests.contract.vendor_requests import make_requests, picture
from tests.contract.vendors import EMULATOR_OF, Counter, emulated

VENDORS = sorted(name for name in REGISTRY if EMULATOR_OF[name])
POLLS = 800
_PAUSE_S = 0.01
SOON_S = {"copy": 2.0, "image": 4.0, "video": 4.0}
"""How long jobs take here, in vendor seconds: a hundredth of a second of ours. How long their results live stays."""


@pytest.fixture(params=sorted(REGISTRY))
def counter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Counter]:
    with emulated(request.param, tmp_path, latencies_s=SOON_S) as made:
        yield made


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Counter]:
    hangs = request.node.callspec.params.get("fault") is Fault.HANG_AFTER
    patience_s = 1.0 if hangs else 20.0
    with emulated(request.param, tmp_path, latencies_s=SOON_S, skuflow_http_timeout_s=patience_s) as made:
        yield made


def offered(counter: Counter) -> dict[str, Request]:
    """The kinds of work that the provider takes, each with a request."""
    found: dict[str, Request] = {}
    for kind, request in make_requests(counter.workplace.store).items():
        if request.capability in counter.provider.capabilities:
            try:
                counter.provider.estimate(request)
            except InvalidInputError:
                continue
            found[kind] = request
    assert found
    return found


def one(counter: Counter) -> Request:
    """Its typical work: that of a job where it has jobs, else its first. Nobody but offline films with this machine."""
    works = offered(counter)
    if counter.emulator is None:
        return works["copy"]
    return works.get("video") or works.get("scene") or next(iter(works.values()))


async def finish(provider: Provider, handle: JobHandle) -> JobStatus:
    for _ in range(POLLS):
        try:
            status = await provider.poll(handle)
        except RateLimitedError:
            await asyncio.sleep(_PAUSE_S * 10)
            continue
        if status.state.is_terminal:
            return status
        await asyncio.sleep(_PAUSE_S)
    raise AssertionError(f"{provider.name} did not finish in {POLLS} polls")


def test_it_says_who_it_is(counter: Counter) -> None:
    provider = counter.provider
    assert isinstance(provider, Provider)
    assert provider.name in REGISTRY
    assert provider.name == provider.name.lower()
    assert provider.capabilities
    assert {request.capability for request in offered(counter).values()} == provider.capabilities
    assert CAPABILITIES[provider.name] == provider.capabilities
    assert provider.paid is (EMULATOR_OF[provider.name] is not None)


async def test_every_kind_of_work_gives_what_was_asked_at_the_price_that_was_said(counter: Counter) -> None:
    provider = counter.provider
    for number, (kind, request) in enumerate(offered(counter).items()):
        estimate = provider.estimate(request)
        assert estimate >= 0
        assert provider.tempo(request).pool
        before = counter.emulator.bill.total_micro() if counter.emulator else 0
        handle = await provider.submit(request, idempotency_key=f"key-{number}")
        assert (handle.provider, handle.model) == (provider.name, provider.model_for(request)), kind
        status = await finish(provider, handle)
        assert status.state is JobState.SUCCEEDED, (kind, status.error)
        results = {artifact.label: await provider.fetch(artifact) for artifact in status.artifacts}
        assert len(results) == len(status.artifacts)
        for artifact in status.artifacts:
            assert defect_in(results[artifact.label], artifact.media_type) is None, kind
        check_results(request, results)
        charged = (counter.emulator.bill.total_micro() if counter.emulator else 0) - before
        assert charged <= estimate, f"{kind}: charged {charged}, at most {estimate} was said"
        assert (estimate if status.cost is None else status.cost) == charged, kind
        await provider.forget(handle)


def check_results(request: Request, results: dict[str, bytes]) -> None:
    match request:
        case CopyRequest():
            copy = ListingCopy.model_validate_json(results["copy"])
            assert copy.language == request.language
            assert copy.title
        case JudgeRequest():
            assert json.loads(results["judgement"])
        case VideoRequest():
            assert any(data[4:8] == b"ftyp" for data in results.values())
        case ImageRequest() if not {"canvas", "original"} & results.keys():
            for width, height in request.sizes_px:
                with Image.open(io.BytesIO(results[f"{width}x{height}"])) as image:
                    assert image.size == (width, height)
        case _:
            (picture_bytes,) = (results.get("canvas") or results.get("original"),)
            assert picture_bytes


async def test_a_handle_survives_json_and_a_new_process(counter: Counter) -> None:
    for number, request in enumerate(offered(counter).values()):
        handle = await counter.provider.submit(request, idempotency_key=f"key-{number}")
        text = json.dumps(asdict(handle))
        assert len(text) < 500
        status = await finish(counter.again(), JobHandle(**json.loads(text)))
        assert status.state is JobState.SUCCEEDED


async def test_a_lost_reply_is_found_by_its_key(counter: Counter) -> None:
    handle = await counter.provider.submit(one(counter), idempotency_key="key-2")
    found = await counter.again().find("key-2")
    if counter.provider.can_find:
        assert found is not None
    if found is not None:
        assert found.job_id == handle.job_id
        assert (await finish(counter.provider, found)).state is JobState.SUCCEEDED
    assert await counter.again().find("key-3") is None


async def test_the_same_key_is_never_two_jobs_that_can_be_found(counter: Counter) -> None:
    if not counter.provider.can_find:
        pytest.skip("its vendor knows nothing of keys; the ledger alone keeps it from asking twice")
    first = await counter.provider.submit(one(counter), idempotency_key="key-4")
    try:
        second = await counter.provider.submit(one(counter), idempotency_key="key-4")
    except ProviderError:
        second = first
    assert first == second


async def test_a_job_it_never_had_is_no_success(counter: Counter) -> None:
    model = counter.provider.model_for(one(counter))
    try:
        status = await counter.provider.poll(JobHandle(counter.provider.name, model, "40404040404040"))
    except JobExpiredError:
        return
    assert status.state is JobState.EXPIRED


async def test_a_forgotten_job_is_gone_and_forgetting_twice_is_fine(counter: Counter) -> None:
    handle = await counter.provider.submit(one(counter), idempotency_key="key-5")
    await finish(counter.provider, handle)
    await counter.provider.forget(handle)
    await counter.provider.forget(handle)


async def test_a_model_it_does_not_have_is_refused_before_anything_is_owed(counter: Counter) -> None:
    for kind, request in offered(counter).items():
        strange = replace(request, model="no-such-model")
        with pytest.raises(InvalidInputError, match="no-such-model"):
            counter.provider.estimate(strange)
        with pytest.raises(InvalidInputError):
            await counter.provider.submit(strange, idempotency_key=f"key-{kind}")
    if counter.emulator is not None:
        assert counter.accepted() == 0


async def test_what_cannot_be_made_costs_nothing_and_says_why(counter: Counter) -> None:
    works = offered(counter)
    request = works.get("scene") or works.get("video")
    if request is None:
        pytest.skip("it works with no pictures")
    for key in ("in/cutout.png", "in/photo.png", "in/kitchen.png"):
        counter.workplace.store.put(key, picture((10, 10)), "image/png")
    try:
        status = await finish(
            counter.provider, await counter.provider.submit(request, idempotency_key="key-7")
        )
    except InvalidInputError as refusal:
        told = refusal.message
    else:
        assert status.state is JobState.FAILED
        assert not status.charged
        told = str(status.error or "")
    assert told


def test_a_provider_that_does_not_exist_names_those_that_do(tmp_path: Path) -> None:
    with emulated("offline", tmp_path) as made, pytest.raises(SettingsError, match="offline"):
        build_provider("nobody", made.workplace)


# Vendors: what goes wrong on the way


LOST = [Fault.RESET_AFTER, Fault.LOST_REPLY, Fault.HANG_AFTER, Fault.HTML_502_AFTER, Fault.MALFORMED_AFTER]


@pytest.mark.parametrize("fault", LOST)
async def test_a_submit_whose_answer_is_lost_is_in_doubt_and_was_sent_once(
    vendor: Counter, fault: Fault
) -> None:
    vendor.the_emulator.faults.add(fault, "submit")
    with pytest.raises(AmbiguousSubmitError):
        await vendor.provider.submit(one(vendor), idempotency_key="key-1")
    assert sum(seen.place == "submit" for seen in vendor.the_emulator.seen) == 1
    if vendor.provider.can_find:
        found = await vendor.provider.find("key-1")
        assert found is not None
        assert (await finish(vendor.provider, found)).state is JobState.SUCCEEDED


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.HTML_500, Fault.REDIRECT])
async def test_a_submit_that_was_not_accepted_is_never_taken_for_a_job(vendor: Counter, fault: Fault) -> None:
    vendor.the_emulator.faults.add(fault, "submit")
    with pytest.raises((AmbiguousSubmitError, TransientError)):
        await vendor.provider.submit(one(vendor), idempotency_key="key-1")
    assert vendor.accepted() == 0


REFUSALS: list[tuple[Fault, type[ProviderError] | tuple[type[ProviderError], ...]]] = [
    (Fault.THROTTLE, RateLimitedError),
    # Jimeng has one word for no right and no money.
    (Fault.ARREARS, (InsufficientBalanceError, AuthError)),
    (Fault.AUTH, AuthError),
    (Fault.REJECT_CREATE, ContentRejectedError),
]


@pytest.mark.parametrize(("fault", "error"), REFUSALS)
async def test_each_refusal_has_its_class_and_costs_nothing(
    vendor: Counter, fault: Fault, error: type[ProviderError] | tuple[type[ProviderError], ...]
) -> None:
    vendor.the_emulator.faults.add(fault, "submit")
    with pytest.raises(error) as caught:
        await vendor.provider.submit(one(vendor), idempotency_key="key-1")
    assert caught.value.provider == vendor.provider.name
    assert caught.value.code
    assert vendor.the_emulator.bill.total_micro() == 0


async def test_no_key_in_what_is_shown_or_told(vendor: Counter) -> None:
    keys = [value for name, value in vendor.environment.items() if "KEY" in name or "SECRET" in name]
    assert keys
    vendor.the_emulator.faults.add(Fault.AUTH, "submit")
    with pytest.raises(AuthError) as caught:
        await vendor.provider.submit(one(vendor), idempotency_key="key-1")
    handle = await vendor.provider.submit(one(vendor), idempotency_key="key-2")
    told = (
        repr(vendor.provider),
        repr(caught.value),
        str(caught.value),
        repr(caught.value.__cause__),
        repr(handle),
    )
    for text in (*told, repr(vendor.workplace.settings)):
        assert not any(key in text for key in keys)


def has_jobs(vendor: Counter) -> None:
    """Skips vendors that answer at once: they are never polled."""
    if one(vendor).capability not in ("image", "video"):
        pytest.skip("it answers at once")


@pytest.mark.parametrize("fault", [Fault.HTML_500, Fault.LOST_REPLY, Fault.MALFORMED_AFTER, Fault.THROTTLE])
async def test_a_poll_that_goes_wrong_may_be_asked_again(vendor: Counter, fault: Fault) -> None:
    has_jobs(vendor)
    handle = await vendor.provider.submit(one(vendor), idempotency_key="key-1")
    vendor.the_emulator.faults.add(fault, "poll")
    with pytest.raises((TransientError, RateLimitedError)):
        await vendor.provider.poll(handle)
    assert (await finish(vendor.provider, handle)).state is JobState.SUCCEEDED


async def test_a_state_nobody_knows_is_told_loudly_and_the_job_goes_on(vendor: Counter) -> None:
    has_jobs(vendor)
    handle = await vendor.provider.submit(one(vendor), idempotency_key="key-1")
    vendor.the_emulator.faults.add(Fault.UNKNOWN_STATUS, "poll")
    with pytest.raises(UnexpectedResponseError):
        await vendor.provider.poll(handle)
    assert (await finish(vendor.provider, handle)).state is JobState.SUCCEEDED


@pytest.mark.parametrize("fault", [Fault.FAIL_AS_SUCCESS, Fault.FAIL_END, Fault.REJECT_END])
async def test_a_failure_is_a_failure_whatever_it_is_called(vendor: Counter, fault: Fault) -> None:
    has_jobs(vendor)
    vendor.the_emulator.faults.add(fault, "submit")
    handle = await vendor.provider.submit(one(vendor), idempotency_key="key-1")
    status = await finish(vendor.provider, handle)
    assert status.state is JobState.FAILED
    assert status.error is not None
    if fault is Fault.REJECT_END:
        assert isinstance(status.error, ContentRejectedError)
    owed = (
        (status.cost if status.cost is not None else vendor.provider.estimate(one(vendor)))
        if status.charged
        else 0
    )
    assert owed == vendor.the_emulator.bill.total_micro()


DOWNLOADS = [
    (Fault.EXPIRED, JobExpiredError),
    (Fault.TRUNCATED, TransientError),
    (Fault.GIANT, UnexpectedResponseError),
    (Fault.HTML_500, TransientError),
    (Fault.LOST_REPLY, TransientError),
]


@pytest.mark.parametrize(("fault", "error"), DOWNLOADS)
async def test_each_way_a_download_fails_has_its_class(
    vendor: Counter, fault: Fault, error: type[ProviderError]
) -> None:
    has_jobs(vendor)
    status = await finish(vendor.provider, await vendor.provider.submit(one(vendor), idempotency_key="key-1"))
    vendor.the_emulator.faults.add(fault, "download")
    with pytest.raises(error) as caught:
        await vendor.provider.fetch(status.artifacts[0])
    assert "Signature" not in str(caught.value)


async def test_a_damaged_download_is_seen_and_the_next_one_is_whole(vendor: Counter) -> None:
    has_jobs(vendor)
    status = await finish(vendor.provider, await vendor.provider.submit(one(vendor), idempotency_key="key-1"))
    (artifact,) = status.artifacts
    vendor.the_emulator.faults.add(Fault.CORRUPT, "download")
    assert defect_in(await vendor.provider.fetch(artifact), artifact.media_type) is not None
    assert defect_in(await vendor.provider.fetch(artifact), artifact.media_type) is None


def test_a_missing_key_is_one_clear_line(tmp_path: Path) -> None:
    from skuflow.settings import read_settings

    with emulated("offline", tmp_path) as made:
        bare = Workplace(read_settings({"skuflow_home": tmp_path}), made.workplace.store, made.workplace.pool)
        for name in VENDORS:
            with pytest.raises(SettingsError, match="_KEY") as caught:
                build_provider(name, bare)
            assert "\n" not in str(caught.value)
            assert name in str(caught.value)
