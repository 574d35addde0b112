"""The quick reading of frames, held against wsproto's."""

from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import SERVER
from wsproto.connection import Connection as Parser
from wsproto.events import Event, Pong, TextMessage
from wsproto.utilities import ProtocolError

from benchmarks.ws_wire import client_frame
from web.live.whole import whole_texts

PONG = 10
sizes = st.sampled_from((0, 1, 124, 125, 126, 127, 300, 4000))
texts = st.one_of(st.text(max_size=80), sizes.map(lambda size: "ü" * (size // 2) + "x" * (size % 2)))
usual = st.one_of(
    texts.map(lambda text: client_frame(1, text.encode())),
    st.binary(max_size=20).map(lambda payload: client_frame(PONG, payload)),
)
anything = st.one_of(
    usual,
    st.builds(client_frame, st.sampled_from((0, 1, 2, 8, 9, 10, 3, 11)), st.binary(max_size=140)),
    st.binary(max_size=8),
)


def events_of(data: bytes) -> list[Event] | None:
    """What wsproto reads; None where it objects."""
    parser = Parser(SERVER)
    parser.receive_data(data)
    try:
        return list(parser.events())
    except ProtocolError:
        return None


def require_same(data: bytes) -> None:
    """Whatever is read quickly is read by wsproto, as just that, and wsproto waits for nothing more."""
    texts = whole_texts(data)
    if texts is None:
        return
    events = events_of(data)
    assert events is not None
    assert all(
        isinstance(one, Pong) or (isinstance(one, TextMessage) and one.message_finished) for one in events
    )
    assert [one.data for one in events if isinstance(one, TextMessage)] == texts
    more = events_of(data + client_frame(1, b"next"))
    assert more is not None
    assert more[len(events) :] == [TextMessage(data="next", frame_finished=True, message_finished=True)]


@given(st.lists(usual, min_size=1, max_size=4))
def test_what_is_usual_is_read_quickly_and_as_by_wsproto(frames: list[bytes]) -> None:
    assert whole_texts(b"".join(frames)) is not None
    require_same(b"".join(frames))


@given(st.lists(anything, max_size=4), st.data())
def test_nothing_is_read_that_wsproto_would_read_otherwise(frames: list[bytes], data: st.DataObject) -> None:
    sent = bytearray(b"".join(frames))
    for _ in range(data.draw(st.integers(0, 3)) if sent else 0):
        sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(sent)))
    require_same(bytes(sent))
    require_same(bytes(sent[:cut]))


def test_a_frame_cut_anywhere_is_left_to_wsproto() -> None:
    for text in (b"hello", b"x" * 300):
        frame = client_frame(1, b"first") + client_frame(1, text)
        first = len(client_frame(1, b"first"))
        assert [cut for cut in range(1, len(frame)) if whole_texts(frame[:cut]) is not None] == [first]


def test_a_text_that_is_not_utf_8_is_left_to_wsproto() -> None:
    assert whole_texts(client_frame(1, b"\xff\xfe")) is None
    assert whole_texts(client_frame(1, "ü".encode()[:1])) is None
