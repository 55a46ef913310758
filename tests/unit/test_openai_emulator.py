"""The emulated server of the OpenAI protocol: its protocol, its copy, its bill and its faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.emulators.core.faults import Fault
from providers.emulators.core.http import running
from providers.emulators.core.timing import Timing
from providers.emulators.openai import make
from providers.emulators.openai.answers import Message, say
from providers.emulators.openai.emulator import OpenAIEmulator
from providers.emulators.openai.writing import readable, write_listing
from skuflow.catalog.readers import read_catalog
from skuflow.jobs.contract import CopyRequest, Slot
from skuflow.listing.copy_prompt import copy_messages, read_copy
from skuflow.listing.rules.text import text_limits

SAMPLES = Path(__file__).parents[2] / "samples" / "products.csv"
LANGUAGES = ("en", "es", "fr", "pt", "ru", "de", "ja", "zh", "it")
KEY = {"authorization": "Bearer sk-emulator-openai"}
FACTS: dict[str, Any] = {
    "language": "en",
    "marketplace": "aliexpress",
    "market": "US",
    "title": "Insulated Steel Bottle 750 ml",
    "brand": "Marlo",
    "category": "Outdoor/Bottles",
    "attributes": {"Capacity": "750 ml", "Weight": "410 g", "保温": "12 小时", "Steel": "18/8"},
    "selling_points": ["Two walls keep drinks hot for 12 h", "双层真空"],
    "price": "99.00 CNY",
    "limits": {
        "title_max": 60,
        "bullet_max": 40,
        "bullets_max": 5,
        "description_max": 300,
        "keywords_max": 4,
    },
    "shots": 3,
}


def order(**changes: Any) -> str:
    facts = json.dumps({**FACTS, **changes}, ensure_ascii=False)
    return f"Write the listing as JSON.\n<<<PRODUCT\n{facts}\nPRODUCT>>>"


def body(text: str = "", **changes: Any) -> dict[str, Any]:
    messages = [
        {
            "role": "system",
            "content": "Data stand between the lines <<<PRODUCT and PRODUCT>>>. Answer in JSON.",
        },
        {"role": "user", "content": text or order()},
    ]
    wish = {"model": "gpt-4o-mini", "messages": messages, "response_format": {"type": "json_object"}}
    return {**wish, **changes}


@pytest.fixture
def emulator() -> OpenAIEmulator:
    return make(Timing(speed=1000))


@pytest.fixture
def server(emulator: OpenAIEmulator) -> Iterator[httpx.Client]:
    with (
        running(emulator) as url,
        httpx.Client(base_url=f"{url}/v1", headers=KEY, timeout=5, trust_env=False) as client,
    ):
        yield client


def chat(server: httpx.Client, **changes: Any) -> httpx.Response:
    return server.post("/chat/completions", json=body(**changes))


def test_copy_is_written_within_the_limits_and_billed_by_its_tokens(
    server: httpx.Client, emulator: OpenAIEmulator
) -> None:
    reply = chat(server)
    assert reply.status_code == 200
    answer = reply.json()
    choice = answer["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert answer["id"].startswith("chatcmpl-")
    copy = json.loads(choice["message"]["content"])
    assert copy["title"].startswith("Marlo Insulated Steel Bottle 750 ml")
    assert len(copy["title"]) <= 60
    assert "Two walls keep drinks hot for 12 h" in copy["bullets"]
    assert "Weight: 410 g" in copy["bullets"]
    assert len(copy["keywords"]) <= 4
    assert len(copy["captions"]) == len(copy["video_script"]) == 3
    assert "99" not in choice["message"]["content"]
    usage = answer["usage"]
    sent = sum(len(message["content"]) for message in body()["messages"])
    assert abs(usage["prompt_tokens"] - sent / 2) <= 1
    expected = (
        usage["prompt_tokens"] * Decimal("1.10") + usage["completion_tokens"] * Decimal("4.40")
    ) / 1_000_000
    assert emulator.bill.total() == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_copy_keeps_to_the_facts_in_every_language(language: str) -> None:
    copy = write_listing({**FACTS, "language": language})
    limits = FACTS["limits"]
    text = json.dumps(copy, ensure_ascii=False)
    assert "750 ml" in text
    assert len(copy["title"]) <= limits["title_max"]
    assert len(copy["description"]) <= limits["description_max"]
    assert all(len(bullet) <= limits["bullet_max"] for bullet in copy["bullets"])
    assert len(copy["bullets"]) >= 3
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in text.replace("保温", ""))
    assert chinese == (language in ("zh", "ja"))
    if language == "ru":
        assert "Объём: 750 ml" in copy["bullets"]


@pytest.mark.parametrize("language", ["en", "es", "fr", "pt", "ru", "de", "ja", "zh"])
def test_copy_for_a_chinese_catalog_is_taken_at_once(language: str) -> None:
    for product in read_catalog(SAMPLES).products[:4]:
        limits = text_limits("aliexpress")
        request = CopyRequest(
            slot=Slot(product.sku, "copy", language=language, marketplace="aliexpress"),
            product=product,
            language=language,
            marketplace="aliexpress",
        )
        asked = [Message(turn["role"], turn["content"]) for turn in copy_messages(request, limits)]
        copy = read_copy(say(asked, json_mode=True).text, request, limits)
        assert len(copy.bullets) >= 3
        assert copy.facts_ratio > 0


@pytest.mark.parametrize(
    "text, language, shown",
    [
        ("9 W LED（E27 灯头）", "es", "9 W LED (E27)"),
        ("12 小时", "de", "12 h"),
        ("高温炻瓷", "en", ""),
        ("高温炻瓷", "zh", "高温炻瓷"),
        ("3 个装 500 ml", "fr", "3, 500 ml"),
        ("316 不锈钢", "en", ""),
        ("365", "en", "365"),
        ("Нержавеющая сталь", "ru", "Нержавеющая сталь"),
    ],
)
def test_only_what_a_reader_can_read_is_shown(text: str, language: str, shown: str) -> None:
    assert readable(text, language) == shown


def test_a_unit_in_the_attribute_s_name_goes_with_its_figure() -> None:
    copy = write_listing({**FACTS, "attributes": {"重量(g)": "410"}})
    assert "Weight: 410 g" in copy["bullets"]


def test_titles_keep_off_forbidden_characters_and_repeated_words() -> None:
    limits = {"title_max": 200, "title_forbidden": ["!", "*"], "word_repeat_max": 1}
    copy = write_listing(
        {**FACTS, "title": "Bottle!*", "attributes": {"Kind": "steel bottle"}, "limits": limits}
    )
    assert copy["title"] == "Marlo Bottle"


def test_a_repair_round_gets_proper_copy(server: httpx.Client, emulator: OpenAIEmulator) -> None:
    emulator.faults.add(Fault.MALFORMED_COPY, "submit")
    spoilt = chat(server).json()["choices"][0]["message"]["content"]
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(spoilt)
    again = [
        *body()["messages"],
        {"role": "assistant", "content": spoilt},
        {"role": "user", "content": "This answer is not JSON. Answer again."},
    ]
    copy = json.loads(chat(server, messages=again).json()["choices"][0]["message"]["content"])
    assert copy["title"]


def content_after(server: httpx.Client, emulator: OpenAIEmulator, fault: Fault) -> tuple[str, str]:
    emulator.faults.add(fault, "submit")
    choice = chat(server).json()["choices"][0]
    return choice["message"]["content"], choice["finish_reason"]


def test_what_models_get_wrong(server: httpx.Client, emulator: OpenAIEmulator) -> None:
    content, _ = content_after(server, emulator, Fault.WRONG_SHAPE)
    assert "title" not in json.loads(content)
    content, finish = content_after(server, emulator, Fault.TRUNCATED_JSON)
    assert finish == "length"
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(content)
    content, _ = content_after(server, emulator, Fault.INVENTED_CLAIM)
    assert "97 %" in json.loads(content)["bullets"][0]
    assert "97" not in order()
    assert len(emulator.bill.entries) == 3
    assert all(entry.amount > 0 for entry in emulator.bill.entries)


def test_max_tokens_cuts_the_answer(server: httpx.Client) -> None:
    answer = chat(server, max_tokens=20).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 20


def test_pictures_are_judged_and_translations_checked(server: httpx.Client) -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "text", "text": "Judge it as JSON."},
    ]
    reply = chat(server, messages=[{"role": "user", "content": parts}]).json()
    verdict = json.loads(reply["choices"][0]["message"]["content"])
    assert set(verdict) == {"identity", "realism", "cleanliness", "reason"}
    assert all(0 <= verdict[name] <= 100 for name in ("identity", "realism", "cleanliness"))
    reply = chat(server, text=order(check={"title": "Botella"})).json()
    assert json.loads(reply["choices"][0]["message"]["content"]) == {"ok": True, "problems": []}


def test_the_newest_order_counts_and_a_broken_one_is_not_written_from() -> None:
    older = Message("user", order(title="Old Kettle"))
    newer = Message("user", order(title="New Kettle"))
    assert "New Kettle" in json.loads(say([older, newer], json_mode=True).text)["title"]
    broken = Message("user", "<<<PRODUCT\n{not JSON\nPRODUCT>>>")
    assert "title" not in json.loads(say([broken], json_mode=True).text)


@pytest.mark.parametrize(
    "fault, status, code",
    [
        (Fault.THROTTLE, 429, "rate_limit_exceeded"),
        (Fault.QUOTA_USED_UP, 429, "insufficient_quota"),
        (Fault.ARREARS, 429, "billing_not_active"),
        (Fault.AUTH, 401, "invalid_api_key"),
        (Fault.REJECT_CREATE, 400, "content_policy_violation"),
        (Fault.SERVER_BUSY, 503, None),
        (Fault.FAIL_END, 500, "server_error"),
        (Fault.STUCK, 500, "server_error"),
    ],
)
def test_refusals_are_free_and_in_the_protocol_s_envelope(
    server: httpx.Client, emulator: OpenAIEmulator, fault: Fault, status: int, code: str | None
) -> None:
    emulator.faults.add(fault, "submit")
    reply = chat(server)
    assert reply.status_code == status
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code
    assert ("retry-after" in reply.headers) == (code == "rate_limit_exceeded")
    assert emulator.bill.entries == ()


def test_filtered_and_refused_answers_cost_their_tokens(
    server: httpx.Client, emulator: OpenAIEmulator
) -> None:
    emulator.faults.add(Fault.REJECT_END, "submit")
    choice = chat(server).json()["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("content_filter", "")
    emulator.faults.add(Fault.FAIL_AS_SUCCESS, "submit")
    choice = chat(server).json()["choices"][0]
    assert choice["message"]["content"] is None
    assert choice["message"]["refusal"]
    emulator.faults.add(Fault.UNKNOWN_STATUS, "submit")
    assert chat(server).json()["choices"][0]["finish_reason"] not in ("stop", "length", "content_filter")
    emulator.faults.add(Fault.PARTIAL, "submit")
    assert chat(server).json()["choices"] == []
    assert len(emulator.bill.entries) == 4
    assert all(entry.amount > 0 for entry in emulator.bill.entries)


@pytest.mark.parametrize(
    "changes, status, code",
    [
        ({"model": "gpt-0"}, 404, "model_not_found"),
        ({"model": None}, 400, None),
        ({"messages": []}, 400, None),
        ({"messages": [{"role": "narrator", "content": "json"}]}, 400, "invalid_value"),
        ({"messages": [{"role": "user", "content": 7}]}, 400, "invalid_type"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, 400, "invalid_value"),
        ({"messages": [{"role": "user", "content": "no such word"}]}, 400, None),
        ({"response_format": {"type": "xml"}}, 400, "invalid_value"),
        ({"response_format": {"type": "json_schema"}}, 400, "missing_required_parameter"),
        ({"temperature": 3}, 400, "decimal_out_of_range"),
        ({"temperature": "warm"}, 400, "invalid_type"),
        ({"max_tokens": 0}, 400, "integer_below_min_value"),
        ({"stream": True}, 400, "unsupported_value"),
        ({"enable_thinking": False}, 400, "unknown_parameter"),
    ],
)
def test_wrong_requests_are_refused(
    server: httpx.Client, emulator: OpenAIEmulator, changes: dict[str, Any], status: int, code: str | None
) -> None:
    reply = chat(server, **changes)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert emulator.bill.entries == ()


def test_keys_paths_and_broken_bodies(server: httpx.Client) -> None:
    assert server.get("/models", headers={"authorization": "Bearer sk-wrong"}).status_code == 401
    assert server.get("/models", headers={"authorization": ""}).json()["error"]["code"] is None
    assert "gpt-4o-mini" in [model["id"] for model in server.get("/models").json()["data"]]
    assert server.post("/completions", json=body()).status_code == 404
    assert server.post("/chat/completions", content=b"{").status_code == 400


def test_the_rate_is_limited_by_the_minute_of_vendor_time() -> None:
    emulator = make(Timing(speed=1000, latencies_s={"copy": 0}, now=lambda: 0.0), requests_per_minute=2)
    with running(emulator) as url, httpx.Client(base_url=f"{url}/v1", headers=KEY, trust_env=False) as client:
        assert [chat(client).status_code for _ in range(3)] == [200, 200, 429]


def test_equal_requests_are_told_as_doubles(server: httpx.Client, emulator: OpenAIEmulator) -> None:
    chat(server)
    chat(server, seed=1)
    assert emulator.bill.doubles() == []
    chat(server)
    assert len(emulator.bill.doubles()) == 1


def test_a_reset_after_acceptance_is_billed(server: httpx.Client, emulator: OpenAIEmulator) -> None:
    emulator.faults.add(Fault.RESET_AFTER, "submit")
    with pytest.raises(httpx.TransportError):
        chat(server)
    assert len(emulator.bill.entries) == 1


def test_the_environment_names_the_prices_that_are_billed() -> None:
    environment = make(Timing()).environment("http://127.0.0.1:1")
    assert environment["OPENAI_BASE_URL"] == "http://127.0.0.1:1/v1"
    assert "gpt-4o-mini=1.10/4.40" in environment["OPENAI_PRICES"].split(";")
