"""Where data rests: the local journal (SQLite, the embedded default) and what is fed from it.

The journal has a single writer that also checkpoints; all others read. InfluxDB is fed from the journal by a
cursor that moves only when the server acknowledged, so nothing acknowledged is lost and a re-send overwrites.
Measurement, tag and field names live in `storage.schema` alone.
"""
