"""The outbox made visible: what waits, what went, what failed and why; and who listens."""
