"""The pictures that go to the vendor, made from those in storage: right format, right size, alpha only where wanted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from providers.dashscope.wanx.models import PROVIDER, Work
from providers.dashscope.wanx.wishes import Wish
from providers.wire.inputs import PictureLimits, jpeg_of
from skuflow.jobs.contract import CreationRequest, ImageRequest, Request, VideoRequest
from skuflow.jobs.errors import InvalidInputError, ProviderError, TransientError
from skuflow.storage.objects import ObjectStore, StorageError, StoredObject
from skuflow.studio.picture import StudioError

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_PRODUCT_SIZE_PX = (1280, 1280)
_MOST_S = 45.0
"""For all that comes before the paid request, which the job's lease of 300 s has to outlast by up to 240 s."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it goes out. ``source`` is the stored one that it was made from."""

    data: bytes = field(repr=False)
    media_type: str
    source: StoredObject

    @property
    def extension(self) -> str:
        return "png" if self.media_type == "image/png" else "jpg"


async def pictures_for(request: Request, wish: Wish, store: ObjectStore) -> tuple[Picture, ...]:
    """The pictures in the order in which the model takes them; none for words alone.

    Not in the pool for pixel work: the job's lease runs, and must not wait there behind somebody's film.

    Raises InvalidInputError for a picture that the model cannot take, TransientError where storage cannot be read.
    """
    match request:
        case ImageRequest() if wish.work is Work.SCENE:
            cutout = await asyncio.to_thread(store.get, request.cutout.key)
            make = _canvas if wish.model.keeps_geometry else _on_plain_ground
            data = await asyncio.to_thread(make, cutout)
            media_type = "image/png" if wish.model.keeps_geometry else "image/jpeg"
            return (Picture(data, media_type, request.cutout),)
        case ImageRequest():
            sources: tuple[StoredObject, ...] = (request.photo,)
        case CreationRequest():
            sources = request.pictures
        case VideoRequest():
            sources = (request.frames[0].picture,)
        case _:
            sources = ()
    limits = wish.model.inputs
    if limits is None:
        return ()
    return tuple([await _jpeg(store, source, limits) for source in sources])


async def _jpeg(store: ObjectStore, source: StoredObject, limits: PictureLimits) -> Picture:
    return Picture(await jpeg_of(store, source, limits, PROVIDER), "image/jpeg", source)


def _canvas(cutout_png: bytes) -> bytes:
    """The product on a clear canvas: RGBA, long side 2048, as background generation wants it."""
    from skuflow.studio.cutout_png import from_png
    from skuflow.studio.developing.canvas import canvas_png, lay_out

    return canvas_png(lay_out(from_png(cutout_png)))


def _on_plain_ground(cutout_png: bytes) -> bytes:
    """The product alone on white, without alpha, for the models that draw it anew."""
    from skuflow.studio.cutout_png import from_png
    from skuflow.studio.developing.canvas import opaque_photo

    return opaque_photo(from_png(cutout_png), _PRODUCT_SIZE_PX, ground=(255, 255, 255))[0]


async def before_submit(step: Awaitable[_T]) -> _T:
    """The outcome of a step that comes before the paid request. What goes wrong in it is never "maybe owed".

    Raises the provider's errors as they are, InvalidInputError for a picture that cannot be read or used,
    TransientError for everything else.
    """
    try:
        async with asyncio.timeout(_MOST_S):
            return await step
    except ProviderError:
        raise
    except TimeoutError as error:
        raise TransientError(f"its picture was not ready within {_MOST_S:g} s", PROVIDER) from error
    except StudioError as error:
        raise InvalidInputError(error.message, PROVIDER, error.code) from error
    except StorageError as error:
        raise TransientError(f"its picture cannot be had from storage: {error}", PROVIDER) from error
    except Exception as error:
        from PIL import Image, UnidentifiedImageError

        if isinstance(error, UnidentifiedImageError | Image.DecompressionBombError):
            raise InvalidInputError("its picture cannot be decoded; use another file", PROVIDER) from error
        _log.error("a picture for %s could not be prepared", PROVIDER, exc_info=error)
        raise TransientError(
            f"its picture could not be prepared ({type(error).__name__})", PROVIDER
        ) from error
