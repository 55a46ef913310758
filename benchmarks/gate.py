"""The intake gate's speed on photos, on one core: decoding, measures, marks without text detection, and the cut-out.

Beside it cleanvision on the same pictures, which looks for light, blur, odd shapes and duplicates. It is no
requirement of the project: with ``--peer`` it is installed into a folder of its own by the ordinary installer, and
passed over with a sentence where that does not work.

    python -m benchmarks.gate [--photos DIR] [--peer]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from benchmarks.measure import cpu_s, figure

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT / "samples" / "photos"
AIM_S = 0.5
REPEATS = 3
_PEER = """
import json, os, sys, time
from cleanvision import Imagelab
lab = Imagelab(filepaths=json.loads(sys.argv[1]), verbose=False)
begun = time.process_time()
lab.find_issues(n_jobs=1, verbose=False)
print("seconds", time.process_time() - begun)
"""


def one_core() -> None:
    """Keep this process, and those that it starts, on one core."""
    import cv2

    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def gate_seconds(path: Path) -> tuple[float, float]:
    """CPU-seconds of the gate without the cut-out, and of the cut-out, the best of some."""
    from skuflow.catalog.gate.judging import packaged_rules
    from skuflow.catalog.gate.photo_gate import check_photo
    from skuflow.catalog.intake import product_mask
    from skuflow.catalog.photo_records import PhotoRecord
    from skuflow.catalog.photos import load_photo
    from skuflow.quality.marks.find import find_marks
    from skuflow.quality.photo.measures import measure_photo
    from skuflow.studio.cutout import cut_out
    from skuflow.studio.picture import StudioError

    looking, cutting = [], []
    for _ in range(REPEATS):
        begun = cpu_s()
        photo = load_photo(path)
        decoded = cpu_s()
        try:
            mask = product_mask(cut_out(photo.pixels), photo.pixels.shape[:2])
        except StudioError:
            mask = None
        cut = cpu_s()
        measured = measure_photo(photo.pixels, photo.size, mask)
        marks = find_marks(photo.pixels, mask, detect_text=False)
        record = PhotoRecord(
            sha256=photo.sha256,
            size_px=photo.size,
            facts=photo.facts,
            measured=measured,
            marks={"off": marks},
        )
        check_photo(record, path.name, packaged_rules(), text="off")
        looking.append(cpu_s() - cut + decoded - begun)
        cutting.append(cut - decoded)
    return min(looking), min(cutting)


def peer_seconds(photos: list[Path]) -> float | None:
    """CPU-seconds of cleanvision for all photos; None where it cannot be installed or does not run."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        try:
            venv.create(folder, with_pip=True)
            subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "cleanvision"],
                check=True,
                capture_output=True,
                timeout=900,
            )
            told = subprocess.run(
                [python, "-c", _PEER, json.dumps([str(photo) for photo in photos])],
                check=True, capture_output=True, text=True, timeout=900,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            print(f"cleanvision could not be installed or run ({type(error).__name__}); it is left out")
            return None
        lines = [line for line in told.stdout.splitlines() if line.startswith("seconds ")]
        return float(lines[-1].split()[1]) if lines else None


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--peer", action="store_true")
    options = parser.parse_args(arguments)
    photos = sorted(
        path for path in options.photos.iterdir() if path.suffix.lower() in (".jpg", ".png", ".webp")
    )
    if not photos:
        print(f"gate: there are no photos in {options.photos}")
        return 0
    one_core()
    begun = time.monotonic()
    seconds = [gate_seconds(photo) for photo in photos]
    looking, cutting = sum(s for s, _ in seconds) / len(photos), sum(s for _, s in seconds) / len(photos)
    figure("photos", len(photos))
    figure("gate without the cut-out", looking, "CPU-s a photo", f"<= {AIM_S}")
    figure("slowest photo", max(s for s, _ in seconds), "CPU-s", f"<= {AIM_S}")
    figure("gate without the cut-out", 1 / looking, "photos a second")
    figure("cut-out", cutting, "CPU-s a photo")
    figure("gate with the cut-out", 1 / (looking + cutting), "photos a second")
    figure("wall time", time.monotonic() - begun, "s")
    if options.peer:
        peer = peer_seconds(photos)
        if peer is not None:
            figure("cleanvision on the same photos", len(photos) / peer, "photos a second")
    return 0 if max(s for s, _ in seconds) <= AIM_S else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
