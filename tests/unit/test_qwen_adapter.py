"""Qwen's adapter: what it makes, what it refuses, and answers that cannot be used; nothing is believed."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PIL import Image

from providers.dashscope.prices import TEXT_PRICES
from providers.emulators.core.faults import Fault
from providers.emulators.core.http import Answer, running
from providers.emulators.core.timing import Timing
from providers.emulators.dashscope.emulator import DashScopeEmulator
from providers.wire.replies import Replies
from providers.wire.text_jobs import Finish, TextJobs, Turn, Wish
from skuflow.jobs.contract import (
    CopyRequest,
    ImageRequest,
    JobHandle,
    JobState,
    Provider,
    Request,
    Slot,
)
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    ContentRejectedError,
    InvalidInputError,
    JobExpiredError,
    ProviderError,
    UnexpectedResponseError,
)
from skuflow.listing.judge_prompt import CopyCheck, Judgement, read_judgement
from skuflow.settings import SettingsError
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectStore
from tests.unit.qwen_wishes import (
    KEY,
    TEXT_PATH,
    VISION_PATH,
    built,
    copy_in,
    done,
    judge_request,
    picture,
    reply,
    scripted,
    submits,
)
from tests.unit.written_product import copy_request, product


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return FolderStore(tmp_path / "storage")


@pytest.fixture
def emulator() -> DashScopeEmulator:
    return DashScopeEmulator(timing=Timing(speed=10_000))


@pytest.fixture
def url(emulator: DashScopeEmulator) -> Iterator[str]:
    with running(emulator) as base_url:
        yield base_url


@pytest.fixture
def provider(emulator: DashScopeEmulator, url: str, store: ObjectStore) -> Provider:
    return built(f"{url}/api/v1", store)


# What is made


@pytest.mark.parametrize("language", ["en", "es", "ru", "ja", "zh"])
async def test_copy_is_made_and_paid_by_its_tokens(
    provider: Provider, emulator: DashScopeEmulator, language: str
) -> None:
    request = copy_request(language)
    status = await done(provider, request)
    copy = await copy_in(provider, status)
    assert (copy.language, copy.marketplace, copy.origin) == (language, "aliexpress", "model")
    assert copy.title
    assert copy.bullets
    assert status.cost == emulator.bill.total_micro()
    assert 0 < (status.cost or 0) <= provider.estimate(request)
    assert len(submits(emulator)) == 1


async def test_the_request_is_what_the_vendor_documents(
    provider: Provider, emulator: DashScopeEmulator
) -> None:
    await done(provider, copy_request())
    seen = emulator.seen[0]
    assert (seen.method, seen.path) == ("POST", TEXT_PATH)
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert "x-dashscope-workspace" not in seen.headers
    assert "x-dashscope-async" not in seen.headers
    body = submits(emulator)[0]
    assert body["model"] == "qwen-plus"
    assert body["parameters"] == {
        "result_format": "message",
        "temperature": 0.3,
        "max_tokens": 4096,
        "enable_thinking": False,
        "response_format": {"type": "json_object"},
    }
    assert [message["role"] for message in body["input"]["messages"]] == ["system", "user"]


async def test_a_workspace_is_named_where_there_is_one(
    emulator: DashScopeEmulator, url: str, store: ObjectStore
) -> None:
    provider = built(f"{url}/api/v1", store, dashscope_workspace_id="llm-emulator")
    await done(provider, copy_request())
    assert emulator.seen[0].headers["x-dashscope-workspace"] == "llm-emulator"


async def test_a_picture_is_judged_beside_the_products_photo(
    provider: Provider, emulator: DashScopeEmulator, store: ObjectStore
) -> None:
    request = judge_request(store, picture=picture(store, "in/large.png", 1200))
    status = await done(provider, request)
    assert [artifact.label for artifact in status.artifacts] == ["judgement"]
    opinion = Judgement.model_validate_json(await provider.fetch(status.artifacts[0]))
    assert 0 <= opinion.identity <= 100
    assert status.cost == emulator.bill.total_micro()
    assert (status.cost or 0) <= provider.estimate(request)
    assert [seen.path for seen in emulator.seen] == [VISION_PATH]
    parts = submits(emulator)[0]["input"]["messages"][1]["content"]
    assert [next(iter(part)) for part in parts] == ["image", "image", "text"]
    sizes = []
    for part in parts[:2]:
        head, _, data = part["image"].partition(",")
        assert head == "data:image/jpeg;base64"
        sizes.append(Image.open(io.BytesIO(base64.b64decode(data))).size)
    assert sizes == [(200, 200), (1024, 1024)]


async def test_copy_is_checked_against_the_facts(
    provider: Provider, emulator: DashScopeEmulator, store: ObjectStore
) -> None:
    copy = await copy_in(provider, await done(provider, copy_request("es")))
    stored = store.put("in/copy.json", copy.model_dump_json().encode(), "application/json")
    request = judge_request(store, picture=None, reference=None, text=stored)
    assert provider.model_for(request) == "qwen-plus"
    status = await done(provider, request, "key-2")
    assert CopyCheck.model_validate_json(await provider.fetch(status.artifacts[0])).ok
    assert (status.cost or 0) <= provider.estimate(request)
    assert "Silla" in copy.title or copy.title in submits(emulator)[1]["input"]["messages"][1]["content"]


async def test_a_model_that_sees_can_check_copy_too(
    provider: Provider, emulator: DashScopeEmulator, store: ObjectStore
) -> None:
    copy = await copy_in(provider, await done(provider, copy_request("es")))
    stored = store.put("in/copy.json", copy.model_dump_json().encode(), "application/json")
    request = judge_request(store, picture=None, reference=None, text=stored, model="qwen3-vl-plus")
    status = await done(provider, request, "key-2")
    assert status.state is JobState.SUCCEEDED
    assert emulator.seen[1].path == VISION_PATH


async def test_the_reply_outlives_the_process_until_it_is_forgotten(
    provider: Provider, emulator: DashScopeEmulator, url: str, store: ObjectStore
) -> None:
    handle = await provider.submit(copy_request(), idempotency_key="key-1")
    revived = JobHandle(**json.loads(json.dumps(asdict(handle))))
    again = built(f"{url}/api/v1", store)
    status = await again.poll(revived)
    assert status.state is JobState.SUCCEEDED
    assert await again.find("key-1") == handle
    assert await again.find("key-2") is None
    await again.forget(revived)
    await again.forget(revived)
    with pytest.raises(JobExpiredError):
        await again.poll(revived)
    with pytest.raises(JobExpiredError):
        await again.fetch(status.artifacts[0])
    assert len(submits(emulator)) == 1


async def test_a_key_that_has_its_reply_pays_nothing_again(
    provider: Provider, emulator: DashScopeEmulator
) -> None:
    first = await provider.submit(copy_request(), idempotency_key="key-1")
    assert await provider.submit(copy_request(), idempotency_key="key-1") == first
    assert len(submits(emulator)) == 1


# What is refused before anything is owed


def test_a_missing_key_is_named(store: ObjectStore) -> None:
    with pytest.raises(SettingsError, match="DASHSCOPE_API_KEY: qwen needs a key"):
        built("http://127.0.0.1:1", store, dashscope_api_key="")


@pytest.mark.parametrize("model", ["gpt-4o", "qwen3-vl-plus", "qwen-plus-beta"])
async def test_a_model_without_a_price_is_refused_with_those_that_have_one(
    provider: Provider, emulator: DashScopeEmulator, model: str
) -> None:
    request = copy_request(model=model)
    with pytest.raises(InvalidInputError, match="qwen-plus, qwen-flash"):
        provider.estimate(request)
    with pytest.raises(InvalidInputError, match="SKUFLOW_MODELS"):
        await provider.submit(request, idempotency_key="key-1")
    assert not emulator.seen


async def test_a_dated_snapshot_costs_what_its_model_costs(
    provider: Provider, emulator: DashScopeEmulator
) -> None:
    request = copy_request(model="qwen-max-2025-01-25")
    status = await done(provider, request)
    assert submits(emulator)[0]["model"] == "qwen-max-2025-01-25"
    assert status.cost == emulator.bill.total_micro()
    assert provider.estimate(request) == provider.estimate(copy_request(model="qwen-max"))
    assert provider.tempo(copy_request(model="qwen-plus-latest")).submit_interval_s == 1.0


def test_what_it_does_not_do_is_refused(provider: Provider, store: ObjectStore) -> None:
    stored = picture(store, "in/photo.png", 64)
    scene = ImageRequest(
        slot=Slot("CHR-1", "image:scene"),
        product=product(),
        photo=stored,
        cutout=stored,
        style="kitchen",
        sizes_px=((800, 800),),
    )
    wishes: list[Request] = [
        scene,
        judge_request(store, reference=None),
        judge_request(store, picture=None),
        judge_request(store, model="qwen-plus"),
        replace(copy_request(), marketplace="nowhere"),
        copy_request(of=product(attributes={f"a{n}": "x" * 400 for n in range(90)})),
    ]
    for wish in wishes:
        with pytest.raises(InvalidInputError):
            provider.estimate(wish)


# Answers that cannot be used


@pytest.mark.parametrize(
    "fault", [Fault.MALFORMED_COPY, Fault.WRONG_SHAPE, Fault.TRUNCATED_JSON, Fault.INVENTED_CLAIM]
)
async def test_a_faulty_answer_is_corrected_once_and_both_are_paid(
    provider: Provider, emulator: DashScopeEmulator, fault: Fault
) -> None:
    emulator.faults.add(fault, "submit")
    status = await done(provider, copy_request())
    copy = await copy_in(provider, status)
    assert not copy.findings
    assert len(emulator.bill.entries) == 2
    assert status.cost == emulator.bill.total_micro()
    assert (status.cost or 0) <= provider.estimate(copy_request())
    again = submits(emulator)[1]["input"]["messages"]
    assert [message["role"] for message in again] == ["system", "user", "assistant", "user"]
    assert "cannot be used" in again[3]["content"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.MALFORMED_COPY, "not JSON"),
        (Fault.WRONG_SHAPE, "title is missing"),
        (Fault.TRUNCATED_JSON, "ends in the middle"),
    ],
)
async def test_two_faulty_answers_are_a_failed_job_that_is_owed(
    provider: Provider, emulator: DashScopeEmulator, fault: Fault, words: str
) -> None:
    emulator.faults.add(fault, "submit", times=2)
    status = await done(provider, copy_request())
    assert (status.state, status.charged, status.artifacts) == (JobState.FAILED, True, ())
    assert isinstance(status.error, UnexpectedResponseError)
    assert words in status.error.message
    assert status.cost == emulator.bill.total_micro() > 0
    assert len(submits(emulator)) == 2


async def test_an_invention_that_stays_is_left_to_the_proof(
    provider: Provider, emulator: DashScopeEmulator
) -> None:
    emulator.faults.add(Fault.INVENTED_CLAIM, "submit", times=2)
    status = await done(provider, copy_request())
    assert "%" in (await copy_in(provider, status)).bullets[0]


async def test_where_the_second_question_is_refused_the_first_answer_does(
    provider: Provider, emulator: DashScopeEmulator
) -> None:
    emulator.faults.add(Fault.INVENTED_CLAIM, "submit")
    emulator.faults.add(Fault.THROTTLE, "submit", after=1)
    status = await done(provider, copy_request())
    assert status.state is JobState.SUCCEEDED
    assert status.cost == emulator.bill.total_micro()


async def test_where_it_does_not_do_the_job_fails_and_is_owed(
    provider: Provider, emulator: DashScopeEmulator
) -> None:
    emulator.faults.add(Fault.MALFORMED_COPY, "submit")
    emulator.faults.add(Fault.THROTTLE, "submit", after=1)
    status = await done(provider, copy_request())
    assert (status.state, status.charged) == (JobState.FAILED, True)
    assert "could not be asked again" in str(status.error)
    assert status.cost == emulator.bill.total_micro() > 0


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.LOST_REPLY, Fault.HTML_502_AFTER])
async def test_a_lost_second_reply_leaves_the_cost_unknown(
    provider: Provider, emulator: DashScopeEmulator, fault: Fault
) -> None:
    emulator.faults.add(Fault.MALFORMED_COPY, "submit")
    emulator.faults.add(fault, "submit", after=1)
    with pytest.raises(AmbiguousSubmitError):
        await provider.submit(copy_request(), idempotency_key="key-1")
    assert await provider.find("key-1") is None
    assert provider.estimate(copy_request()) >= emulator.bill.total_micro()


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (reply(finish="content_filter"), ContentRejectedError, "content inspection"),
        (reply(finish="paused_for_review"), UnexpectedResponseError, "paused_for_review"),
        (reply(output={"choices": []}), UnexpectedResponseError, "no answer"),
        (reply(output=None), UnexpectedResponseError, "no answer"),
    ],
)
async def test_an_end_that_is_no_answer_is_paid_and_not_asked_again(
    store: ObjectStore, answer: Answer, error: type[ProviderError], words: str
) -> None:
    with scripted(store, answer) as (provider, site):
        status = await done(provider, copy_request())
    assert (status.state, status.charged, status.cost) == (JobState.FAILED, True, 1800)
    assert isinstance(status.error, error)
    assert words in status.error.message
    assert len(site.asked) == 1


async def test_an_answer_without_a_count_of_tokens_settles_the_estimate(store: ObjectStore) -> None:
    with scripted(store, reply("{}", usage={"total_tokens": 0})) as (provider, _):
        status = await done(provider, copy_request())
    assert (status.state, status.charged, status.cost) == (JobState.FAILED, True, None)


async def test_points_out_of_range_are_asked_for_again(store: ObjectStore) -> None:
    emulator = DashScopeEmulator(timing=Timing(speed=10_000), verdict={"identity": 900})
    with running(emulator) as base_url:
        status = await done(built(f"{base_url}/api/v1", store), judge_request(store))
    assert (status.state, status.charged) == (JobState.FAILED, True)
    assert status.cost == emulator.bill.total_micro()
    assert len(submits(emulator)) == 2


async def test_no_second_question_is_begun_that_could_outlast_the_lease(store: ObjectStore) -> None:
    clock = [0.0]

    async def slow(*_: object) -> Turn:
        clock[0] += 90.0
        return Turn("no JSON", Finish.DONE, 5)

    jobs = TextJobs("qwen", Replies("qwen", store), timeout_s=100.0, clock=lambda: clock[0])
    wish = Wish("judgement", lambda text, last: read_judgement(text))
    status = await jobs.poll(await jobs.submit("key-1", "m", slow, wish))
    assert clock == [90.0]
    assert "no time to ask again" in str(status.error)
    assert status.cost == 5


def test_every_price_says_where_it_was_read() -> None:
    for price in TEXT_PRICES.values():
        for step in price.steps:
            assert step.read.source
            assert step.read.read_on.year == 2026
            assert step.read.cny < step.written.cny


def test_a_longer_input_has_a_higher_price() -> None:
    price = TEXT_PRICES["qwen3-max"]
    assert price.micro(32_000, 1000) == 90_000
    assert price.micro(32_001, 1000) == 4 * 32_001 + 16_000
    assert price.micro(128_001, 0) == 7 * 128_001
    assert TEXT_PRICES["qwen-flash"].micro(1, 0) == 1


def test_requests_of_one_kind_share_a_tempo(provider: Provider) -> None:
    assert provider.tempo(copy_request("es")) == provider.tempo(copy_request("ja"))
    assert isinstance(copy_request(), CopyRequest)
