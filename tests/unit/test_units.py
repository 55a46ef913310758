"""One meaning for each unit, wherever it is read."""

from __future__ import annotations

import re

import pytest

from skuflow.catalog.dimensions import _UNIT
from skuflow.catalog.gate.text_gate.figures import figures
from skuflow.catalog.units import units
from skuflow.quality.copy.figures import _BASE, _CANONICAL

_BASES = {"m": ("length", 1), "g": ("mass", 0.001), "l": ("volume", 1), "w": ("power", 1), "v": ("voltage", 1),
          "ah": ("charge", 1), "second": ("time", 1), "in": ("length", 0.0254), "ft": ("length", 0.3048),
          "lb": ("mass", 0.453592), "lm": ("light", 1), "db": ("noise", 1), "m2": ("area", 1)}  # fmt: skip
"""What a base unit of copy's table is in the catalog's."""
_READ_OTHERWISE = {"k": "kelvin is light to the gate", "片装": "counted alike"}


def test_copy_and_catalog_mean_the_same_by_a_spelling() -> None:
    compared = 0
    for spelling, canonical in _CANONICAL.items():
        base, factor = _BASE[canonical]
        if spelling in _READ_OTHERWISE or spelling not in units() or base not in _BASES:
            continue
        dimension, scale = _BASES[base]
        found, value = units()[spelling]
        assert found == dimension, spelling
        assert value == pytest.approx(float(factor) * scale), spelling
        compared += 1
    assert compared > 60


def test_sizes_are_read_in_units_of_the_table() -> None:
    for spelling in _UNIT.replace("\\", "").split("|"):
        assert units()[spelling][0] == "length", spelling


@pytest.mark.parametrize(
    ("text", "metres"), [("15 公分", 0.15), ("2 公尺", 2.0), ("6 英尺", 1.8288), ("1 foot", 0.3048)]
)
def test_the_gate_reads_what_sizes_are_written_in(text: str, metres: float) -> None:
    (figure,) = figures(text)
    assert figure.dimension == "length"
    assert figure.value == pytest.approx(metres)


def test_no_spelling_stands_in_two_dimensions() -> None:
    from pathlib import Path

    import skuflow.catalog.units as module

    table = Path(module.__file__).with_name("units.yaml").read_text(encoding="utf-8")
    spelled = re.findall(
        r"(?:[{,]\s*)('[^']+'|\"[^\"]+\"|[^\s:,{}][^:,{}]*): [\d.]+", re.sub(r"#.*", "", table)
    )
    assert len(spelled) == len(set(spelled)) == len(units())
