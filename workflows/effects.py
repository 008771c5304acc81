"""The activities as the stories see them: names and types, no body.

activities/ does the work under the same names; a test compares the two.
"""

from datetime import timedelta

from temporalio import activity

from rules.policy import Policy
from workflows.messages import (
    CertificateAnswer,
    CertificateClaim,
    CertificateQuestion,
    FactsSetAside,
    LetterOrder,
    PolicyQuestion,
    Posted,
    Record,
    ResultMove,
    Story,
)

RENEWALS = "renewals"
MAIL = "mail"

SENDING_IS_SILENT_FOR = timedelta(seconds=15)
"""After such a silence a sending is taken for dead, and begun again."""


@activity.defn
async def load_story(number: str) -> Story | None:
    """Rebuild what the database knows of a dossier; None for an unknown number."""
    raise NotImplementedError


@activity.defn
async def read_policy(question: PolicyQuestion) -> Policy:
    """Read the policy in force on a day."""
    raise NotImplementedError


@activity.defn
async def keep_record(record: Record) -> None:
    """Keep all that one turn changed, in one transaction, once."""
    raise NotImplementedError


@activity.defn
async def deliver_told(fact_ids: list[str]) -> None:
    """Signal the facts that this dossier told others; they are already kept."""
    raise NotImplementedError


@activity.defn
async def whose_certificate(question: CertificateQuestion) -> CertificateAnswer:
    """Compare the person behind two numbers."""
    raise NotImplementedError


@activity.defn
async def move_result(move: ResultMove) -> bool:
    """Move an exam result; False when it has gone elsewhere meanwhile."""
    raise NotImplementedError


@activity.defn
async def claim_certificate(claim: CertificateClaim) -> bool:
    """Issue a certificate; False when the person holds another live one."""
    raise NotImplementedError


@activity.defn
async def set_facts_aside(aside: FactsSetAside) -> None:
    """Give facts for an unknown number to a person."""
    raise NotImplementedError


@activity.defn
async def send_letter(order: LetterOrder) -> Posted:
    """Hand one letter to the mail relay: at least once, and once if it can be known."""
    raise NotImplementedError
