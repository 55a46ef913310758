"""Artifact keys keep to Prefect's alphabet, and different names never share one."""

from __future__ import annotations

import re

import pytest

from skuflow.review.artifact_keys import artifact_key


@pytest.mark.parametrize("name", ["mug-1", "DM-MUG-001", "货号 7", "a_b", "a/b", "x" * 300, "---"])
def test_the_alphabet(name: str) -> None:
    key = artifact_key("kit", name)
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", key)
    assert len(key) < 120


def test_names_that_read_alike_stay_apart() -> None:
    assert len({artifact_key("kit", name) for name in ("a_b", "a b", "a/b", "a-b", "货号", "号货")}) == 6


def test_a_plain_name_stays_readable() -> None:
    assert artifact_key("kit", "DM-MUG-001") == "kit-dm-mug-001"
