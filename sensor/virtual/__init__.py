"""Clips without hardware: a virtual radio, virtual clips on it, and a bleak backend that reaches them.

Everything above the radio is real: ATT, GATT, L2CAP and HCI are encoded and decoded on both sides by bumble,
and the same client code that talks to hardware scans, connects and streams here. The radio itself (range,
fades, supervision timeout, connection interval) is modelled.
"""
