"""Qwen's adapter on the wire: asked once whatever happens, each error in its class, the SDK kept from its habits."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from providers.dashscope import qwen, sdk
from providers.emulators.core.faults import Fault
from providers.emulators.core.http import Answer, running
from providers.emulators.core.timing import Timing
from providers.emulators.dashscope.emulator import DashScopeEmulator
from skuflow.jobs.contract import (
    Provider,
)
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    ContentRejectedError,
    InsufficientBalanceError,
    InvalidInputError,
    ProviderError,
    RateLimitedError,
    TransientError,
)
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectStore, StorageError, StoredObject
from tests.unit.qwen_wishes import (
    KEY,
    TEXT_PATH,
    built,
    judge_request,
    picture,
    scripted,
    settings_for,
)
from tests.unit.written_product import copy_request


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


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    """The first question imports a good deal, which is not to be taken for a slow vendor where time is short."""
    question = sdk.Question("qwen-plus", [{"role": "user", "content": "json"}], False, 10, 0.1)
    asyncio.run(sdk.load())
    with pytest.raises(TransientError):
        asyncio.run(sdk.ask(settings_for("http://127.0.0.1:1"), "qwen", question, 5.0))


# The connection


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault.is_transport])
async def test_whatever_happens_to_the_connection_it_is_asked_once(
    emulator: DashScopeEmulator, url: str, store: ObjectStore, fault: Fault
) -> None:
    provider = built(
        f"{url}/api/v1", store, skuflow_http_timeout_s=0.25 if fault is Fault.HANG_AFTER else 5.0
    )
    emulator.faults.add(fault, "submit")
    with pytest.raises(AmbiguousSubmitError) as caught:
        await provider.submit(copy_request(), idempotency_key="key-1")
    assert len(emulator.seen) == 1
    assert len(emulator.bill.entries) <= 1
    assert KEY not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


async def test_a_vendor_that_cannot_be_reached_was_asked_nothing(store: ObjectStore) -> None:
    with pytest.raises(TransientError, match="cannot be reached"):
        await built("http://127.0.0.1:1/api/v1", store).submit(copy_request(), idempotency_key="key-1")


@pytest.mark.parametrize(
    "answer",
    [
        Answer.html("<html>hello</html>", 200),
        Answer.html("<html>busy</html>", 429),
        Answer.html("<html>bad gateway</html>", 502),
        Answer(200, b"[1, 2]", {"content-type": "application/json"}),
        Answer(200, b"null", {"content-type": "application/json"}),
        Answer(200, b'{"output": ', {"content-type": "application/json"}),
        Answer(200, b"{}", {"content-type": "application/json", "content-encoding": "gzip"}),
        Answer.json({"output": {"choices": []}, "request_id": "r"}),
        Answer.json({"output": {"choices": [{"message": 5}]}, "request_id": "r"}),
        Answer.json({"message": "no code"}, 500),
        Answer.json({"code": "SomethingNew", "message": "?"}, 400),
        Answer.json({"code": "SomethingNew", "message": "?"}, 200),
        Answer(302, b"", {"location": "http://127.0.0.1:1/"}),
    ],
)
async def test_an_answer_that_is_not_the_vendors_leaves_it_open(store: ObjectStore, answer: Answer) -> None:
    with scripted(store, answer) as (provider, site), pytest.raises(AmbiguousSubmitError):
        await provider.submit(copy_request(), idempotency_key="key-1")
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InvalidParameter", InvalidInputError),
        ("DataInspectionFailed", ContentRejectedError),
        ("InvalidParameter.DataInspection", TransientError),
        ("Arrearage", InsufficientBalanceError),
        ("InvalidApiKey", AuthError),
        ("AccessDenied.Unpurchased", AuthError),
        ("ModelNotFound", InvalidInputError),
        ("Throttling.RateQuota", RateLimitedError),
        ("CommodityNotPurchased", InsufficientBalanceError),
        ("ModelUnavailable", TransientError),
        ("InternalError.Algo", AmbiguousSubmitError),
    ],
)
async def test_the_vendors_code_decides(
    provider: Provider, emulator: DashScopeEmulator, code: str, kind: type[ProviderError]
) -> None:
    emulator.codes.refuse(code)
    with pytest.raises(kind) as caught:
        await provider.submit(copy_request(), idempotency_key="key-1")
    assert type(caught.value) is kind
    assert (caught.value.provider, caught.value.code) == ("qwen", code)
    assert caught.value.request_id
    assert len(emulator.seen) == 1
    assert not emulator.bill.entries


async def test_a_pause_that_the_vendor_asks_for_is_handed_on(store: ObjectStore) -> None:
    answer = Answer.json(
        {"code": "Throttling", "message": "slow"}, 429, retry_after="7", x_should_retry="true"
    )
    with scripted(store, answer) as (provider, site), pytest.raises(RateLimitedError) as caught:
        await provider.submit(copy_request(), idempotency_key="key-1")
    assert caught.value.retry_after_s == 7.0
    assert len(site.asked) == 1


async def test_a_paid_answer_that_cannot_be_kept_is_not_called_free(
    provider: Provider, emulator: DashScopeEmulator, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> StoredObject:
        raise OSError("no space left")

    monkeypatch.setattr(store, "put", full)
    with pytest.raises(AmbiguousSubmitError, match="could not be kept"):
        await provider.submit(copy_request(), idempotency_key="key-1")
    assert len(emulator.bill.entries) == 1


async def test_storage_that_fails_before_anything_is_asked_is_a_refusal(
    provider: Provider, emulator: DashScopeEmulator, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bytes:
        raise StorageError("the disk is away")

    judge = replace(judge_request(store), picture=None, text=picture(store, "in/no-copy.png"))
    with pytest.raises(InvalidInputError, match="no copy of a listing"):
        await provider.submit(judge, idempotency_key="key-1")
    monkeypatch.setattr(store, "get", away)
    for request in (copy_request(), judge, judge_request(store)):
        with pytest.raises(TransientError, match="storage"):
            await provider.submit(request, idempotency_key="key-1")
    assert not emulator.seen


# The SDK


async def test_the_new_client_asks_once_after_a_reset_and_the_classic_one_twice(
    emulator: DashScopeEmulator, url: str
) -> None:
    """Why the classic classes are not used: their session sends a POST again. Should this ever change, so may we."""
    import dashscope
    import requests

    emulator.faults.add(Fault.RESET_AFTER, "submit", times=3)
    question = sdk.Question("qwen-plus", [{"role": "user", "content": "json"}], False, 10, 0.1)
    with pytest.raises(AmbiguousSubmitError):
        await sdk.ask(settings_for(f"{url}/api/v1"), "qwen", question, 5.0)
    assert len(emulator.seen) == 1

    def classic() -> None:
        dashscope.Generation.call(
            model="qwen-plus",
            prompt="json",
            api_key=KEY,
            base_address=f"{url}/api/v1",
            request_timeout=5,
        )

    with pytest.raises(requests.exceptions.ConnectionError):
        await asyncio.to_thread(classic)
    assert len(emulator.seen) == 3


def test_only_the_new_client_of_the_sdk_is_used() -> None:
    import ast

    folder = Path(qwen.__file__).parent
    imported = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "dashscope":
                imported |= {f"{node.module}.{name.name}" for name in node.names}
    assert imported == {
        "dashscope.AsyncClient",
        "dashscope.v2.errors.APIConnectionError",
        "dashscope.v2.errors.DashScopeError",
    }


@pytest.mark.parametrize("sees", [False, True])
async def test_a_text_that_names_a_file_stays_a_text(
    emulator: DashScopeEmulator, url: str, tmp_path: Path, sees: bool
) -> None:
    secret = tmp_path / "json-secret.txt"
    secret.write_text("do not send this")
    for text in (str(secret), f"file://{secret}", f"oss://{secret}"):
        content: Any = [{"text": text}] if sees else text
        model = "qwen3-vl-plus" if sees else "qwen-plus"
        question = sdk.Question(model, [{"role": "user", "content": content}], sees, 10, 0.1)
        await sdk.ask(settings_for(f"{url}/api/v1"), "qwen", question, 5.0)
        body = emulator.seen[-1].body.decode()
        assert text in json.dumps(json.loads(body)["input"], ensure_ascii=False)
        assert "ossresource" not in " ".join(emulator.seen[-1].headers)
    assert {seen.place for seen in emulator.seen} == {"submit"}
    assert all(b"do not send this" not in seen.body for seen in emulator.seen)


async def test_neither_environment_nor_home_decide(
    emulator: DashScopeEmulator, url: str, store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "DASHSCOPE_API_KEY": "sk-of-somebody-else",
        "DASHSCOPE_BASE_URL": "http://127.0.0.1:1/api/v1",
        "DASHSCOPE_PROTOCOL": "openai",
        "DASHSCOPE_WORKSPACE": "llm-other",
        "DASHSCOPE_MAX_RETRIES": "5",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
        "HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / ".dashscope"
    folder.mkdir()
    (folder / "api_key").write_text("sk-of-a-file")
    (folder / "config.toml").write_text('api_key = "sk-of-a-file"\nmax_retries = 4\nprotocol = "openai"\n')
    emulator.faults.add(Fault.THROTTLE, "submit")
    with pytest.raises(RateLimitedError):
        await built(f"{url}/api/v1", store).submit(copy_request(), idempotency_key="key-1")
    assert [seen.path for seen in emulator.seen] == [TEXT_PATH]
    assert emulator.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert "x-dashscope-workspace" not in emulator.seen[0].headers


async def test_nothing_secret_is_logged_or_shown(
    provider: Provider, emulator: DashScopeEmulator, store: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    handle = await provider.submit(judge_request(store), idempotency_key="key-1")
    emulator.codes.refuse(
        "InvalidApiKey", message=f"Incorrect API key {KEY} for https://x.example/a?Signature=abc"
    )
    with pytest.raises(AuthError) as caught:
        await provider.submit(copy_request(), idempotency_key="key-2")
    shown = " ".join(
        (repr(provider), str(provider.__dict__), repr(handle), repr(caught.value), str(caught.value))
    )
    for text in (caplog.text, shown):
        assert KEY not in text
        assert "base64" not in text
        assert "Signature=abc" not in text
