"""In which languages a terminal tells people what was found."""

from __future__ import annotations

import pytest

from skuflow.settings import BOTH, Languages, SettingsError, read_settings


@pytest.mark.parametrize(
    ("own", "locale", "languages"),
    [
        ("", {"LANG": "zh_CN.UTF-8"}, ("zh",)),
        ("", {"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW"}, ("zh",)),
        ("", {"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN"}, ("zh",)),
        ("", {"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, BOTH),
        ("", {"LANG": "Chinese (Simplified)_China.936"}, ("zh",)),
        ("", {"LANG": "en_US.UTF-8"}, BOTH),
        ("", {}, BOTH),
        ("both", {"LANG": "zh_CN.UTF-8"}, BOTH),
        ("en", {"LANG": "zh_CN.UTF-8"}, ("en",)),
        ("zh", {}, ("zh",)),
    ],
)
def test_the_setting_goes_before_the_locale(
    monkeypatch: pytest.MonkeyPatch, own: str, locale: dict[str, str], languages: Languages
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in locale.items():
        monkeypatch.setenv(name, value)
    assert read_settings({"skuflow_language": own}).languages == languages


def test_another_language_is_refused() -> None:
    with pytest.raises(SettingsError, match="SKUFLOW_LANGUAGE"):
        read_settings({"skuflow_language": "de"})
