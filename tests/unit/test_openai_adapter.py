"""The adapter for the OpenAI protocol: any server, one request each, every answer accounted for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from providers.emulators.core.faults import Fault
from providers.emulators.core.http import Answer, running
from providers.emulators.core.timing import Timing
from providers.emulators.openai.emulator import OpenAIEmulator
from providers.openai import build
from providers.openai.prices import parse_prices, price_for
from providers.openai.wire import body_of, error_of
from providers.wire.http import Reply
from providers.workplace import Workplace
from skuflow.jobs.contract import JobHandle, JobState, JobStatus, JudgeRequest, Provider, Request, Slot
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
from skuflow.listing.copywriting import ListingCopy
from skuflow.settings import SettingsError, read_settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectStore
from tests.unit.scripted_site import ScriptedSite
from tests.unit.written_product import copy_request, product

KEY = "sk-emulator-openai"
PRICES = "gpt-4o-mini=1.10/4.40;gpt-5-mini=1.80/14.40"


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return FolderStore(tmp_path / "storage")


@pytest.fixture
def emulator() -> OpenAIEmulator:
    return OpenAIEmulator(timing=Timing(speed=10_000))


@pytest.fixture
def url(emulator: OpenAIEmulator) -> Iterator[str]:
    with running(emulator) as base_url:
        yield base_url


@pytest.fixture
def provider(url: str, store: ObjectStore) -> Provider:
    return built(f"{url}/v1", store)


def built(base_url: str, store: ObjectStore, **changes: object) -> Provider:
    settings = {"openai_api_key": KEY, "openai_base_url": base_url, "openai_prices": PRICES, **changes}
    with ThreadPoolExecutor(1) as pool:
        return build(Workplace(read_settings(settings), store, pool))


@contextmanager
def scripted(
    store: ObjectStore, *answers: Answer, **changes: object
) -> Iterator[tuple[Provider, ScriptedSite]]:
    site = ScriptedSite(*answers)
    with running(site) as base_url:
        yield built(f"{base_url}/v1", store, **changes), site


async def done(provider: Provider, request: Request, key: str = "key-1") -> JobStatus:
    return await provider.poll(await provider.submit(request, idempotency_key=key))


async def copy_in(provider: Provider, status: JobStatus) -> ListingCopy:
    assert [artifact.label for artifact in status.artifacts] == ["copy"]
    return ListingCopy.model_validate_json(await provider.fetch(status.artifacts[0]))


def bodies(emulator: OpenAIEmulator) -> list[dict[str, Any]]:
    return [json.loads(seen.body) for seen in emulator.seen]


def reply(finish: str | None = "stop", usage: Any = None, message: Any = None, **changes: Any) -> Answer:
    said = message or {"role": "assistant", "content": "{}"}
    return Answer.json(
        {
            "id": "chatcmpl-1",
            "choices": [{"index": 0, "finish_reason": finish, "message": said}],
            "usage": usage or {"prompt_tokens": 1000, "completion_tokens": 500},
        }
        | changes
    )


@pytest.mark.parametrize("language", ["en", "es", "ru", "ja"])
async def test_copy_is_made_and_paid_by_its_tokens(
    provider: Provider, emulator: OpenAIEmulator, language: str
) -> None:
    request = copy_request(language)
    status = await done(provider, request)
    copy = await copy_in(provider, status)
    assert (copy.language, copy.marketplace, copy.origin) == (language, "aliexpress", "model")
    assert copy.title
    assert copy.bullets
    assert status.cost == emulator.bill.total_micro()
    assert 0 < (status.cost or 0) <= provider.estimate(request)


async def test_the_request_is_what_the_protocol_says(provider: Provider, emulator: OpenAIEmulator) -> None:
    await done(provider, copy_request())
    (seen,) = emulator.seen
    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    (body,) = bodies(emulator)
    assert [message["role"] for message in body.pop("messages")] == ["system", "user"]
    assert body == {
        "model": "gpt-4o-mini",
        "response_format": {"type": "json_object"},
        "max_tokens": 4096,
        "temperature": 0.3,
    }


@pytest.mark.parametrize("model", ["gpt-5-mini", "o3-mini", "openai/gpt-5"])
def test_models_that_think_first_are_asked_in_their_own_way(model: str) -> None:
    body = body_of(model, [], max_tokens=7, temperature=0.3)
    assert body["max_completion_tokens"] == 7
    assert not {"max_tokens", "temperature"} & body.keys()


async def test_the_reply_outlives_the_process_until_it_is_forgotten(
    provider: Provider, emulator: OpenAIEmulator, url: str, store: ObjectStore
) -> None:
    handle = await provider.submit(copy_request(), idempotency_key="key-1")
    assert handle.vendor_request_id == emulator.bill.entries[0].job_id
    revived = JobHandle(**json.loads(json.dumps(asdict(handle))))
    again = built(f"{url}/v1", store)
    assert (await again.poll(revived)).state is JobState.SUCCEEDED
    assert await again.find("key-1") == handle
    await again.forget(revived)
    with pytest.raises(JobExpiredError):
        await again.poll(revived)
    assert len(emulator.seen) == 1


async def test_servers_that_repeat_an_answers_id_do_not_mix_up_jobs(store: ObjectStore) -> None:
    """Some servers of this protocol call every answer by the same id."""

    def written(title: str) -> Answer:
        value = {
            "title": title,
            "bullets": ["600D fabric", "Holds 120 kg", "Mesh"],
            "description": "A chair.",
        }
        text = json.dumps(value | {"keywords": [], "captions": ["a", "b", "c"]})
        return reply(message={"role": "assistant", "content": text})

    with scripted(store, written("First"), written("Second")) as (provider, _):
        one = await provider.submit(copy_request(), idempotency_key="key-1")
        two = await provider.submit(copy_request(), idempotency_key="key-2")
        assert (await copy_in(provider, await provider.poll(one))).title == "First"
        assert (await copy_in(provider, await provider.poll(two))).title == "Second"


# Prices


def test_prices_are_read_from_the_setting() -> None:
    prices = parse_prices(" gpt-4o-mini = 1.1/4.4 ; local/llama=0/0; ")
    assert set(prices) == {"gpt-4o-mini", "local/llama"}
    assert prices["gpt-4o-mini"].micro(1000, 1000) == 5500
    assert prices["gpt-4o-mini"].micro(1, 0) == 2
    assert prices["local/llama"].micro(10**6, 10**6) == 0


@pytest.mark.parametrize("text", ["gpt", "gpt=1", "gpt=1/", "gpt=a/b", "=1/2", "gpt=-1/2", "gpt=1/2;gpt=1/2"])
def test_prices_that_cannot_be_read_are_refused_with_an_example(store: ObjectStore, text: str) -> None:
    with pytest.raises(SettingsError, match="OPENAI_PRICES") as caught:
        built("https://api.openai.com/v1", store, openai_prices=text)
    assert "\n" not in str(caught.value)


def test_a_model_without_a_price_is_refused(store: ObjectStore) -> None:
    far = built("https://api.openai.com/v1", store, openai_prices="")
    with pytest.raises(InvalidInputError, match="add it to OPENAI_PRICES, for example gpt-4o-mini="):
        far.estimate(copy_request())
    priced = built("https://api.openai.com/v1", store)
    with pytest.raises(InvalidInputError, match="there are prices for gpt-4o-mini, gpt-5-mini"):
        priced.estimate(copy_request(model="gpt-99"))


@pytest.mark.parametrize(
    ("base_url", "is_free"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://localhost:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://192.168.1.5:8000/v1", False),
        ("https://localhost.example.com/v1", False),
        ("https://api.openai.com/v1", False),
    ],
)
def test_a_server_on_this_machine_is_free_unless_prices_are_set(base_url: str, is_free: bool) -> None:
    if is_free:
        assert price_for("llama", {}, base_url).micro(1000, 1000) == 0
    else:
        with pytest.raises(InvalidInputError):
            price_for("llama", {}, base_url)
    with pytest.raises(InvalidInputError):
        price_for("llama", parse_prices("other=0/0"), base_url)


async def test_a_model_that_is_refused_is_never_asked(provider: Provider, emulator: OpenAIEmulator) -> None:
    with pytest.raises(InvalidInputError):
        await provider.submit(copy_request(model="gpt-99"), idempotency_key="key-1")
    judge = JudgeRequest(slot=Slot("CHR-1", "judge:copy"), product=product())
    for request in (judge, replace(copy_request(), marketplace="nowhere")):
        with pytest.raises(InvalidInputError):
            provider.estimate(request)
    assert not emulator.seen


def test_a_missing_key_is_named(store: ObjectStore) -> None:
    with pytest.raises(SettingsError, match="OPENAI_API_KEY: openai needs a key"):
        built("http://127.0.0.1:1/v1", store, openai_api_key="")


# Answers that cannot be used


@pytest.mark.parametrize(
    "fault", [Fault.MALFORMED_COPY, Fault.WRONG_SHAPE, Fault.TRUNCATED_JSON, Fault.INVENTED_CLAIM]
)
async def test_a_faulty_answer_is_corrected_once_and_both_are_paid(
    provider: Provider, emulator: OpenAIEmulator, fault: Fault
) -> None:
    emulator.faults.add(fault, "submit")
    status = await done(provider, copy_request())
    assert not (await copy_in(provider, status)).findings
    assert len(emulator.bill.entries) == 2
    assert status.cost == emulator.bill.total_micro()
    assert (status.cost or 0) <= provider.estimate(copy_request())
    assert [message["role"] for message in bodies(emulator)[1]["messages"]][2:] == ["assistant", "user"]


async def test_two_faulty_answers_are_a_failed_job_that_is_owed(
    provider: Provider, emulator: OpenAIEmulator
) -> None:
    emulator.faults.add(Fault.MALFORMED_COPY, "submit", times=2)
    status = await done(provider, copy_request())
    assert (status.state, status.charged) == (JobState.FAILED, True)
    assert isinstance(status.error, UnexpectedResponseError)
    assert status.cost == emulator.bill.total_micro() > 0


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault.REJECT_END, ContentRejectedError, "content filter"),
        (Fault.FAIL_AS_SUCCESS, ContentRejectedError, "declined: I'm sorry"),
        (Fault.UNKNOWN_STATUS, UnexpectedResponseError, "paused_for_review"),
        (Fault.PARTIAL, UnexpectedResponseError, "no answer"),
    ],
)
async def test_an_end_that_is_no_answer_is_paid_and_not_asked_again(
    provider: Provider, emulator: OpenAIEmulator, fault: Fault, error: type[ProviderError], words: str
) -> None:
    emulator.faults.add(fault, "submit")
    status = await done(provider, copy_request())
    assert (status.state, status.charged) == (JobState.FAILED, True)
    assert isinstance(status.error, error)
    assert words in status.error.message
    assert status.cost == emulator.bill.total_micro()
    assert len(emulator.seen) == 1


@pytest.mark.parametrize(
    "usage",
    [{"prompt_tokens": None}, {"prompt_tokens": 0, "completion_tokens": 5}, {"prompt_tokens": "5"}, [1]],
)
async def test_an_answer_without_a_count_of_tokens_settles_the_estimate(
    store: ObjectStore, usage: Any
) -> None:
    with scripted(store, reply("content_filter", usage=usage)) as (provider, _):
        status = await done(provider, copy_request())
    assert (status.charged, status.cost) == (True, None)


# The connection and the errors


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault.is_transport])
async def test_whatever_happens_to_the_connection_it_is_asked_once(
    emulator: OpenAIEmulator, url: str, store: ObjectStore, fault: Fault
) -> None:
    emulator.faults.add(fault, "submit")
    with pytest.raises(AmbiguousSubmitError) as caught:
        await built(
            f"{url}/v1", store, skuflow_http_timeout_s=0.25 if fault is Fault.HANG_AFTER else 5.0
        ).submit(copy_request(), idempotency_key="key-1")
    assert len(emulator.seen) == 1
    assert KEY not in str(caught.value)


async def test_a_second_reply_that_is_lost_leaves_the_cost_unknown(
    provider: Provider, emulator: OpenAIEmulator
) -> None:
    emulator.faults.add(Fault.MALFORMED_COPY, "submit")
    emulator.faults.add(Fault.LOST_REPLY, "submit", after=1)
    with pytest.raises(AmbiguousSubmitError):
        await provider.submit(copy_request(), idempotency_key="key-1")
    assert provider.estimate(copy_request()) >= emulator.bill.total_micro()


async def test_a_server_that_cannot_be_reached_was_asked_nothing(store: ObjectStore) -> None:
    with pytest.raises(TransientError, match="cannot be reached"):
        await built("http://127.0.0.1:1/v1", store).submit(copy_request(), idempotency_key="key-1")


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (Fault.THROTTLE, RateLimitedError, "rate_limit_exceeded"),
        (Fault.QUOTA_USED_UP, InsufficientBalanceError, "insufficient_quota"),
        (Fault.ARREARS, InsufficientBalanceError, "billing_not_active"),
        (Fault.AUTH, AuthError, "invalid_api_key"),
        (Fault.REJECT_CREATE, ContentRejectedError, "content_policy_violation"),
        (Fault.SERVER_BUSY, TransientError, "server_error"),
        (Fault.FAIL_END, AmbiguousSubmitError, "server_error"),
    ],
)
async def test_the_servers_code_decides(
    provider: Provider, emulator: OpenAIEmulator, fault: Fault, kind: type[ProviderError], code: str
) -> None:
    emulator.faults.add(fault, "submit")
    with pytest.raises(kind) as caught:
        await provider.submit(copy_request(), idempotency_key="key-1")
    assert type(caught.value) is kind
    assert (caught.value.provider, caught.value.code) == ("openai", code)
    assert len(emulator.seen) == 1
    assert not emulator.bill.entries
    if isinstance(caught.value, RateLimitedError):
        assert caught.value.retry_after_s == 2.0


def error(status: int, **fields: Any) -> ProviderError:
    value = {"error": {"message": "m", "type": None, "param": None, "code": None, **fields}}
    return error_of(Reply("openai", status, {}, b""), value)


@pytest.mark.parametrize(
    ("status", "fields", "kind"),
    [
        (401, {"code": "invalid_api_key"}, AuthError),
        (403, {"code": "unsupported_country_region_territory"}, AuthError),
        (404, {"code": "model_not_found"}, InvalidInputError),
        (400, {"code": "context_length_exceeded"}, InvalidInputError),
        (400, {"type": "invalid_request_error"}, InvalidInputError),
        (400, {"code": "content_filter"}, ContentRejectedError),
        (429, {"type": "tokens", "code": "rate_limit_exceeded"}, RateLimitedError),
        (429, {"type": "insufficient_quota"}, InsufficientBalanceError),
        (429, {"message": "too fast"}, RateLimitedError),
        (402, {"message": "pay"}, InsufficientBalanceError),
        (422, {"code": 422}, InvalidInputError),
        (400, {"code": "400", "type": "BadRequestError"}, InvalidInputError),
        (503, {"message": "Slow Down"}, TransientError),
        (503, {"message": "out of order"}, AmbiguousSubmitError),
        (500, {"type": "server_error"}, AmbiguousSubmitError),
        (500, {"type": "invalid_request_error"}, AmbiguousSubmitError),
        (200, {"message": "nobody knows"}, AmbiguousSubmitError),
        (400, {"code": "something_new"}, AmbiguousSubmitError),
        (418, {}, AmbiguousSubmitError),
    ],
)
def test_each_error_has_its_class(status: int, fields: dict[str, Any], kind: type[ProviderError]) -> None:
    assert type(error(status, **fields)) is kind


def test_an_error_tells_no_secret() -> None:
    told = error(
        401, message=f"Incorrect key: {KEY}, see https://x.example/?token=abc\nand more " + "x" * 900
    )
    assert KEY not in str(told)
    assert "token=abc" not in str(told)
    assert "\n" not in str(told)
    assert len(str(told)) < 500


@pytest.mark.parametrize(
    "answer",
    [
        Answer.html("<html>hello</html>", 200),
        Answer(200, b"[1, 2]", {"content-type": "application/json"}),
        Answer.json({"id": "x"}),
        Answer.json({"id": "x", "choices": [{"text": "old protocol"}]}),
        Answer.json({"error": "model not loaded"}, 500),
        Answer.json({"detail": "Not Found"}, 200),
        Answer(307, b"", {"location": "http://127.0.0.1:1/"}),
    ],
)
async def test_an_answer_that_is_none_leaves_it_open(store: ObjectStore, answer: Answer) -> None:
    with scripted(store, answer) as (provider, site), pytest.raises(AmbiguousSubmitError):
        await provider.submit(copy_request(), idempotency_key="key-1")
    assert len(site.asked) == 1


def test_the_key_is_not_shown(provider: Provider) -> None:
    assert KEY not in repr(provider) + str(vars(provider))
