"""What a request comes to at this vendor, before anything is prepared or sent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from providers.dashscope.wanx.models import DEFAULTS, MODELS, PROVIDER, Model, Work
from providers.dashscope.wanx.prompts import prompt_for
from skuflow.jobs.contract import (
    CreationRequest,
    ImageRequest,
    ImageTask,
    MicroCNY,
    Request,
    VideoRequest,
)
from skuflow.jobs.errors import InvalidInputError

EXTENSIONS = ("1:1", "3:4", "4:3", "9:16", "16:9")
"""The ratios of out-painting's ``output_ratio``; values of the option "extend"."""
_RESOLUTIONS = ("720P", "1080P")
_BACKGROUNDS = ("v3", "v2")
_SECONDS = (2, 15)
_SCENE_SIZE_PX = (1280, 1280)
_RATIO_MOST = 4.0
_GRID_PX = 16

_TASKS = {
    ImageTask.MODEL: (Work.MODEL, (1, 2), "the product's photo, and at most one of a person"),
    ImageTask.LINE_ART: (Work.LINE_ART, (1, 1), "the drawing and nothing else"),
    ImageTask.CONCEPT: (Work.CONCEPT, (0, 0), "no picture"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A request as this vendor understands it. Fields that do not apply are empty.

    ``size_px``: the size to ask for; ``ratio``: the shape that a photo is extended to; ``resolution`` and ``seconds``
    belong to a video; ``model_version`` to a generated background.
    """

    work: Work
    model: Model
    prompt: str = ""
    size_px: tuple[int, int] | None = None
    ratio: str = ""
    resolution: str = ""
    seconds: int = 0
    model_version: str = ""
    extends_prompt: bool = False

    @property
    def price_micro(self) -> MicroCNY:
        """What the vendor charges for it."""
        return self.model.prices[self.resolution].micro(self.seconds or 1)


def wish_of(request: Request) -> Wish:
    """Raises InvalidInputError for what no model here can do, and for options that mean nothing."""
    work = _work_of(request)
    model = _model_for(request, work)
    is_video, is_background = work is Work.VIDEO, model.keeps_geometry
    return Wish(
        work,
        model,
        prompt=prompt_for(request, work, model),
        size_px=_size_for(request, model),
        ratio=_option(request, "extend", EXTENSIONS) if work is Work.EXTENSION else "",
        resolution=_option(request, "resolution", _RESOLUTIONS) if is_video else "",
        seconds=_seconds_of(request),
        model_version=_option(request, "model_version", _BACKGROUNDS) if is_background else "",
        extends_prompt=_flag(request, "prompt_extend"),
    )


def _work_of(request: Request) -> Work:
    match request:
        case ImageRequest() if "extend" in request.options:
            return Work.EXTENSION
        case ImageRequest(style=""):
            raise InvalidInputError("wanx makes no main image; it is made offline", PROVIDER)
        case ImageRequest():
            return Work.SCENE
        case CreationRequest():
            work, (least, most), wanted = _TASKS[request.task]
            if not least <= len(request.pictures) <= most:
                raise InvalidInputError(
                    f"{request.task} came with {len(request.pictures)} pictures; it takes {wanted}", PROVIDER
                )
            return work
        case VideoRequest() if not request.frames:
            raise InvalidInputError(
                "wanx makes a video from a first frame; make a scene image first", PROVIDER
            )
        case VideoRequest():
            return Work.VIDEO
    raise InvalidInputError(f"wanx makes pictures and video, no {request.capability}", PROVIDER)


def _model_for(request: Request, work: Work) -> Model:
    """The first of the named models that can do it: one setting, such as
    ``wanx.image=qwen-image-edit-plus,wan2.6-t2i``, stands for all pictures.
    """
    names = [name.strip() for name in request.model.split(",") if name.strip()] or [DEFAULTS[work]]
    for name in names:
        if name not in MODELS:
            raise InvalidInputError(f"wanx has no model {name!r}; it has {', '.join(MODELS)}", PROVIDER)
        if work in MODELS[name].works:
            return MODELS[name]
    able = ", ".join(name for name, model in MODELS.items() if work in model.works)
    raise InvalidInputError(
        f"{', '.join(names)} cannot make {work}; add one that can, separated by a comma: {able}", PROVIDER
    )


def _size_for(request: Request, model: Model) -> tuple[int, int] | None:
    """The largest size within the model's limits, in the shape that is wished for: size is not what it charges for."""
    wished = request.size_px if isinstance(request, CreationRequest) else _SCENE_SIZE_PX
    if min(wished) < 1:
        raise InvalidInputError(f"a picture of {wished[0]} x {wished[1]} px cannot be made", PROVIDER)
    ratio = min(max(wished[0] / wished[1], 1 / _RATIO_MOST), _RATIO_MOST)
    if model.area_px is not None:
        width, height = math.sqrt(model.area_px[1] * ratio), math.sqrt(model.area_px[1] / ratio)
    elif model.sides_px is not None:
        longest = model.sides_px[1]
        width, height = min(longest, longest * ratio), min(longest, longest / ratio)
    else:
        return None
    return _on_grid(width), _on_grid(height)


def _on_grid(side_px: float) -> int:
    return int(side_px + 1e-6) // _GRID_PX * _GRID_PX


def _seconds_of(request: Request) -> int:
    if not isinstance(request, VideoRequest):
        return 0
    seconds = math.ceil(request.storyboard.duration_s - 1e-6)
    if seconds > _SECONDS[1]:
        raise InvalidInputError(
            f"the video is to take {request.storyboard.duration_s:g} s; wanx makes {_SECONDS[0]} to {_SECONDS[1]} s",
            PROVIDER,
        )
    return max(seconds, _SECONDS[0])


def _option(request: Request, name: str, choices: tuple[str, ...]) -> str:
    """The option's value, the first choice where it is not set."""
    value = request.options.get(name, choices[0])
    if value not in choices:
        raise InvalidInputError(f"option {name}={value!r}: choose one of {', '.join(choices)}", PROVIDER)
    return str(value)


def _flag(request: Request, name: str) -> bool:
    value = request.options.get(name, False)
    if not isinstance(value, bool):
        raise InvalidInputError(f"option {name}={value!r}: choose True or False", PROVIDER)
    return value
