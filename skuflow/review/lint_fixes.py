"""What mends a broken rule: free work of the studio where it has pixels enough to start from, else a new generation."""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum

from skuflow.jobs.contract import Capability
from skuflow.listing.fitting import heavy_files, is_to_be_fitted, product_group
from skuflow.listing.kit import ImageRole, Kit, KitImage
from skuflow.listing.rules.judging import Breach
from skuflow.review.lint import LintBreach
from skuflow.review.wording import Wording
from skuflow.storage.keys import asset_key, cutout_key
from skuflow.storage.objects import ObjectStore, StorageError

_STUDIO = "offline"
_MAIN_FILL_RATIO = 0.86
"""The share of the frame that the studio gives the product in a main image."""
_VENDOR_LABELS = ("original", "canvas")


class Fix(StrEnum):
    RENDER = "render"
    ENCODE = "encode"
    CHOOSE = "choose"
    REWRITE = "rewrite"
    GENERATE = "generate"
    ADD = "add"
    LENGTHEN = "lengthen"
    RESHAPE = "reshape"
    PHOTO = "photo"
    HAND = "hand"


FIX_WORDS: dict[Fix, Wording] = {
    Fix.RENDER: Wording(
        "run the SKU again for this marketplace, once the rule holds: the studio makes it anew, free of charge",
        "规则生效后，为该平台重新运行该 SKU：由本地工作室免费重新制作",
    ),
    Fix.ENCODE: Wording(
        "run the SKU's images again, once the rule holds: the studio encodes the file anew, free of charge",
        "规则生效后，重新运行该 SKU 的图片步骤：由本地工作室免费重新编码",
    ),
    Fix.CHOOSE: Wording("leave the images with the lowest scores out", "上传时去掉评分最低的图片"),
    Fix.REWRITE: Wording(
        "have this copy written again (form: Make again, command line: --remake)",
        "重新生成该文案（表单“重做”栏，命令行 --remake）",
    ),
    Fix.GENERATE: Wording(
        "have it made again (form: Make again, command line: --remake)",
        "重新生成（表单“重做”栏，命令行 --remake）",
    ),
    Fix.ADD: Wording(
        "have it made: run the SKU for this marketplace, with the stage that is missing",
        "为该平台运行该 SKU，并包含缺少的阶段",
    ),
    Fix.LENGTHEN: Wording(
        "a longer video is needed than a run makes unasked; have a longer one made, or add shots to it",
        "需要比默认更长的视频；请生成更长的视频或补充镜头",
    ),
    Fix.RESHAPE: Wording(
        "have it made in that shape (form: Video shapes, command line: --video-size)",
        "生成该画面比例的视频（表单“视频尺寸”栏，命令行 --video-size）",
    ),
    Fix.PHOTO: Wording(
        "supply a larger photo, or one of your own taken for this place", "请提供更大的或专门拍摄的实拍照片"
    ),
    Fix.HAND: Wording(
        "mend it by hand, for example with a picture or video editor; skuflow does not make this",
        "需人工处理（例如用图片或视频编辑软件），skuflow 不生成该内容",
    ),
}

_CAPABILITIES = {"copy": Capability.COPY, "image": Capability.IMAGE, "video": Capability.VIDEO}
_TOO_SMALL = frozenset(("width_min_px", "height_min_px", "longest_min_px"))
_OF_THE_STREAM = frozenset(
    ("audio_bitrate_min_bps", "bitrate_min_bps", "bytes_max", "codecs", "formats", "fps_min", "fps_max")
)


@dataclass(frozen=True, slots=True)
class Mending:
    """How a breach is mended; ``capability`` is what has to be asked for anew, None where nothing is bought."""

    fix: Fix
    capability: Capability | None = None
    units: int = 0


def mending(kit: Kit, found: LintBreach, store: ObjectStore) -> Mending:
    """What mends ``found``. Looks at the sizes of photos in storage only where pixels are missing."""
    breach = found.breach
    if not found.part:
        if breach.field == "images_advised":
            return Mending(Fix.ADD, Capability.IMAGE, breach.limit.value - breach.measured)
        return Mending(Fix.RENDER if breach.field == "main_image_required" else Fix.CHOOSE)
    kind = found.part.partition(":")[0]
    if found.absent:
        return Mending(Fix.ADD, _CAPABILITIES[kind], 1)
    if kind == "copy":
        return Mending(Fix.REWRITE, Capability.COPY, 1)
    if kind == "video" and breach.field in _OF_THE_STREAM:
        return Mending(Fix.HAND)
    if breach.field == "duration_min_s":
        return Mending(Fix.LENGTHEN, Capability.VIDEO, 1)
    if breach.field == "shapes":
        return Mending(Fix.RESHAPE, Capability.VIDEO, 1)
    if breach.field == "composite_allowed":
        return Mending(Fix.PHOTO)
    if breach.field == "formats":
        # Pictures are delivered as JPEGs and as nothing else.
        return Mending(Fix.HAND)
    if breach.field == "bytes_max":
        return Mending(Fix.HAND if _is_as_light_as_can_be(kit, found.file) else Fix.ENCODE)
    image = next((image for image in kit.images if image.id == found.part), None)
    if image is None:
        return Mending(Fix.GENERATE, _CAPABILITIES[kind], 1)
    if breach.field not in _TOO_SMALL:
        return Mending(Fix.RENDER)
    if _large_enough(kit, image, breach, store):
        return Mending(Fix.RENDER)
    if image.provider == _STUDIO:
        return Mending(Fix.PHOTO)
    return Mending(Fix.GENERATE, Capability.IMAGE, 1)


def _is_as_light_as_can_be(kit: Kit, file: str) -> bool:
    """Whether a run has encoded the kit's pictures for today's limits, and this one is still too heavy."""
    return file in heavy_files(kit.images, product_group(kit.product)) and not is_to_be_fitted(kit)


def _large_enough(kit: Kit, image: KitImage, breach: Breach, store: ObjectStore) -> bool:
    """Whether what is in storage has the pixels for a side of ``breach.limit``."""
    from skuflow.studio.framing import MAX_PRODUCT_UPSCALE
    from skuflow.studio.main_image import MAX_UPSCALE

    wanted_px = int(breach.limit.value)
    if any(min(rendition.width, rendition.height) >= wanted_px for rendition in image.renditions):
        return True
    if image.provider != _STUDIO:
        prefixes = (asset_key(kit.sku, image.id, label, "", "") for label in _VENDOR_LABELS)
        return any(_longest_px(store, prefix.rpartition("-")[0]) >= wanted_px for prefix in prefixes)
    product_px = _longest_px(store, f"{cutout_key(kit.sku, '', 0).rpartition('/')[0]}/")
    if image.role is ImageRole.MAIN:
        return product_px * MAX_UPSCALE >= wanted_px * _MAIN_FILL_RATIO
    share_ratio = image.scores.get("product_share_ratio", _MAIN_FILL_RATIO)
    return product_px * MAX_PRODUCT_UPSCALE >= wanted_px * share_ratio


def _longest_px(store: ObjectStore, prefix: str) -> int:
    """The longest side of the largest picture below ``prefix``, of which only the header is read; 0 without one."""
    from PIL import Image

    longest = 0
    for key in store.list(prefix):
        try:
            path = store.local_path(key)
            with Image.open(path if path is not None else io.BytesIO(store.get(key))) as picture:
                longest = max(longest, *picture.size)
        except (OSError, StorageError, SyntaxError, ValueError, Image.DecompressionBombError):
            continue
    return longest
