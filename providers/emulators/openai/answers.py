"""What an emulated language model says to a conversation: copy, a judgement, a check, or a plain sentence.

The order for copy or a check is one JSON object between the lines ``<<<PRODUCT`` and ``PRODUCT>>>``; the newest in the
conversation counts. A picture in the conversation asks for a judgement.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from providers.emulators.core.faults import Fault
from providers.emulators.openai.writing import write_listing

_ORDER = re.compile(r"^<<<PRODUCT[ \t]*\r?\n(.*?)\r?\n[ \t]*PRODUCT>>>", re.DOTALL | re.MULTILINE)
_CHARS_PER_TOKEN = 2
_TOKENS_PER_PICTURE = 1200
_INVENTED = ("97", "83", "61", "1947")

COPY_FAULTS = frozenset({Fault.MALFORMED_COPY, Fault.WRONG_SHAPE, Fault.TRUNCATED_JSON, Fault.INVENTED_CLAIM})
"""What a model gets wrong in its answer, at full price."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn, whatever the dialect: its text, and a digest for each picture in it."""

    role: str
    text: str
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. ``finish``: "stop" or "length". Tokens are two characters each, and 1200 for a picture."""

    text: str
    finish: str
    input_tokens: int
    output_tokens: int


def say(
    messages: Sequence[Message],
    *,
    json_mode: bool,
    max_tokens: int | None = None,
    fault: Fault | None = None,
    verdict: Mapping[str, int] | None = None,
) -> Said:
    """The model's answer.

    ``verdict`` overrides scores of a judgement; a ``fault`` of ``COPY_FAULTS`` spoils the answer.
    """
    text = _answer(messages, json_mode, fault, verdict or {})
    input_tokens = sum(tokens(message.text) for message in messages)
    input_tokens += _TOKENS_PER_PICTURE * sum(len(message.pictures) for message in messages)
    cut = max_tokens is not None and tokens(text) > max_tokens
    if cut:
        text = text[: max_tokens * _CHARS_PER_TOKEN] if max_tokens else ""
    if fault is Fault.TRUNCATED_JSON:
        text, cut = text[: max(1, len(text) * 3 // 5)], True
    return Said(text, "length" if cut else "stop", input_tokens, tokens(text))


def tokens(text: str) -> int:
    """Two characters a token, rounded up."""
    return math.ceil(len(text) / _CHARS_PER_TOKEN)


def mentions_json(messages: Sequence[Message]) -> bool:
    """Whether the word stands anywhere in the conversation, as JSON mode asks."""
    return any("json" in message.text.casefold() for message in messages)


def _answer(
    messages: Sequence[Message], json_mode: bool, fault: Fault | None, verdict: Mapping[str, int]
) -> str:
    order = _order(messages)
    value: dict[str, Any]
    if any(message.pictures for message in messages):
        value = _judgement(messages, verdict)
    elif order is not None and "check" in order:
        value = {"ok": True, "problems": []}
    elif order is not None:
        value = write_listing(order)
        if fault is Fault.INVENTED_CLAIM:
            value = _with_invention(value, json.dumps(order, ensure_ascii=False))
    elif json_mode:
        value = {"answer": "This is the answer of an emulator."}
    else:
        return "This is the answer of an emulator."
    if fault is Fault.MALFORMED_COPY:
        return "Of course! Here is what you asked for:\n" + "\n".join(f"- {k}: {v}" for k, v in value.items())
    if fault is Fault.WRONG_SHAPE:
        value = dict(list(value.items())[1:])
    return json.dumps(value, ensure_ascii=False)


def _order(messages: Sequence[Message]) -> dict[str, Any] | None:
    blocks = [block for message in messages for block in _ORDER.findall(message.text)]
    if not blocks:
        return None
    try:
        order = json.loads(blocks[-1])
    except ValueError:
        return None
    return order if isinstance(order, dict) else None


def _judgement(messages: Sequence[Message], verdict: Mapping[str, int]) -> dict[str, Any]:
    seen = "".join(digest for message in messages for digest in message.pictures)
    dice = hashlib.sha256(seen.encode()).digest()
    scores = {
        name: 84 + dice[place] % 15 for place, name in enumerate(("identity", "realism", "cleanliness"))
    }
    scores.update(verdict)
    return {
        **scores,
        "reason": "Shape, colour and details of the product agree; light and contact look right.",
    }


def _with_invention(value: Mapping[str, Any], facts: str) -> dict[str, Any]:
    number = next(number for number in (*_INVENTED, "86413") if number not in facts)
    bullets = list(value["bullets"]) or [""]
    bullets[0] = f"{bullets[0]} ({number} %)".strip()
    return {**value, "bullets": bullets}
