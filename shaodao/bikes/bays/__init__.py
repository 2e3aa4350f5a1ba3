"""Bays and zones: what a file or a drawing must be, what is stored, what is worth a look, and how they go out again.

Their writes are in `actions/bays.py` and their tables in `models/bays.py`, like those of the rest of the bikes.
"""
