"""The rules behind a video's score, as data; those of pictures and how points are chosen stand in
:mod:`skuflow.quality.limits`. "Calibrated" means: measured on films of cut-outs in rendered scenes, and on the same
with planted defects (``benchmarks.calibration.films``).
"""

from __future__ import annotations

from skuflow.listing.findings import Severity
from skuflow.quality.scoring import Rule, Step

VIDEO_RULES: tuple[Rule, ...] = (
    Rule(
        name="video_short",
        aspect="duration",
        measure="missing_s",
        bad_when="above",
        # Marketplaces measure in whole frames; a video that is 1 ms short of 5 s is refused as 4 s.
        steps=(Step(0.0, 15), Step(0.5, 40)),
        advice="the video is shorter than asked for",
        advice_zh="视频时长不足",
        severity=Severity.ERROR,
    ),
    Rule(
        name="video_long",
        aspect="duration",
        measure="excess_s",
        bad_when="above",
        steps=(Step(0.5, 5), Step(2.0, 15)),
        advice="the video is longer than asked for",
        advice_zh="视频时长超出要求",
    ),
    Rule(
        name="video_size",
        aspect="format",
        measure="size_difference_px",
        bad_when="above",
        steps=(Step(0.0, 40),),
        advice="the video does not have the frame size that was asked for",
        advice_zh="视频画面尺寸与要求不符",
        severity=Severity.ERROR,
    ),
    Rule(
        name="video_format",
        aspect="format",
        measure="plays_everywhere",
        bad_when="below",
        # H.264 with yuv420p is what every marketplace and phone takes.
        steps=(Step(1.0, 30),),
        advice="the video is not H.264 with yuv420p; encode it again",
        advice_zh="视频不是 H.264 / yuv420p；请重新编码",
        severity=Severity.ERROR,
    ),
    Rule(
        name="video_frame_rate",
        aspect="format",
        measure="fps",
        bad_when="below",
        # 24 frames a second is the least that vendors deliver and marketplaces take.
        steps=(Step(23.9, 15),),
        advice="the frame rate is too low to look smooth",
        advice_zh="帧率过低，画面不流畅",
    ),
    Rule(
        name="video_black",
        aspect="motion",
        measure="black_s",
        bad_when="above",
        # One black frame (0.02 s at 50 a second) is seen as a flash, and becomes the cover where it is the first.
        steps=(Step(0.015, 10), Step(0.15, 20), Step(0.6, 40)),
        advice="the video holds black frames; cut them out",
        advice_zh="视频含有黑帧；请剪除",
        severity=Severity.ERROR,
    ),
    Rule(
        name="video_blank",
        aspect="motion",
        measure="blank_s",
        bad_when="above",
        steps=(Step(0.015, 10), Step(0.15, 20), Step(0.6, 40)),
        advice="the video holds frames of one plain colour; cut them out",
        advice_zh="视频含有纯色空白帧；请剪除",
        severity=Severity.ERROR,
    ),
    Rule(
        name="video_frozen",
        aspect="motion",
        measure="frozen_s",
        bad_when="above",
        # A still held for a second reads as a hang; camera moves never stand still that long.
        steps=(Step(1.0, 15), Step(2.5, 40)),
        advice="the picture stands still for too long; make the video again",
        advice_zh="画面静止过久；请重新生成视频",
    ),
    Rule(
        name="video_flicker",
        aspect="motion",
        measure="flicker_luma",
        bad_when="above",
        # Brightness of smooth footage changes by well under 1 level per frame, and does not turn round.
        steps=(Step(3.0, 15), Step(8.0, 35)),
        advice="the brightness jumps between frames; make the video again",
        advice_zh="画面亮度闪烁；请重新生成视频",
    ),
    Rule(
        name="video_flicker_part",
        aspect="motion",
        measure="flicker_part_luma",
        bad_when="above",
        # Calibrated: good films 1.1 at most, a product that flickers by 6 levels 4 and more.
        steps=(Step(2.5, 15), Step(8.0, 35)),
        advice="a part of the picture flickers; make the video again",
        advice_zh="画面局部闪烁；请重新生成视频",
    ),
    Rule(
        name="video_blurred",
        aspect="sharpness",
        measure="detail_ratio",
        bad_when="below",
        steps=(Step(1.25, 15), Step(1.12, 35)),
        advice="the frames are blurred; make the video again or with a higher bit rate",
        advice_zh="视频画面模糊；请重新生成或提高码率",
    ),
    Rule(
        name="video_first_frame",
        aspect="identity",
        measure="first_frame_difference",
        bad_when="above",
        # H.264 at usual quality changes a frame by 1 to 2 levels on average.
        steps=(Step(6.0, 10), Step(15.0, 30)),
        advice="the video does not begin with the picture it was made from",
        advice_zh="视频首帧与所用图片不一致",
    ),
    Rule(
        name="video_product_not_seen",
        aspect="identity",
        measure="product_seen_ratio",
        bad_when="below",
        # Close-ups may hide it for a while; a product that no sampled frame shows is another matter.
        steps=(Step(0.2, 20),),
        advice="the product of the source photo is hardly recognised in the video; look at it",
        advice_zh="视频中几乎识别不到原图商品；请人工查看",
    ),
    Rule(
        name="video_identity",
        aspect="identity",
        measure="identity_ratio",
        bad_when="below",
        # Lower than for images: a moving camera and compression cost some of the finest structure.
        steps=(Step(0.6, 15), Step(0.3, 40)),
        advice="the product changes in the video; make it again",
        advice_zh="视频中商品发生变化；请重新生成",
        severity=Severity.ERROR,
    ),
    Rule(
        name="video_identity_moment",
        aspect="identity",
        measure="identity_worst_ratio",
        bad_when="below",
        # Only where whoever made the video says where the product stands, so that a low value is no failed search.
        # Calibrated: the films of the samples 1.00 in every frame, a lamp's with joints of few pixels, compressed hard
        # (crf 28) at 720 px, 0.78. A median does not see a product that is lost in one shot.
        steps=(Step(0.7, 12), Step(0.55, 35)),
        advice="the product is not itself in one of the looked-at frames; look at every shot",
        advice_zh="视频中个别画面的商品与原图不一致；请逐个镜头检查",
    ),
    Rule(
        name="video_print",
        aspect="identity",
        measure="identity_print",
        bad_when="below",
        # Calibrated: good films 1.00, compressed hard (crf 28) too.
        steps=(Step(0.9, 12), Step(0.6, 35)),
        advice="print on the product is not what the source photo shows in one of the looked-at frames (altered, "
        "garbled or gone); make the video again",
        advice_zh="视频中商品上的印字或图案与原图不符（被改动、乱码或消失）；请重新生成视频",
        severity=Severity.ERROR,
    ),
    Rule(
        name="video_holes",
        aspect="identity",
        measure="identity_holes",
        bad_when="below",
        steps=(Step(0.9, 12), Step(0.6, 35)),
        advice="an opening of the product, such as a handle's, is filled in one of the looked-at frames; make the "
        "video again",
        advice_zh="视频中商品的镂空处（如把手内侧）被填实；请重新生成视频",
        severity=Severity.ERROR,
    ),
    Rule(
        name="video_thin_parts",
        aspect="identity",
        # The share that is lost, not its grade: a grade made for pictures is spent by what hard compression takes of
        # rods a pixel wide.
        measure="thin_lost_ratio",
        bad_when="above",
        # Calibrated: films as they are delivered 0.002 at most, compressed hard (crf 28) at 720 px 0.009 (a lamp), with
        # a thin part removed 0.011 and more.
        steps=(Step(0.006, 12), Step(0.015, 35)),
        advice="a thin part of the product, such as a strap, a stem or a leg, is missing in one of the looked-at "
        "frames; make the video again",
        advice_zh="视频中商品的细小部件（如带子、细杆、支脚）缺失；请重新生成视频",
        severity=Severity.ERROR,
    ),
    Rule(
        name="video_cut_fringe",
        aspect="cut",
        measure="fringe_ratio",
        bad_when="above",
        # As for images; good films 0.03 at most in the median frame.
        steps=(Step(0.1, 12), Step(0.2, 35)),
        advice="a pale fringe of the old background runs along the product; cut it out again or make the video again",
        advice_zh="视频中商品边缘残留原背景的白边；请重新抠图或重新生成视频",
    ),
    Rule(
        name="video_cut_bitten",
        aspect="cut",
        measure="bitten_ratio",
        bad_when="above",
        # Higher than for images: compression moves an outline in front of a like colour by a pixel.
        steps=(Step(0.04, 12), Step(0.06, 35)),
        advice="bits of the product are missing along its outline; cut it out again or make the video again",
        advice_zh="视频中商品轮廓有缺损；请重新抠图或重新生成视频",
    ),
    Rule(
        name="video_product_blurred",
        aspect="sharpness",
        measure="sharpness_ratio",
        bad_when="below",
        # Calibrated: good films 0.93 and more, compressed hard (crf 28) at 720 px 0.89; 0.80 where the product was
        # searched for and the camera moves.
        steps=(Step(0.75, 10), Step(0.6, 30)),
        advice="the product is less sharp than in its source photo; make the video again or with a higher bit rate",
        advice_zh="视频中商品清晰度低于原图；请重新生成或提高码率",
    ),
    Rule(
        name="video_product_blown",
        aspect="exposure",
        measure="product_blown_ratio",
        bad_when="above",
        steps=(Step(0.02, 10), Step(0.08, 30)),
        advice="parts of the product are burnt out to white; make the video again with less exposure",
        advice_zh="视频中商品局部过曝发白；请降低曝光后重新生成",
    ),
    Rule(
        name="video_product_black",
        aspect="exposure",
        measure="product_black_ratio",
        bad_when="above",
        steps=(Step(0.05, 10), Step(0.15, 30)),
        advice="parts of the product sink into black; make the video again with more light",
        advice_zh="视频中商品局部死黑；请提高曝光后重新生成",
    ),
    Rule(
        name="video_frame_blown",
        aspect="exposure",
        measure="blown_ratio",
        bad_when="above",
        steps=(Step(0.15, 10), Step(0.4, 25)),
        advice="large parts of the video are burnt out to white; use another scene or less exposure",
        advice_zh="视频画面大面积过曝；请更换场景或降低曝光",
    ),
    Rule(
        name="video_frame_black",
        aspect="exposure",
        measure="black_ratio",
        bad_when="above",
        steps=(Step(0.35, 10), Step(0.6, 25)),
        advice="large parts of the video are black; use another scene or more exposure",
        advice_zh="视频画面大面积死黑；请更换场景或提高曝光",
    ),
    Rule(
        name="video_dark",
        aspect="exposure",
        measure="mean_luma",
        bad_when="below",
        steps=(Step(18.0, 15),),
        advice="the video is too dark to see the product on a phone; brighten it",
        advice_zh="视频过暗，手机上难以看清商品；请提亮",
    ),
    Rule(
        name="video_product_small",
        aspect="product_share",
        measure="product_length_ratio",
        bad_when="below",
        # As for images, against the frame's shorter side; the films of the samples show 0.43 and more.
        steps=(Step(0.3, 10), Step(0.18, 25)),
        advice="the product is small in the video; show it larger",
        advice_zh="商品在视频中过小；请放大商品",
    ),
    Rule(
        name="video_product_cropped",
        aspect="product_share",
        measure="outside_px",
        bad_when="above",
        # A box is known to a hundredth of a pixel; what lies outside by less than one is rounding.
        steps=(Step(1.0, 30),),
        advice="the product runs out of the frame in one of the looked-at frames; make room for it",
        advice_zh="视频个别画面中商品超出画面；请留出空间",
        severity=Severity.ERROR,
    ),
    Rule(
        name="video_filler",
        aspect="information",
        measure="information_ratio",
        bad_when="below",
        steps=(Step(0.7, 20), Step(0.3, 40)),
        advice="the video shows next to nothing; replace it",
        advice_zh="视频信息量过低（画面近乎空白）；请更换",
    ),
    Rule(
        name="video_text_contrast",
        aspect="legibility",
        measure="text_contrast_ratio",
        bad_when="below",
        # WCAG 2.1, success criterion 1.4.3: 4.5 for text, 3 for large text.
        steps=(Step(4.5, 10), Step(3.0, 25)),
        advice="captions hardly stand out from what is behind them; give them more contrast or a plate",
        advice_zh="字幕与背景对比度不足；请提高对比度或加底板",
    ),
    Rule(
        name="video_text_small",
        aspect="legibility",
        measure="text_phone_height_px",
        bad_when="below",
        steps=(Step(8.0, 10), Step(5.5, 25)),
        advice="captions are too small to be read on a phone 375 px wide; use fewer words",
        advice_zh="字幕在 375 px 宽的手机上过小；请精简文字",
    ),
    Rule(
        name="video_captions_missing",
        aspect="legibility",
        measure="captions_missing",
        bad_when="above",
        steps=(Step(0.0, 10),),
        advice="captions were asked for, and shots are without them; use shorter words, or another provider",
        advice_zh="要求的字幕未能全部显示在视频中；请精简文字或更换供应商",
    ),
)
