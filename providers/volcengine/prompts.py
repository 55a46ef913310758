"""What Volcengine's picture models are told.

Scenes in Chinese, the language that these models are documented in; creations as for every vendor.
"""

from __future__ import annotations

from providers.wire.words import cut_prompt
from skuflow.jobs.contract import CreationRequest, ImageRequest
from skuflow.jobs.errors import InvalidInputError
from skuflow.listing.creation_prompts import creation_prompt
from skuflow.listing.styles import UnknownStyleError, style

_START = "真实的电商场景摄影，把图中的商品放进新的场景："
_END = (
    "。商品的外形、比例、颜色、材质、印刷文字与图案必须与原图完全一致，只更换背景，光影自然，"
    "画面中没有水印、边框和多余文字。"
)


def picture_prompt(request: ImageRequest | CreationRequest, most_chars: int, provider: str) -> str:
    """The prompt in at most ``most_chars`` characters.

    The prompt of a scene describes its surroundings only, so what must not change is added to it. Raises
    InvalidInputError for a style that does not exist.
    """
    if isinstance(request, ImageRequest):
        around = request.prompt or _surroundings(request.style, provider)
        return _START + cut_prompt(around, most_chars - len(_START) - len(_END)).rstrip("。.") + _END
    told = request.prompt or creation_prompt(
        request.task, request.product, request.description, has_person_photo=len(request.pictures) > 1
    )
    return cut_prompt(told, most_chars)


def _surroundings(name: str, provider: str) -> str:
    try:
        return style(name).prompt_zh
    except UnknownStyleError as error:
        raise InvalidInputError(str(error), provider) from error
