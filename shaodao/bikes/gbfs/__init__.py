"""GBFS (General Bikeshare Feed Specification), wire format in: reading a feed and saying what is wrong with it.

`reading` fetches from a URL or a folder, `parsing` turns bytes into documents, `schema` holds them against the published
JSON schemas, `semantics` finds what a schema cannot see, `audit` puts the four together. No database.

Clauses are cited as in https://github.com/MobilityData/gbfs/blob/v3.0/gbfs.md and v2.3 of the same file.
"""
