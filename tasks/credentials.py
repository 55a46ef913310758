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
    _description = (
        "Key of Alibaba Cloud Model Studio, for qwen and wanx. Name the block skuflow."
        " 阿里云百炼的密钥，用于 qwen 和 wanx。请将此 Block 命名为 skuflow。"
    )

    dashscope_api_key: SecretStr = Field(SecretStr(""), title="API key 密钥")
    dashscope_http_base_url: str = Field(
        "", title="Base address 接口地址", description="Empty: Beijing. 留空为北京。"
    )
    dashscope_workspace_id: str = Field(
        "", title="Workspace 业务空间", description="For keys of RAM sub-accounts. RAM 子账号的密钥须填写。"
    )


class KlingCredentials(CredentialsBlock):
    """Kling (video). The secret of its callbacks is none of them: the receiver knows the environment only."""

    _block_type_name = "skuflow Kling"
    _block_type_slug = "skuflow-kling"
    _description = "Keys of Kling. Name the block skuflow. 可灵的密钥。请将此 Block 命名为 skuflow。"

    kling_api_key: SecretStr = Field(SecretStr(""), title="API key 密钥")
    kling_access_key: SecretStr = Field(SecretStr(""), title="Access key (older keys) 访问密钥（旧版）")
    kling_secret_key: SecretStr = Field(SecretStr(""), title="Secret key (older keys) 私有密钥（旧版）")
    kling_base_url: str = Field("", title="Base address 接口地址", description="Empty: Beijing. 留空为北京。")


class HailuoCredentials(CredentialsBlock):
    """MiniMax (hailuo, video)."""

    _block_type_name = "skuflow MiniMax"
    _block_type_slug = "skuflow-minimax"
    _description = (
        "Key of MiniMax, for hailuo. Name the block skuflow."
        " MiniMax 的密钥，用于 hailuo（海螺）。请将此 Block 命名为 skuflow。"
    )

    minimax_api_key: SecretStr = Field(SecretStr(""), title="API key 密钥")
    minimax_base_url: str = Field(
        "", title="Base address 接口地址", description="Empty: mainland China. 留空为中国大陆。"
    )


class VolcengineCredentials(CredentialsBlock):
    """Volcengine (jimeng, ark)."""

    _block_type_name = "skuflow Volcengine"
    _block_type_slug = "skuflow-volcengine"
    _description = (
        "Keys of Volcengine, for jimeng and ark. Name the block skuflow."
        " 火山引擎的密钥，用于 jimeng（即梦）和 ark（方舟）。请将此 Block 命名为 skuflow。"
    )

    jimeng_access_key: SecretStr = Field(SecretStr(""), title="Access key of jimeng 即梦的访问密钥")
    jimeng_secret_key: SecretStr = Field(SecretStr(""), title="Secret key of jimeng 即梦的私有密钥")
    jimeng_base_url: str = Field(
        "",
        title="Base address of jimeng 即梦的接口地址",
        description="Empty: the usual one. 留空即默认地址。",
    )
    ark_api_key: SecretStr = Field(SecretStr(""), title="API key of ark 方舟的密钥")
    ark_base_url: str = Field(
        "", title="Base address of ark 方舟的接口地址", description="Empty: Beijing. 留空为北京。"
    )


class OpenAICredentials(CredentialsBlock):
    """Any server of the OpenAI protocol."""

    _block_type_name = "skuflow OpenAI"
    _block_type_slug = "skuflow-openai"
    _description = (
        "Key of a server that speaks the OpenAI protocol. Name the block skuflow."
        " 兼容 OpenAI 协议的服务的密钥。请将此 Block 命名为 skuflow。"
    )

    openai_api_key: SecretStr = Field(SecretStr(""), title="API key 密钥")
    openai_base_url: str = Field(
        "", title="Base address 接口地址", description="Empty: api.openai.com. 留空为 api.openai.com。"
    )


class OssCredentials(CredentialsBlock):
    """Alibaba Cloud OSS."""

    _block_type_name = "skuflow OSS"
    _block_type_slug = "skuflow-oss"
    _description = (
        "Keys and endpoints of OSS, for runs of workers only: commands and the receiver read their environment."
        " Name the block skuflow."
        " OSS 的密钥和访问域名，仅用于 worker 的运行；命令行和接收端只读环境变量。请将此 Block 命名为 skuflow。"
    )

    oss_access_key_id: SecretStr = Field(SecretStr(""), title="Access key id 访问密钥 ID")
    oss_access_key_secret: SecretStr = Field(SecretStr(""), title="Access key secret 访问密钥 Secret")
    oss_session_token: SecretStr = Field(
        SecretStr(""),
        title="Session token 安全令牌",
        description="Of a temporary key (STS) only. 仅临时密钥（STS）需要。",
    )
    oss_endpoint: str = Field(
        "",
        title="Endpoint 访问域名",
        description="For reading and writing, e.g. the internal one. 用于读写，可填内网域名。",
    )
    oss_public_endpoint: str = Field(
        "",
        title="Public endpoint 公网访问域名",
        description="For addresses given to vendors. 用于提供给供应商的地址。",
    )
    oss_region: str = Field("", title="Region 地域", description="Such as cn-hangzhou. 例如 cn-hangzhou。")


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
