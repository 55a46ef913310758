"""What ``skuflow doctor`` says about the vendors in use: keys, accounts, reachability, pictures, prices, limits.

Nothing here sends a request to a vendor, let alone one that is paid: a connection is opened and closed again. Keys are
named, never shown.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from urllib.parse import urlsplit

from flows.commands.vendor_probe import ability
from providers.registry import Workplace, build_provider, require_capability, require_known
from providers.wire.http import tls
from providers.wire.inputs import public_url
from providers.wire.prices import Price
from skuflow.jobs.contract import Capability, Provider
from skuflow.ledger.views import LedgerReader, decimal_cny
from skuflow.settings import Settings, SettingsError
from skuflow.storage.objects import StorageError, StoredObject
from tasks.wiring import Wiring

REACH_LIMIT_S = 3.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``detail`` says what was found, or what to do when ``ok`` is False; ``warning``: it works,
    but a person should know.
    """

    name: str
    ok: bool
    detail: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a vendor's settings are. ``keys``: alternatives, of which one must be set in full. ``pictures`` says in
    words how it gets them, by the settings and by whether storage has public addresses, and whether that is a worry.
    """

    keys: tuple[tuple[str, ...], ...]
    address: str
    pictures: Callable[[Settings, bool], tuple[str, bool]]
    rings: bool = False


_BY_ADDRESS = "by signed addresses of our storage"


def _inline(how: str, *, also_by_address: bool = False) -> Callable[[Settings, bool], tuple[str, bool]]:
    def words(settings: Settings, is_public: bool) -> tuple[str, bool]:
        if is_public and also_by_address:
            return f"{_BY_ADDRESS}; first frames of videos inside the request ({how})", False
        return f"inside the request ({how}); nothing of ours has to be public", False

    return words


def _wanx_pictures(settings: Settings, is_public: bool) -> tuple[str, bool]:
    if is_public:
        return _BY_ADDRESS, False
    if settings.skuflow_dashscope_inputs == "data":
        return (
            "inside the request (data URI), since storage is a local folder; background generation, the usual model for"
            " scenes, takes addresses only: set SKUFLOW_DASHSCOPE_INPUTS=upload for it",
            True,
        )
    return (
        "DashScope's temporary upload, since storage is a local folder: files live 48 hours, and the vendor does not"
        " mean it for production; storage with public addresses (OSS) is",
        True,
    )


DESKS: Mapping[str, Desk] = {
    "qwen": Desk(
        (("dashscope_api_key",),), "dashscope_http_base_url", _inline("data URI, only to judge pictures")
    ),
    "wanx": Desk((("dashscope_api_key",),), "dashscope_http_base_url", _wanx_pictures),
    "kling": Desk(
        (("kling_api_key",), ("kling_access_key", "kling_secret_key")),
        "kling_base_url",
        _inline("base64"),
        rings=True,
    ),
    "hailuo": Desk((("minimax_api_key",),), "minimax_base_url", _inline("data URI"), rings=True),
    "jimeng": Desk(
        (("jimeng_access_key", "jimeng_secret_key"),),
        "jimeng_base_url",
        _inline("base64", also_by_address=True),
    ),
    "ark": Desk((("ark_api_key",),), "ark_base_url", _inline("data URI")),
    "openai": Desk((("openai_api_key",),), "openai_base_url", _inline("none are sent")),
}
"""Every vendor that a registry's name stands for, offline apart."""

_REGIONS: Mapping[str, str] = {
    "dashscope.aliyuncs.com": "mainland China, Beijing",
    "dashscope-intl.aliyuncs.com": "international, Singapore",
    "dashscope-us.aliyuncs.com": "United States",
    "api-beijing.klingai.com": "mainland China, Beijing",
    "api-singapore.klingai.com": "international, Singapore",
    "api.minimaxi.com": "mainland China",
    "api.minimax.io": "international",
    "visual.volcengineapi.com": "mainland China, cn-north-1",
    "ark.cn-beijing.volces.com": "mainland China, Beijing",
}


def vendor_checks(settings: Settings, wiring: Wiring) -> Iterator[Check]:
    """Checks of every provider in use, the offline one apart. ``wiring`` lends its storage; its own providers may be
    others.
    """
    in_use: dict[str, list[Capability]] = {}
    for capability, name in settings.providers_in_use():
        if name in DESKS:
            in_use.setdefault(name, []).append(capability)
        else:
            require_known("SKUFLOW_PROVIDERS", (name,))
    if not in_use:
        yield Check("vendors", True, "none in use: everything is made on this computer and costs nothing")
        return
    workplace = Workplace(settings, wiring.store, wiring.pool)
    for name, capabilities in in_use.items():
        yield from _checks_of(name, capabilities, workplace)
    yield from _reach_all(settings, in_use)
    yield _callbacks(settings, in_use)


def _checks_of(name: str, capabilities: Iterable[Capability], workplace: Workplace) -> Iterator[Check]:
    settings, desk = workplace.settings, DESKS[name]
    wanted = list(capabilities)
    try:
        provider = build_provider(name, workplace)
        models = dict.fromkeys(
            model for capability in wanted for model in _models(provider, capability, settings)
        )
    except SettingsError as error:
        yield Check(name, False, str(error))
        return
    keys = next(group for group in desk.keys if _all_set(settings, group))
    named = " and ".join(key.upper() for key in keys)
    verb = "is" if len(keys) == 1 else "are"
    yield Check(
        name, True, f"{', '.join(wanted)}; {named} {verb} set; account at {_place(_address(settings, desk))}"
    )
    if any(capability in (Capability.IMAGE, Capability.VIDEO) for capability in wanted):
        words, warning = desk.pictures(settings, _is_public(workplace))
        yield Check(f"{name} pictures", True, words, warning)
    yield from _prices(name, models, settings)


def _is_public(workplace: Workplace) -> bool:
    """Whether storage gives addresses that lead in from outside; a folder gives none, and only for what it has."""
    try:
        return public_url(workplace.store, StoredObject("photos/sample.jpg", "", 1, "image/jpeg")) is not None
    except StorageError:
        return False


def _models(provider: Provider, capability: Capability, settings: Settings) -> tuple[str, ...]:
    require_capability(provider, capability)
    return ability(provider, capability, settings).models


def _all_set(settings: Settings, names: Iterable[str]) -> bool:
    return all(getattr(settings, name).get_secret_value() for name in names)


def _address(settings: Settings, desk: Desk) -> str:
    return str(getattr(settings, desk.address))


def _place(address: str) -> str:
    """A base address as its host and region; what else stands in it may be secret."""
    host = urlsplit(address).hostname or "no host"
    region = _REGIONS.get(host)
    return f"{host} ({region})" if region else host


# Prices


def _prices(name: str, models: Iterable[str], settings: Settings) -> Iterator[Check]:
    unconfirmed = []
    for model in models:
        shaky = [price for price in model_prices(name, model, settings) if not price.confirmed]
        if shaky:
            sources = ", ".join(dict.fromkeys(f"{price.source}, read {price.read_on}" for price in shaky))
            unconfirmed.append(f"{model} ({sources})")
    if unconfirmed:
        detail = (
            f"not confirmed on the vendor's own page: {'; '.join(unconfirmed)}; caps and budget count by it, so compare"
            " the first bill with skuflow costs"
        )
        yield Check(f"{name} prices", True, detail, warning=True)
    else:
        yield Check(f"{name} prices", True, f"read on the vendor's page: {', '.join(models)}")


def model_prices(name: str, model: str, settings: Settings) -> tuple[Price, ...]:
    """The rows of the price table that a model of a provider is charged by. Raises KeyError for an unknown provider."""
    return tuple(_prices_in(_PRICE_ROWS[name](model.partition("@")[0], settings)))


def _qwen_row(model: str, settings: Settings) -> object:
    from providers.dashscope.prices import TEXT_PRICES, VISION_PRICES, price_of

    return price_of(TEXT_PRICES, model) or price_of(VISION_PRICES, model)


def _wanx_row(model: str, settings: Settings) -> object:
    from providers.dashscope.wanx.models import MODELS

    return MODELS.get(model)


def _kling_row(model: str, settings: Settings) -> object:
    from providers.kling.models import MODELS

    return MODELS.get(model)


def _hailuo_row(model: str, settings: Settings) -> object:
    from providers.hailuo.models import MODELS

    return MODELS.get(model)


def _jimeng_row(model: str, settings: Settings) -> object:
    from providers.volcengine.jimeng.models import IMAGE_MODELS, VIDEO_MODELS

    return IMAGE_MODELS.get(model) or VIDEO_MODELS.get(model)


def _ark_row(model: str, settings: Settings) -> object:
    from providers.volcengine.ark.models import IMAGE_PRICES, VIDEO_CHOICES

    choice = VIDEO_CHOICES.get(model)
    return IMAGE_PRICES.get(model) or (choice and choice.model)


def _openai_row(model: str, settings: Settings) -> object:
    from providers.openai.prices import parse_prices, price_for

    return price_for(model, parse_prices(settings.openai_prices), settings.openai_base_url)


_PRICE_ROWS: Mapping[str, Callable[[str, Settings], object]] = {
    "qwen": _qwen_row,
    "wanx": _wanx_row,
    "kling": _kling_row,
    "hailuo": _hailuo_row,
    "jimeng": _jimeng_row,
    "ark": _ark_row,
    "openai": _openai_row,
}


def _prices_in(value: object) -> Iterator[Price]:
    """The prices within a row of a vendor's table, whatever its shape."""
    if isinstance(value, Price):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _prices_in(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _prices_in(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _prices_in(getattr(value, field.name))


# Reachability


def _reach_all(settings: Settings, names: Iterable[str]) -> Iterator[Check]:
    users: dict[str, list[str]] = {}
    for name in names:
        users.setdefault(_address(settings, DESKS[name]), []).append(name)
    found: dict[str, Check] = {}

    def look(address: str) -> None:
        found[address] = _reach(address, users[address])

    # Looking up a name knows no time limit, so that nobody waits for a thread that hangs in it.
    threads = {address: threading.Thread(target=look, args=(address,), daemon=True) for address in users}
    for thread in threads.values():
        thread.start()
    give_up_s = time.monotonic() + REACH_LIMIT_S + 0.5
    for address, thread in threads.items():
        thread.join(max(0.0, give_up_s - time.monotonic()))
        late = Check(
            f"reach {', '.join(users[address])}",
            False,
            f"{_place(address)} cannot be reached (no answer in time); check network and name server",
        )
        yield found.get(address, late)


def _reach(address: str, names: list[str]) -> Check:
    """Open a connection, with TLS where the address asks for it, and close it again."""
    variable = DESKS[names[0]].address.upper()
    name = f"reach {', '.join(names)}"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    if host is None or parts.scheme not in ("https", "http"):
        return Check(name, False, f"{variable} is no address; write for example https://{_example(names[0])}")
    begun_s = time.monotonic()
    try:
        with socket.create_connection((host, port), REACH_LIMIT_S) as connection:
            spoken = "without encryption"
            if parts.scheme == "https":
                connection.settimeout(max(0.1, REACH_LIMIT_S - (time.monotonic() - begun_s)))
                with tls().wrap_socket(connection, server_hostname=host) as secured:
                    spoken = str(secured.version())
    except ssl.SSLCertVerificationError as error:
        return Check(name, False, f"{host} shows a certificate that is not trusted ({error.verify_message})")
    except (OSError, UnicodeError) as error:
        why = "no answer in time" if isinstance(error, TimeoutError) else _reason(error)
        return Check(
            name,
            False,
            f"{host}:{port} cannot be reached ({why}); check network, firewall and {variable}",
        )
    took_ms = round((time.monotonic() - begun_s) * 1000)
    return Check(name, True, f"{host}:{port} answers after {took_ms} ms ({spoken}); nothing was asked")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)


def _example(name: str) -> str:
    default = Settings.model_fields[DESKS[name].address].default
    return urlsplit(str(default)).hostname or "api.example.com"


# Callbacks and limits


def _callbacks(settings: Settings, names: Iterable[str]) -> Check:
    ringing = [name for name in names if DESKS[name].rings]
    if not settings.skuflow_callback_url:
        return Check("callbacks", True, "no SKUFLOW_CALLBACK_URL: vendors are asked now and then (polling)")
    place = _place(settings.skuflow_callback_url)
    if not ringing:
        return Check("callbacks", True, f"{place} is set, but no vendor in use rings; all are polled")
    told = f"{', '.join(ringing)} ring at {place}; polling goes on beside it"
    if urlsplit(settings.skuflow_callback_url).scheme != "https":
        return Check("callbacks", True, f"{told}; the address is not https://", warning=True)
    if "kling" in ringing and not settings.kling_webhook_secret.get_secret_value():
        return Check(
            "callbacks",
            True,
            f"{told}; without KLING_WEBHOOK_SECRET its rings are not verified",
            warning=True,
        )
    return Check("callbacks", True, told)


def limits_check(settings: Settings, ledger: LedgerReader) -> Check:
    """Caps of the providers in use and the day's budget, with what is used of them."""
    used = []
    for capability, name in settings.providers_in_use():
        if name not in DESKS:
            continue
        use = ledger.cap_use(name, capability, paid=True)
        most = "no cap" if use.limit is None else f"{use.used} of {use.limit} used"
        used.append(f"{name}.{capability} {most}")
    budget = ledger.budget_use()
    spent = (
        f"{decimal_cny(budget.settled_micro)} CNY settled and {decimal_cny(budget.held_micro)} CNY held today"
    )
    limit = (
        "no limit" if budget.limit_micro is None else f"at most {decimal_cny(budget.limit_micro)} CNY a day"
    )
    resets = budget.resets_at.astimezone(settings.zone).strftime("%Y-%m-%d %H:%M")
    caps = f"{'; '.join(used)}; " if used else ""
    return Check(
        "limits", True, f"{caps}budget: {limit}, {spent}; new at {resets} {settings.skuflow_cap_timezone}"
    )
