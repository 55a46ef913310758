"""One meaning for each unit, wherever it is read."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from skuflow.catalog.dimensions import _UNIT
from skuflow.catalog.gate.text_gate.figures import figures
from skuflow.catalog.units import _entries, _spellings, even_text, exact_units, units
from skuflow.quality.copy.figures import Stated

_ZOOM = frozenset({"倍", "x"})
""" "28x31 cm" is no enlargement by 28: copy does not read these."""


def test_every_spelling_of_catalogs_is_known_to_copy() -> None:
    assert set(units()) - set(exact_units()) == _ZOOM


@pytest.mark.parametrize("spelling", sorted(set(units()) - _ZOOM))
def test_copy_reads_every_spelling_of_catalogs(spelling: str) -> None:
    apart = "" if spelling in ("'", '"', "''") else " "
    assert len(Stated([]).counted(f"Holds 17{apart}{spelling} here")) == 1


def test_what_copy_converts_is_as_large_in_catalogs() -> None:
    sizes = {unit: (dimension, Decimal(str(entry["is"]))) for dimension, unit, entry in _entries()}
    compared = 0
    for spelling, (dimension, factor) in units().items():
        meant = [unit for unit in exact_units().get(spelling, ()) if sizes[unit.base][0] == dimension]
        assert spelling in _ZOOM or meant, spelling
        for unit in meant:
            assert float(unit.factor * sizes[unit.base][1]) == pytest.approx(factor), spelling
            compared += 1
    assert compared > 100


def test_units_of_different_systems_are_not_converted() -> None:
    bases = {spelling: exact_units()[spelling][0].base for spelling in ("cm", "in", "ft", "g", "lb", "oz")}
    assert len(set(bases.values())) == len(bases)


def test_sizes_are_read_in_units_of_the_table() -> None:
    for spelling in _UNIT.replace("\\", "").split("|"):
        assert units()[spelling][0] == "length", spelling


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("15 公分", 0.15),
        ("2 公尺", 2.0),
        ("6 英尺", 1.8288),
        ("1 foot", 0.3048),
        ("12″", 0.3048),
        ("12′′", 0.3048),
    ],
)
def test_the_gate_reads_what_sizes_are_written_in(text: str, metres: float) -> None:
    (figure,) = figures(text)
    assert figure.dimension == "length"
    assert figure.value == pytest.approx(metres)


def test_an_inch_mark_survives_where_text_is_evened_out() -> None:
    assert even_text("12″ ＋ ℃") == '12" + °C'


def test_no_spelling_of_catalogs_stands_twice() -> None:
    counts = Counter(
        spelling for _, _, entry in _entries() for spelling in _spellings(entry, "spelled", "in_catalog")
    )
    assert [spelling for spelling, count in counts.items() if count > 1] == []


def test_a_spelling_stands_once_with_each_unit() -> None:
    for _, unit, entry in _entries():
        found = _spellings(entry, "spelled", "in_catalog", "in_copy")
        assert len(found) == len(set(found)), unit
