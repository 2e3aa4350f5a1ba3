"""Daily supervision: what a day was like for each operator and street, the score that follows from it, the month's.

`figures` counts a day's positions (no database), `sections` reads what the database knows of the day, `scoring` weighs both
(no database), `daily` writes the reports, `months` looks back over them, `offline` and `cli` do it from files.
"""
