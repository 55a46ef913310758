"""Which language a page's title is in."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from skuflow.catalog.links.meta_tags import Tags, first
from skuflow.catalog.values import language_of

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_WRITTEN_IN = {
    "zh": {"zh", "ja", "yue"}, "ja": {"ja"}, "ko": {"ko"},
    "ru": {"ru", "uk", "bg", "be", "sr", "mk", "kk", "ky", "tg", "mn"},
}  # fmt: skip
"""Languages of a script that says more than a page's declaration: templates keep their author's language."""
_OTHER_SCRIPTS = frozenset().union(*_WRITTEN_IN.values())
_LATIN = ["de", "en", "es", "fr", "it", "nl", "pl", "pt", "tr", "vi", "sv", "da", "cs", "id"]
_ENOUGH_CHARS = 30


def declared_language(tree: LexborHTMLParser, tags: Tags) -> str:
    """The language that the page says it is in (BCP 47, with its region), "" where it does not say."""
    root = tree.root
    own = (root.attributes.get("lang") or root.attributes.get("xml:lang") or "") if root is not None else ""
    for said in (own, first(tags, "og:locale"), first(tags, "language"), first(tags, "content-language")):
        text = said.strip()
        if _TAG.fullmatch(text):
            return text.replace("_", "-")
    return ""


def title_language(title: str, description: str, declared: str) -> str:
    """The language of a title: its script where that tells, else what the page declares, else that of the words of
    title and description, else English.
    """
    base = declared.partition("-")[0].lower()
    by_script = language_of(title)
    if by_script != "en":
        return base if base in _WRITTEN_IN.get(by_script, set()) else by_script
    if base and base not in _OTHER_SCRIPTS:
        return base
    words = f"{title}. {description[:1000]}"
    if len(words) < _ENOUGH_CHARS:
        return "en"
    return str(_identifier().classify(words)[0])


@cache
def _identifier() -> Any:
    import py3langid

    identifier = py3langid.langid.LanguageIdentifier.from_model_file(py3langid.langid.MODEL_FILE)
    identifier.set_languages(_LATIN)
    return identifier
