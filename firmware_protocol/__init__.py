"""Bytes ⇄ frames: the firmware protocols of the clips.

One module per clip family, and each module is the specification of its family: UUIDs, byte tables,
commands and quirks, with the source of each fact. Pure: the standard library alone, no sockets, no clock.
Bytes come in as arguments and frames go out as frozen dataclasses; what is malformed raises `ProtocolError`
or is counted by the family's stream decoder, and never stops the stream.
"""
