"""Text generation and picture understanding in DashScope's native protocol.

Sources: Model Studio "Qwen API reference (DashScope)" and "Structured output" pages.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from providers.emulators.core.faults import Fault
from providers.emulators.dashscope.errors import Refusal, TaskFailure, invalid
from providers.emulators.dashscope.fields import Fields
from providers.emulators.dashscope.inputs import Bounds, Caller, Inputs
from providers.emulators.dashscope.models import Family, Model
from providers.emulators.openai.answers import Message, Said, mentions_json

_ROLES = ("system", "user", "assistant")
_FORMATS = ("text", "json_object", "json_schema")
_SEEN = Bounds(frozenset({"JPEG", "PNG", "BMP", "TIFF", "WEBP"}))
_PASSED_OVER = (
    "top_k",
    "repetition_penalty",
    "presence_penalty",
    "stop",
    "enable_search",
    "incremental_output",
    "thinking_budget",
    "vl_high_resolution_images",
)


@dataclass(frozen=True, slots=True)
class TextWish:
    """A request for text that was understood. ``as_message``: the reply has choices, else ``output.text``."""

    model: Model
    messages: tuple[Message, ...]
    json_mode: bool
    max_tokens: int | None
    thinking: bool
    as_message: bool


async def read_text_wish(
    model: Model, caller: Caller, given: Fields, parameters: Fields, inputs: Inputs
) -> TextWish:
    """Raises Refusal (400) for what the model does not take."""
    vision = model.family is Family.VISION
    if vision or not given.has("prompt"):
        entries = given.listing("messages", 1, 1000)
    else:
        entries = [{"role": "user", "content": given.text("prompt", 1_000_000, required=True)}]
    given.done()
    messages = [
        await _message(entry, f"input.messages[{number}]", vision, caller, inputs)
        for number, entry in enumerate(entries)
    ]
    as_message = parameters.choice("result_format", ("text", "message"), "text") == "message"
    parameters.number("temperature", 0, 2)
    parameters.number("top_p", 0, 1)
    parameters.integer("seed", 0, 2**63 - 1, 0)
    max_tokens = parameters.integer("max_tokens", 1, 131_072, 0)
    thinking = parameters.flag("enable_thinking", False)
    json_mode = _json_mode(parameters, messages)
    if json_mode and thinking:
        raise invalid("Json mode response is not supported when enable_thinking is true")
    parameters.done(tolerated=_PASSED_OVER)
    return TextWish(model, tuple(messages), json_mode, max_tokens or None, thinking, as_message or vision)


def text_reply(wish: TextWish, said: Said, request_id: str, fault: Fault | None) -> dict[str, Any]:
    """The reply's JSON; content is a list of parts for models that see pictures."""
    finish = "paused_for_review" if fault is Fault.UNKNOWN_STATUS else said.finish
    vision = wish.model.family is Family.VISION
    content: Any = [{"text": said.text}] if vision else said.text
    message = {"role": "assistant", "content": content}
    output: dict[str, Any] = {"choices": [{"finish_reason": finish, "message": message}]}
    if fault is Fault.PARTIAL:
        output["choices"] = []
    if not wish.as_message:
        output = {"text": said.text, "finish_reason": finish}
    usage = {"input_tokens": said.input_tokens, "output_tokens": said.output_tokens}
    if vision:
        pictures = sum(len(message.pictures) for message in wish.messages)
        usage["image_tokens"] = 1200 * pictures
    usage["total_tokens"] = said.input_tokens + said.output_tokens
    return {"output": output, "usage": usage, "request_id": request_id}


def _json_mode(parameters: Fields, messages: list[Message]) -> bool:
    if not parameters.has("response_format"):
        return False
    wished = Fields("parameters.response_format", parameters.raw("response_format"))
    kind = wished.choice("type", _FORMATS)
    if kind == "json_schema" and not isinstance(wished.raw("json_schema"), dict):
        raise invalid("parameters.response_format.json_schema is required")
    wished.done()
    if kind == "json_object" and not mentions_json(messages):
        raise invalid(
            "'messages' must contain the word 'json' in some form,"
            " to use 'response_format' of type 'json_object'."
        )
    return kind != "text"


async def _message(entry: Any, where: str, vision: bool, caller: Caller, inputs: Inputs) -> Message:
    fields = Fields(where, entry)
    role = fields.choice("role", _ROLES)
    content = fields.raw("content")
    fields.done()
    if isinstance(content, str):
        return Message(role, content)
    if not vision or not isinstance(content, list) or not content:
        raise invalid(f"{where}.content must be a {'list of parts' if vision else 'string'}")
    texts: list[str] = []
    pictures: list[str] = []
    for number, part in enumerate(content):
        piece = Fields(f"{where}.content[{number}]", part)
        if piece.has("image"):
            pictures.append(await _seen(piece.raw("image"), f"{where}.content[{number}]", caller, inputs))
        else:
            texts.append(piece.text("text", 1_000_000, required=True))
        piece.done()
    return Message(role, "\n".join(texts), tuple(pictures))


async def _seen(value: Any, where: str, caller: Caller, inputs: Inputs) -> str:
    """A digest of the picture. Raises Refusal where it cannot be had: these models answer at once."""
    address = inputs.address(value, where, caller)
    try:
        picture = await inputs.picture(address, caller, _SEEN)
    except TaskFailure as failure:
        raise refusal_of(failure) from failure
    return hashlib.sha256(picture.data).hexdigest()


def refusal_of(failure: TaskFailure) -> Refusal:
    """What a model that answers at once says where another's task would fail."""
    if failure.code in ("InvalidParameter.FileDownload", "BadRequest.InputDownloadFailed"):
        return Refusal("InvalidParameter.DataInspection")
    if failure.code in ("InternalError.Algo", "InternalError.Timeout", "InternalError"):
        return Refusal(failure.code, failure.message)
    if failure.code in ("DataInspectionFailed", "IPInfringementSuspect"):
        return Refusal(failure.code, failure.message)
    return invalid(failure.message)
