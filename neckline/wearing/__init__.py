"""One wearer: samples → records to store; what is remembered, calibrated, counted and shown of it."""
