"""How positions come in: doors that read one format each, and one action behind all of them.

`positions.py` is what every door hands over; `receive.py` is the action (`checks.py` what is taken, `store.py` the vehicles'
statuses, `quality.py` the sums of the feed); `keep.py` moves what came in into Parquet; `sources/` are the doors.
"""
