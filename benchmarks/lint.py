"""Five thousand kits against the rules of today and of a day on which some change: kits per CPU-second, memory."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks.measure import cpu_s, figure, peak_memory_mib
from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.kit import ImageRole, Kit, KitCopy, KitImage, KitStatus, KitVideo, Rendition
from skuflow.review.lint import Scope
from skuflow.review.lint_report import LintReport, lint_library
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import kit_key

KITS = 5_000
SMALL_EVERY = 10
"""Every so manieth main image has 400 px, which Google Merchant takes until 2027-01-30."""
TODAY = date(2026, 11, 20)
DAY = date(2027, 1, 31)
AIM_KITS_PER_CPU_S = 200.0

_JOB = {"provider": "offline", "model": "studio-1", "job_id": "0" * 32}
_LANGUAGES = ("en", "es", "fr", "pt", "ru", "de", "ja")
_SCENE_SIZES = ((800, 800), (1200, 630), (1920, 600), (1080, 1920))
_MEASURES = {f"measure_{number}": 0.5 for number in range(30)}


def _image(number: int, small: bool) -> KitImage:
    main = number == 0
    sizes = (((400, 400),) if small else ((1600, 1600), (800, 800))) if main else _SCENE_SIZES
    look = {"product_share_ratio": 0.86, "white_border_ratio": 1.0} if main else {"product_share_ratio": 0.4}
    return KitImage(
        id="image:main:1" if main else f"image:scene:{number}",
        role=ImageRole.MAIN if main else ImageRole.SCENE,
        content_type="main" if main else "scene",
        style=None,
        renditions=tuple(
            Rendition(
                file=f"image-{number}-{width}x{height}-0123abcd.jpg",
                width=width,
                height=height,
                bytes=150_000,
                format="jpeg",
                sha256="0" * 64,
                fits=("google_merchant.main",) if main else ("amazon.secondary", "ebay.secondary"),
            )
            for width, height in sizes
        ),
        scores={"overall": 100.0, **_MEASURES, **look},
        **_JOB,
    )


def _copy(language: str) -> KitCopy:
    return KitCopy(
        part=f"copy:{language}",
        language=language,
        marketplace="aliexpress",
        title="Ceramic mug of stoneware with a wide handle, 380 ml",
        bullets=("Holds 380 ml", "Safe in the dishwasher", "Glazed inside and outside"),
        description="A mug of stoneware for tea and coffee. " * 12,
        keywords=("mug", "stoneware", "tea", "coffee"),
        facts_ratio=1.0,
        origin="template",
        **_JOB,
    )


def _kit(sku: str, small: bool) -> Kit:
    product = Product(
        sku=sku, titles={"en": "Ceramic mug"}, kind="mug", source=ProductSource(catalog="benchmark")
    )
    video = KitVideo(
        id="video:1",
        file="video-1.mp4",
        width=1080,
        height=1920,
        duration_s=5.0,
        fps=30.0,
        codec="h264",
        bytes=2_500_000,
        sha256="0" * 64,
        storyboard=(),
        **_JOB,
    )
    return Kit(
        sku=sku,
        kit_id="0" * 16,
        created_at="2026-11-20T04:00:00+00:00",
        status=KitStatus.NEEDS_REVIEW,
        product=product,
        copy=tuple(_copy(language) for language in _LANGUAGES),
        images=tuple(_image(number, small) for number in range(4)),
        videos=(video,),
    )


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        for number in range(KITS):
            kit = _kit(f"MUG-{number:05}", number % SMALL_EVERY == 0)
            path = Path(name) / kit_key(kit.sku)
            path.parent.mkdir(parents=True)
            path.write_text(kit.model_dump_json(by_alias=True, indent=2), encoding="utf-8")
        store = FolderStore(name)
        today, today_per_s = _timed(lambda: lint_library(store, Scope(TODAY, TODAY)))
        then, then_per_s = _timed(lambda: lint_library(store, Scope(DAY, TODAY)))
    lost = then.by_marketplace()["google_merchant"]
    figure(
        f"{today.kits} kits, today's rules", today_per_s, "kits per CPU-second", f">= {AIM_KITS_PER_CPU_S:g}"
    )
    figure("the same on a day when rules change, beside today", then_per_s, "kits per CPU-second")
    figure("main images that Google Merchant does not take any more", lost.new, "", str(KITS // SMALL_EVERY))
    figure("peak memory", peak_memory_mib(), "MiB")
    found = today.kits == KITS and lost.new == KITS // SMALL_EVERY
    return 0 if found and today_per_s >= AIM_KITS_PER_CPU_S else 1


def _timed(work: Callable[[], LintReport]) -> tuple[LintReport, float]:
    begun_s = cpu_s()
    report = work()
    return report, report.kits / (cpu_s() - begun_s)


if __name__ == "__main__":
    sys.exit(main())
