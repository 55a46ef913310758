"""What is said of a broken rule, and of what mends it, in English and Chinese."""

from __future__ import annotations

from skuflow.listing.rules.judging import Breach
from skuflow.listing.rules.values import figure
from skuflow.review.lint import LintBreach
from skuflow.review.wording import Wording

_FIELDS: dict[str, tuple[str, str]] = {
    "width_min_px": ("{m} px wide, at least {l} px", "宽 {m} 像素，至少需 {l} 像素"),
    "height_min_px": ("{m} px high, at least {l} px", "高 {m} 像素，至少需 {l} 像素"),
    "width_max_px": ("{m} px wide, at most {l} px", "宽 {m} 像素，最多 {l} 像素"),
    "height_max_px": ("{m} px across the short side, at most {l} px", "短边 {m} 像素，最多 {l} 像素"),
    "longest_min_px": ("longest side {m} px, at least {l} px", "最长边 {m} 像素，至少需 {l} 像素"),
    "longest_max_px": ("longest side {m} px, at most {l} px", "最长边 {m} 像素，最多 {l} 像素"),
    "width_plus_height_max_px": (
        "width and height make {m} px, at most {l} px",
        "宽高之和 {m} 像素，最多 {l} 像素",
    ),
    "pixels_max": ("{m} pixels, at most {l}", "共 {m} 像素，最多 {l}"),
    "ratio_min": ("width : height is {m}, at least {l}", "宽高比 {m}，至少为 {l}"),
    "ratio_max": ("width : height is {m}, at most {l}", "宽高比 {m}，最多为 {l}"),
    "bytes_max": ("{m} bytes, at most {l}", "{m} 字节，最多 {l}"),
    "formats": ("the format is {m}, taken are {l}", "格式为 {m}，仅接受 {l}"),
    "white_background": ("the background is not pure white", "背景不是纯白色"),
    "product_share_min_ratio": (
        "the product takes {m} of the frame, at least {l}",
        "商品占画面 {m}，至少需 {l}",
    ),
    "text_allowed": ("text is drawn on the picture, which is not allowed here", "图片上有文字，此处不允许"),
    "composite_allowed": ("it is a composite, which is not allowed here", "图片为合成图，此处不允许"),
    "main_image_required": ("there is no main image", "没有主图"),
    "images_advised": ("{m} images can be shown, {l} are advised", "可展示 {m} 张图片，建议至少 {l} 张"),
    "images_max": ("{m} images, at most {l} are taken", "共 {m} 张图片，最多 {l} 张"),
    "images_max_with_video": (
        "{m} images beside a video, which shows with at most {l}",
        "有视频时共 {m} 张图片，超过 {l} 张视频不显示",
    ),
    "shapes": ("the frame is {m}, taken are {l}", "画面为 {m}，仅接受 {l}"),
    "duration_min_s": ("it lasts {m} s, at least {l} s", "时长 {m} 秒，至少需 {l} 秒"),
    "duration_max_s": ("it lasts {m} s, at most {l} s", "时长 {m} 秒，最多 {l} 秒"),
    "fps_min": ("{m} frames a second, at least {l}", "帧率 {m}，至少需 {l}"),
    "fps_max": ("{m} frames a second, at most {l}", "帧率 {m}，最多 {l}"),
    "codecs": ("the codec is {m}, taken are {l}", "编码为 {m}，仅接受 {l}"),
    "bitrate_min_bps": ("{m} bits a second, at least {l}", "码率 {m} bps，至少需 {l}"),
    "audio_bitrate_min_bps": ("sound of {m} bits a second, at least {l}", "音频码率 {m} bps，至少需 {l}"),
    "title_max_chars": ("the title has {m} characters, at most {l}", "标题 {m} 个字符，最多 {l}"),
    "title_min_chars": ("the title has {m} characters, at least {l}", "标题 {m} 个字符，至少需 {l}"),
    "title_forbidden_chars": (
        "the title holds {m}; none of {l} may stand there",
        "标题含有 {m}，不得使用 {l}",
    ),
    "word_repeat_max": ("the title repeats a word: {m}, at most x{l}", "标题重复用词：{m}，最多 {l} 次"),
    "bullets_max": ("{m} bullets, at most {l}", "{m} 条要点，最多 {l} 条"),
    "bullet_max_chars": ("a bullet has {m} characters, at most {l}", "要点 {m} 个字符，最多 {l}"),
    "description_max_chars": ("the description has {m} characters, at most {l}", "描述 {m} 个字符，最多 {l}"),
    "description_min_chars": (
        "the description has {m} characters, at least {l}",
        "描述 {m} 个字符，至少需 {l}",
    ),
    "description_min_words": ("the description has {m} words, at least {l}", "描述 {m} 个词，至少需 {l}"),
    "keywords_max": ("{m} keywords, at most {l}", "{m} 个关键词，最多 {l}"),
    "keywords_max_bytes": ("the keywords take {m} bytes, at most {l}", "关键词共 {m} 字节，最多 {l}"),
}

WORDED_FIELDS = frozenset(_FIELDS)

_NOT_THERE = {
    "copy": Wording("the kit has no copy for it", "素材包中没有该平台的文案"),
    "video": Wording("the kit has no video for it", "素材包中没有可用视频"),
}
_NOT_MEASURED: dict[str, tuple[str, str]] = {
    "audio_bitrate_min_bps": (
        "it has no sound, or its sound was not measured; at least {l} bits a second",
        "没有声音或未测量音频；至少需 {l} bps",
    ),
    "product_share_min_ratio": (
        "the product's share of the frame was not measured; at least {l}",
        "未测量商品占画面比例；至少需 {l}",
    ),
    "white_background": ("whether the background is pure white was not measured", "未测量背景是否纯白"),
}


def sentence(found: LintBreach) -> Wording:
    """What is wrong, such as "amazon.main: longest side 400 px, at least 500 px"."""
    breach = found.breach
    if found.absent:
        missing = _NOT_THERE["copy" if found.part.startswith("copy") else "video"]
        return Wording(f"{breach.use}: {missing.en}", f"{breach.use}：{missing.zh}")
    unmeasured = breach.measured is None and breach.field in _NOT_MEASURED
    en, zh = (_NOT_MEASURED if unmeasured else _FIELDS)[breach.field]
    figures = {
        "m": figure(breach.field, breach.measured),
        "l": figure(breach.field, breach.limit.value),
    }
    return Wording(f"{breach.use}: {en.format(**figures)}", f"{breach.use}：{zh.format(**figures)}")


def measured_text(breach: Breach) -> str | None:
    """The measured value as text; None where nothing was measured."""
    return figure(breach.field, breach.measured) or None
