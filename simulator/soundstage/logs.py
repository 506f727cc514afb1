"""Log lines by structlog, which is loaded when the first line is written: it would cost a fifth of the start.

An embedding program that has configured structlog keeps what it chose. Where nobody chose, lines go to stderr as text:
structlog's own default prints a traceback's local variables, and there are keys and secrets among them.
"""

import logging
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Format = Literal["text", "json"]
Level = Literal["info", "error"]
_chosen: list[tuple[Format, Level]] = []


def to_stderr(format_: Format = "text", level: Level = "info") -> None:
    """Write every line of this level and above to stderr, from the first one on."""
    _chosen[:] = [(format_, level)]


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

        if _chosen or not structlog.is_configured():
            _configure(*(_chosen or [("text", "info")])[0])
        return structlog.get_logger(self.name)


def _configure(format_: Format, level: Level) -> None:
    import structlog  # noqa: PLC0415 - see above

    last = structlog.processors.JSONRenderer() if format_ == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if level == "info" else logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
