"""Stored epochs → what a day, a week or the time between two visits came to. Off the live path: scipy is allowed here.

Only `still` epochs are judged, and every figure says on how much judged time it rests; unknown time is counted
beside it and never taken for good. How each figure is computed, and from where, stands in docs/exposure.md.
"""
