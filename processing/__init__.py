"""Sample blocks → inclination → activity and posture → epochs, minutes, episodes and events.

The heart is one pure function, `processing.step.step(state, block, settings) → (state, outputs)`: no I/O, no
asyncio, no clock. Everything a filter remembers is inside the state, which can be written to bytes and read
back, so live, replay and batch re-analysis are the same call. numpy and vqf on the live path; scipy only off it.
"""
