"""Tables, queues and ledgers through TLS; and who is not who it should be is spoken to about nothing."""

import os
import pwd
import shutil
import socket
import sqlite3
import threading

import certificates
import numpy as np
import pytest
import servers


class TlsServer(servers.Server):
    """PostgreSQL that takes TLS alone, on a port of localhost."""

    def __init__(self, folder):
        super().__init__(servers.debians(), fsync=False)
        self.certificate, key = certificates.self_signed(folder)
        kept = []
        for path in (self.certificate, key):
            kept.append(shutil.copy(path, self.folder))
            os.chmod(kept[-1], 0o600)
            if os.geteuid() == 0:
                os.chown(kept[-1], pwd.getpwnam(servers.SERVER_USER).pw_uid, -1)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.settings = ["listen_addresses=localhost,127.0.0.1", f"port={self.port}", "ssl=on",
                         f"ssl_cert_file={kept[0]}", f"ssl_key_file={kept[1]}"]

    def wait(self):
        said = self.making.communicate()[1]
        assert self.making.returncode == 0, said.decode()
        (self.folder / "data" / "pg_hba.conf").write_text("local all all trust\nhostssl all all all trust\n")
        self.start()

    def place(self, database):
        return [*super().place(database), "-p", str(self.port)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if servers.debians() is None:
        pytest.skip("Debian's postgresql-15 is not installed")
    server = TlsServer(tmp_path_factory.mktemp("tls"))
    server.wait()
    yield server
    server.stop()


@pytest.fixture
def place(server):
    """What makes the URL of a database; `certificate` is whom the program trusts."""
    database = server.new_database()

    def url(host="localhost", mode="verify-full", certificate=server.certificate, **more):
        words = "&".join(f"{k}={v}" for k, v in {"sslmode": mode, "sslrootcert": certificate, **more}.items())
        return f"postgres://test@{host}:{server.port}/{database.name}?{words}"

    url.database = database
    return url


TEXTS = [f"text {i}" for i in range(300)]


def test_a_table_is_read_through_tls(vecmill, place):
    values = ",".join(f"({i}, '{text}')" for i, text in enumerate(TEXTS))
    place.database.sql(f"CREATE TABLE kb(id int PRIMARY KEY, body text); INSERT INTO kb VALUES {values}")
    answer = vecmill.embed(place(table="kb", text="body"), "--out", "kb.npy")
    assert answer.code == 0, answer.err
    ids = (vecmill.folder / "kb.ids.txt").read_text().split()
    made = np.load(vecmill.folder / "kb.npy")
    assert len(ids) == len(TEXTS)
    assert np.array_equal(made, vecmill.vectors([TEXTS[int(i.strip('"'))] for i in ids]))


def test_jobs_go_through_tls(vecmill, place):
    vecmill.write("texts.txt", "\n".join(TEXTS) + "\n")
    queue = place()
    done = vecmill("jobs", "submit", "texts.txt", "--model", "builtin:hash", "--out", "out.db", "--queue", queue)
    assert done.code == 0, done.err
    done = vecmill("worker", "--queue", queue, "--drain")
    assert done.code == 0, done.err
    with sqlite3.connect(vecmill.folder / "out.db") as out:
        assert out.execute("SELECT count(*) FROM vectors").fetchone() == (len(TEXTS),)


# host, sslmode, trusted, what is said
REFUSED = {
    "signed_by_another": ("localhost", "verify-full", "other", "certificate verify failed"),
    "other_host": ("127.0.0.1", "verify-full", "its own", "does not match host name"),
    "no_tls": ("localhost", "disable", "its own", "no encryption"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_who_is_not_who_it_should_be_is_refused(vecmill, place, server, tmp_path, case):
    host, mode, trusted, said = REFUSED[case]
    certificate = server.certificate
    if trusted == "other":
        (tmp_path / "other").mkdir()
        certificate = certificates.self_signed(tmp_path / "other")[0]
    place.database.sql("CREATE TABLE kb(id int PRIMARY KEY, body text); INSERT INTO kb VALUES (1, 'canary')")
    answer = vecmill.embed(place(host, mode, certificate, table="kb", text="body"), "--out", "kb.npy")
    assert answer.code == 4, answer.err
    assert said in answer.said, answer.err
    assert not (vecmill.folder / "kb.npy").exists()


def test_a_server_without_tls_is_refused_where_it_is_asked_for(vecmill):
    def refuse():
        with listener.accept()[0] as session:
            session.recv(8)  # SSLRequest
            session.sendall(b"N")
            session.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse)
        thread.start()
        port = listener.getsockname()[1]
        answer = vecmill.embed(f"postgres://test@127.0.0.1:{port}/d?sslmode=require&table=kb&text=body", "--out", "kb.npy")
        thread.join()
    assert answer.code == 4 and "does not support SSL" in answer.said, answer.err


@pytest.mark.parametrize("host, code, said", [("localhost", 0, "encrypted"), ("127.0.0.1", 4, "does not match host name")])
def test_the_doctor_says_whether_what_is_shared_is_encrypted(vecmill, place, host, code, said):
    done = vecmill("doctor", "--online", "--json", "--shared", place(host))
    found = {one["name"]: one for one in done.json["findings"] if one["provider"] == "postgres"}
    assert done.code == code and said in found["tls"]["value"], found
