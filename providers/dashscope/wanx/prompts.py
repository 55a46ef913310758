"""The words that go to a model: the request's prompt where there is one, else plain ones, within the model's limits."""

from __future__ import annotations

import re

from providers.dashscope.wanx.models import PROVIDER, Model, Work
from providers.wire.video_prompts import video_prompt
from providers.wire.words import cut_prompt
from skuflow.jobs.contract import CreationRequest, ImageRequest, ImageTask, Request, VideoRequest
from skuflow.listing.creation_prompts import quoted_name
from skuflow.listing.styles import find_style

UNWANTED = "text, letters, watermark, logo, people, hands, second product, clutter in front"
"""What no scene should have; the marketplaces refuse most of it."""

_BACKGROUND_WORDS = 150
_BACKGROUND_CHINESE_CHARS = 120
_CHINESE = re.compile(r"[\u3400-\u9fff]")

_SCENE_BY_EDITING = (
    "Show the product of the picture in a new scene: {prompt}. Its shape, colours, print and proportions stay exactly"
    " as they are. One product only. No text, no people."
)
_KEEPS = "The product keeps its shape, colours, print and proportions."


def prompt_for(request: Request, work: Work, model: Model) -> str:
    """What the model is told; empty where it takes no words. Raises InvalidInputError for an unknown motion."""
    match request:
        case ImageRequest() if work is Work.SCENE:
            scene = request.prompt or _surroundings(request.style)
            if model.keeps_geometry:
                return _cut_for_background(scene)
            frame = _SCENE_BY_EDITING.format(prompt="")
            room = model.prompt_chars - len(frame)
            return _SCENE_BY_EDITING.format(prompt=cut_prompt(scene, room).rstrip(".。 "))
        case CreationRequest():
            return cut_prompt(request.prompt or _creation(request), model.prompt_chars)
        case VideoRequest():
            return video_prompt(request, model.prompt_chars, PROVIDER)
    return ""


def _cut_for_background(text: str) -> str:
    """Page "wanx-background-generation-api-reference": what goes beyond about 120 Chinese characters or 150 words is
    ignored without a word, so it is cut here where it does least harm.
    """
    text = " ".join(text.split())
    if len(_CHINESE.findall(text)) > len(text) // 4:
        return cut_prompt(text, _BACKGROUND_CHINESE_CHARS)
    return " ".join(text.split(" ")[:_BACKGROUND_WORDS])


def _surroundings(style_id: str) -> str:
    style = find_style(style_id)
    return style.prompt_en if style is not None else style_id.replace("_", " ")


def _creation(request: CreationRequest) -> str:
    subject = quoted_name(request.product)
    wish = f" {request.description.strip()}" if request.description.strip() else ""
    match request.task:
        case ImageTask.MODEL if len(request.pictures) > 1:
            return f"The person of the second picture wears or uses the product of the first picture.{wish} {_KEEPS}"
        case ImageTask.MODEL:
            return f"A fully dressed adult wears or uses the product of the picture.{wish} {_KEEPS}"
        case ImageTask.LINE_ART:
            return (
                f"A realistic product photo of the drawing: {subject}.{wish} Outline and proportions are those of the"
                " drawing. Plain light background, no text."
            )
    return f"A realistic product photo: {request.description.strip() or subject}. No text."
