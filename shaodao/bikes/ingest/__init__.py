"""How positions come in: doors that read one format each, and one action behind all of them.

`positions.py` is what every door hands over; `receive.py` is the action; `sources/` (gbfs, mds, mqtt, files) are the doors.
"""
