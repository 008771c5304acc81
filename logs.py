"""How a process of ours writes its log: lines for people, or JSON for machines."""

import logging
import sys

import structlog
from structlog.typing import Processor


def log_to(log_format: str) -> None:
    """Write lines for people or for machines, the SDK's own among them."""
    handler = logging.StreamHandler(sys.stdout)
    stamp = structlog.processors.TimeStamper(fmt="iso")
    rendered: list[Processor] = (
        [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
        if log_format == "json"
        else [
            structlog.dev.ConsoleRenderer(
                colors=False,
                # The default shows local variables, passwords among them.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[stamp, structlog.stdlib.add_log_level],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *rendered,
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for chatty in ("alembic", "httpx2"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
