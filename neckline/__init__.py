"""The service: configuration, wiring, alerts, command line.

Holds no algorithm and no format. It connects a source of samples to `processing.step`, tells the wearer,
writes the journal, and shows what is going on. Intended use: wellness and conversation support.
"""
