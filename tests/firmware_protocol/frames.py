"""What a WitMotion clip may send, for property tests."""

from hypothesis import strategies as st

from firmware_protocol.witmotion import ImuFrame, RegisterReply

words = st.integers(-32768, 32767) | st.sampled_from([0x6155, 0x7155, 0x5555, 0x6161])
"""Any word, and now and then one whose bytes look like the beginning of a frame."""
pitches = st.integers(-16384, 16384)


def imu_frames() -> st.SearchStrategy[ImuFrame]:
    """Return any possible 0x61 frame."""
    vectors = st.tuples(words, words, words)
    return st.builds(ImuFrame, vectors, vectors, st.tuples(words, pitches, words))


def register_replies() -> st.SearchStrategy[RegisterReply]:
    """Return any possible 0x71 reply."""
    starts = st.integers(0, 0xFF)
    return st.builds(RegisterReply, starts, st.lists(words, min_size=8, max_size=8).map(tuple))
