"""Quantiles of the gamma distribution, in plain arithmetic: exact for small counts, and no import of scipy."""

from __future__ import annotations

import math
from statistics import NormalDist

_NORMAL = NormalDist()
_NEARLY_NORMAL = 300.0
"""From this shape on Wilson and Hilferty's cube root is right to four digits."""
_STEPS_MOST = 200
_EXACT = 1e-9


def gamma_quantile(share: float, shape: float, rate: float) -> float:
    """The value below which ``share`` (0..1, both excluded) of Gamma(``shape``, ``rate``) lies."""
    if not (0 < share < 1 and shape > 0 and rate > 0):
        raise ValueError(f"no quantile of {share} for shape {shape}, rate {rate}")
    start = _wilson_hilferty(share, shape)
    if shape >= _NEARLY_NORMAL:
        return start / rate
    low, high = 0.0, max(start, shape, 1e-300)
    while below(high, shape) < share:
        low, high = high, 2 * high
    x = start if low < start < high else (low + high) / 2
    for _ in range(_STEPS_MOST):
        error = below(x, shape) - share
        low, high = (x, high) if error < 0 else (low, x)
        if high - low <= _EXACT * high:
            break
        density = math.exp((shape - 1) * math.log(x) - x - math.lgamma(shape)) if x > 0 else 0.0
        newton = x - error / density if density > 0 else math.inf
        # Near zero a small shape has nearly all of its weight many powers of ten below: halve the power there.
        middle = math.sqrt(low * high) if low > 0 else high / 1024
        following = newton if low < newton < high else middle
        if abs(following - x) <= _EXACT * x:
            break
        x = following
    return x / rate


def below(x: float, shape: float) -> float:
    """How much of Gamma(``shape``, 1) lies below ``x``: the regularised lower incomplete gamma function."""
    if x <= 0:
        return 0.0
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1:
        return min(1.0, front * _series(x, shape))
    return max(0.0, 1.0 - front * _fraction(x, shape))


def _series(x: float, shape: float) -> float:
    term = total = 1.0 / shape
    n = shape
    while term > total * 1e-16:
        n += 1
        term *= x / n
        total += term
    return total


def _fraction(x: float, shape: float) -> float:
    """Lentz's evaluation of the continued fraction of the upper incomplete gamma function."""
    tiny = 1e-300
    b = x + 1 - shape
    c = 1 / tiny
    d = 1 / b
    value = d
    for step in range(1, 10_000):
        factor = -step * (step - shape)
        b += 2
        d = 1 / _away_from_zero(factor * d + b, tiny)
        c = _away_from_zero(b + factor / c, tiny)
        value *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return value


def _away_from_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def _wilson_hilferty(share: float, shape: float) -> float:
    root = 1 - 1 / (9 * shape) + _NORMAL.inv_cdf(share) / (3 * math.sqrt(shape))
    return float(shape * max(root, 0.0) ** 3)
