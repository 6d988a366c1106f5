"""Numbers as the wire has them, for property tests."""

from hypothesis import strategies as st

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFF_FFFF)
u64 = st.integers(0, 0xFFFF_FFFF_FFFF_FFFF)
i16 = st.integers(-0x8000, 0x7FFF)
i32 = st.integers(-0x8000_0000, 0x7FFF_FFFF)
i64 = st.integers(-(1 << 63), (1 << 63) - 1)
f32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
counts = st.tuples(i16, i16, i16)
triples = st.tuples(f32, f32, f32)
quaternions = st.tuples(f32, f32, f32, f32)
percents = st.integers(0, 100)
addresses = st.binary(min_size=6, max_size=6).map(lambda data: data.hex(":").upper())
