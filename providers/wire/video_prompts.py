"""What a video vendor is told where the request brings no prompt of its own."""

from __future__ import annotations

from providers.wire.words import cut_prompt
from skuflow.jobs.contract import VideoRequest
from skuflow.jobs.errors import InvalidInputError
from skuflow.listing.creation_prompts import quoted_name
from skuflow.listing.motions import UnknownMotionError, default_motion, motion_for, unchanged

_FREE_SHOT = "One continuous shot without cuts; no captions, no logos, no watermark."


def video_prompt(request: VideoRequest, most_chars: int, provider: str) -> str:
    """The prompt for a video vendor, in at most ``most_chars`` characters.

    The request's own prompt, else the user's description, what moves (the wanted motion, else, where nothing is
    described, the category's own), and that the product stays as it is, which is never what is cut. Without a first
    frame it also says what the product is. A rewritten request is plainer: no title, and only the camera moves. Raises
    InvalidInputError for an unknown motion.
    """
    if request.prompt:
        return _cut_before_the_end(request.prompt, most_chars)
    ending = [_moves(request, provider), unchanged("en") if request.frames else _FREE_SHOT]
    if not request.frames and not request.rewritten:
        ending.insert(0, _sentence(f"The product is called {quoted_name(request.product)}"))
    end = cut_prompt(" ".join(filter(None, ending)), most_chars)
    return _before(end, request.description, most_chars)


def _moves(request: VideoRequest, provider: str) -> str:
    if request.description and not request.motion:
        # A preset of the category (water that pours, say) would contradict what is described.
        return ""
    product = request.product
    try:
        motion = motion_for(product.kind, product.category or product.title, request.motion)
    except UnknownMotionError as error:
        raise InvalidInputError(str(error), provider) from error
    return (default_motion() if request.rewritten else motion).moves_en


def _cut_before_the_end(prompt: str, most_chars: int) -> str:
    """The prompt, shortened where it must be; that the product stays as it is, is not what goes."""
    line = " ".join(prompt.split())
    for end in (unchanged("en"), unchanged("zh")):
        if len(line) > most_chars and line.endswith(end):
            return _before(end, line.removesuffix(end), most_chars)
    return cut_prompt(line, most_chars)


def _before(end: str, wish: str, most_chars: int) -> str:
    room_chars = most_chars - len(end) - 2
    return f"{_sentence(cut_prompt(wish, room_chars)) if room_chars > 0 else ''} {end}".strip()


def _sentence(text: str) -> str:
    return text if not text or text[-1] in ".!?。！？" else f"{text}."
