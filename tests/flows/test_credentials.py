"""Keys that people fill in as blocks of the Prefect UI, and how they reach a run."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from deployments.setup.blocks import make_block_types
from skuflow.settings import Settings, read_settings
from tasks.credentials import (
    BLOCK_NAME,
    BLOCKS,
    DashScopeCredentials,
    OssCredentials,
    credentials_from_blocks,
)

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


async def test_a_block_fills_what_the_environment_leaves_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DASHSCOPE_API_KEY", "DASHSCOPE_HTTP_BASE_URL", "OSS_REGION"):
        monkeypatch.delenv(name, raising=False)
    await make_block_types()
    assert await credentials_from_blocks(read_settings()) == {}

    await DashScopeCredentials(
        dashscope_api_key=SecretStr("sk-of-the-block"),
        dashscope_http_base_url="https://dashscope.example/api/v1",
    ).asave(BLOCK_NAME)
    await OssCredentials(oss_region="cn-hangzhou").asave(BLOCK_NAME)
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
