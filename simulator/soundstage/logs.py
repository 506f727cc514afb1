"""Log lines by structlog, which is loaded when the first line is written: it would cost a fifth of the start.

Without `to_stderr` structlog's own defaults apply, so an embedding program configures it as it likes.
"""

import logging
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Format = Literal["text", "json"]
_chosen: list[Format] = []


def to_stderr(format_: Format) -> None:
    """Write every line to stderr, from the first one on."""
    _chosen[:] = [format_]


@dataclass
class Log:
    """A named log; `event` says what happened, fields say to what."""

    name: str

    def info(self, event: str, **fields: Any) -> None:
        """Write down what is worth knowing."""
        self._lines.info(event, **fields)

    def error(self, event: str, **fields: Any) -> None:
        """Write down what went wrong."""
        self._lines.error(event, **fields)

    def exception(self, event: str, **fields: Any) -> None:
        """Write down what went wrong, with the exception that is being handled."""
        self._lines.exception(event, **fields)

    @cached_property
    def _lines(self) -> Any:
        import structlog  # noqa: PLC0415 - see above

        if _chosen:
            _configure(_chosen[0])
        return structlog.get_logger(self.name)


def _configure(format_: Format) -> None:
    import structlog  # noqa: PLC0415 - see above

    last = structlog.processors.JSONRenderer() if format_ == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
