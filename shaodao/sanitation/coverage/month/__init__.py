"""Months of tracks in Parquet: `files` finds them, `batches` makes rows fixes and a vehicle's fixes passes by the kernel's `cover`,
`embedded` and `cluster` run that over all vehicles on one machine or many, `result` puts the passes of all together and writes."""
