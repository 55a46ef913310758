"""One thing has one name in Chinese, wherever people read of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUFFIXES = {".py", ".yaml", ".j2", ".md", ".ts"}
WORDS_OF_CATALOGS = ROOT / "skuflow/catalog/gate/text_gate/parameters.yaml"
"""Names that sellers write, whatever ours are."""


@cache
def texts() -> dict[str, str]:
    return {
        str(file.relative_to(ROOT)): file.read_text(encoding="utf-8")
        for folder in ("skuflow", "providers", "tasks", "flows", "deployments", "docs")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in SUFFIXES and file != WORDS_OF_CATALOGS
    }


@pytest.mark.parametrize(
    ("other", "ours"),
    [("套件", "素材包"), ("服务商", "供应商"), ("动效", "运镜"), ("商品包", "素材包"), ("条卖点", "条要点")],
)
def test_only_our_own_term_is_used(other: str, ours: str) -> None:
    assert [name for name, text in texts().items() if other in text] == []
    assert any(ours in text for text in texts().values())
