"""Prints how many rows the database has, once all of them are right: sqlite_verify.py FILE."""
import sqlite3, sys

database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("begin")
(verdict,) = database.execute("pragma integrity_check").fetchone()
rows = database.execute("select number, text from log order by number").fetchall()
if verdict != "ok":
    sys.exit("It is damaged: %s" % verdict)
if rows != [(number, "row %d" % number) for number in range(1, len(rows) + 1)]:
    sys.exit("Not each of %d rows is there as it was written" % len(rows))
print(len(rows))
