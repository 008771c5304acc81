"""What becomes of a line: made, there already, or refused against what is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from intake.importing.faults import Fault, LineFault
from intake.importing.lines import Holder, Understood
from intake.importing.reading import Column
from records.moving_in import (
    Arrival,
    Known,
    Permit,
    keys_of_dossiers,
    people_known,
    permits_known,
)
from rules.agenda import Act, Duty, agenda, falling_due
from rules.civil_time import civil_date
from rules.dossier import Dossier, Kind, PermitChange, Phase
from rules.numbers import PermitNumber
from rules.policy import Policy
from rules.standing import phase_at

_RUNS = frozenset({Phase.IN_FORCE, Phase.SUSPENDED})
_PAST = frozenset({Act.EXPIRE, Act.END_UNLINKED, Act.LOOK_AGAIN})
"""Days that went by before we knew the dossier: where it stands tells them."""

_NOT_OURS = "account_dormant"
"""When somebody last signed in elsewhere we do not know: said late, it may be false."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A line and its fate: *arrival* to be made, *there* already, or *faults*."""

    line: Understood
    arrival: Arrival | None = None
    there: bool = False
    letters_due: bool = False  # a step of a ladder is due now

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Say why it is refused; none where it is not."""
        return self.line.faults


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines judged together, against the persons known when they were."""

    judged: tuple[Judged, ...]
    known: Mapping[str, Sequence[Known]]

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        """List those to be made."""
        return tuple(each.arrival for each in self.judged if each.arrival is not None)

    @property
    def there(self) -> int:
        """Count those there already."""
        return sum(each.there for each in self.judged)

    @property
    def refused(self) -> dict[int, list[dict[str, str]]]:
        """Give the faults of each refused line, as they are kept."""
        return {
            each.line.at: [
                {"code": f.code, "column": f.column, "detail": f.detail}
                for f in each.faults
            ]
            for each in self.judged
            if each.faults
        }


def kept_faults(faults: Sequence[Mapping[str, str]]) -> tuple[Fault, ...]:
    """Read faults back as they were kept."""
    return tuple(Fault(LineFault(f["code"]), f["column"], f["detail"]) for f in faults)


async def judge(
    session: AsyncSession, lines: Sequence[Understood], policy: Policy, at: datetime
) -> Batch:
    """Judge lines against what is kept now; nothing is written."""
    holders = [line.holder for line in lines if line.holder is not None]
    taken = await keys_of_dossiers(session, {h.number for h in holders})
    permits = await permits_known(
        session, {link.permit for h in holders for link in h.links}
    )
    known = await people_known(session, {h.email for h in holders})
    return Batch(
        tuple(_judged(line, taken, permits, known, policy, at) for line in lines), known
    )


def _judged(
    line: Understood,
    taken: Mapping[str, str | None],
    permits: Mapping[str, Permit],
    known: Mapping[str, Sequence[Known]],
    policy: Policy,
    at: datetime,
) -> Judged:
    holder = line.holder
    if holder is None:
        return Judged(line)
    if holder.number in taken:
        if taken[holder.number] == holder.key:
            return Judged(line, there=True)
        fault = Fault(LineFault.NUMBER_TAKEN, Column.NUMBER, holder.number)
        return Judged(line.refused(fault))
    unknown = {link.permit for link in holder.links if link.permit not in permits}
    if unknown:
        return Judged(
            line.refused(
                *(
                    Fault(LineFault.UNKNOWN_PERMIT, Column.PERMITS, permit)
                    for permit in sorted(unknown)
                )
            )
        )
    dossier = _dossier(holder, permits, at)
    phase = phase_at(dossier, policy, at)
    held = [k.holds for k in known.get(holder.person_key, ()) if k.holds is not None]
    if phase in _RUNS and held:
        fault = Fault(LineFault.HOLDS_ANOTHER, Column.NAME, held[0])
        return Judged(line.refused(fault))
    return _arriving(line, holder, dossier, phase, policy, at)


def _dossier(holder: Holder, permits: Mapping[str, Permit], at: datetime) -> Dossier:
    """Lay out the dossier; a permit that is not valid any more is told with it."""
    lost = {
        link.permit: permits[link.permit].changed_on or civil_date(at)
        for link in holder.links
        if not permits[link.permit].valid
    }
    return Dossier(
        number=holder.number,
        kind=Kind.CAR,
        opened_on=holder.term.start,
        exam=holder.exam,
        terms=(holder.term,),
        links=holder.links,
        permit_changes=tuple(
            PermitChange(PermitNumber(permit), valid=False, effective_on=on)
            for permit, on in sorted(lost.items())
        ),
    )


def _arriving(
    line: Understood,
    holder: Holder,
    dossier: Dossier,
    phase: Phase,
    policy: Policy,
    at: datetime,
) -> Judged:
    """Settle what went by elsewhere; a step whose window is open is left to the story.

    Our policy, not law: the rule of late agendas holds (rules.agenda.falling_due), so
    one letter leaves for a dossier at most, under its present text.
    """
    duties = agenda(dossier, policy)
    past = [duty for duty in duties if duty.due_at <= at and _went_by(duty)]
    settled = tuple(duty.key for duty in past)
    falling = falling_due(duties, frozenset(settled), at)
    arrival = Arrival(
        key=holder.key,
        person_key=holder.person_key,
        name=holder.name,
        email=holder.email,
        language=holder.language,
        dossier=dossier,
        phase=phase,
        settled=settled,
        next_due_at=falling.next_at,
    )
    due = any(duty.act is Act.WRITE for duty in falling.to_do)
    return Judged(line, arrival, letters_due=due)


def _went_by(duty: Duty) -> bool:
    return duty.act in _PAST or duty.notice == _NOT_OURS
