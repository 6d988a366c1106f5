"""Frames → sample blocks: everything between a clip's radio and the signal processing.

Bluetooth (`bluetooth` is the one module that imports bleak), the life of a link (`link`), the clock of clips
that send no time (`clock`), recordings as a source (`recording`, written by `capture`), and virtual clips for
people and tests that have no hardware (`virtual`, the one folder that imports bumble). What leaves the room are
the frozen values of `sensor.samples`, the only module of this room that processing and storage may know.
"""
