"""Shared bikes, an observer: what operators' feeds say, whether it can be trusted, and what follows from it."""
