"""Settings are typed, told and refused with what they take."""

import pytest

from shoal.planner.errors import SettingError
from shoal.planner.options import Distribute, JoinStrategy
from shoal.settings import DEFAULTS, SETTINGS, Settings, Values


@pytest.mark.parametrize(
    ("name", "text", "value", "shown"),
    [
        ("verify", "on", True, "on"),
        ("VERIFY", "FALSE", False, "off"),
        ("distribute", "always", Distribute.ALWAYS, "always"),
        ("partitions", "7", 7, "7"),
        ("partitions", "auto", 0, "auto"),
        ("join_strategy", "Broadcast", JoinStrategy.BROADCAST, "broadcast"),
        ("timeout", "30", 30.0, "30s"),
        ("timeout", "1.5 min", 90.0, "90s"),
        ("timeout", "250ms", 0.25, "0.25s"),
        ("timeout", "none", None, "none"),
        (
            "disabled_rules",
            "push_limits, fold_plans",
            frozenset({"fold_plans", "push_limits"}),
            "fold_plans,push_limits",
        ),
        ("disabled_rules", "", frozenset(), ""),
        ("check_plans", "1", True, "on"),
        ("task_bytes", "64 kB", 64_000, "64000"),
        ("task_bytes", "1.5GB", 1_500_000_000, "1500000000"),
        ("mmap", "off", False, "off"),
        ("timezone", "Europe/Berlin", "Europe/Berlin", "Europe/Berlin"),
        ("timezone", "local", None, "local"),
    ],
)
def test_values(name: str, text: str, value: object, shown: str) -> None:
    settings = Settings()
    settings.set(name, text)
    assert getattr(settings.values, name.lower()) == value
    assert settings.show(name) == shown
    settings.set(name, shown)
    assert getattr(settings.values, name.lower()) == value
    settings.reset(name)
    assert settings.values == DEFAULTS


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("verify", "perhaps", "on or off"),
        ("distribute", "often", "auto, always, never"),
        ("partitions", "-1", "number"),
        ("partitions", "1000000", "number"),
        ("timeout", "soon", "30s"),
        ("disabled_rules", "push_limits,switch_join", "did you mean switch_joins"),
        ("disabled_rules", "qqqq", "among them"),
        ("timezone", "'; DROP", "Europe/Berlin"),
        ("verfy", "on", "verify"),
        ("qqqq", "on", "SHOW ALL"),
    ],
)
def test_wrong_values(name: str, text: str, hint: str) -> None:
    settings = Settings()
    with pytest.raises(SettingError) as caught:
        settings.set(name, text)
    assert hint in (caught.value.hint or "")
    assert settings.values == DEFAULTS


def test_reset_all() -> None:
    settings = Settings(Values(verify=True, partitions=3))
    settings.reset("all")
    assert settings.values == DEFAULTS


def test_every_setting_is_listed() -> None:
    rows = Settings().rows()
    assert [row[0] for row in rows] == list(SETTINGS)
    assert all(row[1] == row[2] and row[3] for row in rows)
    assert {row[0] for row in rows} == set(Values.__dataclass_fields__)


def test_what_others_are_told() -> None:
    values = Values(partitions=3, timezone="Asia/Tokyo", distribute=Distribute.NEVER)
    options = values.plan_options(executors=2, threads=4, memory_bytes=5)
    assert (options.executors, options.threads, options.memory_bytes, options.partitions) == (2, 4, 5, 3)
    assert options.distribute is Distribute.NEVER
    assert values.kernel_settings() == (("TimeZone", "'Asia/Tokyo'"),)
    assert Values().kernel_settings() == ()
