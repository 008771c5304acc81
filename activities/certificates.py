"""The effects that only one can win: whose certificate, one home a result, one live."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.ahead import ANY_CLOCK, see_it_is_time
from activities.crashpoints import crashpoint
from records.database import Sessions
from records.models import Certificate, DossierRow, ExamResult
from rules.civil_time import start_of
from workflows.messages import (
    CertificateAnswer,
    CertificateClaim,
    CertificateQuestion,
    ResultMove,
)

_ONE_LIVE = "uq_certificates_one_live"


class Certificates:
    """The effects on certificates and exam results, which the database arbitrates.

    *most_ahead* says how far Temporal's clock may be ahead of the database's.
    """

    def __init__(
        self, sessions: Sessions, *, most_ahead: timedelta = ANY_CLOCK
    ) -> None:
        self._sessions = sessions
        self._most_ahead = most_ahead

    @activity.defn(name="whose_certificate")
    async def whose_certificate(
        self, question: CertificateQuestion
    ) -> CertificateAnswer:
        """Compare the person behind two numbers."""
        asker = select(DossierRow.person_id).where(
            DossierRow.number == question.asked_by
        )
        holder = select(Certificate.person_id).where(
            Certificate.number == question.certificate
        )
        async with self._sessions() as session:
            asking = await session.scalar(asker)
            holding = await session.scalar(holder)
        if asking is None or holding is None:
            return CertificateAnswer.UNKNOWN
        same = asking == holding
        return CertificateAnswer.SAME_PERSON if same else CertificateAnswer.OTHER_PERSON

    @activity.defn(name="move_result")
    async def move_result(self, move: ResultMove) -> bool:
        """Move an exam result; False when it has gone elsewhere meanwhile."""
        crashpoint("before_move")
        async with self._sessions.begin() as session:
            await session.execute(
                update(ExamResult)
                .where(
                    ExamResult.result_id == move.result_id,
                    ExamResult.home == move.from_dossier,
                )
                .values(home=move.to_dossier)
            )
            home = select(ExamResult.home).where(ExamResult.result_id == move.result_id)
            moved = await session.scalar(home) == move.to_dossier
        crashpoint("after_move")
        return moved

    @activity.defn(name="claim_certificate")
    async def claim_certificate(self, claim: CertificateClaim) -> bool:
        """Issue a certificate; False when the person holds another live one.

        Claimed again, with its first day corrected meanwhile or not, it is still one.
        Raises ApplicationError of type AheadOfTime before that first day.
        """
        crashpoint("before_certificate")
        begins = start_of(claim.start)
        try:
            async with self._sessions.begin() as session:
                await see_it_is_time(
                    session, claim.dossier, begins, most=self._most_ahead
                )
                await _issue(session, claim)
        except IntegrityError as refused:
            if _ONE_LIVE in str(refused.orig):
                return False
            raise
        crashpoint("after_certificate")
        return True


async def _issue(session: AsyncSession, claim: CertificateClaim) -> None:
    holder = select(DossierRow.person_id).where(DossierRow.number == claim.dossier)
    row = insert(Certificate).values(
        number=claim.dossier,
        kind=claim.kind,
        person_id=(await session.execute(holder)).scalar_one(),
        status="in_force",
        start=claim.start,
        echeance=claim.echeance,
    )
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[Certificate.number],
            set_={
                "status": row.excluded.status,
                "start": row.excluded.start,
                "echeance": row.excluded.echeance,
            },
        )
    )
