"""`neckline analyse`: recordings by other settings, side by side; the journal's exposure, and its change."""
