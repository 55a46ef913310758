"""What people are told by Prefect, and where: the words, and the block that holds the address.

Templates are Jinja in Prefect's sandbox; ``flow``, ``flow_run``, ``event`` and the filter ``ui_url`` are Prefect's.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound
from prefect.types import SecretDict

from skuflow.settings import SettingsError

ALERTS_BLOCK = "skuflow-alerts"

FAILURE_SUBJECT = (
    "skuflow: {{ flow.name }}"
    "{% if flow_run.state.type.value == 'CRASHED' %} was interrupted 运行中断{% else %} failed 运行失败{% endif %}"
)
FAILURE_BODY = """\
{{ flow_run.name }}: {{ (flow_run.state.message or "it said nothing 无说明") | truncate(1500) }}\
{% if "encountered an exception" in (flow_run.state.message or "") %} 运行出现意外错误。{% endif %}

{% if flow_run.state.type.value != 'CRASHED' -%}
What to do: mend what the message names, then start the run again. What is made and paid for is kept.
处理办法：按提示排除原因后重新运行；已完成和已付费的内容均已保留。
{%- elif flow_run.deployment_id -%}
What to do: nothing, if it was stopped on purpose or happens once; it is taken up again by itself or comes with \
its next schedule. If it happens \
again, look at its log and at the memory of the machine.
处理办法：主动停止或偶发时无需处理，系统会自动继续或于下次定时运行；如反复出现，请检查日志与机器内存。
{%- else -%}
What to do: give the same command again, unless you stopped it yourself. What is made and paid for is kept.
处理办法：若非主动停止，请重新执行同一命令；已完成和已付费的内容均已保留。
{%- endif %}
{% set address = flow_run | ui_url %}{% if address %}
{{ address }}{% endif %}"""

ATTENTION_SUBJECT = (
    "skuflow: a person is needed ({{ event.payload.kind }}, {{ event.payload.subject }}) 需要人工处理"
)
ATTENTION_BODY = "{{ event.payload.message }}"

_PLAIN: dict[str, Any] = {"title": "{{subject}}", "text": "{{body}}"}
_WHOLE = "{{subject}}\n{{body}}"
_CONTENT: dict[str, Any] = {"msgtype": "text", "text": {"content": _WHOLE}}
_FEISHU: dict[str, Any] = {"msg_type": "text", "content": {"text": _WHOLE}}
_SHAPES: dict[str, dict[str, Any]] = {
    "oapi.dingtalk.com": _CONTENT,
    "qyapi.weixin.qq.com": _CONTENT,
    "open.feishu.cn": _FEISHU,
    "open.larksuite.com": _FEISHU,
    "hooks.slack.com": {"text": _WHOLE},
}
"""What the robots of chats take, by host: DingTalk, WeCom, Feishu and Lark, Slack; each as its documentation of custom
robots (incoming webhooks) shows a message of text.
"""


def require_address(address: str) -> None:
    """Raises SettingsError for what is no address of the web. It may hold a secret and is not repeated."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError("SKUFLOW_ALERT_WEBHOOK is no address; write https://HOST/PATH, or leave it empty")


def shape_for(address: str) -> dict[str, Any]:
    """The JSON that is posted there: that of the chat whose host it names, else ``{"title": ..., "text": ...}``."""
    return _SHAPES.get(urlsplit(address).hostname or "", _PLAIN)


async def put_block(address: str) -> str:
    """The id of the block that posts to this address, made or brought up to date."""
    block = CustomWebhookNotificationBlock(
        name="skuflow",
        # Addresses of chats carry a token; as a secret it is encrypted, and hidden in the UI.
        url="{{address}}",
        secrets=SecretDict({"address": address}),
        method="POST",
        json_data=shape_for(address),
        # The address is the operator's own setting, often a service beside this one.
        allow_private_urls=True,
    )
    return str(await block.asave(ALERTS_BLOCK, overwrite=True))


async def remove_block(client: PrefectClient) -> bool:
    """Take the address away; whether there was one."""
    slug = CustomWebhookNotificationBlock.get_block_type_slug()
    try:
        document = await client.read_block_document_by_name(ALERTS_BLOCK, slug)
    except ObjectNotFound:
        return False
    await client.delete_block_document(document.id)
    return True
