"""Try the tests that just failed once more, one after the other: python -m tests.again.

Two tests at once share real servers and a browser, and a crowded machine makes one late
now and then. What failed is named, so that nobody overlooks a test that does it often;
what fails alone as well, or more than a few at once, stays a failure.
"""

import json
import sys
from pathlib import Path

import pytest

MOST = 5
_FAILED = Path(".pytest_cache/v/cache/lastfailed")


def failed_tests() -> list[str]:
    """The tests that failed when they last ran; none when nothing is kept of it."""
    return sorted(json.loads(_FAILED.read_text())) if _FAILED.exists() else []


def main() -> int:
    """The exit code of make test: 0 when all that failed pass alone."""
    failed = failed_tests()
    if not 0 < len(failed) <= MOST:
        return 1
    sys.stdout.write("\n".join(["Once more, alone:", *failed, ""]))
    sys.stdout.flush()
    return pytest.main(failed)


if __name__ == "__main__":
    sys.exit(main())
