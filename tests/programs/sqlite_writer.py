"""Writes numbered rows into a database, each a transaction: sqlite_writer.py FILE."""
import sqlite3, sys, time

database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("pragma journal_mode = wal")
database.execute("pragma synchronous = full")
database.execute("create table if not exists log (number integer primary key, text)")
number = 0
while True:
    number += 1
    database.execute("insert into log values (?, ?)", (number, "row %d" % number))
    time.sleep(0.002)
