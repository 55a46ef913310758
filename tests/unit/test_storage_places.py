"""What SKUFLOW_STORAGE and the OSS_ variables mean, and what is told of wrong ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from skuflow.ledger.redaction import secrets_of
from skuflow.settings import Settings, SettingsError, read_settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import asset_key, cutout_key, is_write_once, kit_key, photo_key
from skuflow.storage.opening import open_store
from skuflow.storage.oss import OssStore
from skuflow.storage.places import OssPlace, is_internal, is_own_domain

KEY = {"oss_access_key_id": "LTAIexample", "oss_access_key_secret": "secret-of-example"}
HANGZHOU = "https://oss-cn-hangzhou.aliyuncs.com"
INTERNAL = "https://oss-cn-hangzhou-internal.aliyuncs.com"


def read(**values: str) -> Settings:
    return read_settings(
        {"skuflow_storage": "oss://my-shop/listings/2026", "oss_region": "cn-hangzhou", **KEY, **values}
    )


def place(**values: str) -> OssPlace:
    found = read(**values).storage
    assert isinstance(found, OssPlace)
    return found


def test_a_folder_stays_a_folder(tmp_path: Path) -> None:
    assert read_settings({"skuflow_home": tmp_path}).storage == tmp_path / "storage"
    settings = read_settings({"skuflow_storage": f"file:{tmp_path}"})
    assert settings.storage == settings.storage_dir == tmp_path
    assert isinstance(open_store(settings), FolderStore)


def test_bucket_and_prefix_are_told_apart() -> None:
    found = place()
    assert (found.bucket, found.prefix, found.region) == ("my-shop", "listings/2026/", "cn-hangzhou")
    assert found.address == "oss://my-shop/listings/2026"
    assert (
        place(skuflow_storage="oss://my-shop").prefix == place(skuflow_storage="oss://my-shop/").prefix == ""
    )
    assert place(skuflow_storage="oss://my-shop/a/").prefix == "a/"


@pytest.mark.parametrize(
    ("given", "endpoint", "public", "region"),
    [
        ({}, HANGZHOU, HANGZHOU, "cn-hangzhou"),
        ({"oss_endpoint": INTERNAL}, INTERNAL, HANGZHOU, "cn-hangzhou"),
        ({"oss_endpoint": INTERNAL, "oss_region": ""}, INTERNAL, HANGZHOU, "cn-hangzhou"),
        ({"oss_endpoint": HANGZHOU + "/"}, HANGZHOU, HANGZHOU, "cn-hangzhou"),
        (
            {"oss_public_endpoint": "https://oss-accelerate.aliyuncs.com"},
            HANGZHOU,
            "https://oss-accelerate.aliyuncs.com",
            "cn-hangzhou",
        ),
        (
            {"oss_endpoint": INTERNAL, "oss_public_endpoint": "https://img.example.com"},
            INTERNAL,
            "https://img.example.com",
            "cn-hangzhou",
        ),
        (
            {"oss_endpoint": "http://127.0.0.1:9000"},
            "http://127.0.0.1:9000",
            "http://127.0.0.1:9000",
            "cn-hangzhou",
        ),
    ],
)
def test_what_is_not_set_follows_from_what_is(
    given: dict[str, str], endpoint: str, public: str, region: str
) -> None:
    found = place(**given)
    assert (found.endpoint, found.public_endpoint, found.region) == (endpoint, public, region)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"skuflow_storage": "oss://"}, "SKUFLOW_STORAGE"),
        ({"skuflow_storage": "oss://My_Shop/a"}, "3 to 63 small letters"),
        ({"skuflow_storage": "oss://ab/a"}, "3 to 63 small letters"),
        ({"skuflow_storage": "oss://" + "a" * 64}, "3 to 63 small letters"),
        ({"skuflow_storage": "oss://my-shop/a/../b"}, "without . or .."),
        ({"skuflow_storage": "s3://my-shop"}, "write file:DIR or oss://BUCKET/PREFIX"),
        ({"oss_access_key_id": ""}, "OSS_ACCESS_KEY_ID is not set"),
        ({"oss_access_key_secret": ""}, "OSS_ACCESS_KEY_SECRET is not set"),
        ({"oss_region": ""}, "OSS_REGION is not set"),
        ({"oss_region": "", "oss_endpoint": "https://img.example.com"}, "OSS_REGION is not set"),
        ({"oss_region": "hangzhou"}, "such as cn-hangzhou"),
        ({"oss_region": "oss-cn-hangzhou"}, "such as cn-hangzhou"),
        ({"oss_region": "cn-hangzhou-internal"}, "such as cn-hangzhou"),
        ({"oss_endpoint": "oss-cn-hangzhou.aliyuncs.com"}, "OSS_ENDPOINT: write scheme and host"),
        ({"oss_endpoint": "http://oss-cn-hangzhou.aliyuncs.com"}, "write https:// before the host"),
        ({"oss_endpoint": "http://192.168.1.7:9000"}, "write https:// before the host"),
        (
            {"oss_endpoint": "https://oss-cn-beijing.aliyuncs.com"},
            "is in cn-beijing, but OSS_REGION=cn-hangzhou",
        ),
        ({"oss_endpoint": "https://my-shop.oss-cn-hangzhou.aliyuncs.com"}, "leave the bucket's name out"),
        ({"oss_endpoint": HANGZHOU + "/my-shop"}, "without bucket and path"),
        ({"oss_endpoint": "https://user:hunter22@oss-cn-hangzhou.aliyuncs.com"}, "scheme and host only"),
        ({"oss_public_endpoint": INTERNAL}, "vendors cannot reach an internal endpoint"),
        ({"oss_public_endpoint": "https://a b"}, "OSS_PUBLIC_ENDPOINT"),
        ({"oss_public_endpoint": "https://host:port"}, "OSS_PUBLIC_ENDPOINT"),
    ],
)
def test_what_cannot_be_used_is_told_at_the_start(given: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(**given)
    said = str(caught.value)
    assert told in said
    assert "\n" not in said
    assert "hunter22" not in said
    assert KEY["oss_access_key_secret"] not in said


def test_a_place_that_is_no_folder_is_told_where_one_is_needed() -> None:
    with pytest.raises(SettingsError, match="this needs a folder"):
        _ = read().storage_dir


def test_the_store_of_a_bucket_asks_nothing_before_it_is_used() -> None:
    store = open_store(read())
    assert isinstance(store, OssStore)
    assert store.local_path("a") is None


def test_keys_are_secrets_that_nothing_shows() -> None:
    settings = read(oss_session_token="token-of-example")
    assert {"LTAIexample", "secret-of-example", "token-of-example"} <= set(secrets_of(settings))
    assert "secret-of-example" not in repr(settings.storage) + repr(settings)
    assert "token-of-example" not in repr(settings.storage) + repr(settings)


def test_endpoints_are_known_by_their_host() -> None:
    assert is_internal(INTERNAL)
    assert not is_internal(HANGZHOU)
    assert is_own_domain("https://img.example.com")
    assert not is_own_domain(HANGZHOU)
    assert not is_own_domain("http://127.0.0.1:9000")


DIGEST = hashlib.sha256(b"bytes").hexdigest()


@pytest.mark.parametrize(
    ("key", "once"),
    [
        (asset_key("MUG-1", "image:scene-2", "1200x630", DIGEST, "jpg"), True),
        (photo_key("MUG-1", DIGEST, ".jpg"), True),
        (kit_key("MUG-1"), False),
        (kit_key(DIGEST[:12]), False),
        (cutout_key("MUG-1", DIGEST, 3), False),
        (f"photo-records/{DIGEST[:12]}-v3.json", False),
        (f"published/wanx/{DIGEST}.jpg", False),
        (f"kits/MUG-1/a-{DIGEST[:7]}.jpg", False),
        (f"kits/MUG-1/a-{DIGEST[:7]}g.jpg", False),
        (f"kits/MUG-1/a-{hashlib.sha256(b'other').hexdigest()[:8]}.jpg", False),
    ],
)
def test_assets_and_photos_are_written_once(key: str, once: bool) -> None:
    assert is_write_once(key, DIGEST) is once
