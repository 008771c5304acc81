"""Dossiers by the thousand, as the desk meets them: with tasks, requests, letters."""

from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

BATCH = 50_000
_FIRST = ["Zoé", "Marc", "Nadia", "Louise", "Samuel", "Émile", "Chloé", "Rosalie"]
_LAST = ["Tremblay", "Gagnon", "Roy", "Côté", "Bouchard", "Morin", "Fortin", "Gagné"]
RARE = "Quévillon-Ayotte"
"""Borne by one person in ten thousand; the other names by one in eight."""

_PEOPLE = """
INSERT INTO people (person_id, name, name_key, email)
SELECT md5('p' || n)::uuid, name, lower(translate(name, 'éèêëôÉ', 'eeeeoe')),
       'p' || n || '@courriel.example'
FROM (SELECT n, (CAST(:first AS text[]))[1 + n % 8] || ' ' || CASE n % 10000
          WHEN 77 THEN CAST(:rare AS text)
          ELSE (CAST(:last AS text[]))[1 + (n / 8) % 8] || ' ' || n END AS name
      FROM generate_series(CAST(:begin AS int), CAST(:end AS int)) n) named
"""
_DOSSIERS = """
INSERT INTO dossiers (number, kind, person_id, opened_on, phase, echeance, facts)
SELECT 'CAR2024' || lpad(n::text, 8, '0'), 'CAR', md5('p' || n)::uuid,
       date '2024-01-01' + n % 700, 'in_force', date '2026-01-01' + n % 700, '{}'
FROM generate_series(CAST(:begin AS int), CAST(:end AS int)) n
"""
_TASKS = """
INSERT INTO tasks (task_id, dossier, reason, due_on, opened_at, closed_at, holder)
SELECT 'task-' || n, 'CAR2024' || lpad(n::text, 8, '0'), 'letter_bounced',
       date '2026-11-01' + n % 90, now(), CASE WHEN n % 400 > 0 THEN now() END,
       CASE WHEN n % 1200 > 0 THEN 'staff:officer-' || (n / 400) % 20 END
FROM generate_series(CAST(:begin AS int), CAST(:end AS int)) n WHERE n % 20 = 0
"""
_LINKS = """
INSERT INTO links (link_id, dossier, permit, asked_on, since)
SELECT 'link-' || n, 'CAR2024' || lpad(n::text, 8, '0'), 'AR-' || n % 1000,
       date '2024-01-01' + n % 700, CASE WHEN n % 500 > 0 THEN date '2026-01-01' END
FROM generate_series(CAST(:begin AS int), CAST(:end AS int)) n
"""
_LETTERS = """
INSERT INTO letters (key, dossier, notice, ordered, occurred_at, state)
SELECT 'letter-' || n, 'CAR2024' || lpad(n::text, 8, '0'),
       (CAST(:notices AS text[]))[1 + n % 6], '{}',
       now() - (n % 700) * interval '1 day',
       CASE n % 100 WHEN 7 THEN 'bounced' ELSE 'accepted' END
FROM generate_series(CAST(:begin AS int), CAST(:end AS int)) n
"""
_NOTICES = ["reminder_90", "reminder_30", "reminder_7", "renewed", "invoice", "expired"]
_AGENCIES = """
INSERT INTO agencies (permit, name, email)
SELECT 'AR-' || n, 'Agence ' || n, 'a' || n || '@courriel.example'
FROM generate_series(0, 999) n ON CONFLICT DO NOTHING
"""


async def fill(
    connection: AsyncConnection,
    dossiers: int,
    tell: Callable[[int], None] = lambda _: None,
) -> None:
    """Plant so many dossiers, in batches; *tell* hears how many more are there."""
    names = {"first": _FIRST, "last": _LAST, "rare": RARE}
    await connection.execute(text(_AGENCIES))
    for begin in range(1, dossiers + 1, BATCH):
        end = min(begin + BATCH - 1, dossiers)
        span = {"begin": begin, "end": end}
        await connection.execute(text(_PEOPLE), {**names, **span})
        for statement in (_DOSSIERS, _TASKS, _LINKS):
            await connection.execute(text(statement), span)
        await connection.execute(text(_LETTERS), {"notices": _NOTICES, **span})
        await connection.commit()
        tell(end - begin + 1)
    filled = "people, dossiers, tasks, links, letters, agencies"
    # As a server that has been up for a while leaves them.
    await connection.execution_options(isolation_level="AUTOCOMMIT")
    await connection.execute(text(f"VACUUM ANALYZE {filled}"))
