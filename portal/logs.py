"""Logs: one line an event, to standard error; link tokens and upload tokens never reach them."""

import logging.config
import re
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog
from django.conf import settings

SECRETS = re.compile(r"(/s/|/drop/|/keep/|/password/reset/key/)[A-Za-z0-9_.~-]+|(lc[dkprsu]_)[A-Za-z0-9_-]+")


def redact(text: str) -> str:
    """``text`` with the tokens of links, uploads and new passwords replaced by ``…``."""
    return SECRETS.sub(lambda match: (match[1] or match[2]) + "…", text)


def redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
    return event


class RedactingFilter(logging.Filter):
    """For records that do not come through structlog, such as Django's own; their tracebacks too."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = redact("".join(traceback.format_exception(*record.exc_info)).rstrip())
        return True


def configure(_config: dict[str, Any]) -> None:
    """Sets up logging once, from the settings ``LOG_LEVEL`` and ``LOG_JSON``."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact_event,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(_dict_config(shared, _renderer()))


def _renderer() -> Any:
    if settings.LOG_JSON:
        return structlog.processors.JSONRenderer()
    # Plain, because the pretty kind prints local variables, and those hold tokens and passwords.
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


def _dict_config(shared: list[Any], renderer: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"redact": {"()": RedactingFilter}},
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                "foreign_pre_chain": shared,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": settings.LOG_LEVEL},
        "loggers": {"django.server": {"level": "WARNING"}},
    }
