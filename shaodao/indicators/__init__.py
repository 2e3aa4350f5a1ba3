"""Indicators and surveys: what is measured, against what target, and how sure it is (being built: docs/indicators.md)."""
