"""The rules behind every score, as data: what is measured, from where on it costs, and how much.

Points are chosen so that one severe fault takes a picture below 70, which is where a person should look, and so that a
picture that is not the product cannot pass 40. "Calibrated" means: measured on composites of the sample products in all
plates and shapes, and on the same with planted defects; the good ones stay clear of the limit.
"""

from __future__ import annotations

from skuflow.listing.findings import Severity
from skuflow.quality.scoring import Rule, Step

IMAGE_RULES: tuple[Rule, ...] = (
    Rule(
        name="image_product_not_found",
        aspect="identity",
        measure="product_found",
        bad_when="below",
        steps=(Step(1.0, 30),),
        advice="the product of the source photo was not recognised in this picture; look at it or make it again",
        advice_zh="图中未能识别出原图的商品；请人工查看或重新生成",
    ),
    Rule(
        name="image_identity",
        aspect="identity",
        measure="identity_ratio",
        bad_when="below",
        # Calibrated: genuine composites 1.00; parts removed, stretched by 10 %, print mirrored: medians below 0.6.
        steps=(Step(0.9, 12), Step(0.75, 35), Step(0.5, 60)),
        advice="the product differs from its source photo in shape, colour or print; make the picture again",
        advice_zh="商品与原图不一致（形状、颜色或印字）；请重新生成",
        severity=Severity.ERROR,
    ),
    Rule(
        name="image_print",
        aspect="identity",
        measure="identity_print",
        bad_when="below",
        # Calibrated: of 405 genuine pictures none has a patch of other print; one letter of a word of 8 px makes one.
        steps=(Step(0.9, 12), Step(0.75, 35), Step(0.3, 60)),
        advice="print on the product is not what the source photo shows (altered, mirrored, garbled or gone); make the "
        "picture again",
        advice_zh="商品上的印字或图案与原图不符（被改动、镜像、模糊成乱码或消失）；请重新生成",
        severity=Severity.ERROR,
    ),
    Rule(
        name="image_holes",
        aspect="identity",
        measure="identity_holes",
        bad_when="below",
        # Calibrated: genuine openings look filled to 14 % at most, filled ones to 77 % and more in three of four.
        steps=(Step(0.9, 12), Step(0.75, 35), Step(0.3, 60)),
        advice="an opening of the product, such as a handle's, is filled; make the picture again",
        advice_zh="商品的镂空处（如把手内侧）被填实；请重新生成",
        severity=Severity.ERROR,
    ),
    Rule(
        name="image_thin_parts",
        aspect="identity",
        measure="identity_thin_parts",
        bad_when="below",
        # Calibrated: genuine thin parts miss 0.3 % of the product's area at most, removed ones 0.9 % in three of four.
        steps=(Step(0.9, 12), Step(0.75, 35), Step(0.3, 60)),
        advice="a thin part of the product, such as a strap, a stem or a leg, is missing; make the picture again",
        advice_zh="商品的细小部件（如带子、细杆、支脚）缺失；请重新生成",
        severity=Severity.ERROR,
    ),
    Rule(
        name="image_cut_fringe",
        aspect="cut",
        measure="fringe_ratio",
        bad_when="above",
        # Calibrated: of 107 genuine pictures of 36 products one in a hundred above 0.1, at 0.19; with 2 px of white
        # around it 0.47 and more, with a hard mask of 6 px steps 0.07 to 0.38, nine in ten above 0.17. Two of the
        # thirty sample scenes, with pale edges of their own before a bright wall, have 0.12 and 0.15.
        steps=(Step(0.16, 12), Step(0.2, 35)),
        advice="a pale fringe of the old background runs along the product; cut it out again or make the picture again",
        advice_zh="商品边缘残留原背景的白边；请重新抠图或重新生成",
    ),
    Rule(
        name="image_cut_bitten",
        aspect="cut",
        measure="bitten_ratio",
        bad_when="above",
        # Calibrated: of 104 genuine pictures 0.015 at most; with bites of a fiftieth of the product 0.033 and more, a
        # median of 0.09.
        steps=(Step(0.025, 12), Step(0.04, 35)),
        advice="bits of the product are missing along its outline; cut it out again or make the picture again",
        advice_zh="商品轮廓有缺损；请重新抠图或重新生成",
    ),
    Rule(
        name="image_text_contrast",
        aspect="legibility",
        measure="text_contrast_ratio",
        bad_when="below",
        # WCAG 2.1, success criterion 1.4.3: 4.5 for text, 3 for large text.
        steps=(Step(4.5, 10), Step(3.0, 25)),
        advice="words on the picture hardly stand out from what is behind them; give them more contrast or a plate",
        advice_zh="图上文字与背景对比度不足；请提高对比度或加底板",
    ),
    Rule(
        name="image_text_small",
        aspect="legibility",
        measure="text_phone_height_px",
        bad_when="below",
        # A line of the smallest text that phones set by themselves (11 px) has strokes 8 px high without its descents.
        steps=(Step(8.0, 10), Step(5.5, 25)),
        advice="words on the picture are too small to be read on a phone 375 px wide; set them larger",
        advice_zh="图上文字在 375 px 宽的手机上过小；请放大文字",
    ),
    Rule(
        name="image_filler",
        aspect="information",
        measure="information_ratio",
        bad_when="below",
        # Calibrated on 628 genuine pictures: all 1.00.
        steps=(Step(0.7, 20), Step(0.3, 40)),
        advice="the picture tells a shopper next to nothing (almost empty, or the product is tiny); replace it",
        advice_zh="图片信息量过低（画面近乎空白或商品过小）；请更换",
    ),
    Rule(
        name="image_blurred",
        aspect="sharpness",
        measure="sharpness_ratio",
        bad_when="below",
        # Calibrated on 140 pictures of ten products: as they are 0.99 to 1.02, woven cloth among them; with a Gaussian
        # blur of 1.5 px at 800 px at most 0.84.
        steps=(Step(0.9, 10), Step(0.7, 30), Step(0.5, 50)),
        advice="the product is less sharp than in its source photo; make the picture again or from a larger photo",
        advice_zh="商品清晰度低于原图；请重新生成或换用更大的原图",
    ),
    Rule(
        name="image_without_detail",
        aspect="sharpness",
        measure="detail_ratio",
        bad_when="below",
        # Used where no source photo is known. Calibrated on 41 real photos: as they are 1.39 and
        # more, blurred by 1.5 px at 1000 px at most 1.33, enlarged from 300 px at most 1.26.
        steps=(Step(1.35, 15), Step(1.2, 35)),
        advice="the whole picture is blurred; use a sharper one",
        advice_zh="整张图片模糊；请换用更清晰的图片",
    ),
    Rule(
        name="image_enlarged",
        aspect="sharpness",
        measure="enlargement_ratio",
        bad_when="above",
        # The studio enlarges a source 1.5 times at most; a little more than 1 is not visible.
        steps=(Step(1.15, 5), Step(1.55, 20)),
        advice="the product is shown larger than its source photo has pixels for; use a larger photo",
        advice_zh="商品显示尺寸超过原图像素；请使用更大的原图",
    ),
    Rule(
        name="image_product_blown",
        aspect="exposure",
        measure="product_blown_ratio",
        bad_when="above",
        steps=(Step(0.02, 10), Step(0.08, 30)),
        advice="parts of the product are burnt out to white; reduce the exposure",
        advice_zh="商品局部过曝发白；请降低曝光",
    ),
    Rule(
        name="image_product_black",
        aspect="exposure",
        measure="product_black_ratio",
        bad_when="above",
        steps=(Step(0.05, 10), Step(0.15, 30)),
        advice="parts of the product sink into black; raise the exposure",
        advice_zh="商品局部死黑；请提高曝光",
    ),
    Rule(
        name="image_frame_blown",
        aspect="exposure",
        measure="blown_ratio",
        bad_when="above",
        # No plate of ours has more than 0.2 % of clipped pixels.
        steps=(Step(0.15, 10), Step(0.4, 25)),
        advice="large parts of the picture are burnt out to white; use another scene or less exposure",
        advice_zh="画面大面积过曝；请更换场景或降低曝光",
    ),
    Rule(
        name="image_frame_black",
        aspect="exposure",
        measure="black_ratio",
        bad_when="above",
        # The plate that is dark on purpose has 24 % of black pixels.
        steps=(Step(0.35, 10), Step(0.6, 25)),
        advice="large parts of the picture are black; use another scene or more exposure",
        advice_zh="画面大面积死黑；请更换场景或提高曝光",
    ),
    Rule(
        name="image_dark",
        aspect="exposure",
        measure="mean_luma",
        bad_when="below",
        # The plate that is dark on purpose has a mean of 23 without a product, the next darkest 90.
        steps=(Step(18.0, 15),),
        advice="the picture is too dark to see the product on a phone; brighten it",
        advice_zh="画面过暗，手机上难以看清商品；请提亮",
    ),
    Rule(
        name="image_product_small",
        aspect="product_share",
        # Against the shorter side, which decides how large a frame is shown: of an upright frame's height the plates
        # leave a product no more than 30 to 36 %, which is half the frame's width and not small.
        measure="product_length_ratio",
        bad_when="below",
        # Calibrated on 120 pictures of ten products: 0.39 and more; a mug in a meadow 0.21.
        steps=(Step(0.3, 10), Step(0.18, 25)),
        advice="the product is small in the frame; show it larger",
        advice_zh="商品在画面中过小；请放大商品",
    ),
    Rule(
        name="image_product_cropped",
        aspect="product_share",
        measure="outside_px",
        bad_when="above",
        steps=(Step(0.0, 30),),
        advice="the product runs out of the frame; make room for it",
        advice_zh="商品超出画面；请留出空间",
        severity=Severity.ERROR,
    ),
    Rule(
        name="image_size",
        aspect="size",
        measure="size_difference_px",
        bad_when="above",
        steps=(Step(0.0, 40),),
        advice="the picture does not have the size that was asked for",
        advice_zh="图片尺寸与要求不符",
        severity=Severity.ERROR,
    ),
)

MAIN_RULES: tuple[Rule, ...] = (
    Rule(
        name="image_main_border",
        aspect="background",
        measure="white_border_ratio",
        bad_when="below",
        # Amazon asks for RGB 255,255,255; not one pixel of the border may differ.
        steps=(Step(1.0, 25),),
        advice="the border of a main image must be pure white (255, 255, 255)",
        advice_zh="主图边缘必须为纯白（255, 255, 255）",
        severity=Severity.ERROR,
    ),
    Rule(
        name="image_main_small",
        aspect="product_share",
        measure="product_share_ratio",
        bad_when="below",
        # 85 % of the frame (Amazon's product image guide); 0.5 % for rounding to whole pixels.
        steps=(Step(0.845, 15), Step(0.7, 25)),
        advice="the product must fill 85 % of a main image",
        advice_zh="主图中商品应占画面 85%",
    ),
    Rule(
        name="image_main_large",
        aspect="product_share",
        measure="product_share_ratio",
        bad_when="above",
        # Beyond this no white is left around the product once a marketplace rounds the corners.
        steps=(Step(0.95, 10),),
        advice="the product of a main image needs a white margin; show it smaller",
        advice_zh="主图商品四周应留白；请缩小商品",
    ),
)
