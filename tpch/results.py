"""What a benchmark measured, and how it is written as JSON: seconds, bytes, and the machine they were measured on."""

import json
import math
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one query: wall and CPU seconds, and the peak of resident memory of the process tree, in bytes."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class QueryOutcome:
    """One query: the runs of Shoal and, in turn with them, of the rival.

    ``verified`` is None when the answer was not checked; ``problem`` says what is wrong with it, or why it failed.
    """

    number: int
    rows: int
    samples: tuple[Sample, ...]
    rival_samples: tuple[Sample, ...] = ()
    verified: bool | None = None
    problem: str | None = None

    @property
    def seconds(self) -> float | None:
        """Shoal's median, or None when it did not finish."""
        return median(sample.seconds for sample in self.samples) if self.samples else None

    @property
    def rival_seconds(self) -> float | None:
        """The rival's median, or None when there was none."""
        return median(sample.seconds for sample in self.rival_samples) if self.rival_samples else None

    @property
    def cpu_seconds(self) -> float | None:
        """The median of the CPU time that Shoal's runs took."""
        return median(sample.cpu_seconds for sample in self.samples) if self.samples else None

    @property
    def peak_bytes(self) -> int | None:
        """The highest peak of resident memory among Shoal's runs."""
        return max(sample.peak_bytes for sample in self.samples) if self.samples else None

    @property
    def ratio(self) -> float | None:
        """Shoal's median over the rival's."""
        return self.seconds / self.rival_seconds if self.seconds and self.rival_seconds else None

    @property
    def failed(self) -> bool:
        """Whether the query ended in an error or in a wrong answer."""
        return self.problem is not None


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
class BenchmarkResult:
    """A whole benchmark. ``rival`` is None when Shoal ran alone."""

    mode: str
    threads: int
    scale: float
    data_bytes: int
    runs: int
    rival: str | None
    started: str
    machine: Machine
    queries: tuple[QueryOutcome, ...]

    @property
    def total_seconds(self) -> float:
        """The sum of Shoal's medians."""
        return sum(query.seconds or 0.0 for query in self.queries)

    @property
    def rival_total_seconds(self) -> float | None:
        """The sum of the rival's medians."""
        return sum(query.rival_seconds or 0.0 for query in self.queries) if self.rival else None

    @property
    def geometric_seconds(self) -> float | None:
        """The geometric mean of Shoal's medians."""
        return geometric_mean([query.seconds for query in self.queries if query.seconds])

    @property
    def rival_geometric_seconds(self) -> float | None:
        """The geometric mean of the rival's medians."""
        return geometric_mean([query.rival_seconds for query in self.queries if query.rival_seconds])

    @property
    def geometric_ratio(self) -> float | None:
        """The geometric mean of the ratios."""
        return geometric_mean([query.ratio for query in self.queries if query.ratio])

    @property
    def failed(self) -> bool:
        """Whether any query failed."""
        return any(query.failed for query in self.queries)


def geometric_mean(values: list[float]) -> float | None:
    """The geometric mean of positive numbers; None when there are none."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def describe_machine() -> Machine:
    """The facts of this machine."""
    packages = ("shoal", "duckdb", "pyarrow", "sqlglot", "grpcio")
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


def write_json(result: BenchmarkResult, path: Path) -> None:
    """Write a result with its medians, ratios and means beside the single runs."""
    document = asdict(result)
    document["machine"]["versions"] = dict(result.machine.versions)
    for written, query in zip(document["queries"], result.queries, strict=True):
        written |= {
            "seconds": query.seconds,
            "rival_seconds": query.rival_seconds,
            "cpu_seconds": query.cpu_seconds,
            "peak_bytes": query.peak_bytes,
            "ratio": query.ratio,
        }
    document |= {
        "total_seconds": result.total_seconds,
        "rival_total_seconds": result.rival_total_seconds,
        "geometric_seconds": result.geometric_seconds,
        "rival_geometric_seconds": result.rival_geometric_seconds,
        "geometric_ratio": result.geometric_ratio,
        "failed": result.failed,
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


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
