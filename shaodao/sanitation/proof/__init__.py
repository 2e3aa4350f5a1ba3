"""The proof of a day: what was planned against what the tracks prove.

`facts` what is asked of the day, `ground` its roads, `reckon` the verdicts with `spans` (pure), `figures` the rates, `actions` keeps them with their
certificate, `findings` what is not in order and the cases of it, `report` the month on paper, `queries` what pages show.
"""
