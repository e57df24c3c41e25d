"""A client of a server that moves: it asks all the time, over one connection, whichever host answers.

  client.py run KIND LOG HOST...   asks until it is killed; a line in LOG for each: number, what came
                                   of it (ok, lost), when the answer came in ns, and the host
  client.py verify KIND LOG HOST   compares what HOST has now with LOG; prints one line of JSON

What was answered has to be there, each once and in order. What was under way when the connection
ended may be there or not: nobody knows, as with any server that dies.
"""
import json, socket, sys, time

PORTS = {"redis": 6379, "memcached": 11211, "http": 8080, "postgres": 5432}
PAGES = 16


def page(number):
    return ("page %d\n" % (number % PAGES)).encode() * 5000


class Lines:
    """A server that is asked in lines."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=60)
        self.file = self.socket.makefile("rb")

    def ask(self, text):
        self.socket.sendall(text.encode())
        answer = self.file.readline()
        if not answer.endswith(b"\r\n"):
            raise OSError("the connection ended")
        return answer[:-2].decode()


class Redis(Lines):
    def use(self, number):
        if not self.ask("RPUSH log %d\r\n" % number).startswith(":"):
            raise OSError("no number")

    def stored(self):
        count = int(self.ask("LRANGE log 0 -1\r\n")[1:])
        found = []
        for _ in range(count):
            self.file.readline()
            found.append(int(self.file.readline()))
        return found


class Memcached(Lines):
    def use(self, number):
        value = "value %d" % number
        if self.ask("set %d 0 0 %d\r\n%s\r\n" % (number, len(value), value)) != "STORED":
            raise OSError("not stored")

    def stored(self, asked):
        found = []
        for number in asked:
            if self.ask("get %d\r\n" % number) == "END":
                continue
            if self.file.readline() == b"value %d\r\n" % number:
                found.append(number)
            self.file.readline()
        return found


class Http:
    """A connection for each question, as both servers of files like it."""

    def __init__(self, host, port):
        self.where = (host, port)

    def use(self, number):
        with socket.create_connection(self.where, timeout=60) as one:
            one.sendall(b"GET /page%d HTTP/1.0\r\n\r\n" % (number % PAGES))
            answer = b""
            while part := one.recv(65536):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0] + b" " or body != page(number):
            raise OSError("not the page")


class Postgres:
    def __init__(self, host, port):
        import psycopg2
        self.connection = psycopg2.connect(host=host, port=port, user="postgres", connect_timeout=60)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()

    def use(self, number):
        self.cursor.execute("insert into log (number) values (%s)", (number,))

    def stored(self):
        self.cursor.execute("select number from log order by id")
        return [number for (number,) in self.cursor.fetchall()]


KINDS = {"redis": Redis, "memcached": Memcached, "http": Http, "postgres": Postgres}


def run(kind, log, hosts):
    server, number = None, 0
    with open(log, "w", buffering=1) as out:
        while True:
            try:
                if server is None:
                    server = KINDS[kind](hosts[0], PORTS[kind])
                number += 1
                server.use(number)
                print(number, "ok", time.monotonic_ns(), hosts[0], file=out)
                time.sleep(0.02)
            except Exception as error:
                if server is not None:
                    print(number, "lost", time.monotonic_ns(), hosts[0], repr(error)[:100], file=out)
                server, hosts = None, hosts[1:] + hosts[:1]
                time.sleep(0.01)


def verify(kind, log, host):
    lines = [line.split() for line in open(log).read().split("\n")[:-1]]
    ok = [int(line[0]) for line in lines if line[1] == "ok"]
    lost = [int(line[0]) for line in lines if line[1] == "lost"]
    server = KINDS[kind](host, PORTS[kind])
    wrong = ""
    if kind == "http":
        for number in range(PAGES):
            server.use(number)
    else:
        stored = server.stored(sorted(ok + lost)) if kind == "memcached" else server.stored()
        # The client asks on: what it was answered since is no business of this look.
        missing = set(ok) - set(stored)
        if missing:
            wrong = "%d of %d answered are missing, as %d" % (len(missing), len(ok), min(missing))
        elif stored != sorted(set(stored)):
            wrong = "some are there twice or out of order"
    before = [int(line[2]) for line in lines if line[1] == "ok" and line[3] != host]
    after = [int(line[2]) for line in lines if line[1] == "ok" and line[3] == host]
    gap = (min(after) - max(before)) / 1e6 if before and after else None
    print(json.dumps({"before": len(before), "after": len(after), "lost": len(lost), "gapMs": gap,
                      "wrong": wrong}))


if sys.argv[1] == "run":
    run(sys.argv[2], sys.argv[3], sys.argv[4:])
elif sys.argv[1] == "pages":
    for each in range(PAGES):
        with open("%s/page%d" % (sys.argv[2], each), "wb") as file:
            file.write(page(each))
else:
    verify(*sys.argv[2:])
