"""What every provider promises, for every provider in the registry. A provider brings no tests of its own here."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from providers.registry import REGISTRY, Workplace, build_provider
from skuflow.catalog.product import Product, ProductSource
from skuflow.jobs.contract import (
    Capability,
    CopyRequest,
    ImageRequest,
    JobHandle,
    JobState,
    JobStatus,
    Provider,
    Request,
    SceneFrame,
    Slot,
    VideoRequest,
)
from skuflow.jobs.errors import InvalidInputError, JobExpiredError
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.storyboard import make_storyboard
from skuflow.settings import SettingsError, read_settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectStore, StoredObject
from skuflow.studio.cutout_png import to_png
from skuflow.studio.picture import Cutout

STYLES = ("kitchen", "pastel", "living_room")
POLLS = 200


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return FolderStore(tmp_path / "storage")


@pytest.fixture
def workplace(tmp_path: Path, store: ObjectStore) -> Iterator[Workplace]:
    with ThreadPoolExecutor(2) as pool:
        yield Workplace(read_settings({"skuflow_home": tmp_path}), store, pool)


@pytest.fixture(params=sorted(REGISTRY))
def provider(request: pytest.FixtureRequest, workplace: Workplace) -> Provider:
    return build_provider(request.param, workplace)


@pytest.fixture
def requests(store: ObjectStore) -> dict[Capability, Request]:
    return make_requests(store)


def make_requests(store: ObjectStore) -> dict[Capability, Request]:
    """One request for each capability, with its inputs in storage."""
    cutout = store.put("in/cutout.png", to_png(_blue_mug()), "image/png")
    photo = store.put("in/photo.png", _picture((800, 800)), "image/png")
    product = Product(
        sku="MUG-1",
        titles={"zh": "陶瓷马克杯 380ml", "en": "Ceramic Mug 380 ml"},
        kind="mug",
        attributes={"材质": "陶瓷", "容量": "380 ml", "重量": "365 g", "颜色": "蓝色"},
        source=ProductSource(catalog="test"),
    )
    frames = tuple(
        SceneFrame(style=style, picture=_stored_scene(store, style), provider="offline") for style in STYLES
    )
    return {
        Capability.COPY: CopyRequest(
            slot=Slot("MUG-1", "copy", language="es", marketplace="aliexpress"),
            product=product,
            language="es",
            marketplace="aliexpress",
        ),
        Capability.IMAGE: ImageRequest(
            slot=Slot("MUG-1", "image:scene"),
            product=product,
            photo=photo,
            cutout=cutout,
            style=STYLES[0],
            sizes_px=((800, 800),),
            height_cm=9.5,
        ),
        Capability.VIDEO: VideoRequest(
            slot=Slot("MUG-1", "video"),
            product=product,
            photo=photo,
            cutout=cutout,
            frames=frames,
            storyboard=make_storyboard(STYLES, duration_s=3.0),
            size_px=(1080, 1080),
            height_cm=9.5,
        ),
    }


def _blue_mug() -> Cutout:
    rgba = np.zeros((700, 600, 4), np.uint8)
    rgba[20:680, 20:580] = (40, 90, 170, 255)
    return Cutout(rgba, (100, 50, 700, 750), (800, 800), frozenset(), 1.0)


def _picture(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (250, 250, 250)).save(buffer, "PNG")
    return buffer.getvalue()


def _stored_scene(store: ObjectStore, style: str) -> StoredObject:
    return store.put(f"in/{style}.png", _picture((1080, 1080)), "image/png")


async def finish(provider: Provider, handle: JobHandle) -> JobStatus:
    for _ in range(POLLS):
        status = await provider.poll(handle)
        if status.state.is_terminal:
            return status
    raise AssertionError(f"{provider.name} did not finish in {POLLS} polls")


def test_it_says_who_it_is(provider: Provider) -> None:
    assert isinstance(provider, Provider)
    assert provider.name in REGISTRY
    assert provider.name == provider.name.lower()
    assert provider.capabilities <= set(Capability)
    assert provider.capabilities


async def test_every_capability_gives_what_was_asked(
    provider: Provider, requests: dict[Capability, Request]
) -> None:
    for capability in sorted(provider.capabilities):
        request = requests[capability]
        assert provider.estimate(request) >= 0
        handle = await provider.submit(request, idempotency_key=f"key-{capability}")
        assert (handle.provider, handle.model) == (provider.name, provider.model_for(request))
        status = await finish(provider, handle)
        assert status.state is JobState.SUCCEEDED, status.error
        results = {artifact.label: await provider.fetch(artifact) for artifact in status.artifacts}
        check_results(request, results)


def check_results(request: Request, results: dict[str, bytes]) -> None:
    match request:
        case CopyRequest():
            copy = ListingCopy.model_validate_json(results["copy"])
            assert copy.language == request.language
            assert copy.title
        case ImageRequest():
            for width, height in request.sizes_px:
                with Image.open(io.BytesIO(results[f"{width}x{height}"])) as image:
                    assert image.size == (width, height)
        case VideoRequest():
            assert any(data[4:8] == b"ftyp" for data in results.values())


async def test_a_handle_survives_json_and_a_new_process(
    provider: Provider, requests: dict[Capability, Request], workplace: Workplace
) -> None:
    handle = await provider.submit(requests[Capability.COPY], idempotency_key="key-1")
    again = build_provider(provider.name, workplace)
    revived = JobHandle(**json.loads(json.dumps(asdict(handle))))
    assert (await finish(again, revived)).state is JobState.SUCCEEDED


async def test_a_lost_reply_is_found_by_its_key(
    provider: Provider, requests: dict[Capability, Request], workplace: Workplace
) -> None:
    if not provider.can_find:
        assert await provider.find("anything") is None
        return
    handle = await provider.submit(requests[Capability.COPY], idempotency_key="key-2")
    again = build_provider(provider.name, workplace)
    assert await again.find("key-2") == handle
    assert await again.find("key-3") is None


async def test_the_same_key_is_one_job(provider: Provider, requests: dict[Capability, Request]) -> None:
    if not provider.can_find:
        return
    first = await provider.submit(requests[Capability.COPY], idempotency_key="key-4")
    second = await provider.submit(requests[Capability.COPY], idempotency_key="key-4")
    assert first == second


async def test_a_job_it_never_had_is_no_success(provider: Provider) -> None:
    with pytest.raises(JobExpiredError):
        await provider.poll(JobHandle(provider.name, "any", "no-such-job"))


async def test_a_forgotten_job_is_gone_and_forgetting_twice_is_fine(
    provider: Provider, requests: dict[Capability, Request]
) -> None:
    handle = await provider.submit(requests[Capability.COPY], idempotency_key="key-5")
    await finish(provider, handle)
    await provider.forget(handle)
    await provider.forget(handle)


async def test_a_model_it_does_not_have_is_refused_before_anything_is_owed(
    provider: Provider, requests: dict[Capability, Request]
) -> None:
    from dataclasses import replace

    request = replace(requests[Capability.COPY], model="no-such-model")
    with pytest.raises(InvalidInputError):
        await provider.submit(request, idempotency_key="key-6")


async def test_what_cannot_be_made_is_a_failed_job_with_a_reason(
    provider: Provider, requests: dict[Capability, Request], store: ObjectStore
) -> None:
    from dataclasses import replace

    store.put("in/cutout.png", _picture((10, 10)), "image/png")
    image = requests[Capability.IMAGE]
    status = await finish(provider, await provider.submit(replace(image), idempotency_key="key-7"))
    assert status.state is JobState.FAILED
    assert status.error is not None
    assert str(status.error)
    assert not status.charged


def test_a_provider_that_does_not_exist_names_those_that_do(workplace: Workplace) -> None:
    with pytest.raises(SettingsError, match="offline"):
        build_provider("nobody", workplace)
