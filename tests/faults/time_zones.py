"""A release of the time zones in which Québec stops moving its clocks."""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

EST, EDT = -5 * 3600, -4 * 3600
_FROM = datetime(2020, 1, 1, tzinfo=UTC)


def stays_on_summer_time(folder: Path, zone: ZoneInfo, since: datetime) -> Path:
    """Write *zone* as it was until *since*, then four hours behind UTC for ever."""
    moves = _moves(zone, since)
    place = folder / zone.key
    place.parent.mkdir(parents=True)
    place.write_bytes(_compiled([*moves, (since, EDT)]))
    return folder


def _moves(zone: ZoneInfo, until: datetime) -> list[tuple[datetime, int]]:
    """List the instants at which clocks were moved, to the hour, and to what."""
    hours = int((until - _FROM).total_seconds()) // 3600
    offsets = [
        (at, int((at.astimezone(zone).utcoffset() or timedelta()).total_seconds()))
        for at in (_FROM + timedelta(hours=hour) for hour in range(hours))
    ]
    return [after for before, after in pairwise(offsets) if before[1] != after[1]]


def _compiled(moves: Sequence[tuple[datetime, int]]) -> bytes:
    """Write TZif, version 2 (RFC 8536): its first block may be empty."""
    header = b"TZif2" + bytes(15)
    empty = header + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 0, 0, 0)
    kinds = struct.pack(">lbb", EST, 0, 0) + struct.pack(">lbb", EDT, 1, 4)
    block = header + struct.pack(">6l", 0, 0, 0, len(moves), 2, 8)
    block += b"".join(struct.pack(">q", int(at.timestamp())) for at, _ in moves)
    block += bytes(int(offset == EDT) for _, offset in moves)
    return empty + b"EST\0" + block + kinds + b"EST\0EDT\0" + b"\n<-04>4\n"
