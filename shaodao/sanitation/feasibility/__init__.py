"""Can the day be done? Machine-hours and water that the services need against what is there, before anybody promises.

`facts` reads the book, `reckon` decides (pure), `texts` says it, `cli` prints it.
"""
