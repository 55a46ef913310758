"""What is noted of a kit that waits: under which wishes, by whom it is to be made, and since when."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skuflow.jobs.makers import differing, makers_of
from skuflow.listing.brief import Brief, Stage
from skuflow.listing.kit import Kit, KitStatus, PartState
from skuflow.listing.waiting import (
    WaitingSku,
    forget_waiting,
    note_video_in_work,
    note_waiting,
    waiting_skus,
    waits,
)
from skuflow.settings import read_settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import waiting_key
from tests.review_kits import deferred_bottle, mug, paint_plainly

VIDEO = Brief(stages=(Stage.VIDEO,))
OFFLINE = {"skuflow_providers": "copy=offline"}


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
def kit(store: FolderStore) -> Kit:
    return deferred_bottle(store, paint_plainly)


def only(store: FolderStore) -> WaitingSku:
    (found,) = waiting_skus(store)
    return found


def test_the_makers_that_a_run_has_chosen_are_kept(store: FolderStore, kit: Kit) -> None:
    note_waiting(store, kit, Brief(), OFFLINE)
    assert (only(store).makers, only(store).only_video) == (OFFLINE, False)
    note_waiting(store, kit, Brief())
    assert only(store).makers == {}


def test_a_note_of_an_earlier_version_has_no_makers_of_its_own(store: FolderStore, kit: Kit) -> None:
    note_waiting(store, kit, Brief())
    text = store.get(waiting_key(kit.sku)).decode()
    older = text.replace('"makers": {}', '"makers": null').replace(',\n "makers": null', "")
    older = older.replace(',\n "only_video": false', "")
    assert "makers" not in older
    assert "only_video" not in older
    store.put(waiting_key(kit.sku), older.encode(), "application/json")
    assert (only(store).makers, only(store).only_video) == ({}, False)


def test_where_the_files_of_extra_wishes_are_kept_is_noted(store: FolderStore, kit: Kit) -> None:
    taken_in = {"line_art": "photos/bottle/0123456789ab.png"}
    note_waiting(store, kit, Brief(), extras=taken_in)
    assert only(store).extras == taken_in
    older = json.loads(store.get(waiting_key(kit.sku)))
    del older["extras"]
    store.put(waiting_key(kit.sku), json.dumps(older).encode(), "application/json")
    assert only(store).extras == {}, "a note of an earlier version"


def test_only_a_deferred_kit_waits_and_since_the_first_time(store: FolderStore, kit: Kit) -> None:
    note_waiting(store, kit.model_copy(update={"status": KitStatus.NEEDS_REVIEW}), Brief())
    assert not list(waiting_skus(store))
    note_waiting(store, kit, Brief())
    note_waiting(store, kit.model_copy(update={"created_at": "2026-11-29T00:00:00+00:00"}), Brief())
    assert only(store).since == kit.created_at
    forget_waiting(store, kit.sku)
    assert not list(waiting_skus(store))


def test_a_kit_of_which_one_part_failed_waits_for_the_others(store: FolderStore, kit: Kit) -> None:
    (waiting, *_) = [part for part in kit.parts if part.state is PartState.WAITING]
    failed = waiting.model_copy(update={"part": "copy:es", "state": PartState.FAILED})
    both = kit.model_copy(update={"status": KitStatus.FAILED, "parts": (*kit.parts, failed)})
    note_waiting(store, both.model_copy(update={"parts": (failed,)}), Brief())
    assert not list(waiting_skus(store)), "nothing of it waits: no other day goes on with it"
    note_waiting(store, both, Brief())
    assert only(store).product.sku == kit.sku
    for decided in (KitStatus.BLOCKED, KitStatus.REJECTED, KitStatus.APPROVED, KitStatus.NEEDS_REVIEW):
        assert not waits(both.model_copy(update={"status": decided}))


def test_a_video_in_work_is_noted_beside_a_whole_kit_and_yields_to_a_kit_that_waits(
    store: FolderStore, kit: Kit
) -> None:
    whole = mug(store, paint_plainly, lambda sku: b"a film")
    note_video_in_work(store, whole, VIDEO, "2026-11-20T04:00:00+00:00", OFFLINE)
    note_video_in_work(store, whole, VIDEO, "2026-11-21T04:00:00+00:00")
    found = only(store)
    assert (found.only_video, found.since, found.makers) == (True, "2026-11-20T04:00:00+00:00", OFFLINE)
    deferred = whole.model_copy(update={"status": KitStatus.DEFERRED})
    note_waiting(store, deferred, Brief())
    note_video_in_work(store, deferred, VIDEO, "2026-11-22T04:00:00+00:00")
    assert (only(store).only_video, only(store).brief, only(store).since) == (
        False,
        Brief(),
        whole.created_at,
    )


def test_makers_differ_only_where_another_would_do_the_work() -> None:
    configured = read_settings(
        {"skuflow_providers": "copy=offline", "skuflow_models": "", "skuflow_routes": ""}
    )
    by_hand = {**makers_of(configured), "skuflow_providers": ""}
    assert differing(makers_of(configured), configured) == {}
    assert differing(by_hand, configured) == {"skuflow_providers": ""}
    assert differing({"skuflow_home": "/elsewhere", "PATH": "/x"}, configured) == {}
