"""wanx: pictures and video by DashScope's Wan and Qwen image models, over plain HTTP.

Background generation has no class in the vendor's SDK, and the SDK sends a request again by itself when a connection
breaks; so nothing here goes through it.
"""

from __future__ import annotations

from providers.dashscope.wanx.provider import WanxProvider
from providers.dashscope.wire import require_key
from providers.workplace import Workplace


def build(workplace: Workplace) -> WanxProvider:
    """The provider. Raises SettingsError where there is no key."""
    require_key(workplace.settings, WanxProvider.name)
    return WanxProvider(workplace)
