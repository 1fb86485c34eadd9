"""Throughput of the pure core: reading, validating and simulating a log. Floor: reading it and `json.loads`.

    python bench/core.py LOG.jsonl.gz ... [--rounds 5] [--json]

Runs in one process. Each round measures both on the same file in turn, so that other load affects them alike. The
result is the ratio of the medians of CPU time. Target: at least 1/8.
"""

import argparse
import gzip
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli.events.event_log_file import read_log
from journey.simulate import Log, simulate
from journey.stages import DEFAULT_RULEBOOK
from journey.time import EPOCH_MICROS

TARGET = 1 / 8


def floor(path: Path) -> int:
    """Read and decode every line; returns the number of lines."""
    count = 0
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        for line in lines:
            json.loads(line)
            count += 1
    return count


def ours(path: Path) -> int:
    """Simulate every customer's journey as of the last event; returns the number of events."""
    log = Log()
    for line in read_log(path):
        if line.event is not None:
            log.add(line.event)
        elif line.errors:
            raise SystemExit(f"{path}, line {line.line}: {line.errors[0]}")
    simulate(log.customers.values(), DEFAULT_RULEBOOK, log.last_at or EPOCH_MICROS)
    return log.events


def cpu_seconds(work: Callable[[Path], int], path: Path) -> float:
    began = time.process_time()
    work(path)
    return time.process_time() - began


def measure(path: Path, rounds: int) -> dict[str, Any]:
    """Median events per second of CPU time of both, and their ratio."""
    count = floor(path)
    timed = [(cpu_seconds(floor, path), cpu_seconds(ours, path)) for _ in range(rounds)]
    bare, folded = (statistics.median(column) for column in zip(*timed, strict=True))
    ratios = sorted(one / other for one, other in timed)
    return {
        "log": path.name,
        "events": count,
        "floor_per_second": round(count / bare),
        "ours_per_second": round(count / folded),
        "ratio": round(bare / folded, 4),
        "ratio_least": round(ratios[0], 4),
        "ratio_most": round(ratios[-1], 4),
    }


def main() -> int:
    """Print a line per log; returns 1 if one misses the target."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    missed = 0
    for path in options.logs:
        result = measure(path, max(3, options.rounds))
        missed += result["ratio"] < TARGET
        if options.json:
            print(json.dumps(result))
        else:
            print(
                f"{result['log']:32} {result['events']:7,} events  floor {result['floor_per_second']:9,}/s"
                f"  ours {result['ours_per_second']:8,}/s  ratio 1/{1 / result['ratio']:.1f}"
                f" (1/{1 / result['ratio_least']:.1f} to 1/{1 / result['ratio_most']:.1f})"
            )
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
