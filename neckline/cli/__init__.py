"""The command line: words → one command, its result → an exit code. What commands do is in `neckline.commands`."""
