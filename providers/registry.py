"""Every provider there is, by name. A literal table: what stands here can be named in SKUFLOW_PROVIDERS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from providers.workplace import Workplace
from skuflow.jobs.contract import Capability, Provider
from skuflow.settings import SettingsError

__all__ = ["CAPABILITIES", "REGISTRY", "Workplace", "build_provider", "require_capability", "require_known"]


def _offline(workplace: Workplace) -> Provider:
    from providers.offline.provider import OfflineProvider

    return OfflineProvider(workplace.store, workplace.settings.skuflow_home / "offline", workplace.pool)


def _qwen(workplace: Workplace) -> Provider:
    from providers.dashscope.qwen import build

    return build(workplace)


def _wanx(workplace: Workplace) -> Provider:
    from providers.dashscope.wanx import build

    return build(workplace)


def _kling(workplace: Workplace) -> Provider:
    from providers.kling import build

    return build(workplace)


def _hailuo(workplace: Workplace) -> Provider:
    from providers.hailuo import build

    return build(workplace)


def _jimeng(workplace: Workplace) -> Provider:
    from providers.volcengine.jimeng import build

    return build(workplace)


def _ark(workplace: Workplace) -> Provider:
    from providers.volcengine.ark import build

    return build(workplace)


def _openai(workplace: Workplace) -> Provider:
    from providers.openai import build

    return build(workplace)


REGISTRY: Mapping[str, Callable[[Workplace], Provider]] = {
    "offline": _offline,
    "qwen": _qwen,
    "wanx": _wanx,
    "kling": _kling,
    "hailuo": _hailuo,
    "jimeng": _jimeng,
    "ark": _ark,
    "openai": _openai,
}

CAPABILITIES: Mapping[str, frozenset[Capability]] = {
    "offline": frozenset((Capability.COPY, Capability.IMAGE, Capability.VIDEO)),
    "qwen": frozenset((Capability.COPY, Capability.JUDGE)),
    "wanx": frozenset((Capability.IMAGE, Capability.VIDEO)),
    "kling": frozenset((Capability.VIDEO,)),
    "hailuo": frozenset((Capability.VIDEO,)),
    "jimeng": frozenset((Capability.IMAGE, Capability.VIDEO)),
    "ark": frozenset((Capability.IMAGE, Capability.VIDEO)),
    "openai": frozenset((Capability.COPY,)),
}
"""What each can do, known without loading it: choices in forms. A test holds it against the providers."""


def build_provider(name: str, workplace: Workplace) -> Provider:
    """The provider of that name. Raises SettingsError for a name that is not in the table."""
    require_known("SKUFLOW_PROVIDERS", (name,))
    return REGISTRY[name](workplace)


def require_known(variable: str, names: Iterable[str]) -> None:
    """Raises SettingsError when ``variable`` names a provider that is not in the table."""
    for name in names:
        if name not in REGISTRY:
            raise SettingsError(f"{variable}: there is no provider {name!r}; there are {', '.join(REGISTRY)}")


def require_capability(provider: Provider, capability: Capability) -> None:
    """Raises SettingsError when a provider is named for something it cannot do."""
    if capability not in provider.capabilities:
        able = ", ".join(sorted(provider.capabilities))
        raise SettingsError(f"SKUFLOW_PROVIDERS: {provider.name} cannot do {capability}; it can do {able}")
