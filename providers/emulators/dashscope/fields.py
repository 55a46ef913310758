"""Reading a request's fields one by one; what is left over was not allowed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from providers.emulators.dashscope.errors import Refusal, invalid


class Fields:
    """The fields of one JSON object of a request. Every method raises Refusal (400 InvalidParameter) by itself."""

    def __init__(self, where: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise invalid(f"{where} must be a JSON object")
        self._where = where
        self._value: Mapping[str, Any] = value
        self._read: set[str] = set()

    def has(self, name: str) -> bool:
        return self.raw(name) is not None

    def raw(self, name: str) -> Any:
        self._read.add(name)
        return self._value.get(name)

    def text(self, name: str, max_chars: int = 10_000, *, required: bool = False) -> str:
        value = self.raw(name)
        if value is None or value == "":
            if required:
                raise invalid(f"{self._where}.{name} is required")
            return ""
        if not isinstance(value, str):
            raise invalid(f"{self._where}.{name} must be a string")
        if len(value) > max_chars:
            raise invalid(f"{self._where}.{name} must not be longer than {max_chars} characters")
        return value

    def integer(self, name: str, least: int, most: int, default: int) -> int:
        value = self.raw(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid(f"{self._where}.{name} must be an integer")
        if not least <= value <= most:
            raise invalid(f"{self._where}.{name} should be in [{least}, {most}]")
        return value

    def number(self, name: str, least: float, most: float) -> float | None:
        value = self.raw(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise invalid(f"{self._where}.{name} must be a number")
        if not least <= value <= most:
            raise invalid(f"{self._where}.{name} should be in [{least:g}, {most:g}]")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise invalid(f"{self._where}.{name} must be true or false")
        return value

    def choice(self, name: str, allowed: Collection[str], default: str = "") -> str:
        """Required where there is no default."""
        value = self.raw(name)
        if value is None and default:
            return default
        if not isinstance(value, str) or value not in allowed:
            raise invalid(f"{self._where}.{name} should be one of {', '.join(sorted(allowed))}")
        return value

    def listing(self, name: str, least: int, most: int) -> list[Any]:
        value = self.raw(name)
        if value is None:
            value = []
        if not isinstance(value, list):
            raise invalid(f"{self._where}.{name} must be a list")
        if not least <= len(value) <= most:
            raise invalid(f"{self._where}.{name} should have {least} to {most} entries")
        return value

    def size_px(self, name: str) -> tuple[int, int] | None:
        """A size written "1280*1280"."""
        value = self.raw(name)
        if value is None:
            return None
        sides = value.split("*") if isinstance(value, str) else []
        if len(sides) != 2 or not all(side.isascii() and side.isdigit() and int(side) for side in sides):
            raise invalid(f"{self._where}.{name} should be written as width*height")
        return int(sides[0]), int(sides[1])

    def done(self, tolerated: Collection[str] = ()) -> None:
        """Refuse what was not read. ``tolerated`` fields are passed over, such as those that the SDK leaks."""
        for name in self._value:
            if name not in self._read and name not in tolerated:
                raise invalid(f"{self._where}.{name} is not a parameter of this model")


def seed_of(parameters: Fields) -> int | None:
    """The random seed, 0 to 2147483647."""
    value = parameters.integer("seed", 0, 2_147_483_647, -1)
    return None if value < 0 else value


def body_fields(body: Any) -> tuple[str, Fields, Fields]:
    """Model, input and parameters of a request's JSON. Raises Refusal where one is missing."""
    if not isinstance(body, dict):
        raise invalid("Required body invalid, please check the request body format.")
    for name in body:
        if name not in ("model", "input", "parameters"):
            raise invalid(f"{name} is not a field of a request")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refusal("BadRequest.EmptyModel")
    if not body.get("input"):
        raise Refusal("BadRequest.EmptyInput")
    if "parameters" in body and body["parameters"] is None:
        raise Refusal("BadRequest.EmptyParameters")
    return model, Fields("input", body["input"]), Fields("parameters", body.get("parameters", {}))
