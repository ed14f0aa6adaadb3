"""What the process tests are written with: the server, a strict HTTP client, /proc, the log."""
