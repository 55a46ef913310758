"""From scores of good and bad pictures to AUC, precision and recall."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one check on one set: how well its score tells ``bad`` from ``clean``, and what its limit does.

    ``auc`` is the share of pairs of a bad and a clean picture that the score puts in order, ties counting half.
    """

    clean: int
    bad: int
    auc: float
    precision: float
    recall: float
    blocked_ratio: float


def figures(clean: Sequence[float], bad: Sequence[float], limit: float) -> Figures | None:
    """Scores are the higher the worse, and break ``limit`` above it. None where either set is empty."""
    if not clean or not bad:
        return None
    good, worse = np.asarray(clean, np.float64), np.asarray(bad, np.float64)
    ordered = (worse[:, None] > good).mean() + 0.5 * (worse[:, None] == good).mean()
    false, true = int((good > limit).sum()), int((worse > limit).sum())
    return Figures(
        len(good),
        len(worse),
        float(ordered),
        true / max(1, true + false),
        true / len(worse),
        false / len(good),
    )


def is_held_out(name: str) -> bool:
    """Whether limits may not be chosen by the photo of that file name: one half of them, by a hash."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 1
