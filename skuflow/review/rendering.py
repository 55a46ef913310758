"""What every page that people open is drawn with: templates, and words in both languages."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from skuflow.review.wording import Wording, say


def page_environment() -> Environment:
    """A new environment over this package's templates, with ``say``, ``t``, ``words`` and ``both``."""
    environment = Environment(
        loader=PackageLoader("skuflow.review"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(say=say, t=_said, words=_words, both=_both)
    return environment


def _words(wording: Wording) -> Markup:
    """Both languages, of which the style sheet shows one: switching the page's language cannot miss a
    word.
    """
    return Markup(f'<span class="en">{escape(wording.en)}</span><span class="zh">{escape(wording.zh)}</span>')


@cache
def _said(key: str) -> Markup:
    return _words(say(key))


def _both(attribute: str, wording: Wording) -> Markup:
    """An attribute in both languages, which the page's script swaps when the language changes."""
    en, zh = escape(wording.en), escape(wording.zh)
    return Markup(f'{attribute}="{en}" data-attr="{attribute}" data-en="{en}" data-zh="{zh}"')
