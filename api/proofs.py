"""A mailbox shows whose it is: a wish is kept, a link leaves, a wish is proven."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from api.codes import Code
from api.errors import Refused
from api.parts import Parts
from api.v1.showing import own_now
from api.v1.telling import keep_fact, keep_text
from letters.proofs import proven
from records.clock import database_now
from records.models import WrittenText
from rules.civil_time import civil_date
from rules.numbers import DossierNumber
from workflows.hearing import PROOF_LASTS
from workflows.messages import AddressChanged, ProofAsked, ProofPurpose, Source


def wish_id(purpose: ProofPurpose, key: str) -> str:
    """Name a wish; the same key makes the same wish."""
    return f"{purpose}-{key}"


async def ask_for_proof(
    session: AsyncSession, number: DossierNumber, purpose: ProofPurpose, name: str
) -> str:
    """Tell a dossier's story to write the letter with the link; give the fact's id."""
    now = await own_now(session, number)
    fact = ProofAsked(
        fact_id=f"proof:{name}",
        source=Source.PERSON,
        occurred_at=now,
        received_at=now,
        purpose=purpose,
        text_id=name,
    )
    await keep_fact(session, number, fact)
    return fact.fact_id


async def wish_proven(
    session: AsyncSession, parts: Parts, proof: str, account: str
) -> WrittenText:
    """Find the wish of an account by its link; raises Refused without one in time."""
    secret = parts.settings.mail_key.get_secret_value().encode()
    name = proven(proof, secret=secret)
    wish = await session.get(WrittenText, name) if name else None
    if wish is None or wish.by != account:
        raise Refused(Code.NOT_FOUND)
    today = civil_date(await database_now(session))
    if civil_date(wish.written_at) + PROOF_LASTS < today:
        raise Refused(Code.NOT_FOUND)
    return wish


def purpose_of(wish: WrittenText) -> ProofPurpose:
    """Tell what was wished."""
    return ProofPurpose(wish.text_id.partition("-")[0])


async def tell_address_changed(
    session: AsyncSession, wish: WrittenText, *, before: str
) -> str:
    """Keep the address before, to which a letter says so; give the fact's id."""
    number = DossierNumber(wish.dossier or "")
    now: datetime = await own_now(session, number)
    name = f"address_before-{wish.text_id}"
    await keep_text(session, name=name, dossier=number, text=before, by=wish.by)
    fact = AddressChanged(
        fact_id=f"changed:{wish.text_id}",
        source=Source.PERSON,
        occurred_at=now,
        received_at=now,
        text_id=name,
    )
    await keep_fact(session, number, fact)
    return fact.fact_id
