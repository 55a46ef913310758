"""Agreement, plurals, capitals and pronouns of the languages that copy is written in."""

from __future__ import annotations

import re

_ROMANCE = ("es", "fr", "pt")
_GERMAN_ENDINGS = {"m": "er", "f": "e", "n": "es", "p": "e"}
_PRONOUNS = {
    "fr": {"m": "il", "f": "elle", "mp": "ils", "fp": "elles"},
    "de": {"m": "er", "f": "sie", "n": "es", "mp": "sie", "fp": "sie", "np": "sie"},
}
_ARTICLE = re.compile(r"^(?:el|la|los|las|le|les|o|a|os|as|der|die|das) |^l'")
_PLURAL_ARTICLES = ("los ", "las ", "les ", "os ", "as ")


def agree(forms: str, gender: str, language: str) -> str:
    """The form of an adjective, written as in the data files, that agrees with a noun of ``gender`` ("m", "fp")."""
    if forms.startswith("="):
        return forms[1:]
    plural = gender.endswith("p")
    written = forms.split("|")
    if language == "ru":
        return written[0] if len(written) == 1 else written[3 if plural else "mfn".index(gender[:1] or "m")]
    if language not in _ROMANCE:
        return written[0]
    feminine = gender.startswith("f")
    if len(written) == 4:
        return written[2 * plural + feminine]
    singular = written[feminine] if len(written) == 2 else written[0]
    return plural_of(singular, language) if plural else singular


def plural_of(word: str, language: str) -> str:
    """The regular plural of a Spanish, French or Portuguese adjective."""
    if language == "fr":
        return word if word[-1] in "sx" else f"{word}s"
    if word[-1] in "aeiouáéíóú":
        return f"{word}s"
    if language == "es":
        return f"{word[:-1]}ces" if word.endswith("z") else f"{word}es"
    return f"{word[:-1]}is" if word.endswith("l") else f"{word}es"


def german_adjective(stem: str, gender: str) -> str:
    """Nominative without an article: "tragbar" is "tragbarer" with a masculine noun."""
    return stem + _GERMAN_ENDINGS["p" if gender.endswith("p") else gender or "n"]


def german_compound(first: str, noun: str) -> str:
    """ "Keramik+" and "Tasse" make "Keramiktasse"; "Bluetooth-" and "Lautsprecher" keep the hyphen."""
    if first.endswith("+"):
        return first[:-1] + noun[:1].lower() + noun[1:]
    return first + noun


def pronoun(gender: str, language: str) -> str:
    """The subject pronoun for a noun of ``gender``; German and French only, the others leave the subject out."""
    table = _PRONOUNS[language]
    return table.get(gender) or table["m"]


def without_article(label: str) -> str:
    return _ARTICLE.sub("", label)


def is_plural(label: str) -> bool:
    """Whether a label with its article is plural; German articles do not tell."""
    return label.startswith(_PLURAL_ARTICLES)


def capitalised(text: str) -> str:
    """First letter upper case, the rest as it stands."""
    return text[:1].upper() + text[1:]


def lowered(text: str) -> str:
    """First letter lower case, unless the first word is an abbreviation, a name or a number (USB-C, IPX6, Oxford)."""
    word = re.match(r"\w[\w-]*", text)
    if word is None or not word[0][1:].islower():
        return text if word is None or len(word[0]) > 1 else text[:1].lower() + text[1:]
    return text[:1].lower() + text[1:]


def counted(number: str, forms: str, language: str) -> str:
    """The form of a counted word after ``number`` ("12", "1.5", "10–15"; the last figure decides)."""
    written = forms.split("|")
    if len(written) == 1:
        return written[0]
    last = re.findall(r"\d+(?:[.,]\d+)?", number)[-1].replace(",", ".")
    value = float(last)
    whole = value.is_integer()
    if language == "ru":
        if not whole:
            return written[1]
        units, tens = int(value) % 10, int(value) % 100
        if units == 1 and tens != 11:
            return written[0]
        return written[1] if 2 <= units <= 4 and not 12 <= tens <= 14 else written[2]
    one = value < 2 if language == "fr" else value == 1
    return written[0] if one else written[1]
