"""Attribute values in another language: recognised piece by piece, or not told at all."""

from __future__ import annotations

import re
from dataclasses import dataclass

from providers.offline.copywriter.grammar import agree, capitalised, pronoun
from providers.offline.copywriter.lexicon import Rule, lexicon, squeezed, style
from providers.offline.copywriter.units import NUMBER, count, counted_quantity, is_quantity, localised

_STANDARD = re.compile(
    r"USB(?:-[A-C]|\s?[23]\.\d)?|IP[X\d]\d|LED|OLED|E\d{2}|GU\d{1,2}|A{2,4}|HEPA(?: H\d{2})?|Wi-Fi|NFC|HDMI"
)
_STANDARD_WITH_QUANTITY = re.compile(rf"(?P<a>{NUMBER}\s*(?:W|V|A|K|mAh))\s+(?P<b>{_STANDARD.pattern})")
_BRACKET = re.compile(r"(?P<outer>[^（(]+)[（(](?P<inner>[^（）()]+)[）)]")
_SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")
_OUTER_SLASH = re.compile(r"\s*[/+＋／]\s*(?![^（(]*[）)])")
_MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Translator:
    """Writes attribute values in ``language``. Every method gives None for what it cannot write faithfully."""

    language: str

    def value(self, text: str, prefer: str = "", depth: int = 0) -> str | None:
        """``text`` in this language. ``prefer`` "color" or "material" decides words that can be either."""
        text = squeezed(text)
        if not text or depth > _MAX_DEPTH:
            return None
        if is_quantity(text):
            return localised(text, self.language)
        return (
            counted_quantity(text, self.language)
            or self._standard(text)
            or self._term(text, prefer)
            or self._split(text, prefer, depth)
            or self._rule(text, lexicon().values, depth)
            or self._component(text)
            or self._sized(text)
            or self._bracketed(text, prefer, depth)
            or self._listed(text, prefer, depth)
        )

    def color(self, text: str) -> str | None:
        term = lexicon().color(text)
        if term is None:
            return None
        written = agree(term.written[self.language], "m", self.language)
        return capitalised(written) if self.language == "de" else written

    def material(self, text: str, *, of: bool = False) -> str | None:
        """A material; ``of``: in the case that "made of" asks for (Russian genitive, German dative)."""
        term = lexicon().material(text)
        if term is None:
            return self._rule(squeezed(text), lexicon().values, 1)
        forms = term.written[self.language].split("|")
        return forms[-1] if of else forms[0]

    def _standard(self, text: str) -> str | None:
        if _STANDARD.fullmatch(text):
            return text
        found = _STANDARD_WITH_QUANTITY.fullmatch(text)
        return f"{localised(found['a'], self.language)} {found['b']}" if found else None

    def _term(self, text: str, prefer: str) -> str | None:
        if prefer == "color":
            return self.color(text) or (self.material(text) if lexicon().material(text) else None)
        return (self.material(text) if lexicon().material(text) else None) or self.color(text)

    def _split(self, text: str, prefer: str, depth: int) -> str | None:
        pieces = _OUTER_SLASH.split(text)
        if len(pieces) < 2:
            return None
        translated = self._all(pieces, prefer, depth)
        if translated is None:
            return None
        manner = style(self.language)
        if "+" in text or "＋" in text:
            return self.joined(translated)
        return manner.color_join.join(translated)

    def joined(self, items: list[str]) -> str:
        """The items as one enumeration: "a, b and c"."""
        manner = style(self.language)
        if self.language in ("ja", "zh"):
            return "、".join(items)
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])} {manner.and_} {items[-1]}"

    def _listed(self, text: str, prefer: str, depth: int) -> str | None:
        pieces = [piece for piece in re.split(r"\s*[，,、;；]\s*", text) if piece]
        if len(pieces) < 2:
            return None
        translated = self._all(pieces, prefer, depth)
        return (
            None if translated is None else ("、" if self.language in ("ja", "zh") else ", ").join(translated)
        )

    def _all(self, pieces: list[str], prefer: str, depth: int) -> list[str] | None:
        written: list[str] = []
        for piece in pieces:
            translated = self.value(piece, prefer, depth + 1)
            if translated is None:
                return None
            written.append(translated)
        return written

    def _bracketed(self, text: str, prefer: str, depth: int) -> str | None:
        found = _BRACKET.fullmatch(text)
        if found is None:
            return None
        outer = self.value(found["outer"], prefer, depth + 1)
        inner = self.value(found["inner"], prefer, depth + 1)
        if outer is None or inner is None:
            return None
        return f"{outer}（{inner}）" if self.language in ("ja", "zh") else f"{outer} ({inner})"

    def _component(self, text: str) -> str | None:
        for rule in lexicon().components:
            found = re.fullmatch(rf"(?P<m>.+?)\s?(?:{rule.pattern.pattern})", text, re.IGNORECASE)
            if found is None:
                continue
            plain, of = self.material(found["m"]), self.material(found["m"], of=True)
            if plain is not None and of is not None and self.language in rule.written:
                return rule.written[self.language].replace("{m:of}", of).replace("{m}", plain)
        return None

    def _sized(self, text: str) -> str | None:
        """ "杯口 8.4 cm × 高 9.5 cm": measures, each with the name of what is measured."""
        pieces = re.split(r"\s*([×xX*，,、])\s*", text)
        written = ""
        for index, piece in enumerate(pieces):
            if index % 2:
                written += {"×": " × ", "x": " × ", "X": " × ", "*": " × "}.get(piece, ", ")
                continue
            measured = self._measured_part(piece)
            if measured is None:
                return None
            written += measured
        if self.language == "ja":
            return written.replace(" × ", "×").replace(", ", "、")
        return written

    def _measured_part(self, text: str) -> str | None:
        if is_quantity(text):
            return localised(text, self.language)
        for rule in lexicon().parts:
            found = re.fullmatch(rf"(?:{rule.pattern.pattern})[:：]?\s*(?P<q>\d.*)", text, re.IGNORECASE)
            if found and is_quantity(found["q"]) and self.language in rule.written:
                gap = style(self.language).unit_space
                return f"{rule.written[self.language]}{gap}{localised(found['q'], self.language)}"
        return None

    def _rule(self, text: str, rules: tuple[Rule, ...], depth: int) -> str | None:
        if depth > _MAX_DEPTH:
            return None
        for rule in rules:
            found = rule.pattern.fullmatch(text)
            if found is None or self.language not in rule.written:
                continue
            written = self.filled(rule.written[self.language], slots_of(found), depth)
            if written is not None:
                return written
        return None

    def filled(self, template: str, slots: dict[str, str], depth: int = 0, gender: str = "") -> str | None:
        """``template`` with its slots written in this language; None when one of them cannot be.

        ``{il}``, ``{Il}``, ``{er}``, ``{Er}`` are the pronoun of a noun of ``gender``.
        """
        whole = True

        def slot(found: re.Match[str]) -> str:
            nonlocal whole
            name, form = found[1], found[2] or ""
            if name.lower() in ("il", "er") and name not in slots:
                word = pronoun(gender, self.language)
                return capitalised(word) if name[0].isupper() else word
            written = self._slot(slots[name], form, depth)
            whole = whole and written is not None
            return written or ""

        written = _SLOT.sub(slot, template)
        return written if whole else None

    def _slot(self, raw: str, form: str, depth: int) -> str | None:
        match form:
            case "":
                return localised(raw, self.language) if is_quantity(raw) else raw
            case "percent":
                return localised(f"{raw}%", self.language)
            case "material":
                return self.material(raw)
            case "color":
                return self.color(raw)
            case "value":
                return self.value(raw, "", depth + 1)
            case _:
                return count(raw, form, self.language)


def slots_of(found: re.Match[str]) -> dict[str, str]:
    """Named groups that took part; "n2" is another spelling's "n"."""
    return {
        re.sub(r"\d$", "", name): text.strip() for name, text in found.groupdict().items() if text is not None
    }
