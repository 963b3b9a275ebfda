"""Evidence entries of our own making: how long each stage of an order's way took, beside what venues sent."""

import msgspec


class OrderStages(msgspec.Struct, frozen=True, kw_only=True, tag="order_stages", tag_field="type", omit_defaults=True):
    """When each stage of a command's way was reached, ns UTC; 0: not reached.

    These are measurements of our own edges. They change nothing the engine knows, so they are no input.
    """

    client_order_id: str
    command_id: str
    received_ns: int = 0  # the input that caused it was read from its socket
    decided_ns: int = 0  # the engine gave the command out
    durable_ns: int = 0  # log and outbox were on disk
    sent_ns: int = 0  # the first byte left
    acked_ns: int = 0  # the venue's answer was read


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(OrderStages)
_PREFIX = b'{"type":"order_stages"'


def stages_evidence(stages: OrderStages) -> bytes:
    """Return the bytes of the evidence entry."""
    return _encode(stages)


def stages_of(evidence: bytes | memoryview) -> OrderStages | None:
    """Return the stages an evidence entry tells; None where it is something else, such as a venue's own message."""
    raw = bytes(evidence)
    if not raw.startswith(_PREFIX):
        return None
    try:
        return _decoder.decode(raw)
    except msgspec.MsgspecError:
        return None  # a venue's message that begins like ours
