"""The TypeScript client's shapes are ours: what needs no Node to be seen."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from flows import batch_runs
from flows.forms import Kits
from skuflow.listing.kit import Cost
from skuflow.notices.shapes import KitData, RunData, SkuOutcome

CLIENT = Path(__file__).resolve().parents[2] / "deployments" / "nestjs"
CUT = "900 SKUs in 5 chunks, each a run of its own · 900 个 SKU，分 5 段，各自运行; batch b-1"
"""What a run says that has cut its batch; the client reads it."""


def fields_of(interface: str, file: str) -> list[str]:
    text = (CLIENT / file).read_text(encoding="utf-8")
    found = re.search(rf"export interface {interface} {{\n(.*?)^}}", text, re.MULTILINE | re.DOTALL)
    assert found, f"{file} has no interface {interface}"
    return re.findall(r"readonly (\w+)\??:", found[1])


@pytest.mark.parametrize("model", [KitData, RunData, SkuOutcome, Cost])
def test_notices_have_the_fields_of_ours(model: type[BaseModel]) -> None:
    assert fields_of(model.__name__, "skuflow.webhooks.ts") == list(model.model_fields)


def test_wishes_have_the_fields_of_the_form() -> None:
    """The form refuses any other."""
    assert fields_of("Wishes", "skuflow.client.ts") == list(Kits.model_fields)


def test_the_sentence_that_the_client_reads_is_the_one_that_is_said() -> None:
    source = inspect.getsource(batch_runs)
    assert '"{batch.skus} SKUs in {batch.chunks} chunks, each a run of its own"' in source
    assert '" · {batch.skus} 个 SKU，分 {batch.chunks} 段，各自运行; batch {batch.id}"' in source
