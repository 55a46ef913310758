"""The V4 signature against its published vector and, where it is installed, against the vendor's own signer."""

from __future__ import annotations

import hashlib
import random
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import pytest

from providers.volcengine.signing import Credentials, signed_headers

KEYS = Credentials("AKTEST", "SKTEST", "cn-north-1", "cv")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
URL = "https://visual.volcengineapi.com/?Action=CVSync2AsyncSubmitTask&Version=2022-08-31"
BODY = b'{"req_key":"jimeng_t2i_v40","prompt":"test"}'
SIGNATURE = "2e388c176b076848ae1dda3bb5b41e0cc2df96224539b79dcfe4e2f3b154ee71"


def signature(headers: dict[str, str]) -> str:
    return headers["Authorization"].rpartition("Signature=")[2]


def test_the_vector() -> None:
    headers = signed_headers(KEYS, URL, BODY, at=NOON)
    assert headers == {
        "Content-Type": "application/json",
        "Host": "visual.volcengineapi.com",
        "X-Content-Sha256": "63e02c401caf6dacdcf3a0bc4df67c1b05831718b669435102804905b6d9848a",
        "X-Date": "20261120T120000Z",
        "Authorization": "HMAC-SHA256 Credential=AKTEST/20261120/cn-north-1/cv/request,"
        f" SignedHeaders=content-type;host;x-content-sha256;x-date, Signature={SIGNATURE}",
    }


def test_the_order_of_the_query_and_the_time_zone_of_the_clock_do_not_matter() -> None:
    swapped = "https://visual.volcengineapi.com/?Version=2022-08-31&Action=CVSync2AsyncSubmitTask"
    beijing = NOON.astimezone(timezone(timedelta(hours=8)))
    assert signature(signed_headers(KEYS, swapped, BODY, at=beijing)) == SIGNATURE


@pytest.mark.parametrize(
    "url, host",
    [
        ("https://visual.volcengineapi.com:443/", "visual.volcengineapi.com"),
        ("http://127.0.0.1:8123/", "127.0.0.1:8123"),
        ("http://[::1]:8123/", "[::1]:8123"),
        ("http://user:word@127.0.0.1:8123/", "127.0.0.1:8123"),
        ("https://visual.volcengineapi.com:80/", "visual.volcengineapi.com:80"),
    ],
)
def test_the_host_that_is_signed_is_the_host_that_is_sent(url: str, host: str) -> None:
    headers = signed_headers(KEYS, url, BODY, at=NOON)
    assert headers["Host"] == host
    assert httpx.Request("POST", url, content=BODY, headers=headers).headers["host"] == host


def test_a_port_that_is_not_default_is_part_of_the_signature() -> None:
    signatures = {
        signature(signed_headers(KEYS, f"http://127.0.0.1{port}/", BODY, at=NOON))
        for port in ("", ":80", ":8123", ":8124")
    }
    assert len(signatures) == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"body": BODY + b" "},
        {"at": NOON + timedelta(seconds=1)},
        {"url": URL.replace("Submit", "Get")},
        {"url": URL.replace(".com/", ".com/x/")},
        {"method": "GET"},
        {"content_type": "text/plain"},
        {"credentials": replace(KEYS, secret_key="other")},
        {"credentials": replace(KEYS, region="cn-south-1")},
        {"credentials": replace(KEYS, service="iam")},
        {"credentials": replace(KEYS, security_token="token")},
    ],
)
def test_everything_that_is_asked_is_signed(changed: dict[str, Any]) -> None:
    parts: dict[str, Any] = {"credentials": KEYS, "url": URL, "body": BODY, "at": NOON, **changed}
    headers = signed_headers(parts.pop("credentials"), parts.pop("url"), parts.pop("body"), **parts)
    assert signature(headers) != SIGNATURE


def test_keys_do_not_show() -> None:
    shown = repr(replace(KEYS, security_token="TOKENTEST"))
    assert "SKTEST" not in shown
    assert "TOKENTEST" not in shown


@pytest.mark.parametrize("seed", range(60))
def test_as_the_vendors_own_signer(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "the vendor's signer is not installed: pip install volcengine==1.0.229"
    signer = pytest.importorskip("volcengine.auth.SignerV4", reason=reason).SignerV4
    sdk_credentials = pytest.importorskip("volcengine.Credentials").Credentials
    sdk_request = pytest.importorskip("volcengine.base.Request").Request

    dice = random.Random(seed)
    at = NOON + timedelta(seconds=dice.randrange(10**8))
    host = dice.choice(["visual.volcengineapi.com", "127.0.0.1:8123", "example.com:80", "example.com:443"])
    path = dice.choice(["/", "/a b/c~d", "/路径/_x-y.z"])
    query = {_text(dice, 1): _text(dice) for _ in range(dice.randrange(5))}
    body = dice.choice([b"", _text(dice, 1).encode(), dice.randbytes(dice.randrange(2000))])
    token = dice.choice(["", "", _token(dice)])
    keys = Credentials(_token(dice), _token(dice), dice.choice(["cn-north-1", "cn-beijing"]), "cv", token)

    request = sdk_request()
    request.method, request.path, request.query, request.body = "POST", path, query, body
    request.headers = {"Host": host, "Content-Type": "application/json"}
    moment = at.strftime("%Y%m%dT%H%M%SZ")
    monkeypatch.setattr(signer, "get_current_format_date", staticmethod(lambda: moment))
    signer.sign(request, sdk_credentials(keys.access_key, keys.secret_key, keys.service, keys.region, token))

    url = f"https://{host}{quote(path)}" + (f"?{urlencode(query)}" if query else "")
    # http for port 443 and the like: what is sent must not lose the port that the SDK was given.
    scheme = "http" if host.endswith(":443") else "https"
    ours = signed_headers(keys, url.replace("https", scheme, 1), body, at=at)
    assert ours["Authorization"] == request.headers["Authorization"]
    assert ours["X-Content-Sha256"] == hashlib.sha256(body).hexdigest()
    assert ours["Host"] == urlsplit(url).netloc


def _text(dice: random.Random, least: int = 0) -> str:
    letters = string.ascii_letters + string.digits + " +-_.~/?&=%#:@!$'()*,;" + "éß水の🙂"
    return "".join(dice.choice(letters) for _ in range(dice.randrange(least, 12)))


def _token(dice: random.Random) -> str:
    return "".join(dice.choice(string.ascii_letters + string.digits) for _ in range(20))
