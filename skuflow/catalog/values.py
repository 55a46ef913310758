"""Taking single cells apart: attributes, lists, prices, and which language a text is in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from skuflow.catalog.columns import currency_code


class CellError(Exception):
    """The cell cannot be understood; says why in a few words, in English and Chinese."""

    def __init__(self, reason: str, reason_zh: str) -> None:
        super().__init__(reason)
        self.reason_zh = reason_zh


_UNREADABLE = re.compile(
    r"#(?:REF|N/A|VALUE|NAME\?|DIV/0|NULL|NUM|ERROR|SPILL|CALC)[!?]?|#N/A", re.IGNORECASE
)


def is_unreadable(cell: str) -> bool:
    """Whether the cell holds a spreadsheet's error value or bytes that were lost in an earlier conversion."""
    return _UNREADABLE.fullmatch(cell) is not None or "\ufffd" in cell


def language_of(text: str) -> str:
    """The language that the script tells: ja, ko, ru or zh, else en."""
    if re.search(r"[\u3040-\u30fa\u30fd-\u30ff\uff66-\uff9d]", text):
        return "ja"
    if re.search(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]", text):
        return "zh"
    if re.search(r"[\uac00-\ud7af]", text):
        return "ko"
    if re.search(r"[\u0400-\u04ff]", text):
        return "ru"
    return "en"


HALF = re.compile("[\ud800-\udfff]")
"""Half a character, as JSON can name it ("\\ud83d"): in no UTF-8, so in no file and no file name."""


def load_json(cell: str, *, with_halves: bool = False) -> Any:
    """JSON with numbers kept as they are written; a name that stands twice keeps both values. Halves of characters are
    left out unless ``with_halves``.

    Raises ``CellError``.
    """
    try:
        loaded = json.loads(
            cell, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_object_with_repeats
        )
        return loaded if with_halves else _without_halves(loaded)
    except json.JSONDecodeError as error:
        place = error.pos + 1
        raise CellError(f"{error.msg.lower()} at character {place}", f"第 {place} 个字符处有误") from error
    except (ValueError, RecursionError) as error:
        raise CellError("nested too deeply or too large", "嵌套过深或数值过大") from error


def _without_halves(value: Any) -> Any:
    if isinstance(value, str):
        return HALF.sub("", value)
    if isinstance(value, dict):
        return {HALF.sub("", name): _without_halves(inner) for name, inner in value.items()}
    return [_without_halves(inner) for inner in value] if isinstance(value, list) else value


def _object_with_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name, value in pairs:
        if name in merged and merged[name] != value:
            earlier = merged[name] if isinstance(merged[name], list) else [merged[name]]
            merged[name] = [*earlier, value]
        else:
            merged[name] = value
    return merged


def looks_like_json(cell: str) -> bool:
    return cell.startswith(("{", "["))


_POINT_NAMES = frozenset({"bullet_points", "bullets", "selling_points", "卖点"})


def points_among_attributes(cell: str) -> tuple[dict[str, tuple[str, ...]], str]:
    """Selling points that an export keeps among its attributes, by language, and the cell without them.

    Their language is what a "language" attribute beside them says ("fr_FR" is "fr"), else that of their script.
    Raises CellError where the cell is no JSON.
    """
    entries = load_json(cell)
    if not isinstance(entries, dict):
        return {}, cell
    named = [
        name for name, value in entries.items() if name.lower() in _POINT_NAMES and isinstance(value, list)
    ]
    points = tuple(text for name in named for entry in entries[name] if (text := value_text(entry).strip()))
    if not points:
        return {}, cell
    said = entries.get("language")
    language = said.replace("_", "-").partition("-")[0].lower() if isinstance(said, str) and said else ""
    rest = {name: value for name, value in entries.items() if name not in named}
    return {language or language_of(" ".join(points)): points}, json.dumps(rest, ensure_ascii=False)


def attributes_from_json(cell: str) -> dict[str, str]:
    """A JSON object, or a list of {"name": ..., "value": ...}, as flat text: lists joined by ", ", the
    members of a nested object under "outer.inner". Empty values are left out. Raises ``CellError``.
    """
    loaded = load_json(cell)
    if isinstance(loaded, list):
        loaded = _named_values(loaded)
    if not isinstance(loaded, dict):
        raise CellError("a value where an object is expected", "应为对象，实为单个值")
    return dict(_flatten("", loaded, 0))


_NAME_KEYS = ("name", "attribute", "key", "attrName", "名称", "属性")
_VALUE_KEYS = ("value", "values", "val", "attrValue", "值")


def _named_values(entries: list[Any]) -> dict[str, Any]:
    named = []
    for entry in entries:
        name = (
            next((entry[key] for key in _NAME_KEYS if key in entry), None)
            if isinstance(entry, dict)
            else None
        )
        value = (
            next((entry[key] for key in _VALUE_KEYS if key in entry), None)
            if isinstance(entry, dict)
            else None
        )
        if not isinstance(name, str) or value is None:
            raise CellError("a list where an object is expected", "应为对象，实为列表")
        named.append((name, value))
    return _object_with_repeats(named)


_NESTING_LIMIT = 8


def _flatten(prefix: str, value: Any, depth: int) -> Iterable[tuple[str, str]]:
    if depth > _NESTING_LIMIT:
        raise CellError("nested too deeply or too large", "嵌套过深或数值过大")
    if isinstance(value, dict):
        for name, inner in value.items():
            path = f"{prefix}.{name.strip()}" if prefix else name.strip()
            yield from _flatten(path, inner, depth + 1)
        return
    text = value_text(value, depth)
    if prefix and text:
        yield prefix, text


def value_text(value: Any, depth: int = 0) -> str:
    """A JSON value as one line a person would write; "" for null."""
    if depth > _NESTING_LIMIT:
        raise CellError("nested too deeply or too large", "嵌套过深或数值过大")
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(filter(None, (value_text(inner, depth + 1) for inner in value)))
    if isinstance(value, dict):
        parts = ((name, value_text(inner, depth + 1)) for name, inner in value.items())
        return ", ".join(f"{name} {text}" for name, text in parts if text)
    return str(value).strip()


def attributes_from_text(cell: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Text like 材质:不锈钢;容量:380ml as attributes, and the pieces that are none."""
    pieces = split_list(cell, ";；\n|")
    if len(pieces) == 1 and len(re.findall(r"[,，][^,，:：=]{1,20}[:：=]", cell)) > 0:
        pieces = tuple(piece.strip() for piece in re.split(r"[,，](?=[^,，:：=]{1,20}[:：=])", cell))
    attributes: dict[str, str] = {}
    strays = []
    for piece in pieces:
        name, separator, value = _cut_at_colon(piece)
        if separator and name and value:
            attributes[name] = f"{attributes[name]}, {value}" if name in attributes else value
        else:
            strays.append(piece)
    return attributes, tuple(strays)


def _cut_at_colon(piece: str) -> tuple[str, str, str]:
    found = re.search(r"[:：=]", piece)
    if found is None:
        return piece, "", ""
    return piece[: found.start()].strip(), found[0], piece[found.end() :].strip()


def split_list(cell: str, separators: str) -> tuple[str, ...]:
    """The non-empty pieces of ``cell`` between any of the characters in ``separators``, in order."""
    return tuple(piece.strip() for piece in re.split(f"[{re.escape(separators)}]", cell) if piece.strip())


def text_list(cell: str) -> tuple[str, ...]:
    """A JSON list of texts, or text with ; ； or line breaks between them. Raises ``CellError``."""
    if not looks_like_json(cell):
        return split_list(cell, ";；\n")
    loaded = load_json(cell)
    if not isinstance(loaded, list):
        raise CellError("an object where a list is expected", "应为列表，实为对象")
    return tuple(filter(None, (value_text(entry) for entry in loaded)))


_AMOUNT_LIMIT_CHARS = 40
_AMOUNT = re.compile(r"(?P<before>[^\d\-+.,]*)(?P<number>[\d.,'’\s]*\d)(?P<after>[^\d\-+]*)")


def parse_price(cell: str) -> tuple[Decimal, str | None]:
    """The amount, and the currency where the cell itself names one ("¥49.00", "12,99 EUR", "1.299,00 €").

    Raises ``CellError`` for ranges, several numbers, zero and anything that is no amount.
    """
    match = _AMOUNT.fullmatch(cell.strip()) if len(cell) <= _AMOUNT_LIMIT_CHARS else None
    if match is None:
        raise CellError("not one number", "不是单个数字")
    number = re.sub(r"(?<=\d)['’\s](?=\d{3})", "", match["number"])
    amount = Decimal(_decimal_point(number))
    if amount <= 0 or amount >= Decimal(10) ** 12:
        raise CellError("not a positive amount", "不是正数")
    word = (match["before"] + match["after"]).strip()
    currency = currency_code(word) if word else None
    if word and currency is None:
        raise CellError("neither a number nor a currency", "既不是数字也不是币种")
    return amount, currency


_COMMA_GROUPS = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?")
_DOT_GROUPS = re.compile(r"\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}")
_PLAIN = re.compile(r"\d+(?:[.,]\d+)?")


def _decimal_point(number: str) -> str:
    """1,299.00 and 1.299,00 and 12,99 with a point and nothing else; a comma before three digits groups."""
    if _COMMA_GROUPS.fullmatch(number):
        return number.replace(",", "")
    if _DOT_GROUPS.fullmatch(number):
        return number.replace(".", "").replace(",", ".")
    if _PLAIN.fullmatch(number):
        return number.replace(",", ".")
    raise CellError("not one number", "不是单个数字")
