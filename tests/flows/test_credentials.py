"""Keys that people fill in as blocks of the Prefect UI, and how they reach a run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from deployments.setup.blocks import make_block_types
from flows.manual import manual_listings
from skuflow.settings import Settings, SettingsError, read_settings
from tasks.credentials import (
    BLOCK_NAME,
    BLOCKS,
    CredentialsBlock,
    DashScopeCredentials,
    OssCredentials,
    credentials_from_blocks,
)
from tasks.entering import entered
from tasks.kits import own_makers
from tests.emulated_oss import oss_store

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_every_field_of_a_block_is_a_setting_of_that_name() -> None:
    own = {name for block in BLOCKS for name in block.model_fields}
    assert own <= set(Settings.model_fields)
    secret = {
        name
        for block in BLOCKS
        for name, field in block.model_fields.items()
        if field.annotation is SecretStr
    }
    assert secret == {name for name in own if Settings.model_fields[name].annotation is SecretStr}


def test_blocks_hold_all_that_a_vendor_is_reached_with() -> None:
    """But for what runs do not use, and what is no matter of keys and addresses."""
    vendors = ("dashscope_", "kling_", "minimax_", "jimeng_", "ark_", "openai_", "oss_")
    others = {"kling_webhook_secret", "dashscope_compatible_base_url", "openai_prices"}
    own = {name for block in BLOCKS for name in block.model_fields}
    assert own == {name for name in Settings.model_fields if name.startswith(vendors)} - others


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_is_described_in_both_languages(block: type[CredentialsBlock]) -> None:
    described = block.get_description() or ""
    fields = block.model_fields.values()
    words = [described, *(field.title for field in fields), *(field.description for field in fields)]
    for each in filter(None, words):
        assert re.search("[A-Za-z]", each)
        assert re.search("[\u4e00-\u9fff]", each), each
    assert "skuflow。" in described
    assert all(field.title for field in fields)


async def test_storage_may_have_its_keys_from_a_block(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with oss_store() as (emulator, _):
        variables = emulator.environment(emulator.base_url)
        keys = {name: variables.pop(name) for name in ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET")}
        for name in ("SKUFLOW_PROVIDERS", "SKUFLOW_CATALOG", *keys):
            monkeypatch.delenv(name, raising=False)
        for name, value in {**variables, "SKUFLOW_HOME": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        await make_block_types()
        with pytest.raises(SettingsError, match="OSS_ACCESS_KEY_ID is not set"):
            async with entered():
                pass
        await OssCredentials(
            oss_access_key_id=SecretStr(keys["OSS_ACCESS_KEY_ID"]),
            oss_access_key_secret=SecretStr(keys["OSS_ACCESS_KEY_SECRET"]),
        ).asave(BLOCK_NAME, overwrite=True)
        try:
            async with entered() as wiring:
                wiring.store.put("a.txt", b"here", "text/plain")
                assert own_makers(wiring) == {}
            assert any(key.endswith("/a.txt") for key in emulator.bucket.keys)
            refused = await manual_listings.fn(products="nowhere.csv")
            assert "nowhere.csv" in str(refused.message)
        finally:
            await OssCredentials.adelete(BLOCK_NAME)


async def test_a_block_fills_what_the_environment_leaves_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DASHSCOPE_API_KEY", "DASHSCOPE_HTTP_BASE_URL", "OSS_REGION"):
        monkeypatch.delenv(name, raising=False)
    await make_block_types()
    assert await credentials_from_blocks(read_settings()) == {}

    await DashScopeCredentials(
        dashscope_api_key=SecretStr("sk-of-the-block"),
        dashscope_http_base_url="https://dashscope.example/api/v1",
    ).asave(BLOCK_NAME)
    await OssCredentials(oss_region="cn-hangzhou").asave(BLOCK_NAME, overwrite=True)
    assert await credentials_from_blocks(read_settings()) == {
        "dashscope_api_key": "sk-of-the-block",
        "dashscope_http_base_url": "https://dashscope.example/api/v1",
        "oss_region": "cn-hangzhou",
    }

    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-of-the-environment")
    found = await credentials_from_blocks(read_settings())
    assert "dashscope_api_key" not in found
    assert found["oss_region"] == "cn-hangzhou"
    settings = read_settings(found)
    assert settings.dashscope_api_key.get_secret_value() == "sk-of-the-environment"
    assert settings.oss_region == "cn-hangzhou"
