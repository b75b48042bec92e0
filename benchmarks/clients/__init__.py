"""Other people's clients and ours at the same work, each in a process of its own: one file a client.

`python -m benchmarks.clients.NAME WAY '{"bootstrap": …}'` works to its end and prints what it measured as JSON. A file has
a function for each way its client knows: one record at a time, many a call, columns. Every client gets the same records and the
same settings, and looks at every value it reads.
"""
