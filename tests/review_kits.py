"""Kits as a real run leaves them, one for each way a kit can end, for tests of what people open.

Pictures are painted by the caller, so that unit tests take milliseconds and a look in the browser takes real
photos.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from decimal import Decimal

from PIL import Image, ImageDraw

from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import (
    Cost,
    ImageRole,
    Kit,
    KitCopy,
    KitImage,
    KitStatus,
    KitVideo,
    LabelledFile,
    Part,
    PartState,
    Rendition,
    Scores,
)
from skuflow.listing.storyboard import Move, Shot, usual_note
from skuflow.review.cards import KitEntry
from skuflow.storage.keys import sku_slug
from skuflow.storage.objects import ObjectStore

SHAPES = {"800x800": (800, 800), "1200x630": (1200, 630), "1920x600": (1920, 600), "1080x1920": (1080, 1920)}
LANGUAGES = ("en", "es", "fr", "pt", "ru", "de", "ja")

Painter = Callable[[str, str | None, int, int], bytes]
"""(SKU, scene style or None for the white main image, width_px, height_px) to the bytes of a JPEG."""


def paint_plainly(sku: str, style: str | None, width: int, height: int) -> bytes:
    """A flat picture of a tenth of the size that is named in the kit: enough for everything but a look."""
    shade = hashlib.sha256(f"{sku}{style}".encode()).digest()
    picture = Image.new(
        "RGB", (width // 10, height // 10), "white" if style is None else (shade[0], shade[1], shade[2])
    )
    ImageDraw.Draw(picture).ellipse((10, 10, 40, 40), fill=(20, 120, 110))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


def sample_entries(
    store: ObjectStore,
    paint: Painter = paint_plainly,
    film: Callable[[str], bytes] = lambda sku: b"a film of " + sku.encode(),
) -> list[KitEntry]:
    """Six kits with their files in ``store``: two ready, one each blocked, deferred, failed and with
    hostile text.
    """
    return [
        KitEntry(mug(store, paint, film), seconds=28.4),
        KitEntry(lamp(store, paint, film), seconds=31.07),
        KitEntry(deferred_bottle(store, paint), seconds=22.9),
        KitEntry(blocked_charger(), seconds=0.8),
        KitEntry(failed_chair(store, paint), seconds=19.2),
        KitEntry(hostile(store, paint), seconds=None),
    ]


def image(
    store: ObjectStore,
    paint: Painter,
    sku: str,
    image_id: str,
    role: ImageRole,
    style: str | None,
    **scores: float,
) -> KitImage:
    """An image in every shape (the main image only square), with its files put into storage."""
    renditions = []
    for shape, (width, height) in SHAPES.items():
        if role is ImageRole.MAIN and width != height:
            continue
        file = f"{image_id.replace(':', '-')}-{shape}.jpg"
        data = paint(sku, style, width, height)
        stored = store.put(f"kits/{sku_slug(sku)}/{file}", data, "image/jpeg")
        fits = ("aliexpress.main", "amazon.main") if role is ImageRole.MAIN else (f"aliexpress.{shape}",)
        renditions.append(
            Rendition(
                file=file,
                width=width,
                height=height,
                bytes=len(data),
                format="jpeg",
                sha256=stored.sha256,
                fits=fits,
            )
        )
    measures = {
        "overall": 93.0,
        "identity": 95.0,
        "sharpness": 88.0,
        "product_share_ratio": 0.852,
        "sharpness_ratio": 0.91,
        "identity_ratio": 0.984,
        "delta_e": 1.9,
        "product_found": 1.0,
    }
    return KitImage(
        id=image_id,
        role=role,
        style=style,
        provider="offline",
        model="compositor-1",
        job_id=f"job-{image_id}",
        renditions=tuple(renditions),
        scores={**measures, **scores},
    )


def video(store: ObjectStore, film: Callable[[str], bytes], sku: str, styles: tuple[str, ...]) -> KitVideo:
    data = film(sku)
    stored = store.put(f"kits/{sku_slug(sku)}/video-1.mp4", data, "video/mp4")
    moves = (Move.PUSH_IN, Move.ORBIT, Move.PULL_OUT)
    shots = tuple(
        Shot(
            number=number,
            style=style,
            move=move,
            duration_s=duration_s,
            caption={"en": f"Shot {number}", "zh": f"镜头 {number}"},
            note=usual_note(move, style),
        )
        for number, (style, move, duration_s) in enumerate(
            zip(styles, moves, (1.6, 1.7, 1.7), strict=True), start=1
        )
    )
    return KitVideo(
        id="video:1",
        file="video-1.mp4",
        width=1080,
        height=1920,
        duration_s=5.0,
        fps=30,
        codec="h264",
        bytes=len(data),
        sha256=stored.sha256,
        storyboard=shots,
        provider="offline",
        model="film-1",
        job_id="job-video:1",
        scores={"overall": 91.0, "duration_s": 5.0, "identity_ratio": 0.978},
    )


def with_visible_labels(store: ObjectStore, paint: Painter, kit: Kit, market: str = "CN") -> Kit:
    """The kit with a second file, bearing a label that people see, of every picture but the main one and of each video,
    as a vendor's pictures have them for a market whose law asks for it.
    """

    def second(named: Rendition | KitVideo, data: bytes, media_type: str) -> LabelledFile:
        stem, _, extension = named.file.rpartition(".")
        file = f"{stem}-ai-label.{extension}"
        stored = store.put(f"kits/{sku_slug(kit.sku)}/{file}", data, media_type)
        return LabelledFile(
            file=file,
            width=named.width,
            height=named.height,
            bytes=len(data),
            sha256=stored.sha256,
            markets=(market,),
        )

    images = tuple(
        image
        if image.role is ImageRole.MAIN
        else image.model_copy(
            update={
                "labelled": tuple(
                    second(r, paint(f"{kit.sku} AI", image.style, r.width, r.height), "image/jpeg")
                    for r in image.renditions
                )
            }
        )
        for image in kit.images
    )
    videos = tuple(
        video.model_copy(update={"labelled": (second(video, b"a labelled film", "video/mp4"),)})
        for video in kit.videos
    )
    return kit.model_copy(update={"images": images, "videos": videos, "kit_id": f"{kit.kit_id}-labelled"})


def made(*parts: str) -> tuple[Part, ...]:
    return tuple(Part(part=part, state=PartState.MADE) for part in parts)


def _pictures(store: ObjectStore, paint: Painter, sku: str, *styles: str) -> tuple[KitImage, ...]:
    main = image(store, paint, sku, "image:main:1", ImageRole.MAIN, None, overall=96.0)
    scenes = (
        image(store, paint, sku, f"image:scene:{number}", ImageRole.SCENE, style, overall=94.0 - 9 * number)
        for number, style in enumerate(styles, start=1)
    )
    return (main, *scenes)


MUG_TEXTS: dict[str, tuple[str, tuple[str, ...], str, tuple[str, ...], tuple[str, ...]]] = {
    "en": (
        "Reactive-Glaze Ceramic Mug, 380 ml, Peacock Green, Microwave and Dishwasher Safe",
        (
            "Reactive glaze: no two mugs share the same pattern",
            "Thick stoneware wall keeps drinks warm and the outside comfortable to hold",
            "Large handle for four fingers",
            "Microwave and dishwasher safe",
            "380 ml, rim 8.4 cm, height 9.5 cm, 365 g",
        ),
        "A high-fired stoneware mug in peacock green with a cream inside. It holds 380 ml and goes "
        "into the microwave and the dishwasher.",
        ("ceramic mug", "stoneware coffee cup", "reactive glaze", "380 ml mug", "dishwasher safe mug"),
        ("Every glaze tells its own story.", "A handle that fits your hand.", "380 ml for slow mornings."),
    ),
    "es": (
        "Taza de cerámica con esmalte reactivo, 380 ml, verde pavo real, apta para microondas",
        (
            "Esmalte reactivo: cada taza tiene un dibujo único",
            "Pared gruesa de gres que conserva el calor",
            "Asa grande para cuatro dedos",
            "Apta para microondas y lavavajillas",
        ),
        "Taza de gres de alta temperatura en verde pavo real con interior crema. Capacidad: 380 ml.",
        ("taza de cerámica", "taza de gres", "esmalte reactivo", "taza 380 ml"),
        ("Cada esmalte es único.", "Un asa que se adapta a la mano.", "380 ml para empezar el día."),
    ),
    "fr": (
        "Mug en céramique à émail réactif, 380 ml, vert paon, compatible micro-ondes",
        (
            "Émail réactif : chaque mug a son propre motif",
            "Paroi épaisse en grès qui garde la chaleur",
            "Grande anse pour quatre doigts",
            "Compatible micro-ondes et lave-vaisselle",
        ),
        "Mug en grès cuit à haute température, vert paon dehors, crème dedans. Contenance 380 ml.",
        ("mug céramique", "tasse en grès", "émail réactif", "mug 380 ml"),
        ("Chaque émail est unique.", "Une anse bien en main.", "380 ml pour bien commencer."),
    ),
    "pt": (
        "Caneca de cerâmica com esmalte reativo, 380 ml, verde-pavão, para micro-ondas",
        (
            "Esmalte reativo: cada caneca tem um desenho único",
            "Parede grossa de grés que mantém o calor",
            "Alça grande para quatro dedos",
            "Pode ir ao micro-ondas e à lava-louças",
        ),
        "Caneca de grés de alta temperatura, verde-pavão por fora e creme por dentro. Capacidade de 380 ml.",
        ("caneca de cerâmica", "caneca de grés", "esmalte reativo", "caneca 380 ml"),
        ("Cada esmalte é único.", "Uma alça firme na mão.", "380 ml para começar o dia."),
    ),
    "ru": (
        "Керамическая кружка с реактивной глазурью, 380 мл, сине-зелёная, для микроволновки",
        (
            "Реактивная глазурь: у каждой кружки свой рисунок",
            "Толстые стенки дольше держат тепло",
            "Большая ручка на четыре пальца",
            "Можно мыть в посудомоечной машине",
        ),
        "Кружка из каменной керамики высокого обжига, сине-зелёная, внутри кремовая. Объём 380 мл.",
        ("керамическая кружка", "кружка 380 мл", "реактивная глазурь"),
        ("Глазурь, которая не повторяется.", "Ручка по руке.", "380 мл для доброго утра."),
    ),
    "de": (
        "Keramikbecher mit Reaktivglasur, 380 ml, pfauengrün, mikrowellen- und spülmaschinengeeignet",
        (
            "Reaktivglasur: jeder Becher hat sein eigenes Muster",
            "Dicke Steinzeugwand hält Getränke länger warm",
            "Großer Henkel für vier Finger",
            "Für Mikrowelle und Spülmaschine geeignet",
        ),
        "Becher aus hoch gebranntem Steinzeug, pfauengrün, innen cremefarben. Fasst 380 ml.",
        ("Keramikbecher", "Steinzeugtasse", "Reaktivglasur", "Becher 380 ml"),
        ("Jede Glasur ist einzigartig.", "Ein Henkel, der passt.", "380 ml für ruhige Morgen."),
    ),
    "ja": (
        "窯変釉 陶器マグカップ 380ml ピーコックグリーン 電子レンジ・食洗機対応",
        (
            "窯変釉のため、模様は一つひとつ異なります",
            "厚手の器で飲み物が冷めにくい",
            "四本の指が入る大きな取っ手",
            "電子レンジ・食洗機対応",
        ),
        "高温焼成の炻器マグカップ。外側はピーコックグリーン、内側はクリーム色。容量380ml、重さ365g。",
        ("マグカップ", "陶器", "窯変釉", "380ml"),
        ("同じ模様は二つとない。", "手になじむ取っ手。", "380mlで、ゆったりした朝を。"),
    ),
}


def mug_copy(language: str, left_out: tuple[str, ...] = ()) -> KitCopy:
    title, bullets, description, keywords, script = MUG_TEXTS[language]
    facts = (
        "材质",
        "容量",
        "颜色",
        "重量",
        "尺寸",
        "微波炉",
        "洗碗机",
        "窑变釉面",
        "加厚杯壁",
        "大手柄",
        "可进微波炉",
    )
    used = tuple(fact for fact in facts if fact not in left_out)
    notes = tuple(
        Finding(
            code="COPY_UNTRANSLATED",
            severity=Severity.INFO,
            subject=f"copy:{language}",
            message=f"“{fact}” has no words in {language} and was left out; add selling_points_{language}.",
            message_zh=f"“{fact}”没有对应的 {language} 译文，未写入；可在 selling_points_{language} 列补充。",
        )
        for fact in left_out
    )
    return KitCopy(
        language=language,
        marketplace="aliexpress",
        title=title,
        bullets=bullets,
        description=description,
        keywords=keywords,
        video_script=script,
        captions=script,
        facts_ratio=len(used) / len(facts),
        facts_used=used,
        facts_left_out=left_out,
        origin="template",
        findings=notes,
        part=f"copy:{language}",
        provider="offline",
        model="templates-1",
        job_id=f"job-copy:{language}",
        scores={"overall": 97.0, "facts_ratio": len(used) / len(facts), "title_chars": len(title)},
    )


def product(sku: str, zh: str, en: str, category: str, row: int, **attributes: str) -> Product:
    titles = {language: text for language, text in (("zh", zh), ("en", en)) if text}
    return Product(
        sku=sku,
        titles=titles,
        category=category,
        price=Decimal("49.00"),
        currency="CNY",
        attributes=attributes,
        target_markets=("CN", "US", "EU"),
        source=ProductSource(catalog="products.csv", row=row),
    )


def mug(store: ObjectStore, paint: Painter, film: Callable[[str], bytes]) -> Kit:
    sku = "DM-MUG-001"
    styles = ("03_kitchen_counter", "01_living_room", "13_japanese_minimal")
    return Kit(
        sku=sku,
        kit_id="kit-mug-1",
        created_at="2026-11-20T09:00:00+08:00",
        status=KitStatus.NEEDS_REVIEW,
        product=product(
            sku,
            "复古窑变釉陶瓷马克杯 380ml",
            "Reactive-Glaze Ceramic Mug 380 ml",
            "家居厨房/杯具",
            1,
            材质="高温炻瓷",
            容量="380 ml",
            颜色="孔雀绿 / 米白内釉",
            重量="365 g",
        ),
        parts=made(
            *(f"copy:{language}" for language in LANGUAGES), "image:main:1", "image:scene:1", "video:1"
        ),
        copy=tuple(mug_copy(x, ("加厚杯壁",) if x in ("ru", "ja") else ()) for x in LANGUAGES),
        images=_pictures(store, paint, sku, *styles),
        videos=(video(store, film, sku, styles),),
        scores=Scores(overall=92.4, copy=97.0, images=89.6, video=91.0),
    )


def lamp(store: ObjectStore, paint: Painter, film: Callable[[str], bytes]) -> Kit:
    sku = "DM-LMP-002"
    styles = ("04_office_desk", "02_bedroom_nightstand", "09_premium_dark")
    warning = Finding(
        code="IMAGE_SOFT",
        severity=Severity.WARNING,
        subject="image:scene:3",
        message="The lamp's thin arm is less sharp than in the source photo. Look at it before publishing.",
        message_zh="台灯细臂的清晰度低于原图，发布前请查看。",
        measured="61 %",
        limit="70 %",
    )
    pictures = _pictures(store, paint, sku, *styles)
    pictures = (*pictures[:3], pictures[3].model_copy(update={"findings": (warning,)}))
    text = mug_copy("en").model_copy(
        update={
            "title": "Spring-Arm Metal Desk Lamp, Dark Green, 9 W LED, 3000 K",
            "bullets": ("Twin springs hold any position", "Brass-coloured joints", "Weighted 16 cm base"),
            "description": "A metal reading lamp in dark green. Two sprung arms, a 9 W LED at 3000 K.",
            "keywords": ("desk lamp", "spring arm lamp", "reading light"),
            "origin": "model",
        }
    )
    return Kit(
        sku=sku,
        kit_id="kit-lamp-1",
        created_at="2026-11-20T09:01:00+08:00",
        status=KitStatus.APPROVED,
        product=product(
            sku,
            "双臂弹簧金属阅读台灯",
            "Spring-Arm Metal Desk Lamp",
            "家居照明/台灯",
            2,
            材质="喷塑钢",
            功率="9 W LED",
            色温="3000 K",
        ),
        parts=made("copy:en", "image:main:1", "image:scene:1", "image:scene:2", "image:scene:3", "video:1"),
        copy=(text, mug_copy("de", ("大手柄",))),
        images=pictures,
        videos=(video(store, film, sku, styles),),
        scores=Scores(overall=74.2, copy=88.0, images=71.5, video=55.0),
        cost=Cost(estimated="3.6200", settled="3.4500"),
    )


def deferred_bottle(store: ObjectStore, paint: Painter) -> Kit:
    sku = "DM-BTL-004"
    pictures = _pictures(store, paint, sku, "06_camping_meadow")
    waiting = tuple(
        Part(
            part=part,
            state=PartState.WAITING,
            reason="The daily cap of 50 images at wanx is used up; continues on 2026-11-21.",
        )
        for part in ("image:scene:2", "image:scene:3")
    )
    video_part = Part(
        part="video:1", state=PartState.WAITING, reason="Waits for its first frame, image:scene:2."
    )
    return Kit(
        sku=sku,
        kit_id="kit-bottle-1",
        created_at="2026-11-20T09:02:00+08:00",
        status=KitStatus.DEFERRED,
        product=product(
            sku,
            "316 不锈钢保温水杯 750ml",
            "Insulated Stainless Steel Bottle 750 ml",
            "户外/水具",
            4,
            容量="750 ml",
        ),
        parts=(*made("image:main:1", "image:scene:1"), *waiting, video_part),
        images=pictures,
        scores=Scores(images=90.0),
        cost=Cost(estimated="0.2000", settled="0.1400"),
    )


def blocked_charger() -> Kit:
    sku = "DM-CHG-007"
    return Kit(
        sku=sku,
        kit_id="kit-charger-1",
        created_at="2026-11-20T09:03:00+08:00",
        status=KitStatus.BLOCKED,
        product=product(
            sku,
            "30W USB-C 快充头 + 1.2m 数据线套装",
            "30 W USB-C Charger with 1.2 m Cable",
            "数码/充电配件",
            7,
            输出="5 V/3 A, 9 V/3 A",
        ),
        findings=(
            Finding(
                code="ERR_VS_402",
                severity=Severity.ERROR,
                subject="photos/07_usbc_charger.jpg",
                message="The photo is too small. Use one that is at least 800 px wide, better 1200 px.",
                message_zh="图片分辨率过低，请使用宽度至少 800 px（建议 1200 px）的图片。",
                measured="640 px",
                limit="800 px",
            ),
            Finding(
                code="INTAKE_FEW_ATTRIBUTES",
                severity=Severity.WARNING,
                subject="row 7",
                message="Three parameters that buyers look for are missing: interface, weight, cable length.",
                message_zh="缺少买家关注的 3 项参数：接口、重量、线长。",
            ),
        ),
        parts=tuple(
            Part(part=part, state=PartState.SKIPPED, reason="intake refused the product")
            for part in ("copy:en", "image:main:1", "video:1")
        ),
    )


def failed_chair(store: ObjectStore, paint: Painter) -> Kit:
    sku = "DM-CHR-003"
    return Kit(
        sku=sku,
        kit_id="kit-chair-1",
        created_at="2026-11-20T09:04:00+08:00",
        status=KitStatus.FAILED,
        product=product(
            sku, "便携折叠露营椅（带杯架）", "Folding Camping Chair with Cup Holder", "户外/露营家具", 3
        ),
        parts=(
            *made("copy:en", "image:main:1"),
            Part(
                part="video:1",
                state=PartState.FAILED,
                reason="kling refused the first frame: content policy 1301.",
            ),
        ),
        copy=(mug_copy("en"),),
        images=_pictures(store, paint, sku, "06_camping_meadow", "07_garden_patio")[:3],
        scores=Scores(overall=58.0, copy=91.0, images=66.0),
        cost=Cost(estimated="2.0000", settled="0.0035"),
    )


HOSTILE_SKU = '台灯 <b>#1</b>/"%41"?'
HOSTILE_TITLE = "</span><script>document.title='owned'</script>\"'><img src=x onerror=alert(1)> 灯 & lamp"


def hostile(store: ObjectStore, paint: Painter) -> Kit:
    """A kit whose every text is meant to break out of the page."""
    text = mug_copy("en").model_copy(
        update={
            "language": "en",
            "title": HOSTILE_TITLE,
            "bullets": (HOSTILE_TITLE, "=1+1"),
            "description": HOSTILE_TITLE,
            "keywords": (HOSTILE_TITLE,),
            "video_script": ("</script><script>document.title='owned'</script>",),
            "facts_left_out": ('"><script>document.title="owned"</script>',),
        }
    )
    picture = image(
        store, paint, HOSTILE_SKU, "image:main:1", ImageRole.MAIN, "'><script>document.title='owned'</script>"
    )
    return Kit(
        sku=HOSTILE_SKU,
        kit_id="kit-hostile-1",
        created_at="2026-11-20T09:05:00+08:00",
        status=KitStatus.NEEDS_REVIEW,
        product=product(
            HOSTILE_SKU, HOSTILE_TITLE, "", "<!--/cards-->", 9, **{"<i>材质</i>": "<script>alert(2)</script>"}
        ),
        findings=(
            Finding(
                code="TEXT_ODD",
                severity=Severity.WARNING,
                subject="<u>row 9</u>",
                message="<script>document.title='owned'</script>",
            ),
        ),
        parts=made("copy:en", "image:main:1"),
        copy=(text,),
        images=(picture,),
        scores=Scores(overall=80.0, copy=70.0, images=90.0),
    )
