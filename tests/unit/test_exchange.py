"""Exchange rates are dated, entered by people, and never made up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from skuflow.insights.exchange import ExchangeRates, RateError, parse_rate
from skuflow.settings import SettingsError, read_settings

RATES = ExchangeRates.of([parse_rate("USD@2026-11-10", "7.20"), parse_rate("USD@2026-11-01", "7.10")])
ONE = Decimal(1)


@pytest.mark.parametrize(
    ("day", "cny"),
    [
        (date(2026, 11, 1), "7.10"),
        (date(2026, 11, 9), "7.10"),
        (date(2026, 11, 10), "7.20"),
        (date(2026, 12, 31), "7.20"),
        (None, "7.20"),
    ],
)
def test_the_newest_rate_of_the_day_or_before_counts(day: date | None, cny: str) -> None:
    assert RATES.to_cny(ONE, "USD", day) == Decimal(cny)


def test_there_is_no_rate_before_the_first_and_none_for_other_currencies() -> None:
    with pytest.raises(RateError, match=r"USD of 2026-10-31 or before.*SKUFLOW_EXCHANGE_RATES"):
        RATES.to_cny(ONE, "USD", date(2026, 10, 31))
    with pytest.raises(RateError, match="EUR"):
        RATES.to_cny(ONE, "EUR", None)
    assert ExchangeRates().to_cny(ONE, "CNY", None) == ONE


@pytest.mark.parametrize(
    "written",
    ["USD=7.1", "usd@2026-11-01=7.1", "USD@2026-11-31=7.1", "USD@2026-11-01=0", "USD@2026-11-01=nan"],
)
def test_a_rate_that_cannot_be_used_is_one_line(written: str) -> None:
    with pytest.raises(SettingsError, match="SKUFLOW_EXCHANGE_RATES") as caught:
        read_settings({"skuflow_exchange_rates": written})
    assert "\n" not in str(caught.value)


def test_settings_hand_out_the_rates() -> None:
    rates = read_settings(
        {"skuflow_exchange_rates": "USD@2026-11-01=7.12;EUR@2026-11-01=8.24"}
    ).exchange_rates()
    assert rates.to_cny(Decimal(2), "EUR", date(2026, 11, 2)) == Decimal("16.48")
