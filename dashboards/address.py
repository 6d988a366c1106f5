"""Whether a text can be the address of a server; said without repeating a password in it. Asks no server."""

from urllib.parse import urlsplit


def check_address(text: str, example: str, way_out: str) -> None:
    """Let an http address pass that holds no password and no query; ValueError with a sentence for any other text.

    `way_out` says where a password belongs.
    """
    try:
        parts = urlsplit(text)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    # Raised out here, away from urlsplit's own error, which quotes pieces of a password.
    if not fits or parts.query or parts.fragment:
        raise ValueError(f'must be an address as "{example}", not "{_shown(text)}"')
    if "@" in text:  # a password with a slash looks like a path; a path's own @ can be written %40
        raise ValueError(f"must not hold a password: {way_out}")


def _shown(text: str) -> str:
    """Return a text without what may be a secret: all before the last @, and a query."""
    _, at, rest = text.rpartition("@")
    address, mark, _ = rest.partition("?")
    return ("…@" if at else "") + address + ("?…" if mark else "")
