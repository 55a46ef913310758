"""Configuration: what is unset means offline, what is wrong is one line, what exists is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from skuflow.environment import handed_on
from skuflow.jobs.contract import Capability
from skuflow.settings import NO_ENV_FILE, CapSetting, Settings, SettingsError, read_settings

ROOT = Path(__file__).parents[2]


def read(**values: object) -> Settings:
    return read_settings(values)


def test_nothing_set_means_offline_for_everything() -> None:
    settings = read(skuflow_providers="")
    making = set(Capability) - {Capability.JUDGE}
    assert {settings.providers_for(capability) for capability in making} == {("offline",)}
    assert settings.providers_for(Capability.JUDGE) == ()


def test_providers_are_read_in_order_of_preference() -> None:
    settings = read(skuflow_providers="image=wanx, jimeng; video=kling")
    assert settings.providers_for(Capability.IMAGE) == ("wanx", "jimeng")
    assert settings.providers_for(Capability.COPY) == ("offline",)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("skuflow_providers", "image", "SKUFLOW_PROVIDERS"),
        ("skuflow_providers", "sound=x", "SKUFLOW_PROVIDERS"),
        ("skuflow_providers", "image=,", "SKUFLOW_PROVIDERS"),
        ("skuflow_providers", "image=a;image=b", "SKUFLOW_PROVIDERS"),
        ("skuflow_caps", "wanx.image=many", "SKUFLOW_CAPS"),
        ("skuflow_caps", "wanx=50/day", "SKUFLOW_CAPS"),
        ("skuflow_budget", "lots", "SKUFLOW_BUDGET"),
        ("skuflow_budget", "5 USD/day", "SKUFLOW_BUDGET"),
        ("skuflow_cap_timezone", "Mars/Base", "SKUFLOW_CAP_TIMEZONE"),
        ("skuflow_wait_s", "-1", "SKUFLOW_WAIT_S"),
        ("skuflow_concurrency", "257", "SKUFLOW_CONCURRENCY"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_variable(field: str, value: str, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(**{field: value})
    message = str(caught.value)
    assert message.startswith(named)
    assert "\n" not in message


def test_caps_and_budget_are_numbers() -> None:
    settings = read(skuflow_caps="wanx.image=50/day;kling.video=8/day", skuflow_budget="12.5 CNY/day")
    assert settings.caps() == (
        CapSetting("wanx", Capability.IMAGE, 50),
        CapSetting("kling", Capability.VIDEO, 8),
    )
    assert settings.budget_micro() == 12_500_000


def test_the_environment_is_read_and_empty_means_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SKUFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("SKUFLOW_CONCURRENCY", "")
    settings = read_settings()
    assert settings.skuflow_home == tmp_path
    assert settings.skuflow_concurrency == 0
    assert settings.database_url == f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    assert settings.storage_dir == tmp_path / "storage"


def test_one_file_is_read_that_of_the_folder_a_named_one_or_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A rehearsal has none, a service one with its whole path, wherever they start."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SKUFLOW_CATALOG", raising=False)
    (tmp_path / ".env").write_text("SKUFLOW_CATALOG=of-the-folder\nSKUFLOW_ENV_FILE=other.env\n")
    (tmp_path / "other.env").write_text("SKUFLOW_CATALOG=other\n")
    for named, read_catalog in (
        ("", "of-the-folder"),
        (str(tmp_path / "other.env"), "other"),
        (NO_ENV_FILE, ""),
    ):
        monkeypatch.setenv("SKUFLOW_ENV_FILE", named)
        assert read_settings().skuflow_catalog == read_catalog
    monkeypatch.setenv("SKUFLOW_ENV_FILE", "gone.env")
    with pytest.raises(SettingsError, match=r"^SKUFLOW_ENV_FILE=gone.env: there is no such file"):
        read_settings()


def test_what_is_handed_on_means_the_same_in_another_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"skuflow_home": "home", "skuflow_storage": "file:goods"}
    told = handed_on(read(**given, skuflow_database_url="sqlite:///books/ledger.db"))
    assert {name: told[name] for name in ("SKUFLOW_HOME", "SKUFLOW_STORAGE", "SKUFLOW_DATABASE_URL")} == {
        "SKUFLOW_HOME": str(tmp_path / "home"),
        "SKUFLOW_STORAGE": f"file:{tmp_path / 'goods'}",
        "SKUFLOW_DATABASE_URL": f"sqlite:///{tmp_path / 'books' / 'ledger.db'}",
    }
    assert told["SKUFLOW_ENV_FILE"] == NO_ENV_FILE, "the folder it starts in may have a file of its own"
    for address in ("sqlite:////srv/ledger.db", "postgresql://me@host/books"):
        assert handed_on(read(skuflow_database_url=address))["SKUFLOW_DATABASE_URL"] == address


def test_storage_of_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(SettingsError, match="SKUFLOW_STORAGE"):
        _ = read(skuflow_storage="ftp://somewhere").storage_dir


def test_every_variable_is_documented_and_nothing_else_is() -> None:
    documented = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(documented) == sorted(name.upper() for name in Settings.model_fields)


def test_nothing_else_reads_the_environment() -> None:
    readers = [
        path.relative_to(ROOT).as_posix()
        for folder in ("flows", "tasks", "providers", "skuflow")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text(encoding="utf-8"))
    ]
    assert sorted(readers) == ["skuflow/environment.py", "skuflow/settings.py"]


@pytest.mark.parametrize(
    ("given", "at_once"),
    [
        ({"skuflow_providers": ""}, 4),
        ({"skuflow_providers": "copy=offline;image=offline"}, 4),
        ({"skuflow_providers": "video=kling,offline"}, 24),
        ({"skuflow_providers": "judge=qwen"}, 24),
        ({"skuflow_providers": "", "skuflow_routes": "image[value>=500]=jimeng"}, 24),
        ({"skuflow_providers": "video=kling", "skuflow_concurrency": 7}, 7),
    ],
)
def test_more_skus_are_in_work_at_once_where_most_of_them_wait_for_vendors(
    given: dict[str, object], at_once: int
) -> None:
    assert read_settings(given).skus_at_once == at_once
