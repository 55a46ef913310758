"""The image models: what each takes, what it makes of it, how its results are named.

Sources: Model Studio pages "Background generation", "Wanx general image editing" (2.1 and 2.5), "Image out-painting",
"Text to image V2", "Qwen image editing".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

from providers.emulators.core.fetching import Picture
from providers.emulators.core.media import Media, SizePx
from providers.emulators.dashscope.errors import TaskFailure, invalid
from providers.emulators.dashscope.fields import Fields, seed_of
from providers.emulators.dashscope.inputs import Bounds, Caller, Inputs
from providers.emulators.dashscope.models import Model
from providers.emulators.dashscope.orders import Order, Shape
from providers.emulators.dashscope.pictures import background, extended, is_opaque

_PHOTOS = frozenset({"JPEG", "PNG", "BMP", "TIFF", "WEBP"})
_EDIT_FUNCTIONS = frozenset(
    {
        "stylization_all",
        "stylization_local",
        "description_edit",
        "description_edit_with_mask",
        "remove_watermark",
        "expand",
        "super_resolution",
        "colorization",
        "doodle",
        "control_cartoon_feature",
    }
)
_MASKED = "description_edit_with_mask"
_RATIOS = {"1:1": 1.0, "3:4": 3 / 4, "4:3": 4 / 3, "9:16": 9 / 16, "16:9": 16 / 9}
_LEAKED_PARAMETERS = ("is_async",)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's parts, and what is needed to understand them."""

    model: Model
    caller: Caller
    input: Fields
    parameters: Fields
    inputs: Inputs
    media: Media

    async def look(self, address: str, bounds: Bounds) -> tuple[Picture | None, TaskFailure | None]:
        """The picture, or why the task will fail."""
        try:
            return await self.inputs.picture(address, self.caller, bounds), None
        except TaskFailure as failure:
            return None, failure

    def address(self, name: str, *, data_uri: bool = True) -> str:
        """A required address among the input's fields."""
        return self.inputs.address(self.input.raw(name), f"input.{name}", self.caller, data_uri=data_uri)


async def background_order(asked: Asked) -> Order:
    """wanx-background-generation-v2: the size of the input, the product where it was."""
    given, wishes = asked.input, asked.parameters
    address = asked.address("base_image_url", data_uri=False)
    prompt = given.text("ref_prompt")
    references = [asked.address("ref_image_url", data_uri=False)] if given.has("ref_image_url") else []
    references += _edges(asked)
    if not prompt and not given.has("ref_image_url"):
        raise invalid("input.ref_prompt or input.ref_image_url is required")
    given.text("neg_ref_prompt")
    given.done(tolerated=("title", "sub_title"))
    count = wishes.integer("n", 1, 4, 1)
    wishes.choice("model_version", ("v2", "v3"), "v2")
    wishes.integer("noise_level", 0, 999, 300)
    wishes.number("ref_prompt_weight", 0, 1)
    wishes.done(tolerated=("scene_type",))
    bounds = Bounds(("PNG",), max_side_px=2048, alpha=True)
    picture, failure = await asked.look(address, bounds)
    if picture is not None and await asyncio.to_thread(is_opaque, picture.data):
        failure = TaskFailure("InvalidParameter.ImageContent", "The base image has no transparent area.")
    for reference in references:
        if failure is None:
            _, failure = await asked.look(reference, Bounds(_PHOTOS, max_side_px=4096))
    data = picture.data if picture is not None else b""
    return Order(
        kind="image",
        count=count,
        each=asked.model.per_image,
        media_type="image/png",
        shape=Shape.RESULTS,
        make=lambda number: background(data, prompt, number, plain=asked.media.tiny),
        usage=lambda made: {"image_count": made},
        usage_when_failed=True,
        failure=failure,
    )


def _edges(asked: Asked) -> list[str]:
    """The addresses in ``reference_edge``: at most ten, prompt lists as long as the image lists."""
    if not asked.input.has("reference_edge"):
        return []
    edge = Fields("input.reference_edge", asked.input.raw("reference_edge"))
    addresses: list[str] = []
    for side in ("foreground_edge", "background_edge"):
        images = edge.listing(side, 0, 10)
        prompts = edge.listing(f"{side}_prompt", 0, 10)
        if prompts and len(prompts) != len(images):
            raise invalid(f"input.reference_edge.{side}_prompt must have as many entries as {side}")
        addresses += [asked.inputs.address(image, side, asked.caller, data_uri=False) for image in images]
    edge.done()
    if len(addresses) > 10:
        raise invalid("input.reference_edge takes at most 10 images")
    return addresses


async def image_edit_order(asked: Asked) -> Order:
    """wanx2.1-imageedit: one picture changed as ``function`` says."""
    given, wishes = asked.input, asked.parameters
    function = given.choice("function", _EDIT_FUNCTIONS)
    prompt = given.text("prompt", 800, required=True)
    addresses = [asked.address("base_image_url")]
    if given.has("mask_image_url") or function == _MASKED:
        addresses.append(asked.address("mask_image_url"))
    given.done()
    count = wishes.integer("n", 1, 4, 1)
    seed_of(wishes)
    wishes.flag("watermark", False)
    wishes.number("strength", 0, 1)
    scales = {
        side: wishes.number(f"{side}_scale", 1, 2) or 1.0 for side in ("top", "bottom", "left", "right")
    }
    factor = wishes.integer("upscale_factor", 1, 4, 1)
    wishes.flag("is_sketch", False)
    wishes.done()
    bounds = Bounds(_PHOTOS, 512, 4096)
    picture, failure = await asked.look(addresses[0], bounds)
    if failure is None and len(addresses) > 1:
        mask, failure = await asked.look(addresses[1], bounds)
        if mask and picture and (mask.width_px, mask.height_px) != (picture.width_px, picture.height_px):
            failure = TaskFailure("InvalidParameter.ImageContent", "Mask and image differ in size.")
    size_px = (1, 1)
    if picture is not None:
        grow = (scales["left"] + scales["right"] - 1, scales["top"] + scales["bottom"] - 1)
        size_px = (round(picture.width_px * grow[0]) * factor, round(picture.height_px * grow[1]) * factor)
    return _redrawn(asked, count, size_px, picture, f"{function}/{prompt}", failure)


async def wan_edit_order(asked: Asked) -> Order:
    """wan2.5-i2i-preview: up to three pictures and a prompt; four results where ``n`` is not given."""
    given, wishes = asked.input, asked.parameters
    prompt = given.text("prompt", 2000, required=True)
    given.text("negative_prompt", 500)
    addresses = [
        asked.inputs.address(image, f"input.images[{number}]", asked.caller)
        for number, image in enumerate(given.listing("images", 1, 3))
    ]
    given.done()
    count = wishes.integer("n", 1, 4, 4)
    size_px = _bounded_size(wishes, 768**2, 1280**2)
    _prompt_wishes(wishes)
    wishes.done()
    pictures, failure = await _look_at_all(asked, addresses, Bounds(_PHOTOS, 384, 5000, alpha=False))
    first = pictures[0] if pictures else None
    return _redrawn(asked, count, size_px or _area(first, 1280**2), first, prompt, failure, _prompts(prompt))


async def out_painting_order(asked: Asked) -> Order:
    """image-out-painting: one picture with more around it, and a watermark where ``add_watermark`` is not false."""
    given, wishes = asked.input, asked.parameters
    address = asked.address("image_url")
    given.done()
    wishes.integer("angle", 0, 359, 0)
    ratio = wishes.choice("output_ratio", _RATIOS) if wishes.has("output_ratio") else ""
    scale = (wishes.number("x_scale", 1, 3) or 1.0, wishes.number("y_scale", 1, 3) or 1.0)
    offsets = {
        side: wishes.integer(f"{side}_offset", 0, 4096, 0) for side in ("left", "right", "top", "bottom")
    }
    wishes.flag("best_quality", False)
    limited = wishes.flag("limit_image_size", True)
    watermark = wishes.flag("add_watermark", True)
    wishes.done()
    bounds = Bounds(frozenset({"JPEG", "PNG", "HEIF", "WEBP"}), 512, 4096)
    picture, failure = await asked.look(address, bounds)
    size_px = _extended_size(picture, ratio, scale, offsets) if picture else (1, 1)
    if limited and max(size_px) > 4096:
        failure = failure or TaskFailure("InvalidImageResolution")
    media, data = asked.media, picture.data if picture else b""

    def make(number: int) -> bytes:
        if media.tiny:
            return media.picture(size_px, data, number)
        return extended(data, media.picture(size_px, None, number), watermark=watermark)

    return Order(
        kind="image",
        count=1,
        each=asked.model.per_image,
        media_type="image/jpeg",
        shape=Shape.OUTPUT_IMAGE_URL,
        make=make,
        usage=lambda made: {"image_count": made},
        failure=failure,
    )


async def text_to_image_order(asked: Asked) -> Order:
    """wan2.5 and older: a prompt; four results where ``n`` is not given."""
    given, wishes = asked.input, asked.parameters
    prompt = given.text("prompt", 2000 if asked.model.name.startswith("wan2.5") else 800, required=True)
    given.text("negative_prompt", 500)
    given.done()
    count = wishes.integer("n", 1, 4, 4)
    size_px = _bounded_size(wishes, 512**2, 1440**2)
    _prompt_wishes(wishes)
    wishes.done()
    return _redrawn(asked, count, size_px or (1024, 1024), None, prompt, None, _prompts(prompt))


async def wan_messages_order(asked: Asked) -> Order:
    """wan2.6-t2i: one text in a message; four results where ``n`` is not given."""
    texts, images = _content(asked)
    if images:
        raise invalid("input.messages of this model hold text only")
    if len(texts[0]) > 2100:
        raise invalid("the text must not be longer than 2100 characters")
    wishes = asked.parameters
    count = wishes.integer("n", 1, 4, 4)
    size_px = _bounded_size(wishes, 1280**2, 1440**2) or (1280, 1280)
    wishes.text("negative_prompt", 500)
    _prompt_wishes(wishes)
    wishes.done(tolerated=_LEAKED_PARAMETERS)
    return Order(
        kind="image",
        count=count,
        each=asked.model.per_image,
        media_type="image/png",
        shape=Shape.CHOICES,
        make=_drawing(asked.media, size_px, None, texts[0]),
        usage=lambda made: {
            "image_count": made,
            "size": f"{size_px[0]}*{size_px[1]}",
            "input_tokens": 0,
            "output_tokens": 0,
            "total_tokens": 0,
        },
        item_extras={"type": "image"},
        extras={"finished": True},
    )


async def qwen_image_order(asked: Asked) -> Order:
    """qwen-image-edit and qwen-image-2.0: pictures and one text in a message, answered at once."""
    newer = asked.model.name.startswith("qwen-image-2.0")
    oldest = asked.model.name == "qwen-image-edit"
    texts, images = _content(asked)
    if len(images) > 3 or (not images and not newer):
        raise invalid("input.messages must hold 1 to 3 images")
    wishes = asked.parameters
    count = wishes.integer("n", 1, 1 if oldest else 6, 1)
    size_px = None
    if not oldest:
        size_px = _bounded_size(wishes, 512**2, 2048**2) if newer else wishes.size_px("size")
        if size_px and not newer and not all(512 <= side <= 2048 for side in size_px):
            raise invalid("parameters.size: each side should be in [512, 2048]")
        wishes.flag("prompt_extend", True)
    wishes.text("negative_prompt", 500)
    wishes.flag("watermark", False)
    seed_of(wishes)
    wishes.done()
    pictures, failure = await _look_at_all(asked, images, Bounds(_PHOTOS))
    first = pictures[0] if pictures else None
    wished = size_px or _area(first, 1024**2)
    rounded = (max(16, round(wished[0] / 16) * 16), max(16, round(wished[1] / 16) * 16))
    return Order(
        kind="image",
        count=count,
        each=asked.model.per_image,
        media_type="image/png",
        shape=Shape.ONE_CHOICE,
        make=_drawing(asked.media, rounded, first, texts[0]),
        usage=lambda made: {"width": rounded[0], "height": rounded[1], "image_count": made},
        failure=failure,
    )


def _content(asked: Asked) -> tuple[list[str], list[str]]:
    """The texts (exactly one) and image addresses of the one user message."""
    messages = asked.input.listing("messages", 1, 1)
    asked.input.done()
    message = Fields("input.messages[0]", messages[0])
    message.choice("role", ("user",))
    parts = message.listing("content", 1, 10)
    message.done()
    texts: list[str] = []
    images: list[str] = []
    for number, part in enumerate(parts):
        fields = Fields(f"input.messages[0].content[{number}]", part)
        if fields.has("image"):
            images.append(asked.inputs.address(fields.raw("image"), "image", asked.caller))
        else:
            texts.append(fields.text("text", required=True))
        fields.done()
    if len(texts) != 1:
        raise invalid("input.messages[0].content must hold exactly one text")
    return texts, images


async def _look_at_all(
    asked: Asked, addresses: list[str], bounds: Bounds
) -> tuple[list[Picture], TaskFailure | None]:
    pictures: list[Picture] = []
    for address in addresses:
        picture, failure = await asked.look(address, bounds)
        if picture is None:
            return pictures, failure
        pictures.append(picture)
    return pictures, None


def _prompt_wishes(wishes: Fields) -> None:
    wishes.flag("prompt_extend", True)
    wishes.flag("watermark", False)
    seed_of(wishes)


def _prompts(prompt: str) -> dict[str, Any]:
    return {"orig_prompt": prompt, "actual_prompt": prompt}


def _bounded_size(wishes: Fields, least_pixels: int, most_pixels: int) -> SizePx | None:
    size_px = wishes.size_px("size")
    if size_px is None:
        return None
    width, height = size_px
    if not least_pixels <= width * height <= most_pixels or not 0.25 <= width / height <= 4:
        raise invalid(
            f"parameters.size: total pixels should be in [{least_pixels}, {most_pixels}], ratio in [1:4, 4:1]"
        )
    return size_px


def _area(picture: Picture | None, pixels: int) -> SizePx:
    """A size of so many pixels in the picture's shape."""
    aspect = picture.aspect if picture else 1.0
    height = sqrt(pixels / aspect)
    return max(16, int(height * aspect) // 16 * 16), max(16, int(height) // 16 * 16)


def _extended_size(
    picture: Picture, ratio: str, scale: tuple[float, float], offsets: dict[str, int]
) -> SizePx:
    width, height = picture.width_px, picture.height_px
    if ratio:
        wished = _RATIOS[ratio]
        return (max(width, round(height * wished)), max(height, round(width / wished)))
    if scale != (1.0, 1.0):
        return round(width * scale[0]), round(height * scale[1])
    return width + offsets["left"] + offsets["right"], height + offsets["top"] + offsets["bottom"]


def _drawing(media: Media, size_px: SizePx, picture: Picture | None, prompt: str) -> Callable[[int], bytes]:
    data = picture.data if picture else None
    return lambda number: media.picture(size_px, data, f"{prompt}/{number}", media_type="image/png")


def _redrawn(
    asked: Asked,
    count: int,
    size_px: SizePx,
    picture: Picture | None,
    prompt: str,
    failure: TaskFailure | None,
    item_extras: dict[str, Any] | None = None,
) -> Order:
    return Order(
        kind="image",
        count=count,
        each=asked.model.per_image,
        media_type="image/png",
        shape=Shape.RESULTS,
        make=_drawing(asked.media, size_px, picture, prompt),
        usage=lambda made: {"image_count": made},
        failure=failure,
        item_extras=item_extras or {},
    )
