"""One clear line each, the right exit code, and nothing written."""

import pytest

SETUP = """
CREATE TABLE kb(id bigint PRIMARY KEY, body text, v vector(256), wide vector(768), r real[], w vector(256));
INSERT INTO kb(id, body) VALUES (1, 'one'), (2, 'two');
CREATE TABLE twice(id int, body text, v vector(256)); INSERT INTO twice VALUES (1, 'a'), (1, 'b');
CREATE TABLE holes(id int, body text, v vector(256)); INSERT INTO holes VALUES (1, 'a'), (NULL, 'b');
CREATE VIEW seen AS SELECT * FROM kb;
CREATE TABLE beside(id bigint, vector vector(256)); CREATE TABLE two(a int, b int, vector vector(256), PRIMARY KEY (a, b));
"""


@pytest.fixture(scope="module")
def place(both_servers):
    """A database that every mistake leaves as it is."""
    database = both_servers[0].new_database()
    database.sql(SETUP)
    return database


# table, parameters, more words, exit code, what is said
CASES = {
    "no_table": ("kbb", {}, [], 2, "there is no table kbb; did you mean kb?"),
    "schema_in_table": ("public.kb", {}, [], 2, "the schema is a parameter of its own"),
    "no_text_column": ("kb", {"text": "bodi"}, [], 2, "has no column bodi; did you mean body?"),
    "text_not_named": ("kb", {"text": None}, [], 2, "names no column of texts; add &text=COLUMN"),
    "no_vector_column": ("kb", {"vector": "missing"}, [], 2, "has no column missing; --create makes it"),
    "several_vectors": ("kb", {"vector": None}, [], 2, "several columns of vectors"),
    "no_key_column": ("kb", {"key": "idd"}, [], 2, "has no column idd; did you mean id?"),
    "unknown_parameter": ("kb", {"vectr": "v"}, [], 2, "has no parameter vectr; did you mean vector?"),
    "dimension": ("kb", {"vector": "wide"}, [], 7, "the column wide is vector(768), and builtin:hash makes 256"),
    "type": ("kb", {"vector": "r"}, [], 7, "the column r is real[], not vector, halfvec or bit"),
    "view": ("seen", {"key": "id"}, [], 7, "seen is a view"),
    "keys_twice": ("twice", {"key": "id"}, [], 7, "two rows have one key"),
    "keys_missing": ("holes", {"key": "id"}, [], 7, "one row lacks its key"),
    "no_key": ("twice", {"key": None}, [], 7, "has no primary key"),
    "where": ("kb", {"where": "id%20=%20"}, [], 2, "syntax error"),
    "two_inputs": ("kb", {}, ["x.txt", "--out", "x.npy"], 2, "a table is embedded alone"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_url(vecmill, place, case):
    table, change, more, code, said = CASES[case]
    parameters = {"key": "id", "text": "body", "vector": "v", **change}
    url = place.url(table, **{k: v for k, v in parameters.items() if v is not None})
    answer = vecmill.embed(url, *more)
    assert said in answer.said, answer.err
    assert answer.code == code
    assert place.value("SELECT count(coalesce(v, w)) FROM kb") == "0"


@pytest.mark.parametrize("table, code, said", [
    ("none", 2, "there is no table none; --create makes it"),
    ("beside", 7, "has no primary key"),
    ("beside&key=id", 7, "has no unique index over its key"),
    ("two", 7, "the key of two has 2 columns, an id of the input 1"),
])
def test_the_output(vecmill, place, table, code, said):
    (vecmill.folder / "in.txt").write_text("a text\n")
    answer = vecmill.embed("in.txt", "--out", place.url(table))
    assert said in answer.said, answer.err
    assert answer.code == code


def test_no_extension(vecmill, plain_db):
    plain_db.sql("CREATE TABLE kb(id int PRIMARY KEY, body text); INSERT INTO kb VALUES (1, 'one')")
    answer = vecmill.embed(plain_db.url("kb", text="body", vector="v"), "--create")
    assert answer.code == 2 and "install pgvector on the server" in answer.err, answer.err
    assert plain_db.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'kb'::regclass AND attname = 'v'") == "0"


def test_no_permission(vecmill, db):
    db.sql(SETUP + "DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
           "GRANT SELECT ON kb TO reader")
    answer = vecmill.embed(db.url("kb", user="reader", text="body", vector="v"))
    assert answer.code == 4 and "no permission: UPDATE on the table kb" in answer.err, answer.err


def test_nobody_there(vecmill, db):
    answer = vecmill.embed(db.url("kb", host="/nowhere", text="body", vector="v"))
    assert answer.code == 5 and "/nowhere" in answer.err
    db.name = "nodb"
    assert vecmill.embed(db.url("kb", text="body", vector="v")).code == 2


def test_a_password_is_not_printed(vecmill, db):
    db.table_of_texts(["one"])
    for table in ("kb", "kbb"):
        url = db.url(table, text="body", vector="v").replace("test@", "test:canary@") + "&password=canary"
        answer = vecmill.embed(url)
        assert (answer.code == 0) == (table == "kb")
        assert "canary" not in answer.out + answer.err and "***" in answer.out + answer.err
