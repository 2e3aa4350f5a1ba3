"""The live stream: what changes on cases, to whoever may see them, as server-sent events."""
