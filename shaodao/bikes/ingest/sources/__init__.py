"""The doors: each reads one format and hands `Positions` to receive.ingest."""
