"""Prices as shops write them, and nothing that is not one clear amount."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from skuflow.catalog.columns import currency_code
from skuflow.catalog.links.text import line

_MAX_CHARS = 60
_AMOUNT_BELOW = Decimal(10) ** 12
_NUMBER = re.compile(r"\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d{1,4})?(?!\d)|\d(?:[\d.,]*\d)?")
_MACHINE = re.compile(r"\d{1,12}(?:\.\d{1,6})?")
_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_SYMBOLS = {
    "руб": "RUB", "руб.": "RUB", "р.": "RUB", "zł": "PLN", "kč": "CZK", "円": "JPY", "a$": "AUD", "au$": "AUD",
    "c$": "CAD", "ca$": "CAD", "hk$": "HKD", "nt$": "TWD", "s$": "SGD", "nz$": "NZD", "mx$": "MXN", "₹": "INR",
    "rs": "INR", "rs.": "INR", "₺": "TRY", "฿": "THB", "₫": "VND", "đ": "VND", "₱": "PHP", "rp": "IDR", "rm": "MYR",
    "₪": "ILS", "₴": "UAH", "₸": "KZT", "₦": "NGN",
}  # fmt: skip
_NAMES_OF_CURRENCIES = (
    "AED ARS AUD BDT BGN BHD BRL CAD CHF CLP CNY COP CZK DKK DZD EGP EUR GBP GEL HKD HUF IDR ILS INR IQD ISK JOD JPY"
    " KES KRW KWD KZT LKR LYD MAD MXN MYR NGN NOK NZD OMR PEN PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TND TRY"
    " TWD UAH USD UYU UZS VND ZAR"
)
_CODES = frozenset(_NAMES_OF_CURRENCIES.split())
"""Three letters beside a number are a currency only where there is one of that name ("NOW 9.99")."""
_DOLLARS_ELSEWHERE = frozenset(
    {"AU", "BB", "BS", "BZ", "CA", "CL", "CO", "AR", "HK", "JM", "MX", "NZ", "SG", "TW", "TT", "UY"}
)
_YEN_OR_YUAN = {"zh": "CNY", "ja": "JPY"}
_KRONE = {"sv": "SEK", "nb": "NOK", "no": "NOK", "nn": "NOK", "da": "DKK", "is": "ISK"}


@dataclass(frozen=True, slots=True)
class Price:
    """An amount above zero; ``currency`` is an ISO 4217 code where the page names one beyond doubt."""

    amount: Decimal
    currency: str | None = None


def currency_of(said: str, language: str = "") -> str | None:
    """The ISO 4217 code that a code, word or sign names, None where it could be several.

    ``language`` is the page's (BCP 47, with its region where it says one): "$" is no US dollar in Canada, "¥" is yuan
    in Chinese and yen in Japanese.
    """
    token = said.strip().casefold()
    base, _, region = language.replace("_", "-").partition("-")
    if token == "$":
        return None if region.upper()[:2] in _DOLLARS_ELSEWHERE else "USD"
    if token in ("¥", "￥"):
        return _YEN_OR_YUAN.get(base.lower())
    if token in ("kr", "kr."):
        return _KRONE.get(base.lower())
    if token in _SYMBOLS:
        return _SYMBOLS[token]
    code = currency_code(token)
    return code if code in _CODES else None


def price_of(value: object, currency: object = "", language: str = "") -> Price | None:
    """The price that a page gives as a number or as text ("1.299,00 €", "129.90 руб.").

    None for ranges, several numbers, zero, negative numbers, and anything that is no amount.
    """
    text = line(value, _MAX_CHARS + 1)
    if not text or len(text) > _MAX_CHARS:
        return None
    text = unicodedata.normalize("NFKC", text)
    named = currency_of(line(currency, 20), language) if line(currency, 20) else None
    numbers = _NUMBER.findall(text)
    if len(numbers) != 1 or re.search(r"[-−–]\s*(?:[^\s\d]{1,3}\s*)?\d|\d[eE%]|%", text):
        return None
    sign = re.sub(r"[\d.,'’\s]*\d[\d.,'’\s]*[-–—]*", " ", text, count=1).strip(" :")
    code = named or _written_currency(sign, language)
    amount = _amount(numbers[0], code)
    return Price(amount, code) if amount is not None else None


def _written_currency(words: str, language: str) -> str | None:
    """The currency named beside the number, the whole remainder first, then its words and signs."""
    for word in dict.fromkeys((words, *words.split(), *re.findall(r"[^\w\s.]+", words))):
        if (code := currency_of(word.strip("()*"), language)) is not None:
            return code
    return None


def _amount(number: str, currency: str | None) -> Decimal | None:
    from price_parser import Price as Parsed

    machine = _MACHINE.fullmatch(number)
    decimals = len(number.partition(".")[2]) if machine else 0
    # "1.299" is a thousand and more in every currency that has two decimals.
    if machine and (decimals != 3 or currency in _THREE_DECIMALS):
        amount: Decimal | None = Decimal(number)
    else:
        try:
            amount = Parsed.fromstring(number).amount
        except (ArithmeticError, InvalidOperation, ValueError):
            amount = None
    if amount is None or not amount.is_finite() or not 0 < amount < _AMOUNT_BELOW:
        return None
    return amount
