"""The letters of captions: which font draws which character, how text is measured and broken into lines."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from skuflow.studio.picture import StudioError

_FOLDER = Path(__file__).parent.parent / "fonts"
_ALPHABETS = (
    "noto-sans-latin-600-normal.woff2",
    "noto-sans-latin-ext-600-normal.woff2",
    "noto-sans-cyrillic-600-normal.woff2",
)
_JAPANESE = "noto-sans-jp-japanese-600-normal.woff2"
_CHINESE = "noto-sans-sc-chinese-simplified-600-normal.woff2"
_UNASSIGNED = "\U0010fffe"
_PROBE_PX = 24

# Marks that Japanese and Chinese typesetting keeps off the start, or the end, of a line (JIS X 4051, GB/T
# 15834).
_NOT_FIRST = "、。，．・：；？！」』）】〉》ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々%％"
_NOT_LAST = "「『（【〈《"
_ENDS_PHRASE = "、。，；：！？」』）"


class Typeface:
    """Noto Sans SemiBold for one language at one size.

    Han characters differ between Japanese and Chinese, so the language (BCP 47) decides which drawing is
    used.
    """

    def __init__(self, language: str, size_px: int) -> None:
        self._language = language
        self._size_px = size_px
        han = (_CHINESE, _JAPANESE) if language.split("-")[0].lower() == "zh" else (_JAPANESE, _CHINESE)
        self._files = (*_ALPHABETS, *han)
        ascent, descent = _font(self._files[0], size_px).getmetrics()
        self.ascent_px, self.line_px = ascent, round((ascent + descent) * 0.96)

    def width_px(self, text: str) -> float:
        """How wide the text runs."""
        return sum(_font(file, self._size_px).getlength(run) for file, run in self._runs(text))

    def draw(self, canvas: ImageDraw.ImageDraw, corner_px: tuple[float, float], text: str, fill: int) -> None:
        """Draws one line; ``corner_px`` is the left end of its baseline."""
        x, baseline = corner_px
        for file, run in self._runs(text):
            font = _font(file, self._size_px)
            canvas.text((x, baseline), run, font=font, fill=fill, anchor="ls")
            x += font.getlength(run)

    def _runs(self, text: str) -> Iterator[tuple[str, str]]:
        """The text cut where another font file has to take over."""
        run, current = "", self._files[0]
        for character in text:
            file = current if _draws(current, character) else self._file_for(character)
            if character.isascii() and _draws(self._files[0], character):
                file = self._files[0]
            if file != current and run:
                yield current, run
                run = ""
            run, current = run + character, file
        if run:
            yield current, run

    def _file_for(self, character: str) -> str:
        for file in self._files:
            if _draws(file, character):
                return file
        check_coverage(character, self._language)
        raise AssertionError("unreachable")


def check_coverage(text: str, language: str) -> None:
    """Raises StudioError (``FONT_COVERAGE``) naming the characters that no font of ours can draw."""
    files = (*_ALPHABETS, _JAPANESE, _CHINESE)
    missing = [
        character for character in dict.fromkeys(text) if not any(_draws(file, character) for file in files)
    ]
    if missing:
        names = ", ".join(f"{c!r} (U+{ord(c):04X})" for c in missing[:8])
        raise StudioError(
            "FONT_COVERAGE",
            f"the caption {text!r} ({language}) holds {names}, which the fonts at hand cannot draw; word it "
            "without them or film without captions",
            len(missing),
            0,
        )


def broken(text: str, face: Typeface, width_px: float, max_lines: int) -> list[str] | None:
    """The text in as few lines as fit ``width_px``, evenly filled; None when it takes more than ``max_lines``.

    Where words are not spaced, lines break between phrases if they can, and between characters if they must.
    """
    clean = unicodedata.normalize("NFC", " ".join(text.split()))
    for phrases in (True, False):
        pieces = _pieces(clean, phrases)
        lines = _filled(pieces, face, width_px)
        if lines is not None and len(lines) <= max_lines:
            return _evened(lines, pieces, face, width_px)
    return None


def _evened(lines: list[str], pieces: list[str], face: Typeface, width_px: float) -> list[str]:
    low, high = face.width_px("".join(pieces)) / len(lines) * 0.9, width_px
    for _ in range(8):
        middle = (low + high) / 2
        tried = _filled(pieces, face, middle)
        if tried is not None and len(tried) == len(lines):
            lines, high = tried, middle
        else:
            low = middle
    return lines


def _filled(pieces: list[str], face: Typeface, width_px: float) -> list[str] | None:
    lines = [""]
    for piece in pieces:
        if face.width_px((lines[-1] + piece).rstrip()) <= width_px:
            lines[-1] += piece
        elif face.width_px(piece.rstrip()) <= width_px and lines[-1]:
            lines.append(piece)
        else:
            return None
    return [line.strip() for line in lines]


def _pieces(text: str, phrases: bool) -> list[str]:
    """What must not be broken: words with the space after them; phrases or characters where words are not spaced."""
    pieces: list[str] = []
    for character in text:
        previous = pieces[-1] if pieces else ""
        starts_new = (
            not previous
            or (previous.endswith(" ") and character != " ")
            or (
                _may_part(previous[-1], character, phrases)
                and character not in _NOT_FIRST
                and character != " "
            )
        )
        if starts_new and not (previous and previous[-1] in _NOT_LAST):
            pieces.append(character)
        else:
            pieces[-1] += character
    return pieces


def _may_part(before: str, after: str, phrases: bool) -> bool:
    """Whether a line may end between two characters. Japanese phrases end in hiragana, which the next does not begin
    with; in both languages one ends at a punctuation mark.
    """
    if phrases:
        return before in _ENDS_PHRASE or (_is_hiragana(before) and not _is_hiragana(after))
    return _is_unspaced(before) or _is_unspaced(after)


def _is_hiragana(character: str) -> bool:
    return "\u3041" <= character <= "\u309f"


def _is_unspaced(character: str) -> bool:
    return "\u3040" <= character <= "\u30ff" or "\u3400" <= character <= "\u9fff"


@lru_cache(maxsize=64)
def _font(file: str, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FOLDER / file, size_px)


@lru_cache(maxsize=8)
def _tofu(file: str) -> tuple[tuple[int, int], bytes]:
    mask = _font(file, _PROBE_PX).getmask(_UNASSIGNED)
    return mask.size, bytes(mask)


@lru_cache(maxsize=8192)
def _draws(file: str, character: str) -> bool:
    """Whether the font has a glyph of its own, not the sign it draws for an unassigned code point."""
    mask = _font(file, _PROBE_PX).getmask(character)
    return (mask.size, bytes(mask)) != _tofu(file)


def blank(size_px: tuple[int, int]) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A transparent grey canvas and the pen for it."""
    image = Image.new("L", size_px, 0)
    return image, ImageDraw.Draw(image)
