"""How what crosses a story's border is written: as JSON, by its types."""

from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter

_SHARED = tuple(
    PydanticPayloadConverter(max_cached_type_adapters=128).converters.values()
)


class SharedPayloadConverter(CompositePayloadConverter):
    """Pydantic's, with one memory of the types for all runs.

    The SDK makes a converter for each run; each would build the reader of a policy
    again, which costs more than all that is then read.
    """

    def __init__(self) -> None:
        super().__init__(*_SHARED)


data_converter = DataConverter(payload_converter_class=SharedPayloadConverter)
