"""The scripts of one connection, one module a family: what to ask of the clip, and what its bytes mean.

Each module ends in a `FAMILY`, the entry by which `sensor.families` knows it. Sans-IO: requests come out, bytes and
times go in.
"""
