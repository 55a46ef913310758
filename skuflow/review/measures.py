"""Scores and measured values of a part, told apart and named for people."""

from __future__ import annotations

from skuflow.review.wording import Wording, readable

ASPECTS: dict[str, tuple[str, str]] = {
    "background": ("Background", "背景"),
    "cut": ("Cut-out", "抠图边缘"),
    "duration": ("Duration", "时长"),
    "exposure": ("Exposure", "曝光"),
    "facts": ("Facts", "信息"),
    "format": ("Format", "格式"),
    "identity": ("Same product", "商品一致性"),
    "information": ("Shows much", "画面信息量"),
    "language": ("Language", "语言"),
    "legibility": ("Legible words", "文字可读性"),
    "limits": ("Limits", "字数限制"),
    "motion": ("Motion", "动态"),
    "product_share": ("Product in frame", "商品占比"),
    "proof": ("Proof", "事实核对"),
    "sharpness": ("Sharpness", "清晰度"),
    "size": ("Size", "尺寸"),
    "wording": ("Wording", "表达"),
}
"""Names in ``scores`` that are scores of 0-100 rather than measured values."""

_MEASURES: dict[str, tuple[str, str]] = {
    "bitten_ratio": ("Product bitten into", "商品边缘缺失占比"),
    "black_ratio": ("Pure black", "死黑占比"),
    "black_s": ("Black frames", "黑屏时长"),
    "blank_s": ("Blank frames", "纯色空白帧时长"),
    "blown_ratio": ("Blown out", "过曝占比"),
    "box_ratio": ("Product box in frame", "商品外框占比"),
    "bullet_excess_chars": ("Bullet over limit", "要点超出字符"),
    "bullets_count": ("Bullet points", "要点数"),
    "bullets_excess_count": ("Bullets over limit", "超出要点数"),
    "captions_missing": ("Shots without their caption", "缺少字幕的镜头数"),
    "cuts": ("Cuts", "硬切次数"),
    "delta_e": ("Colour difference ΔE", "色差 ΔE"),
    "delta_e_raw": ("ΔE before light correction", "校正前色差 ΔE"),
    "delta_e_vivid": ("ΔE of vivid colours", "鲜艳部分色差 ΔE"),
    "description_chars": ("Description length", "描述字符数"),
    "description_excess_chars": ("Description over limit", "描述超出字符"),
    "detail_ratio": ("Fine detail", "细节保留"),
    "doubled_words": ("Doubled words", "重复词"),
    "duration_s": ("Duration", "时长"),
    "enlargement_ratio": ("Enlargement of the photo", "原图放大倍率"),
    "excess_s": ("Too long by", "超出时长"),
    "facts_ratio": ("Facts used", "信息使用率"),
    "filled_ratio": ("Openings filled in", "镂空处被填充占比"),
    "first_frame_difference": ("First frame against its picture", "首帧与图片差异"),
    "flicker_luma": ("Flicker", "闪烁"),
    "flicker_part_luma": ("Flicker of a part", "局部闪烁"),
    "forbidden_terms": ("Forbidden terms", "禁用词"),
    "foreign_letters": ("Letters of another script", "其他文字字符"),
    "fps": ("Frames per second", "帧率"),
    "frames": ("Frames", "帧数"),
    "fringe_ratio": ("Pale fringe", "白边占比"),
    "frozen_s": ("Standing still", "静止时长"),
    "identity_colour": ("Colour agrees", "颜色一致"),
    "identity_completeness": ("Complete", "完整度"),
    "identity_holes": ("Openings agree", "镂空一致"),
    "identity_print": ("Print agrees", "印刷图案一致"),
    "identity_ratio": ("Same product as the photo", "与原图商品一致性"),
    "identity_shape": ("Shape agrees", "形状一致"),
    "identity_structure": ("Structure agrees", "结构一致"),
    "identity_thin_parts": ("Thin parts agree", "细部一致"),
    "identity_worst_ratio": ("Same product, worst frame", "最差画面与原图商品一致性"),
    "information_ratio": ("How much the picture shows", "画面信息量"),
    "kana_ratio": ("Kana among the letters", "假名占比"),
    "keywords_excess_bytes": ("Keywords over limit", "关键词超出字节"),
    "keywords_excess_count": ("Keywords over limit", "超出关键词数"),
    "keywords_told_ratio": ("Keywords that the text uses", "文案用到的关键词占比"),
    "light_exposure": ("Light: exposure", "光线：曝光"),
    "light_tint": ("Light: tint", "光线：色调"),
    "light_warmth": ("Light: warmth", "光线：冷暖"),
    "mean_luma": ("Mean brightness", "平均亮度"),
    "missing_s": ("Too short by", "不足时长"),
    "mixed_language": ("Places in another language", "混入其他语言处"),
    "outside_px": ("Product outside the frame", "商品出框"),
    "own_script_ratio": ("Letters of its own script", "本语言文字占比"),
    "plays_everywhere": ("Plays everywhere", "通用播放"),
    "print_unlike_px": ("Print unlike the photo", "印刷图案不符面积"),
    "product_area_ratio": ("Product area in frame", "商品面积占比"),
    "product_black_ratio": ("Product: pure black", "商品死黑占比"),
    "product_blown_ratio": ("Product: blown out", "商品过曝占比"),
    "product_found": ("Product found", "识别到商品"),
    "product_length_ratio": ("Product length of the frame's shorter side", "商品长边占画面短边"),
    "product_seen_ratio": ("Product seen", "商品可见时间占比"),
    "product_share_ratio": ("Product share of frame", "商品占画面比例"),
    "proof_errors": ("Unproven statements", "无依据表述"),
    "proof_warnings": ("Statements to check", "待核对表述"),
    "repeated_bullets": ("Repeated bullets", "重复要点"),
    "repeated_phrases": ("Repeated phrases", "重复短语"),
    "sharpness_ratio": ("Sharpness against the photo", "相对原图清晰度"),
    "size_difference_px": ("Off the wanted size", "与目标尺寸差"),
    "stretch_ratio": ("Stretch", "拉伸比"),
    "text_contrast_ratio": ("Contrast of the words", "文字对比度"),
    "text_phone_height_px": ("Height of the words on a phone", "手机上文字高度"),
    "thin_lost_ratio": ("Thin parts lost", "细部缺失占比"),
    "title_chars": ("Title length", "标题字符数"),
    "title_excess_chars": ("Title over limit", "标题超出字符"),
    "title_forbidden_count": ("Forbidden characters in title", "标题禁用字符"),
    "title_missing_chars": ("Title too short by", "标题不足字符"),
    "title_repeats_excess": ("Word repeats over limit", "标题重复词超限"),
    "unlike_ratio": ("Unlike the photo", "与原图不符占比"),
    "white_border_ratio": ("White border", "白色边缘"),
    "worst_structure": ("Worst region", "最差区域"),
    "wrong_language": ("In another language", "语言不符"),
}

# A ratio of these is a factor around 1, not a share.
_FACTORS = frozenset({"enlargement_ratio", "stretch_ratio", "text_contrast_ratio"})
_UNITS = {
    "px": "px",
    "cm": "cm",
    "s": "s",
    "fps": "fps",
    "bytes": "B",
    "db": "dB",
    "deg": "°",
    "bits": "bits",
}
_YES_NO = frozenset({"product_found", "plays_everywhere", "wrong_language"})


def is_aspect(name: str) -> bool:
    """Whether a name in ``scores`` is a score of 0-100."""
    return name in ASPECTS


def aspect_words(name: str) -> Wording:
    return Wording(*ASPECTS[name])


def measure_words(name: str, value: float) -> tuple[Wording, Wording]:
    """Name and value of a measure as a person reads them; the unit is the last word of the measure's name."""
    label = Wording(*_MEASURES.get(name, (readable(name), readable(name))))
    if name in _YES_NO:
        return label, Wording("yes", "是") if value else Wording("no", "否")
    text = _value_text(name, value)
    return label, Wording(text, text)


def _value_text(name: str, value: float) -> str:
    suffix = name.rpartition("_")[2]
    if name in _FACTORS:
        return f"× {value:.3g}"
    if suffix in ("ratio", "share"):
        return f"{value * 100:.3g} %" if abs(value) < 1 else f"{value * 100:.4g} %"
    figure = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    unit = _UNITS.get(suffix) if suffix != name else None
    return f"{figure} {unit}" if unit else figure
