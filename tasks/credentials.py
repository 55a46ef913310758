"""Keys of vendors and of OSS as Prefect blocks, which people fill in the UI: each type has one block named "skuflow".

The environment comes first: a block is only asked for keys that the environment leaves empty. Whoever can run code with
the server's password can read the secrets in blocks (Prefect has one password and no roles).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from pydantic import Field, SecretStr

from skuflow.settings import Settings

BLOCK_NAME = "skuflow"


class CredentialsBlock(Block):
    """A block whose filled fields stand for the settings of the same names."""


class DashScopeCredentials(CredentialsBlock):
    """Alibaba Cloud Model Studio (qwen, wanx)."""

    _block_type_name = "skuflow DashScope"
    _block_type_slug = "skuflow-dashscope"
    _description = "Key of Alibaba Cloud Model Studio, for qwen and wanx. Name the block skuflow."

    dashscope_api_key: SecretStr = Field(SecretStr(""), title="API key")
    dashscope_http_base_url: str = Field("", title="Base address", description="Empty: Beijing.")
    dashscope_workspace_id: str = Field("", title="Workspace", description="For keys of RAM sub-accounts.")


class KlingCredentials(CredentialsBlock):
    """Kling (video)."""

    _block_type_name = "skuflow Kling"
    _block_type_slug = "skuflow-kling"
    _description = "Keys of Kling. Name the block skuflow."

    kling_api_key: SecretStr = Field(SecretStr(""), title="API key")
    kling_access_key: SecretStr = Field(SecretStr(""), title="Access key (older keys)")
    kling_secret_key: SecretStr = Field(SecretStr(""), title="Secret key (older keys)")
    kling_base_url: str = Field("", title="Base address", description="Empty: Beijing.")
    kling_webhook_secret: SecretStr = Field(SecretStr(""), title="Secret of callbacks")


class HailuoCredentials(CredentialsBlock):
    """MiniMax (hailuo, video)."""

    _block_type_name = "skuflow MiniMax"
    _block_type_slug = "skuflow-minimax"
    _description = "Key of MiniMax, for hailuo. Name the block skuflow."

    minimax_api_key: SecretStr = Field(SecretStr(""), title="API key")
    minimax_base_url: str = Field("", title="Base address", description="Empty: mainland China.")


class VolcengineCredentials(CredentialsBlock):
    """Volcengine (jimeng, ark)."""

    _block_type_name = "skuflow Volcengine"
    _block_type_slug = "skuflow-volcengine"
    _description = "Keys of Volcengine, for jimeng and ark. Name the block skuflow."

    jimeng_access_key: SecretStr = Field(SecretStr(""), title="Access key of jimeng")
    jimeng_secret_key: SecretStr = Field(SecretStr(""), title="Secret key of jimeng")
    ark_api_key: SecretStr = Field(SecretStr(""), title="API key of ark")


class OpenAICredentials(CredentialsBlock):
    """Any server of the OpenAI protocol."""

    _block_type_name = "skuflow OpenAI"
    _block_type_slug = "skuflow-openai"
    _description = "Key of a server that speaks the OpenAI protocol. Name the block skuflow."

    openai_api_key: SecretStr = Field(SecretStr(""), title="API key")
    openai_base_url: str = Field("", title="Base address")


class OssCredentials(CredentialsBlock):
    """Alibaba Cloud OSS."""

    _block_type_name = "skuflow OSS"
    _block_type_slug = "skuflow-oss"
    _description = "Keys and endpoints of OSS. Name the block skuflow."

    oss_access_key_id: SecretStr = Field(SecretStr(""), title="Access key id")
    oss_access_key_secret: SecretStr = Field(SecretStr(""), title="Access key secret")
    oss_endpoint: str = Field(
        "", title="Endpoint", description="For reading and writing, e.g. the internal one."
    )
    oss_public_endpoint: str = Field(
        "", title="Public endpoint", description="For addresses given to vendors."
    )
    oss_region: str = Field("", title="Region", description="Such as cn-hangzhou.")


BLOCKS: tuple[type[CredentialsBlock], ...] = (
    DashScopeCredentials,
    KlingCredentials,
    HailuoCredentials,
    VolcengineCredentials,
    OpenAICredentials,
    OssCredentials,
)


async def credentials_from_blocks(settings: Settings) -> Mapping[str, str]:
    """Settings by field name that blocks fill and the environment does not. Empty where no block was made."""
    async with get_client() as client:
        found = await asyncio.gather(*(_filled(client, block) for block in BLOCKS))
    named = {name: value for fields in found for name, value in fields.items()}
    return {name: value for name, value in named.items() if name not in settings.model_fields_set}


async def _filled(client: PrefectClient, block: type[CredentialsBlock]) -> dict[str, str]:
    try:
        document = await client.read_block_document_by_name(
            BLOCK_NAME, block.get_block_type_slug(), include_secrets=True
        )
    except ObjectNotFound:
        return {}
    return {name: str(value) for name, value in document.data.items() if name in block.model_fields and value}
