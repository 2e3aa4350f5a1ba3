"""What is not in order: rules of the pack look at all bikes at once, what lasts becomes a case, what is gone closes it.

`settings` the rules, `snapshot` the bikes as arrays, `detect` the rules on them (pure), `observe` what is kept of their
answers, `filing` the cases, `queries` who sees what, `tasks` the clock.
"""
