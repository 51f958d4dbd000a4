"""What a benchmark measured: seconds and bytes of each engine and query, and the machine they were measured on."""

import math
import os
import platform
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from shoal.tpch.suite import TPCH


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one query: wall and CPU seconds, and the peak of resident memory of the engine's processes, in bytes.

    ``exchanged_bytes`` and ``spilled_bytes`` are what the engine tells of itself, None if it tells nothing.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    exchanged_bytes: int | None = None
    spilled_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class EngineRuns:
    """What one engine did with one query. ``problem`` says why it failed, or what is wrong with its answer;
    ``verified`` is None when the answer was not checked."""

    engine: str
    samples: tuple[Sample, ...] = ()
    verified: bool | None = None
    problem: str | None = None

    @property
    def seconds(self) -> float | None:
        """The median, or None when no run ended well."""
        return median(sample.seconds for sample in self.samples) if self.samples else None

    @property
    def cpu_seconds(self) -> float | None:
        """The median of the CPU time."""
        return median(sample.cpu_seconds for sample in self.samples) if self.samples else None

    @property
    def peak_bytes(self) -> int | None:
        """The highest peak of resident memory."""
        return max(sample.peak_bytes for sample in self.samples) if self.samples else None

    @property
    def exchanged_bytes(self) -> int | None:
        """The median of the bytes that tasks read of each other."""
        told = [sample.exchanged_bytes for sample in self.samples if sample.exchanged_bytes is not None]
        return round(median(told)) if told else None

    @property
    def spilled_bytes(self) -> int | None:
        """The most bytes that any run spilled."""
        return max((sample.spilled_bytes for sample in self.samples if sample.spilled_bytes is not None), default=None)


@dataclass(frozen=True, slots=True)
class QueryOutcome:
    """One query: what Shoal did, and, in turn with it, each rival, in the order of the benchmark's rivals.

    ``naive_exchanged_bytes``: what Shoal exchanges when every join and every group-by is parted by hash.
    """

    number: int
    rows: int
    own: EngineRuns
    rivals: tuple[EngineRuns, ...] = ()
    naive_exchanged_bytes: int | None = None

    @property
    def seconds(self) -> float | None:
        """Shoal's median, or None when it did not finish."""
        return self.own.seconds

    @property
    def ratio(self) -> float | None:
        """Shoal's median over that of the first rival."""
        return self.ratio_to(0)

    @property
    def problem(self) -> str | None:
        """Why Shoal failed, or what is wrong with its answer."""
        return self.own.problem

    @property
    def failed(self) -> bool:
        """Whether Shoal ended in an error or in a wrong answer."""
        return self.own.problem is not None

    def ratio_to(self, rival: int) -> float | None:
        """Shoal's median over that of a rival; None unless both have ended, with right answers."""
        if self.failed or rival >= len(self.rivals) or self.rivals[rival].problem is not None:
            return None
        ours, theirs = self.own.seconds, self.rivals[rival].seconds
        return ours / theirs if ours and theirs else None


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine and the versions behind the numbers."""

    processor: str
    cores: int
    memory_bytes: int
    system: str
    python: str
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EngineSummary:
    """One engine over all queries. ``ratio``, ``worst`` and ``worst_query`` compare Shoal with it, in the queries that
    both have answered; ``slower`` is in how many of these Shoal takes longer."""

    engine: str
    answered: int
    right: int | None
    total_seconds: float
    geometric_seconds: float | None
    cpu_seconds: float
    peak_bytes: int
    exchanged_bytes: int | None
    spilled_bytes: int | None
    ratio: float | None = None
    worst: float | None = None
    worst_query: int | None = None
    slower: int = 0


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """A whole run of the benchmark ``suite``. ``rivals`` are those that ran, ``missing`` those that were asked for and
    are not installed, each with the reason."""

    mode: str
    threads: int
    scale: float
    data_bytes: int
    runs: int
    rivals: tuple[str, ...]
    started: str
    machine: Machine
    queries: tuple[QueryOutcome, ...]
    missing: tuple[str, ...] = ()
    suite: str = TPCH.title

    @property
    def rival(self) -> str | None:
        """The first rival, which ratios are to."""
        return self.rivals[0] if self.rivals else None

    @property
    def own(self) -> EngineSummary:
        """Shoal over all queries."""
        return _summary("Shoal", [query.own for query in self.queries])

    @property
    def total_seconds(self) -> float:
        """The sum of Shoal's medians."""
        return self.own.total_seconds

    @property
    def geometric_seconds(self) -> float | None:
        """The geometric mean of Shoal's medians."""
        return self.own.geometric_seconds

    @property
    def geometric_ratio(self) -> float | None:
        """The geometric mean of the ratios to the first rival."""
        return geometric_mean([query.ratio for query in self.queries if query.ratio])

    @property
    def naive_exchanged_bytes(self) -> int | None:
        """The sum of what parting everything by hash exchanges."""
        told = [query.naive_exchanged_bytes for query in self.queries if query.naive_exchanged_bytes is not None]
        return sum(told) if told else None

    @property
    def failed(self) -> bool:
        """Whether Shoal failed in any query."""
        return any(query.failed for query in self.queries)

    def summaries(self) -> tuple[EngineSummary, ...]:
        """Shoal, then each rival."""
        return self.own, *(self.against(index) for index in range(len(self.rivals)))

    def against(self, rival: int) -> EngineSummary:
        """A rival over all queries, and Shoal's ratios to it."""
        summary = _summary(self.rivals[rival], [query.rivals[rival] for query in self.queries])
        ratios = [(ratio, query.number) for query in self.queries if (ratio := query.ratio_to(rival))]
        worst, number = max(ratios, default=(None, None))
        mean = geometric_mean([ratio for ratio, _ in ratios])
        slower = sum(ratio > 1 for ratio, _ in ratios)
        return replace(summary, ratio=mean, worst=worst, worst_query=number, slower=slower)


def _summary(engine: str, runs: list[EngineRuns]) -> EngineSummary:
    ended = [run for run in runs if run.problem is None and run.samples]
    checked = [run for run in runs if run.verified is not None or run.problem is not None]
    exchanged = [run.exchanged_bytes for run in ended if run.exchanged_bytes is not None]
    spilled = [run.spilled_bytes for run in ended if run.spilled_bytes is not None]
    return EngineSummary(
        engine,
        answered=len(ended),
        right=sum(run.verified is True for run in checked) if checked else None,
        total_seconds=sum(run.seconds or 0.0 for run in ended),
        geometric_seconds=geometric_mean([run.seconds for run in ended if run.seconds]),
        cpu_seconds=sum(run.cpu_seconds or 0.0 for run in ended),
        peak_bytes=max((run.peak_bytes or 0 for run in ended), default=0),
        exchanged_bytes=sum(exchanged) if exchanged else None,
        spilled_bytes=sum(spilled) if spilled else None,
    )


def geometric_mean(values: list[float]) -> float | None:
    """The geometric mean of positive numbers; None when there are none."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def describe_machine(packages: tuple[str, ...] = ()) -> Machine:
    """The facts of this machine; the versions of our own packages and of these."""
    packages = ("shoal", "duckdb", "pyarrow", "sqlglot", "grpcio", *packages)
    return Machine(
        processor=_processor_name(),
        cores=available_cores(),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        versions=tuple((package, _package_version(package)) for package in packages),
    )


def available_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def now_text() -> str:
    """The time of day as ISO 8601 in UTC, without fractions."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _package_version(package: str) -> str:
    """A distribution's version; a source tree that is imported without being installed has none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
