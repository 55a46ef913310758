"""Jimeng (即梦) through Volcengine Visual: pictures and image to video, signed with an access key."""

from providers.volcengine.jimeng.provider import JimengProvider, build

__all__ = ["JimengProvider", "build"]
