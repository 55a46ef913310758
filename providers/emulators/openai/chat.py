"""The chat protocol: reading a request as strictly as the vendor does, and writing its replies.

Wire format: OpenAI "Create chat completion"; also served by DashScope as its compatible mode.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.emulators.openai.answers import Message, Said, mentions_json

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_NUMBERS: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
}
_COUNTS = ("max_tokens", "max_completion_tokens", "seed", "n")
_OTHERS = frozenset({"model", "messages", "stream", "stop", "user", "response_format", "store", "metadata"})
_FORMATS = ("text", "json_object", "json_schema")
_NO_JSON_WORD = (
    "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
)


class ChatRefusal(Exception):  # noqa: N818 - a reply, not a mistake of the program
    """A request that is answered with ``{"error": {...}}`` and costs nothing."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "error": {"message": message, "type": kind, "param": param, "code": code},
        }


@dataclass(frozen=True, slots=True)
class ChatWish:
    """A request that was understood."""

    model: str
    messages: tuple[Message, ...]
    json_mode: bool
    max_tokens: int | None


def read_wish(body: Any, *, extra_fields: frozenset[str] = frozenset()) -> ChatWish:
    """The wish in a request's JSON. Raises ChatRefusal (400); fields not in the protocol are refused too, except
    ``extra_fields``, which a vendor adds to it.
    """
    if not isinstance(body, dict):
        raise _invalid("The request body must be a JSON object.", None)
    known = {*_OTHERS, *_NUMBERS, *_COUNTS, *extra_fields}
    for name in body:
        if name not in known:
            raise ChatRefusal(400, f"Unknown parameter: '{name}'.", "unknown_parameter", param=name)
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise _invalid("you must provide a model parameter", "model")
    _check_numbers(body)
    if body.get("stream"):
        raise ChatRefusal(
            400, "Streaming is not offered here; send stream false.", "unsupported_value", param="stream"
        )
    if body.get("n") not in (None, 1):
        raise ChatRefusal(400, "Only one choice is offered here; send n 1.", "unsupported_value", param="n")
    messages = _messages(body.get("messages"))
    json_mode = _json_mode(body.get("response_format"), messages)
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    return ChatWish(model, messages, json_mode, limit)


def completion(
    wish: ChatWish,
    said: Said,
    *,
    completion_id: str,
    created_s: float,
    finish: str | None = None,
    refusal: str | None = None,
) -> dict[str, Any]:
    """The reply's JSON. ``finish`` replaces the finish reason; with ``refusal`` there is no content."""
    return {
        "id": completion_id,
        "object": "chat.completion",
        "created": int(created_s),
        "model": wish.model,
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None if refusal is not None else said.text,
                    "refusal": refusal,
                },
                "logprobs": None,
                "finish_reason": finish or said.finish,
            }
        ],
        "usage": {
            "prompt_tokens": said.input_tokens,
            "completion_tokens": said.output_tokens,
            "total_tokens": said.input_tokens + said.output_tokens,
        },
        "system_fingerprint": None,
    }


def _invalid(message: str, param: str | None, code: str | None = None) -> ChatRefusal:
    return ChatRefusal(400, message, code, param=param)


def _check_numbers(body: Mapping[str, Any]) -> None:
    for name, (least, most) in _NUMBERS.items():
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _invalid(f"Invalid type for '{name}': expected a decimal.", name, "invalid_type")
        if not least <= value <= most:
            raise _invalid(
                f"Invalid '{name}': expected a value from {least} to {most}.", name, "decimal_out_of_range"
            )
    for name in _COUNTS:
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise _invalid(f"Invalid type for '{name}': expected an integer.", name, "invalid_type")
        if name != "seed" and value < 1:
            raise _invalid(f"Invalid '{name}': expected at least 1.", name, "integer_below_min_value")


def _messages(given: Any) -> tuple[Message, ...]:
    if not isinstance(given, list) or not given:
        raise _invalid("Invalid 'messages': expected a list with at least one message.", "messages")
    return tuple(_message(entry, f"messages[{number}]") for number, entry in enumerate(given))


def _message(entry: Any, where: str) -> Message:
    if not isinstance(entry, dict):
        raise _invalid(f"Invalid type for '{where}': expected an object.", where, "invalid_type")
    role = entry.get("role")
    if role not in _ROLES:
        raise _invalid(f"Invalid value: {role!r} in '{where}.role'.", f"{where}.role", "invalid_value")
    content = entry.get("content")
    if isinstance(content, str):
        return Message(role, content)
    if not isinstance(content, list) or not content:
        raise _invalid(f"Invalid type for '{where}.content'.", f"{where}.content", "invalid_type")
    texts: list[str] = []
    pictures: list[str] = []
    for number, part in enumerate(content):
        _read_part(part, f"{where}.content[{number}]", texts, pictures)
    return Message(role, "\n".join(texts), tuple(pictures))


def _read_part(part: Any, where: str, texts: list[str], pictures: list[str]) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        texts.append(part["text"])
        return
    image = part.get("image_url") if kind == "image_url" else None
    url = image.get("url") if isinstance(image, dict) else None
    if isinstance(url, str) and url.startswith(("https://", "http://", "data:image/", "oss://")):
        pictures.append(hashlib.sha256(url.encode()).hexdigest())
        return
    raise _invalid(f"Invalid content part in '{where}'.", where, "invalid_value")


def _json_mode(given: Any, messages: tuple[Message, ...]) -> bool:
    if given is None:
        return False
    kind = given.get("type") if isinstance(given, dict) else None
    if kind not in _FORMATS:
        raise _invalid(
            f"Invalid value: {kind!r}. Supported values are: 'json_object', 'json_schema', and 'text'.",
            "response_format.type",
            "invalid_value",
        )
    if kind == "json_schema" and not isinstance(given.get("json_schema"), dict):
        raise _invalid(
            "Missing required parameter: 'response_format.json_schema'.",
            "response_format.json_schema",
            "missing_required_parameter",
        )
    if kind == "json_object" and not mentions_json(messages):
        raise _invalid(_NO_JSON_WORD, "messages")
    return bool(kind != "text")
