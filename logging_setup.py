"""Logging of every process: one line per event, readable on a terminal, JSON elsewhere."""

import logging
import sys

import structlog

#: The loggers that log the URL of each request
HTTP_CLIENTS = ("httpx", "httpx2")


def configure_logs(level: str, style: str) -> None:
    """Route structlog and the standard library's loggers through one formatter, to standard error.

    Args:
        level: Minimum level, such as ``INFO``.
        style: ``console``, ``json``, or ``auto`` (console on a terminal).
    """
    readable = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in HTTP_CLIENTS:
        logging.getLogger(name).addFilter(_without_urls)


def _without_urls(record: logging.LogRecord) -> bool:
    """Replace each URL in the record's arguments by its host: paths and queries may contain secrets."""
    if isinstance(record.args, tuple):
        record.args = tuple(argument.host if hasattr(argument, "host") else argument for argument in record.args)
    return True
