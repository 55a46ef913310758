"""Materials, claims and colours of copy: proven by any text of the catalog in any language, else found."""

from __future__ import annotations

import pytest

from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Severity
from skuflow.quality.copy.lexicon import LANGUAGES, claims, colours, materials
from skuflow.quality.copy.statements import unproven_terms

BARE = Product(sku="P-1", titles={"en": "Pot"}, source=ProductSource(catalog="test"))


def of(*, points: str = "", language: str = "en", **attributes: str) -> Product:
    return BARE.model_copy(
        update={"attributes": attributes, "selling_points": {language: (points,)} if points else {}}
    )


def copy(text: str, language: str = "en", **fields: object) -> ListingCopy:
    base: dict[str, object] = {
        "language": language,
        "marketplace": "ebay",
        "title": "Pot",
        "bullets": (text,),
        "description": "",
        "keywords": (),
        "facts_ratio": 1,
        "origin": "model",
    }
    return ListingCopy.model_validate(base | fields)


def found(text: str, language: str, product: Product) -> list[tuple[str, str | None]]:
    return [
        (finding.code.removeprefix("COPY_UNPROVEN_"), finding.measured)
        for finding in unproven_terms(copy(text, language), product)
    ]


STEEL = {
    "zh": "不锈钢机身", "en": "stainless-steel body", "es": "cuerpo de acero inoxidable",
    "fr": "corps en acier inoxydable", "pt": "corpo de aço inoxidável",
    "ru": "корпус из нержавеющей стали", "de": "Gehäuse aus Edelstahl",
    "ja": "ステンレスの本体",
}  # fmt: skip
COPPER = {
    "zh": "紫铜机身", "en": "copper body", "es": "cuerpo de cobre", "fr": "corps en cuivre", "pt": "corpo de cobre",
    "ru": "корпус из меди", "de": "Kupfergehäuse", "ja": "銅の本体",
}  # fmt: skip


@pytest.mark.parametrize("source", LANGUAGES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_material_is_proven_across_languages_and_never_turns_into_another(
    language: str, source: str
) -> None:
    steel = of(points=STEEL[source], language=source)
    assert found(STEEL[language], language, steel) == []
    assert [code for code, _ in found(COPPER[language], language, steel)] == ["MATERIAL"]
    copper = of(points=COPPER[source], language=source)
    assert found(COPPER[language], language, copper) == []
    assert [code for code, _ in found(STEEL[language], language, copper)] == ["MATERIAL"]


@pytest.mark.parametrize(
    "stated, text, language, unproven",
    [
        ("stainless steel", "steel pot, all metal", "en", []),
        ("steel", "stainless steel pot", "en", ["stainless steel"]),
        ("PU leather", "leather strap", "en", ["leather"]),
        ("PU leather", "faux-leather strap", "en", []),
        ("leather", "Lederarmband", "de", []),
        ("人造革", "Lederarmband", "de", ["Lederarmband"]),
        ("人造革", "Kunstlederbezug", "de", []),
        ("Baumwolle", "Wolle", "de", ["Wolle"]),
        ("bone china", "céramique", "fr", []),
        ("ceramic", "porcelaine", "fr", ["porcelaine"]),
        ("玻璃", "Fernglas aus Glas", "de", []),
        ("", "Fernglas mit Abschaltung, Absaugung und Glasur", "de", []),
        ("", "wood look, cotton-feel, brass-coloured? iron gray? a glass of milk", "en", []),
        ("", "Holzoptik und kupferfarben", "de", []),
        ("", "仿木纹，棉感，黄铜色", "zh", []),
        ("", "effet bois, façon cuir", "fr", []),
        ("", "木目調", "ja", []),
        ("", "mesa de madera", "es", ["madera"]),
        ("plastic", "no plastic taste", "en", []),
        ("cotton-feel polyester", "cotton", "en", ["cotton"]),
    ],
)
def test_broader_and_likened_materials(stated: str, text: str, language: str, unproven: list[str]) -> None:
    words = [
        word for code, word in found(text, language, of(material=stated or "unknown")) if code == "MATERIAL"
    ]
    assert words == unproven


@pytest.mark.parametrize(
    "stated, text, language, is_found",
    [
        ({"note": "waterproof"}, "wasserdicht", "de", False),
        ({"note": "waterproof"}, "water-resistant", "en", False),
        ({"note": "water-resistant"}, "waterproof", "en", True),
        ({"note": "not waterproof"}, "impermeable", "es", True),
        ({"note": "不防水"}, "waterproof", "en", True),
        ({"防水": "否"}, "waterproof", "en", True),
        ({"防水": "是"}, "waterproof", "en", False),
        ({"防水": "IPX7"}, "étanche", "fr", False),
        ({"rating": "IPX4"}, "waterproof", "en", True),
        ({"微波炉": "可用"}, "passe au micro-ondes", "fr", False),
        ({"微波炉": "不可用"}, "passe au micro-ondes", "fr", True),
        ({"微波炉": "可用"}, "Ne passe pas au micro-ondes", "fr", True),
        ({"微波炉": "不可用"}, "Nicht für die Mikrowelle geeignet", "de", False),
        ({"note": "x"}, "not waterproof", "en", False),
        ({"note": "x"}, "ist nicht wasserdicht", "de", False),
        ({"note": "x"}, "не является водонепроницаемым", "ru", False),
        ({"note": "x"}, "防水ではありません", "ja", False),
        ({"note": "x"}, "not only waterproof", "en", True),
        ({"note": "x"}, "防水だけでなく軽い", "ja", True),
        ({"note": "x"}, "sem óleo com painel de toque", "pt", True),
        ({"warranty": "2 years"}, "2 Jahre Garantie", "de", False),
        ({"warranty": "2 years"}, "lifetime warranty", "en", True),
        ({"note": "x"}, "ce produit est beau", "fr", False),
        ({"note": "x"}, "CE certified", "en", True),
        ({"note": "CE"}, "CE certified", "en", False),
    ],
)
def test_claims_need_a_source_that_does_not_deny_them(
    stated: dict[str, str], text: str, language: str, is_found: bool
) -> None:
    codes = {code for code, _ in found(text, language, of(**stated))}
    assert codes == ({"CLAIM"} if is_found else set())


def test_a_claim_against_the_catalog_says_so_and_is_an_error() -> None:
    (finding,) = unproven_terms(copy("wireless"), of(note="not wireless"))
    assert finding.severity is Severity.ERROR
    assert "opposite" in finding.message
    assert "相反" in finding.message_zh
    (soft,) = unproven_terms(copy("wireless"), of(note="x"))
    assert soft.severity is Severity.WARNING


def test_colours_weigh_more_where_the_catalog_names_one() -> None:
    (against,) = unproven_terms(copy("Rote Kanne", "de"), of(colour="navy blue"))
    assert (against.code, against.severity) == ("COPY_UNPROVEN_COLOUR", Severity.ERROR)
    (alone,) = unproven_terms(copy("Rote Kanne", "de"), of(size="5"))
    assert alone.severity is Severity.WARNING
    assert found("Blaue Kanne, marineblau", "de", of(colour="藏青")) == []
    assert found("red wine, green tea, black coffee, warm white light", "en", of(colour="navy")) == []


def test_words_of_the_brand_claim_nothing_and_prove_nothing() -> None:
    brand = BARE.model_copy(update={"brand": "Copper & Oak"})
    assert [code for code, _ in found("Copper & Oak pot", "en", brand)] == []


def test_every_part_is_named_and_a_word_is_reported_once_in_it() -> None:
    text = copy("oak and oak", title="Oak Pot", keywords=("pot", "oak pot"))
    assert [finding.subject for finding in unproven_terms(text, BARE)] == [
        "copy:en title",
        "copy:en bullet 1",
        "copy:en keyword 2",
    ]


def test_a_language_without_a_lexicon_is_judged_by_its_english_words_only() -> None:
    assert found("Koperen pot, waterdicht", "nl", BARE) == []
    assert found("Koperen pot, waterproof", "nl", BARE) == [("CLAIM", "waterproof")]


def test_lexicons_hold_every_language_and_can_be_found_by_their_own_terms() -> None:
    assert (len(materials().concepts), len(claims().concepts), len(colours().concepts)) > (60, 60, 15)
    for lexicon in (materials(), claims(), colours()):
        for concept in lexicon.concepts:
            assert concept in lexicon.broader(concept)
