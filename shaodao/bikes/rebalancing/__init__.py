"""Rebalancing advice: what riders take and leave at each bay, and which bikes to carry where. Nothing is ordered by it."""
