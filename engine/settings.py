"""What ``SET`` sets: the session's settings, each with its type, default and meaning."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from shoal.kernel_settings import INSTEAD, KERNEL_SETTINGS
from shoal.optimisations import read_names
from shoal.planner.errors import ErrorContext, NotSupportedError, SettingError
from shoal.planner.options import Distribute, JoinStrategy, PlanOptions
from shoal.planner.statement import suggest

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|min|m|h)?", re.IGNORECASE)
_SECONDS = MappingProxyType({"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0})
_BYTES = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>B|kB|MB|GB)?", re.IGNORECASE)
_UNITS = MappingProxyType({"B": 1, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000})
_BOOLEANS = MappingProxyType(
    {"on": True, "true": True, "1": True, "yes": True, "off": False, "false": False, "0": False, "no": False}
)
_TIME_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]*|[+-]\d{1,2}(:\d{2})?")


@dataclass(frozen=True, slots=True)
class Values:
    """The settings of a session. ``timeout`` is in seconds, None for no limit; ``timezone`` None is the kernel's."""

    verify: bool = False
    distribute: Distribute = Distribute.AUTO
    partitions: int = 0
    join_strategy: JoinStrategy = JoinStrategy.AUTO
    timeout: float | None = None
    disabled_rules: frozenset[str] = frozenset()
    check_plans: bool = False
    task_bytes: int = 2 << 20
    mmap: bool = True
    timezone: str | None = None

    def plan_options(
        self, *, executors: int, threads: int, memory_bytes: int, own_threads: int = 0, cores: int = 0
    ) -> PlanOptions:
        """What the planner is told, for a cluster of the given shape."""
        return PlanOptions(
            executors=executors,
            threads=threads,
            memory_bytes=memory_bytes,
            partitions=self.partitions,
            distribute=self.distribute,
            join_strategy=self.join_strategy,
            disabled_rules=self.disabled_rules,
            check_plans=self.check_plans,
            task_bytes=self.task_bytes,
            own_threads=0 if "own_process" in self.disabled_rules else own_threads,
            cores=cores,
        )

    def kernel_settings(self) -> tuple[tuple[str, str], ...]:
        """The settings that the kernel itself has to know, as (name, SQL literal)."""
        return () if self.timezone is None else (("TimeZone", f"'{self.timezone}'"),)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: how its text is read (raises ``ValueError`` that says what it takes) and shown, and what it does."""

    name: str
    read: Callable[[str], object]
    show: Callable[[object], str]
    description: str


def _read_boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError("on or off")
    return _BOOLEANS[text.lower()]


def _show_boolean(value: object) -> str:
    return "on" if value else "off"


def _read_count(text: str) -> int:
    if text.lower() == "auto":
        return 0
    if not text.isdigit() or int(text) > 100_000:
        raise ValueError("auto, or a number from 1 to 100000")
    return int(text)


def _read_bytes(text: str) -> int:
    match = _BYTES.fullmatch(text.strip())
    if match is None:
        raise ValueError("bytes, such as '500000', '64 kB', '4 MB' or '1 GB'")
    return int(float(match["number"]) * _UNITS[(match["unit"] or "B").upper()])


def _read_duration(text: str) -> float | None:
    if text.lower() in ("none", "off", "0"):
        return None
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("seconds, a duration such as '30s' or '5min', or none")
    return float(match["number"]) * _SECONDS[(match["unit"] or "s").lower()] or None


def _read_time_zone(text: str) -> str | None:
    if text.lower() == "local":
        return None
    if not _TIME_ZONE.fullmatch(text):
        raise ValueError("a time zone's name, such as 'Europe/Berlin', or local")
    return text


def _reader_of(kind: type[Distribute] | type[JoinStrategy]) -> Callable[[str], object]:
    def read(text: str) -> object:
        try:
            return kind(text.lower())
        except ValueError as error:
            raise ValueError(", ".join(member.value for member in kind)) from error

    return read


_ALL = (
    Setting("verify", _read_boolean, _show_boolean, "compare each result with plain DuckDB and raise on a difference"),
    Setting("distribute", _reader_of(Distribute), str, "cut plans into tasks: auto (when it pays), always, never"),
    Setting("partitions", _read_count, lambda value: str(value or "auto"), "tasks of a distributed stage"),
    Setting("join_strategy", _reader_of(JoinStrategy), str, "how joins are distributed: auto, broadcast, partitioned"),
    Setting(
        "timeout", _read_duration, lambda value: "none" if value is None else f"{value:g}s", "a query's time limit"
    ),
    Setting(
        "disabled_rules",
        read_names,
        lambda value: ",".join(sorted(value)) if isinstance(value, frozenset) else "",
        "optimisations that are left out, separated by commas",
    ),
    Setting("check_plans", _read_boolean, _show_boolean, "check every plan after every optimizer rule"),
    Setting(
        "task_bytes", _read_bytes, str, "smaller partitions are put together for one task, larger skewed ones are split"
    ),
    Setting("mmap", _read_boolean, _show_boolean, "map shuffle files of the same host instead of fetching them"),
    Setting("timezone", _read_time_zone, lambda value: str(value or "local"), "time zone of timestamps with time zone"),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType({setting.name: setting for setting in _ALL})
"""Every setting by name."""

DEFAULTS = Values()


class Settings:
    """The settings of one session. Every method may be called from any thread."""

    def __init__(self, values: Values = DEFAULTS, check_time_zone: Callable[[str], None] | None = None) -> None:
        """``check_time_zone`` raises ``SettingError`` for a name that no kernel knows."""
        self._lock = threading.Lock()
        self._values = values
        self._check_time_zone = check_time_zone

    @property
    def values(self) -> Values:
        """All values as they are now."""
        return self._values

    def set(self, name: str, text: str) -> None:
        """Give a setting the value that a text means; raises ``SettingError``."""
        setting = find_setting(name)
        try:
            value = setting.read(text)
        except ValueError as error:
            raise SettingError(f"{setting.name} cannot be {text!r}", ErrorContext(hint=f"it takes {error}")) from error
        if setting.name == "timezone" and isinstance(value, str) and self._check_time_zone is not None:
            self._check_time_zone(value)
        self._replace(setting.name, value)

    def reset(self, name: str) -> None:
        """Give a setting, or ``all`` of them, the default; raises ``SettingError``."""
        if name.lower() == "all":
            with self._lock:
                self._values = DEFAULTS
            return
        setting = find_setting(name)
        self._replace(setting.name, getattr(DEFAULTS, setting.name))

    def show(self, name: str) -> str:
        """A setting's value as ``SET`` would take it; raises ``SettingError``."""
        setting = find_setting(name)
        return setting.show(getattr(self._values, setting.name))

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Every setting: name, value, default, description."""
        return [
            (name, self.show(name), setting.show(getattr(DEFAULTS, name)), setting.description)
            for name, setting in SETTINGS.items()
        ]

    def _replace(self, name: str, value: object) -> None:
        with self._lock:
            self._values = replace(self._values, **{name: value})  # type: ignore[arg-type]


def find_setting(name: str) -> Setting:
    """The setting of a name, in any case.

    Raises ``SettingError`` with what is near, and ``NotSupportedError`` for a setting of the kernel.
    """
    setting = SETTINGS.get(name.lower())
    if setting is None and name.lower() in KERNEL_SETTINGS:
        message = f"the setting {name.lower()} is not supported: it belongs to DuckDB's kernels, which sessions share"
        raise NotSupportedError(message, ErrorContext(hint=INSTEAD.get(name.lower())))
    if setting is None:
        hint = suggest(name, tuple(SETTINGS)) or "SHOW ALL lists the settings"
        raise SettingError(f"there is no setting {name}", ErrorContext(hint=hint))
    return setting
