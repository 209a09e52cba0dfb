import pytest

from serving.call_context import CallContext, RequestIds, read_context

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
IDS = RequestIds()


def test_a_call_that_says_nothing_gets_an_id_of_its_own() -> None:
    first, sent = read_context([("user-agent", "grpc")], IDS)
    second, _ = read_context([], RequestIds())
    assert not sent
    assert (first.trace_id, first.parent_id, first.sampled) == ("", "", False)
    assert first.request_id != second.request_id != ""


def test_what_the_caller_sends_is_kept() -> None:
    metadata = [("x-request-id", "abc-123"), ("traceparent", f"00-{TRACE}-{PARENT}-01")]
    assert read_context(metadata, IDS) == (CallContext("abc-123", TRACE, PARENT, sampled=True), True)


@pytest.mark.parametrize("sent", ["", "a b", 'a"b', "a\nlevel=ERROR", "ا", "x" * 129, b"\x00"])
def test_an_id_unfit_for_a_log_line_is_replaced(sent: str | bytes) -> None:
    context, kept = read_context([("x-request-id", sent)], IDS)
    assert not kept
    assert len(context.request_id) == 24
    assert context.request_id.isalnum()


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"00-{TRACE}-{PARENT}",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-1",
    ],
)
def test_a_traceparent_that_is_not_valid_is_as_good_as_none(value: str) -> None:
    assert read_context([("traceparent", value)], IDS)[0].trace_id == ""


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True)])
def test_of_the_flags_only_sampled_counts(flags: str, sampled: bool) -> None:
    assert read_context([("traceparent", f"00-{TRACE}-{PARENT}-{flags}")], IDS)[0].sampled is sampled


def test_a_later_version_is_read_as_far_as_we_know_it() -> None:
    assert read_context([("traceparent", f"01-{TRACE}-{PARENT}-01-more")], IDS)[0].trace_id == TRACE
