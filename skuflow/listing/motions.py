"""How a product moves in a generated video: presets by category, with the words that a video vendor is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skuflow.catalog.kinds import kinds
from skuflow.listing.packaged_yaml import PackagedDataError, read_yaml
from skuflow.listing.storyboard import Move
from skuflow.refusals import RefusalError


class UnknownMotionError(RefusalError):
    """No motion preset of that name; lists the choices."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class _Words(_Model):
    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class CategoryWords(_Model):
    """Words of a category that a motion goes with: English in the singular, Chinese as parts of words."""

    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()


class Motion(_Model):
    """One preset. ``moves`` say what moves; the prompts add that the product stays as it is in the picture. ``kinds``
    come best first; ``camera`` is the move of ``skuflow.listing.storyboard`` that the words come nearest to.
    """

    id: str
    name_en: str = Field(alias="en")
    name_zh: str = Field(alias="zh")
    also: tuple[str, ...] = ()
    camera: Move
    kinds: tuple[str, ...]
    categories: CategoryWords
    moves_en: str = Field(min_length=1)
    moves_zh: str = Field(min_length=1)
    default: bool = False

    @property
    def prompt_en(self) -> str:
        """The whole prompt for a video that opens with a picture of the product."""
        return f"{self.moves_en} {unchanged('en')}"

    @property
    def prompt_zh(self) -> str:
        """As ``prompt_en``, in Chinese."""
        return f"{self.moves_zh}{unchanged('zh')}"


def all_motions() -> tuple[Motion, ...]:
    """All presets. Raises ``PackagedDataError`` where motions.yaml is not as expected."""
    return tuple(_data().motions.values())


def unchanged(language: str) -> str:
    """The sentences that keep the product's shape, colours and printed words as they are; Chinese or English."""
    words = _data().unchanged
    return words.zh if language.partition("-")[0] == "zh" else words.en


def motion_for(kind: str | None, category: str, wanted: str = "") -> Motion:
    """The motion for a product: the ``wanted`` one by id or name, else the best one for its kind, else, for a product
    of no known kind, one whose words stand in ``category``, else the default.

    Raises ``UnknownMotionError``, which lists the choices.
    """
    if wanted.strip():
        return _wanted(wanted)
    ranked = [(motion.kinds.index(kind), motion) for motion in all_motions() if kind in motion.kinds]
    if ranked:
        return min(ranked, key=lambda entry: entry[0])[1]
    named = (motion for motion in all_motions() if kind is None and _stands_in(motion.categories, category))
    return next(named, default_motion())


def default_motion() -> Motion:
    """The one that suits everything: only the camera moves."""
    return next(motion for motion in all_motions() if motion.default)


@dataclass(frozen=True, slots=True)
class _Presets:
    unchanged: _Words
    motions: Mapping[str, Motion]


@cache
def _data() -> _Presets:
    content = read_yaml(Path(__file__).with_name("motions.yaml"))
    try:
        motions = {name: Motion(id=name, **entry) for name, entry in content["motions"].items()}
        words = _Words(**content["unchanged"])
    except ValidationError as error:
        raise PackagedDataError(f"motions.yaml: {error}") from error
    for motion in motions.values():
        strangers = set(motion.kinds) - kinds().keys()
        if strangers:
            raise PackagedDataError(
                f"motions.yaml: {motion.id} names {sorted(strangers)}, which are no kinds"
            )
    if sum(motion.default for motion in motions.values()) != 1:
        raise PackagedDataError("motions.yaml: exactly one motion is the default")
    return _Presets(words, motions)


def _wanted(name: str) -> Motion:
    found = _by_name().get(_key(name))
    if found is None:
        choices = ", ".join(f"{motion.id} ({motion.name_zh})" for motion in all_motions())
        choices_zh = "、".join(f"{motion.id}（{motion.name_zh}）" for motion in all_motions())
        raise UnknownMotionError(
            f"unknown motion {name!r}; choose from: {choices}",
            message_zh=f"没有名为“{name}”的运镜；可选：{choices_zh}",
        )
    return found


@cache
def _by_name() -> Mapping[str, Motion]:
    names: dict[str, Motion] = {}
    for motion in all_motions():
        for name in (motion.id, motion.name_en, motion.name_zh, *motion.also):
            names.setdefault(_key(name), motion)
    return names


def _key(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _stands_in(words: CategoryWords, category: str) -> bool:
    text = category.casefold()
    if any(word.casefold() in text for word in words.zh):
        return True
    return any(re.search(rf"\b{re.escape(word)}(?:s|es)?\b", text) for word in words.en)
