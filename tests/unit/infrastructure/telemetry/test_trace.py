import pytest

from ordersys.infrastructure.telemetry import trace

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"
HEADER = f"00-{TRACE_ID}-{SPAN_ID}-01"


def test_a_valid_header_is_read_and_written_back() -> None:
    parsed = trace.parse(HEADER)

    assert parsed == trace.Trace(trace_id=TRACE_ID, span_id=SPAN_ID, sampled=True)
    assert parsed is not None
    assert parsed.header == HEADER


def test_the_sampled_flag_is_one_bit_of_the_flags() -> None:
    unsampled, more_flags = trace.parse(f"00-{TRACE_ID}-{SPAN_ID}-02"), trace.parse(f"00-{TRACE_ID}-{SPAN_ID}-03")

    assert unsampled is not None
    assert not unsampled.sampled
    assert more_flags is not None
    assert more_flags.sampled


@pytest.mark.parametrize(
    "header",
    [
        "",
        "garbage",
        HEADER.upper(),
        HEADER + "-more",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{TRACE_ID[1:]}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-1",
        f"01-{TRACE_ID}-{SPAN_ID}-01more",
    ],
)
def test_an_invalid_header_is_no_trace(header: str) -> None:
    assert trace.parse(header) is None


def test_a_later_version_may_say_more() -> None:
    assert trace.parse(f"cc-{TRACE_ID}-{SPAN_ID}-01-what-the-future-brings") is not None


def test_a_child_stays_in_the_trace_with_a_span_of_its_own() -> None:
    child = trace.continued(HEADER)

    assert child.trace_id == TRACE_ID
    assert child.span_id != SPAN_ID


@pytest.mark.parametrize("header", [None, "", "garbage"])
def test_without_a_valid_parent_a_new_trace_begins(header: str | None) -> None:
    begun = trace.continued(header)

    assert trace.parse(begun.header) == begun
    assert begun.trace_id != trace.new().trace_id
