"""What is logged in a test, whatever other tests of the process have configured.

Neither `capsys` nor `caplog` can tell: `configure_logs` directs structlog to the standard library's loggers, each of
our loggers keeps the configuration of its first line, and the root logger's handlers are replaced.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from structlog._config import BoundLoggerLazyProxy
from structlog.testing import capture_logs

from logging_setup import configure_logs


class _Collector(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def logged() -> Iterator[list[Any]]:
    """Collect the lines of our own loggers: structlog's event dictionaries."""
    _forget_configurations()
    with capture_logs() as lines:
        capturing = structlog.get_config()["processors"]
        yield lines
        assert structlog.get_config()["processors"] is capturing, "logging was configured meanwhile"


@contextmanager
def warned() -> Iterator[list[logging.LogRecord]]:
    """Collect warnings and errors of the standard library's loggers, which workflows and activities use."""
    root, collector = logging.getLogger(), _Collector(logging.WARNING)
    root.addHandler(collector)
    try:
        yield collector.records
        assert collector in root.handlers, "logging was configured meanwhile"
    finally:
        root.removeHandler(collector)


@contextmanager
def configured(level: str, style: str) -> Iterator[None]:
    """Configure logging as a process of Perdure does, and restore what was before."""
    root, before = logging.getLogger(), structlog.get_config()
    level_before, handlers = root.level, root.handlers[:]
    configure_logs(level, style)
    try:
        yield
    finally:
        root.setLevel(level_before)
        root.handlers[:] = handlers
        structlog.configure(**before)
        _forget_configurations()


def _forget_configurations() -> None:
    """Make the loggers of all modules follow the current configuration: each keeps that of its first line."""
    for module in list(sys.modules.values()):
        for value in list(vars(module).values()):
            if isinstance(value, BoundLoggerLazyProxy):
                vars(value).pop("bind", None)
