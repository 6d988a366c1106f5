"""Columns ⇄ files, by pyarrow, which the extra `export` brings."""
