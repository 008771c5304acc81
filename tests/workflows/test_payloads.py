"""What crosses a story's border is written as before, and read with one memory."""

from temporalio.contrib.pydantic import PydanticPayloadConverter

from rules.policy import Policy
from tests.dossiers import a_policy
from workflows.payloads import SharedPayloadConverter


def test_a_policy_is_written_as_pydantic_writes_it_and_read_back() -> None:
    written = SharedPayloadConverter().to_payloads([a_policy()])

    assert written == PydanticPayloadConverter().to_payloads([a_policy()])
    assert SharedPayloadConverter().from_payloads(written, [Policy]) == [a_policy()]


def test_the_runs_share_what_reads_for_them() -> None:
    one, other = SharedPayloadConverter(), SharedPayloadConverter()

    assert one.converters.keys() == PydanticPayloadConverter().converters.keys()
    for encoding, converter in one.converters.items():
        assert other.converters[encoding] is converter
