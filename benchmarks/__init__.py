"""Every accuracy or speed that neckline states is printed by a module of this folder.

Each is a command, `python -m benchmarks.NAME DATA`: a table for people, then one JSON object on the last line.
"""
