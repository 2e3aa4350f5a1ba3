"""What is seen in the street now: each vehicle's class, counts that add up, the fill of bays, and who may see what.

`words.py` the classes; `scope.py` whose eyes; `present.py` vehicles and their counts; `filling.py` bays and groups of bays;
`effect.py` what other parameters would say; `live.py` the event stream that says when to look again.
"""
