"""Tracks of sanitation vehicles: fixes of GNSS boxes by HTTP, MQTT and file, checked at the door, kept as sealed batches.

reading, sent    what a door hands in: columns of one length, nothing checked
whose, checks    which vehicle each fix is of; what cannot be
receive          the one way in, for every door
columns, store   fixes as whole numbers with a digest; writing them, reading a day
keep             packing by the clock, the end of retention
"""
