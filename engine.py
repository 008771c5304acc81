"""How every process of ours reaches Temporal and a dossier's story, and leaves."""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn, TypedDict

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.converter import DataConverter

from rules.numbers import DossierNumber
from seals import Seals, keys_in_use
from settings import Settings
from workflows.effects import RENEWALS
from workflows.messages import AnyFact, Start
from workflows.payloads import data_converter
from workflows.renewal import RenewalWorkflow

SIGNAL_LIMIT = timedelta(seconds=5)
"""The longest one delivery may take; what is left, reconciliation delivers."""


async def connect(settings: Settings, *, lazy: bool = False) -> Client:
    """Connect to the Temporal server; *lazy* defers it to the first call."""
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        data_converter=converter_of(settings),
        lazy=lazy,
    )


def converter_of(settings: Settings) -> DataConverter:
    """Make what turns values into payloads: sealed, where keys are given."""
    keys = settings.keys_for_temporal()
    if not keys:
        return data_converter
    return replace(data_converter, payload_codec=Seals(keys))


async def seals_in_use(settings: Settings) -> Mapping[str, int]:
    """Count the runs that need each key; raises RuntimeError while Temporal is away."""
    return await keys_in_use(await connect(settings))


def story_of(client: Client, number: str) -> WorkflowHandle[RenewalWorkflow, str]:
    """Address the story of a dossier: its workflow's id is its number."""
    return client.get_workflow_handle_for(RenewalWorkflow.run, number)


class StartTerms(TypedDict):
    """How a story is started, whoever starts it: once, under its dossier's number."""

    id: str
    task_queue: str
    id_conflict_policy: WorkflowIDConflictPolicy
    id_reuse_policy: WorkflowIDReusePolicy
    static_summary: str


def start_terms(number: DossierNumber) -> StartTerms:
    """Leave a running story alone; begin a closed dossier's again from the database."""
    return {
        "id": number,
        "task_queue": RENEWALS,
        "id_conflict_policy": WorkflowIDConflictPolicy.USE_EXISTING,
        "id_reuse_policy": WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        "static_summary": f"Dossier {number}",
    }


async def signal_fact(client: Client, number: DossierNumber, fact: AnyFact) -> None:
    """
    Tell a dossier's workflow a fact, starting the workflow if it does not run.

    Raises TimeoutError or RPCError when the server does not answer within SIGNAL_LIMIT.
    A fact told twice is heard once.
    """
    async with asyncio.timeout(SIGNAL_LIMIT.total_seconds()):
        await client.start_workflow(
            RenewalWorkflow.run,
            Start(number=number),
            start_signal=fact.kind,
            start_signal_args=[fact],
            **start_terms(number),
        )


async def begin(client: Client, number: DossierNumber) -> None:
    """Start a dossier's workflow, or leave the running one alone."""
    async with asyncio.timeout(SIGNAL_LIMIT.total_seconds()):
        await client.start_workflow(
            RenewalWorkflow.run, Start(number=number), **start_terms(number)
        )


async def begin_anew(client: Client, number: DossierNumber) -> None:
    """End a dossier's run that forgot, and begin again from what the database knows."""
    terms = start_terms(number)
    terms["id_conflict_policy"] = WorkflowIDConflictPolicy.TERMINATE_EXISTING
    async with asyncio.timeout(SIGNAL_LIMIT.total_seconds()):
        await client.start_workflow(RenewalWorkflow.run, Start(number=number), **terms)


def leave(code: int) -> NoReturn:
    """
    End this process at once with *code*, everything flushed.

    The interpreter can crash while it ends once the SDK's runtime ran (temporalio
    sdk-python issue 300); to be removed when that is closed.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # a closed pipe must not change the exit code
    os._exit(code)
