"""What each command does; `neckline.cli` has their names and options, and imports one of these when it is called."""
