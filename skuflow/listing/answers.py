"""Talking to language models: a product's data as data, and answers as JSON that is checked before it is believed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypedDict, TypeVar

from pydantic import BaseModel, ValidationError

BEGIN, END = "<<<PRODUCT", "PRODUCT>>>"
"""The lines between which data stands in a message."""

_FENCE = re.compile(r"\A\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_MAX_QUOTED_CHARS = 60
_MAX_FAULTS = 6
_MAX_FAULT_CHARS = 180

ModelT = TypeVar("ModelT", bound=BaseModel)


class Message(TypedDict):
    """One turn of a conversation in plain text."""

    role: str
    content: str


class AnswerError(Exception):
    """An answer that cannot be used. ``message`` says what is wrong with it, in words that its writer can act on."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def data_block(data: Mapping[str, Any]) -> str:
    """``data`` as one JSON object between the two marker lines.

    Angle brackets that could be taken for a marker are written as JSON escapes: no text of a product can close the
    block, and whoever parses the JSON still reads what the product says.
    """
    text = json.dumps(data, ensure_ascii=False)
    safe = text.replace("<<<", r"\u003c\u003c\u003c").replace(">>>", r"\u003e\u003e\u003e")
    return f"{BEGIN}\n{safe}\n{END}"


def read_answer(text: str, shape: type[ModelT]) -> ModelT:
    """The answer as ``shape``; a Markdown fence around it is taken off. Raises AnswerError."""
    fenced = _FENCE.match(text)
    bare = fenced[1] if fenced else text.strip()
    if not bare:
        raise AnswerError("it is empty; a JSON object is needed")
    try:
        value = json.loads(bare)
    except ValueError as error:
        raise AnswerError(f"it is not JSON ({error}); answer with the JSON object alone") from None
    if not isinstance(value, dict):
        raise AnswerError("it is JSON, but not an object")
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        raise AnswerError(_in_words(error)) from None


def quoted(text: str) -> str:
    """The beginning of a text in quotation marks, for a message about it."""
    return repr(text if len(text) <= _MAX_QUOTED_CHARS else text[: _MAX_QUOTED_CHARS - 1] + "…")


def listed(faults: list[str]) -> str:
    """Some faults in one line."""
    more = len(faults) - _MAX_FAULTS
    told = "; ".join(fault[:_MAX_FAULT_CHARS] for fault in faults[:_MAX_FAULTS])
    return told + (f"; and {more} more" if more > 0 else "")


def repair_message(error: AnswerError) -> Message:
    """What to say to the writer of an answer that cannot be used."""
    return {
        "role": "user",
        "content": f"This answer cannot be used: {error.message}. Answer again with the whole corrected JSON object"
        " and nothing else. All rules hold as before.",
    }


def _in_words(error: ValidationError) -> str:
    faults = []
    for fault in error.errors():
        place = ".".join(str(step) for step in fault["loc"])
        match fault["type"]:
            case "missing":
                faults.append(f"the field {place} is missing")
            case "extra_forbidden":
                faults.append(f"there is a field {place} that nobody asked for")
            case _:
                faults.append(f"{place or 'it'}: {fault['msg'].removeprefix('Value error, ')}")
    return listed(faults)
