"""Wiring refuses what cannot work, in one line that names the variable and tells no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from skuflow.settings import SettingsError, read_settings
from tasks.wiring import wire


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("skuflow_providers", "image=offline,nobody", "SKUFLOW_PROVIDERS: there is no provider 'nobody'"),
        ("skuflow_caps", "nobody.image=1/day", "SKUFLOW_CAPS: there is no provider 'nobody'"),
        ("skuflow_models", "nobody.image=x", "SKUFLOW_MODELS: there is no provider 'nobody'"),
        ("skuflow_database_url", "foo", "SKUFLOW_DATABASE_URL"),
        ("skuflow_database_url", "oracle2://me:secret@host/x", "SKUFLOW_DATABASE_URL"),
        ("skuflow_database_url", "postgresql://me:secret@127.0.0.1:1/x", "SKUFLOW_DATABASE_URL"),
    ],
)
def test_what_cannot_work_is_one_line(tmp_path: Path, field: str, value: str, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        wire(read_settings({"skuflow_home": tmp_path, "skuflow_providers": "", field: value}))
    assert str(caught.value).startswith(named)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_bytes(b"")
    with pytest.raises(SettingsError, match="SKUFLOW_HOME"):
        wire(read_settings({"skuflow_home": home, "skuflow_providers": ""}))
