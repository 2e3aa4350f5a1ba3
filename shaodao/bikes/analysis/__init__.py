"""A month of positions in Parquet against bays: `files` finds and checks them, `batches` turns rows into parts by the kernel's
function, `embedded` and `cluster` run that over all files on one machine or many, `result` adds up and writes."""
