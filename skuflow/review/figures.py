"""Figures as people write them: money, times, sizes."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal


def money(amount: str) -> str:
    """A decimal string of CNY as "¥0.35"; amounts below a fen keep four digits, so that they do not read
    as nothing.
    """
    value = Decimal(amount)
    digits = 4 if 0 < abs(value) < Decimal("0.01") else 2
    return f"{'−' if value < 0 else ''}¥{abs(value):,.{digits}f}"


def share_text(part: int, whole: int) -> str:
    """A part of a whole as people say it: "1/52", "1/2.4", "1.3×" for more than the whole; empty for nothing of it.

    Rounded so that the part never looks smaller than it is.
    """
    if part <= 0 or whole <= 0:
        return ""
    if part > whole:
        return f"{_tenths(part, whole, ROUND_CEILING)}×"
    times = whole // part
    return f"1/{times:,}" if times >= 10 else f"1/{_tenths(whole, part, ROUND_FLOOR)}"


def _tenths(above: int, below: int, rounding: str) -> str:
    tenths = (Decimal(above) / Decimal(below)).quantize(Decimal("0.1"), rounding)
    return f"{tenths:,f}".removesuffix(".0")


def duration_text(seconds: float) -> str:
    """Seconds as "4.2 s", "48 s", "3 min 20 s" or "2 h 05 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size_text(size_bytes: int) -> str:
    """Bytes as "93 KB" or "2.4 MB"."""
    return (
        f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1_000_000 else f"{max(1, round(size_bytes / 1000))} KB"
    )
