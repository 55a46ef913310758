"""Files of extra wishes outlive the machine that they were named on: storage has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from skuflow.catalog.extras import ExtraWishes
from skuflow.catalog.kept_photos import with_extras
from skuflow.storage.folder import FolderStore
from tests.money import product

KEPT = {"model_photo": "photos/MUG-1/aaaaaaaaaaaa.jpg", "line_art": "photos/MUG-1/bbbbbbbbbbbb.png"}


class FarStore(FolderStore):
    """Storage that is no folder of this machine."""

    def local_path(self, key: str) -> Path | None:
        return None


@pytest.fixture(params=[FolderStore, FarStore], ids=["folder", "far"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FolderStore:
    made: FolderStore = request.param(tmp_path / "storage")
    for key in KEPT.values():
        made.put(key, key.encode(), "image/png")
    return made


def test_a_file_that_is_gone_comes_from_storage(store: FolderStore, tmp_path: Path) -> None:
    here = tmp_path / "model.jpg"
    here.write_bytes(b"a person")
    row = ExtraWishes(model_photo=str(here), concept="a cloud")
    run = ExtraWishes(line_art=str(tmp_path / "gone.png"), model="a woman", motion="orbit")
    found = with_extras(product("MUG-1", extras=row), run, KEPT, store, tmp_path / "copies")
    assert found is not None
    # The run's brief goes on saying what it said; the product's own wishes go before it.
    extras = found.extras.over(run)
    assert (extras.model_photo, extras.model, extras.concept, extras.motion) == (
        str(here),
        "",
        "a cloud",
        "orbit",
    )
    assert Path(extras.line_art).read_bytes() == KEPT["line_art"].encode()


def test_a_product_whose_files_are_here_stays_as_it_is(store: FolderStore, tmp_path: Path) -> None:
    here = tmp_path / "line.png"
    here.write_bytes(b"a drawing")
    for extras in (ExtraWishes(line_art=str(here)), ExtraWishes(model="a woman")):
        mug = product("MUG-1", extras=extras)
        assert with_extras(mug, ExtraWishes(), {}, store, tmp_path / "copies") is mug


@pytest.mark.parametrize("kept", [{}, {"line_art": "photos/MUG-1/cccccccccccc.png"}], ids=["unknown", "gone"])
def test_a_file_that_is_nowhere_leaves_nothing_to_go_on_with(
    store: FolderStore, tmp_path: Path, kept: dict[str, str]
) -> None:
    mug = product("MUG-1", extras=ExtraWishes(line_art=str(tmp_path / "gone.png")))
    assert with_extras(mug, ExtraWishes(), kept, store, tmp_path / "copies") is None


def test_a_run_s_photo_of_a_person_is_not_asked_for_where_the_row_describes_one(
    store: FolderStore, tmp_path: Path
) -> None:
    mug = product("MUG-1", extras=ExtraWishes(model="a woman"))
    usual = ExtraWishes(model_photo=str(tmp_path / "gone.jpg"))
    assert with_extras(mug, usual, {}, store, tmp_path / "copies") is mug
