"""From a vendor's picture or video to the sizes that a kit needs. Free, repeatable, and apart from the paid job: the
vendor's own bytes stay as the job's result, what is made of them stands beside it in storage.

An index per job (``developed/<sku>/<job>.json``) names what was made, or why nothing can be made of the result, so
that it is worked on once.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skuflow.jobs.contract import CreationRequest, ImageRequest, Request, VideoRequest
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason
from skuflow.ledger.attempts import remake_name
from skuflow.ledger.rows import JobRow, StoredResult, result_json
from skuflow.listing.ai_labels import VisibleLabel
from skuflow.listing.fitting import ROLES, made_to_fit, product_group
from skuflow.storage.keys import asset_key, developed_key
from skuflow.storage.objects import ObjectMissingError, ObjectStore, StoredObject
from skuflow.studio.labels.labelling import Labelling
from skuflow.studio.labels.origin import FileLabel, Origin, label_in

if TYPE_CHECKING:
    from skuflow.studio.picture import BoxPx

_GENERATION = 2
"""Raised when vendors' pictures should be developed anew."""

AI_LABEL = "-ai-label"
"""How the labels of results end that bear a label which people see, after their size: "800x800-ai-label"."""

NOT_MADE = "not-made"
"""Label of the JSON that lists what could not be made: [{"size", "code", "message"}]; code PRODUCT_MOVED without a
size: the photo's own product could not be put back.
"""

_UNDEVELOPED = ("canvas", "original")


_UNNAMED = Labelling()


def develop(
    store: ObjectStore,
    request: Request,
    outcome: Outcome,
    *,
    labelling: Labelling = _UNNAMED,
    visible: VisibleLabel | None = None,
) -> Outcome:
    """``outcome`` with everything that its request needs and its provider did not deliver. Blocks.

    Every file gets its label of origin by ``labelling``; with ``visible`` each also comes with a label that people see,
    in a file of its own. Only results that need it are touched; what was developed before is reused. A result that the
    studio cannot work with at all, or of which no size can be made, is a failed outcome with the studio's reason. A
    picture that was paid for other sizes and gives the ones asked for now as well is not stale. Raises StorageError.
    """
    if outcome.state is not OutcomeState.MADE or not _needs_developing(outcome):
        return outcome
    recipe = _recipe(request, visible)
    index = _index(store, outcome.made_job)
    developed = None if index is None or index["recipe"] != recipe else _indexed(store, outcome, index)
    if developed is None:
        group = product_group(request.product)
        workbench = _Keep(store, outcome.made_job, labelling, visible, _vendor_label(store, outcome), group)
        index = {"recipe": recipe, **_made_or_refused(workbench, request, outcome)}
        store.put(_index_key(outcome.made_job), json.dumps(index).encode(), "application/json")
        developed = _as_indexed(outcome, index)
    return _fresh_where_only_sizes_differ(request, developed)


def as_developed(store: ObjectStore, outcome: Outcome) -> Outcome:
    """``outcome`` with what was developed of it before, for a run that leaves its stage out; waiting where that is not
    (or no longer) in storage.
    """
    if outcome.state is not OutcomeState.MADE or not _needs_developing(outcome):
        return outcome
    index = _index(store, outcome.made_job)
    developed = None if index is None else _indexed(store, outcome, index)
    if developed is not None:
        return developed
    reason = Reason(
        "NOT_DEVELOPED", "it is paid and in storage, its sizes are still to be made; run its stage"
    )
    return replace(outcome, state=OutcomeState.WAITING, reason=reason, results=())


def _vendor_label(store: ObjectStore, outcome: Outcome) -> FileLabel | None:
    """What the vendor's own file says of its origin."""
    own = outcome.result("canvas") or outcome.result("original")
    return None if own is None else label_in(store.get(own.key))


def _made_or_refused(keep: _Keep, request: Request, outcome: Outcome) -> dict[str, Any]:
    """What an index says beside the recipe: the results, or why there are none."""
    from skuflow.studio.picture import StudioError

    try:
        _develop(keep, request, outcome)
        return {"results": result_json(keep.results)}
    except StudioError as error:
        return {"results": [], "refused": {"code": error.code, "message": error.message}}


def _indexed(store: ObjectStore, outcome: Outcome, index: dict[str, Any]) -> Outcome | None:
    """The outcome as the index has it; None where a file that it names is gone."""
    if all(store.exists(result.object.key) for result in _results(index)):
        return _as_indexed(outcome, index)
    return None


def _as_indexed(outcome: Outcome, index: dict[str, Any]) -> Outcome:
    refused = index.get("refused")
    if refused is None:
        return replace(outcome, results=(*outcome.results, *_results(index)))
    job = outcome.made_job
    sentence = (
        f"{job.provider}'s result cannot be used: {refused['message']}; buy another"
        f" (form: Make again, command line: --remake {remake_name(job)})"
    )
    return replace(
        outcome, state=OutcomeState.FAILED, reason=Reason(refused["code"], sentence), results=(), stale=False
    )


def _fresh_where_only_sizes_differ(request: Request, outcome: Outcome) -> Outcome:
    if not (outcome.stale and outcome.state is OutcomeState.MADE and isinstance(request, ImageRequest)):
        return outcome
    asked = json.loads(json.dumps(request.identity()))
    answered = outcome.made_job.request_summary or {}
    other = [name for name in asked if name != "sizes_px" and asked[name] != answered.get(name)]
    if other or not all(outcome.result(_label(size)) for size in request.sizes_px):
        return outcome
    outdated = outcome.reason is not None and outcome.reason.code == "PART_STALE"
    return replace(outcome, stale=False, reason=None if outdated else outcome.reason)


def _needs_developing(outcome: Outcome) -> bool:
    return any(result.label in _UNDEVELOPED for result in outcome.results)


def _label(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]}x{size_px[1]}"


def _index_key(job: JobRow) -> str:
    return developed_key(job.sku, job.id)


def _index(store: ObjectStore, job: JobRow) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] = json.loads(store.get(_index_key(job)))
    except (ObjectMissingError, ValueError):
        return None
    return value


def _results(index: dict[str, Any]) -> tuple[StoredResult, ...]:
    return tuple(
        StoredResult(
            entry["label"],
            StoredObject(entry["key"], entry["sha256"], entry["size_bytes"], entry["media_type"]),
        )
        for entry in index["results"]
    )


def _recipe(request: Request, visible: VisibleLabel | None) -> str:
    wishes: list[object] = [_GENERATION, *([asdict(visible)] if visible else [])]
    match request:
        case ImageRequest():
            wishes += [request.sizes_px, request.cutout.sha256]
        case VideoRequest():
            wishes += [request.size_px, request.storyboard.duration_s]
    return hashlib.sha256(json.dumps(wishes).encode()).hexdigest()


def _develop(keep: _Keep, request: Request, outcome: Outcome) -> None:
    match request:
        case ImageRequest() if "extend" in request.options:
            _creation(keep, outcome, Origin.COMPOSITE_WITH_MODEL)
        case ImageRequest():
            _scene(keep, request, outcome)
        case CreationRequest():
            _creation(keep, outcome, Origin.MODEL)
        case VideoRequest():
            _video(keep, request, outcome)


def _scene(keep: _Keep, request: ImageRequest, outcome: Outcome) -> None:
    from skuflow.studio.cutout_png import from_png
    from skuflow.studio.developing.canvas import lay_out
    from skuflow.studio.developing.renditions import renditions_of
    from skuflow.studio.picture import StudioError

    cutout = from_png(keep.store.get(request.cutout.key))
    canvas = outcome.result("canvas")
    picture = canvas or outcome.required("original")
    developed = renditions_of(
        keep.store.get(picture.key),
        cutout,
        request.sizes_px,
        known_box_px=lay_out(cutout).product_box_px if canvas is not None else None,
        geometry_kept=canvas is not None,
    )
    if not developed.made:
        first = developed.not_made[0]
        raise StudioError(first.code, f"no size can be made of it ({first.message})")
    placements: dict[str, object] = {}
    for made in developed.made:
        label = _label(made.size_px)
        origin = Origin.COMPOSITE_WITH_MODEL if made.put_back else Origin.MODEL
        keep.add_picture(label, made.jpeg_bytes, origin, made.product_box_px)
        if made.product_box_px is not None:
            placements[label] = {"box_px": list(made.product_box_px), "put_back": made.put_back}
    keep.add_json("placement", placements)
    keep.add_json(
        NOT_MADE,
        [
            *([{"size": "", "code": "PRODUCT_MOVED", "message": developed.moved}] if developed.moved else []),
            *(
                {"size": _label(missing.size_px), "code": missing.code, "message": missing.message}
                for missing in developed.not_made
            ),
        ],
    )


def _creation(keep: _Keep, outcome: Outcome, origin: Origin) -> None:
    """The picture in the vendor's own shape, as a JPEG."""
    from PIL import Image

    from skuflow.studio.encoding import as_jpeg
    from skuflow.studio.picture import StudioError

    try:
        with Image.open(io.BytesIO(keep.store.get(outcome.required("original").key))) as opened:
            picture = opened.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise StudioError("PICTURE_UNREADABLE", f"the vendor's picture cannot be read ({error})") from error
    keep.add_picture(_label(picture.size), as_jpeg(picture, 90, 1), origin, None)


def _video(keep: _Keep, request: VideoRequest, outcome: Outcome) -> None:
    from skuflow.studio.developing.renditions import video_rendition

    with tempfile.TemporaryDirectory(prefix="skuflow-clip-") as folder:
        clip, made = Path(folder) / "vendor.mp4", Path(folder) / "made.mp4"
        clip.write_bytes(keep.store.get(outcome.required("original").key))
        video_rendition(clip, request.size_px, made, duration_s=request.storyboard.duration_s)
        keep.add_video(_label(request.size_px), made)


class _Keep:
    """Labels what was developed, puts it beside the kit, and remembers it."""

    def __init__(
        self,
        store: ObjectStore,
        job: JobRow,
        labelling: Labelling,
        visible: VisibleLabel | None,
        vendor: FileLabel | None,
        category: str | None,
    ) -> None:
        self.store = store
        self._job = job
        self._labelling = labelling
        self._visible = visible
        self._vendor = vendor
        self._category = category
        self.results: tuple[StoredResult, ...] = ()

    def add_picture(self, label: str, jpeg: bytes, origin: Origin, product_box_px: BoxPx | None) -> None:
        self._add(label, self._picture(jpeg, label, origin), "image/jpeg", "jpg")
        if self._visible is None:
            return
        import numpy as np
        from PIL import Image

        from skuflow.studio.developing.renditions import jpeg_of
        from skuflow.studio.labels.visible import with_visible_label

        with Image.open(io.BytesIO(jpeg)) as opened:
            drawn = with_visible_label(
                np.array(opened.convert("RGB")),
                self._visible.text,
                self._visible.text_height_ratio,
                product_box_px,
            )
        marked = self._picture(jpeg_of(drawn), label, origin)
        self._add(f"{label}{AI_LABEL}", marked, "image/jpeg", "jpg")

    def add_video(self, label: str, clip: Path) -> None:
        self._add(label, self._labelled(clip.read_bytes(), "video/mp4", Origin.MODEL), "video/mp4", "mp4")
        if self._visible is None:
            return
        from skuflow.studio.labels.visible import video_with_visible_label

        drawn = video_with_visible_label(
            clip,
            clip.with_name("labelled.mp4"),
            self._visible.text,
            self._visible.text_height_ratio,
            self._visible.video_s,
        )
        marked = self._labelled(drawn.read_bytes(), "video/mp4", Origin.MODEL)
        self._add(f"{label}{AI_LABEL}", marked, "video/mp4", "mp4")

    def add_json(self, label: str, value: dict[str, object] | Sequence[object]) -> None:
        if value:
            self._add(label, json.dumps(value).encode(), "application/json", "json")

    def _picture(self, jpeg: bytes, label: str, origin: Origin) -> bytes:
        width, _, height = label.partition("x")
        role = ROLES[self._job.slot.content_type].value
        labelled = self._labelled(jpeg, "image/jpeg", origin)
        return made_to_fit(labelled, role, (int(width), int(height)), self._category)

    def _labelled(self, data: bytes, media_type: str, origin: Origin) -> bytes:
        system = f"{self._job.provider} {self._job.model}"
        return self._labelling.labelled(data, media_type, origin, system=system, vendor=self._vendor)

    def _add(self, label: str, data: bytes, media_type: str, extension: str) -> None:
        digest = hashlib.sha256(data).hexdigest()
        key = asset_key(self._job.sku, self._job.part, label, digest, extension)
        self.results = (*self.results, StoredResult(label, self.store.put(key, data, media_type)))
