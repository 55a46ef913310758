"""Runs that a person started with something that cannot be used end with one sentence that says what to do, in English
and Chinese.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from prefect import State
from prefect.states import Failed

from skuflow.catalog.gate.judging import GateRulesError
from skuflow.ledger.redaction import redacted
from skuflow.refusals import RefusalError
from skuflow.review.markdown_text import side_by_side
from skuflow.review.wording import Wording
from skuflow.settings import SettingsError
from skuflow.storage.objects import StorageError

P = ParamSpec("P")
T = TypeVar("T")

REFUSALS = (RefusalError, StorageError)
"""What a person can mend: the input, the wishes or the configuration."""

_INPUT_ZH = "输入有误，请按上句修改后重新运行"
_OTHERS_ZH: dict[type[Exception], str] = {
    SettingsError: "配置有误，请按上句修改后重新运行",
    GateRulesError: "检查规则有误，请按上句修改后重新运行",
    StorageError: "存储访问出错，请按上句处理后重新运行",
}
"""What to do, where a refusal has no Chinese words of its own."""


def refusing(flow_body: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T | State[T]]]:
    """The body of a flow whose refusals become its state: Failed, with the sentence in both languages as message and no
    traceback.
    """

    @wraps(flow_body)
    async def body(*args: P.args, **kwargs: P.kwargs) -> T | State[T]:
        try:
            return await flow_body(*args, **kwargs)
        except REFUSALS as error:
            return Failed(message=_sentence(error))

    # Prefect reads parameters by signature and looks names up where it finds the function, which is here.
    body.__signature__ = inspect.signature(flow_body, eval_str=True)  # type: ignore[attr-defined]  # inspect looks there first
    return body


def _sentence(error: Exception) -> str:
    """What ``error`` says, on one line, with its Chinese words; where it has none, at least what to do in Chinese. Each
    language by itself is cut short where it is very long, so that neither takes the other's room.
    """
    return side_by_side(Wording(redacted(str(error)), redacted(in_chinese(error))))


def in_chinese(error: Exception) -> str:
    """What a refusal says in Chinese; where nobody has written it, what to do about the sentence before it."""
    zh = error.message_zh if isinstance(error, RefusalError) else ""
    return zh or next((said for kind, said in _OTHERS_ZH.items() if isinstance(error, kind)), _INPUT_ZH)
