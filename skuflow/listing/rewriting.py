"""The same wish in plainer words, for a vendor that rejected the content of the first ones."""

from __future__ import annotations

from dataclasses import replace

from skuflow.jobs.contract import CopyRequest, CreationRequest, ImageRequest, Request, VideoRequest

_SCENE = (
    "A clean, bright room in soft daylight. The product stands in the middle, unchanged. No people, no text."
)
_VIDEO = (
    "The camera moves slowly towards the product. The product stays still and unchanged. No people, no text."
)
_PERSON = "A fully dressed adult with a neutral pose presents the product in a plain studio. The product is unchanged."
_PICTURE = "A realistic product photo on a plain light background. No people, no text."


def rewritten(request: Request) -> Request | None:
    """The request with nothing in it that a style, a title or a user's wish has put into words; None where there are no
    plainer words, as for a judgement.

    Copy is asked for from the attributes alone, which its provider sees by ``request.rewritten``.
    """
    match request:
        case ImageRequest():
            return replace(request, prompt=_SCENE)
        case VideoRequest():
            return replace(request, prompt=_VIDEO)
        case CreationRequest():
            return replace(request, prompt=_PERSON if request.task == "model" else _PICTURE)
        case CopyRequest():
            return request
    return None
