"""The few words that the emulated copywriter has of its own: connecting words and the names of common attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language. ``{}`` takes the product's name (opening) or a label and a value (fact)."""

    product: str
    opening: str
    by_brand: str
    heading: str
    fact: str
    closing: str
    stop: str
    captions: tuple[str, ...]


PHRASES: Mapping[str, Phrases] = {
    "en": Phrases(
        product="product",
        opening="Meet the {}.",
        by_brand="Made by {}.",
        heading="What to know:",
        fact="{}: {}",
        closing="Please compare these details with what you need.",
        stop=".",
        captions=("A closer look", "Every detail counts", "Ready for you"),
    ),
    "es": Phrases(
        product="producto",
        opening="Te presentamos {}.",
        by_brand="Marca: {}.",
        heading="Lo que debes saber:",
        fact="{}: {}",
        closing="Compara estos datos con lo que necesitas.",
        stop=".",
        captions=("Míralo de cerca", "Cada detalle cuenta", "Listo para ti"),
    ),
    "fr": Phrases(
        product="produit",
        opening="Découvrez {}.",
        by_brand="Marque : {}.",
        heading="À savoir :",
        fact="{} : {}",
        closing="Comparez ces données avec vos besoins.",
        stop=".",
        captions=("Vu de près", "Chaque détail compte", "Prêt pour vous"),
    ),
    "pt": Phrases(
        product="produto",
        opening="Conheça {}.",
        by_brand="Marca: {}.",
        heading="O que saber:",
        fact="{}: {}",
        closing="Compare estes dados com o que você precisa.",
        stop=".",
        captions=("Veja de perto", "Cada detalhe conta", "Pronto para você"),
    ),
    "ru": Phrases(
        product="этот товар",
        opening="Представляем {}.",
        by_brand="Бренд: {}.",
        heading="Что важно знать:",
        fact="{}: {}",
        closing="Сравните, пожалуйста, эти данные с тем, что вам нужно, и выберите подходящее.",
        stop=".",
        captions=("Посмотрите ближе", "Важна каждая деталь", "Готово для вас"),
    ),
    "de": Phrases(
        product="Produkt",
        opening="Das ist {}.",
        by_brand="Marke: {}.",
        heading="Gut zu wissen:",
        fact="{}: {}",
        closing="Bitte vergleichen Sie diese Angaben mit Ihrem Bedarf.",
        stop=".",
        captions=("Aus der Nähe", "Jedes Detail zählt", "Bereit für Sie"),
    ),
    "ja": Phrases(
        product="こちらのしなもの",
        opening="{}をごらんください。",
        by_brand="ブランドは{}です。",
        heading="おもな特長はこちらです。",
        fact="{}は{}です",
        closing="お使いになる場面にあわせて、くわしい内容をおたしかめください。",
        stop="。",
        captions=("ちかくで見る", "こまかなところまで", "あなたのために"),
    ),
    "zh": Phrases(
        product="本商品",
        opening="为您介绍{}。",
        by_brand="品牌：{}。",
        heading="主要信息：",
        fact="{}：{}",
        closing="请对照以上信息确认是否符合需要。",
        stop="。",
        captions=("近看细节", "每一处都用心", "为您准备"),
    ),
}
"""By primary language tag; others are written in English."""

_LANGUAGES = ("en", "es", "fr", "pt", "ru", "de", "ja", "zh")
_NAMES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("材质", "材料", "material"),
        ("Material", "Material", "Matière", "Material", "Материал", "Material", "そざい", "材质"),
    ),
    (
        ("颜色", "colour", "color"),
        ("Colour", "Color", "Couleur", "Cor", "Цвет", "Farbe", "カラー", "颜色"),
    ),
    (
        ("容量", "capacity"),
        (
            "Capacity",
            "Capacidad",
            "Capacité",
            "Capacidade",
            "Объём",
            "Fassungsvermögen",
            "ようりょう",
            "容量",
        ),
    ),
    (("重量", "weight"), ("Weight", "Peso", "Poids", "Peso", "Вес", "Gewicht", "おもさ", "重量")),
    (
        ("尺寸", "size", "dimensions"),
        ("Size", "Medidas", "Dimensions", "Medidas", "Размер", "Maße", "サイズ", "尺寸"),
    ),
    (
        ("功率", "power"),
        ("Power", "Potencia", "Puissance", "Potência", "Мощность", "Leistung", "パワー", "功率"),
    ),
    (
        ("承重", "max load", "load"),
        (
            "Load",
            "Carga",
            "Charge",
            "Carga",
            "Нагрузка",
            "Belastbarkeit",
            "たえられるおもさ",
            "承重",
        ),
    ),
    (
        ("长度", "线长", "length"),
        ("Length", "Longitud", "Longueur", "Comprimento", "Длина", "Länge", "ながさ", "长度"),
    ),
)
ATTRIBUTE_NAMES: Mapping[str, Mapping[str, str]] = {
    source: dict(zip(_LANGUAGES, names, strict=True)) for sources, names in _NAMES for source in sources
}
"""What a common attribute is called, by its name in the catalog (lower case) and the language."""

UNIT_WORDS: Mapping[str, str] = {"小时": " h", "分钟": " min", "秒": " s"}
"""Chinese units that stand inside a value, as every other language writes them."""
