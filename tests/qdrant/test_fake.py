"""The fake is worth something: Qdrant's own client does with it what we do, in every version that it plays."""

import uuid

import fake as fakes
import pytest
import qdrant_client
import requests
from qdrant_client import models

ONE, TWO = 7, str(uuid.UUID(int=1 << 100))


@pytest.fixture(params=fakes.VERSIONS)
def versions(request, start):
    return start(version=request.param)


@pytest.fixture
def client(versions):
    return qdrant_client.QdrantClient(url=versions.address, check_compatibility=False)


def make(client, **more):
    client.create_collection("c", vectors_config={
        "dense": models.VectorParams(size=4, distance=models.Distance.COSINE),
        "rows": models.VectorParams(size=2, distance=models.Distance.COSINE, multivector_config=models.MultiVectorConfig(
            comparator=models.MultiVectorComparator.MAX_SIM))},
        sparse_vectors_config={"sparse": models.SparseVectorParams()}, **more)


def points():
    return [models.PointStruct(id=ONE, vector={"dense": [1, 2, 3, 4], "rows": [[1, 0], [3, 4]],
                                               "sparse": models.SparseVector(indices=[5, 1], values=[.5, .25])},
                               payload={"a": {"b": [1, None]}}),
            models.PointStruct(id=TWO, vector={"dense": [4, 3, 2, 1]}, payload={})]


def test_every_version_has_its_document():
    assert fakes.VERSIONS == [f"1.{minor}" for minor in range(12, 20)]


def test_points_go_in_and_come_out(client):
    make(client)
    assert client.upsert("c", points(), wait=True).status == models.UpdateStatus.COMPLETED
    assert client.upsert("c", points(), wait=False).status == models.UpdateStatus.ACKNOWLEDGED
    first, = client.retrieve("c", [ONE, 99], with_vectors=True)
    assert first.payload == {"a": {"b": [1, None]}}
    assert first.vector["dense"] == pytest.approx([x / 30 ** .5 for x in (1, 2, 3, 4)])
    assert first.vector["rows"][1] == pytest.approx([.6, .8])
    assert (first.vector["sparse"].indices, first.vector["sparse"].values) == ([1, 5], [.25, .5])
    page, after = client.scroll("c", limit=1, with_vectors=False)
    assert ([p.id for p in page], after) == ([ONE], TWO)
    page, after = client.scroll("c", limit=5, offset=after)
    assert ([p.id for p in page], after) == ([TWO], None)
    assert client.count("c", exact=True).count == 2


def test_what_is_near_is_found(fake):
    client = qdrant_client.QdrantClient(url=fake.address, check_compatibility=False)
    make(client)
    client.upsert("c", points(), wait=True)
    hits = client.query_points("c", query=[1., 2., 3., 4.], using="dense", limit=2).points
    assert [hit.id for hit in hits] == [ONE, TWO] and hits[0].score == pytest.approx(1)
    hits = client.query_points("c", query=[[3., 4.], [3., 4.]], using="rows", limit=2).points
    assert [hit.id for hit in hits] == [ONE] and hits[0].score == pytest.approx(2)
    hits = client.query_points("c", query=models.SparseVector(indices=[5], values=[2.]), using="sparse").points
    assert [hit.id for hit in hits] == [ONE] and hits[0].score == pytest.approx(1)


def test_settings_are_changed(client, versions):
    make(client)
    client.update_collection("c", optimizers_config=models.OptimizersConfigDiff(indexing_threshold=5))
    info = client.get_collection("c")
    assert info.config.optimizer_config.indexing_threshold == 5
    assert info.config.params.vectors["dense"].size == 4
    client.update_collection("c", metadata={"a": 1, "b": 2})
    client.update_collection("c", metadata={"a": None, "c": 3})
    expected = {"b": 2, "c": 3} if versions.version >= "1.16" else None
    assert client.get_collection("c").config.metadata == expected


@pytest.mark.parametrize("point, status, said", [
    ({"id": 1, "vector": {"dense": [1, 2]}}, 400, "Vector dimension error: expected dim: 4, got 2"),
    ({"id": 1, "vector": {"nope": [1]}}, 400, "Not existing vector name error: nope"),
    ({"id": "42", "vector": {"dense": [1, 2, 3, 4]}}, 400, "not a valid point ID"),
    ({"id": -1, "vector": {}}, 400, "Format error"),
    ({"id": 1, "vector": {"sparse": {"indices": [1, 1], "values": [1, 2]}}}, 422, "unique"),
    ({"id": 1, "vector": {"rows": []}}, 422, "empty"),
])
def test_what_is_wrong_is_refused(fake, point, status, said):
    requests.put(fake.address + "/collections/c", json={"vectors": {"dense": {"size": 4, "distance": "Dot"}},
                                                        "sparse_vectors": {"sparse": {}}}, timeout=9).raise_for_status()
    reply = requests.put(fake.address + "/collections/c/points?wait=true", json={"points": [point]}, timeout=9)
    assert reply.status_code == status and said in reply.json()["status"]["error"]


def test_a_collection_is_made_once(fake):
    client = qdrant_client.QdrantClient(url=fake.address, check_compatibility=False)
    make(client)
    with pytest.raises(qdrant_client.http.exceptions.UnexpectedResponse, match="409"):
        make(client)
    with pytest.raises(qdrant_client.http.exceptions.UnexpectedResponse, match="404"):
        client.count("d")
    assert client.delete_collection("c")
    with pytest.raises(qdrant_client.http.exceptions.UnexpectedResponse, match="404"):
        client.count("c")


def test_a_key_is_asked_for(start):
    locked = start(key="secret")
    with pytest.raises(qdrant_client.http.exceptions.UnexpectedResponse, match="Must provide an API key"):
        qdrant_client.QdrantClient(url=locked.address, check_compatibility=False).count("c")
    reply = requests.get(locked.address + "/collections/c", headers={"Authorization": "Bearer secret"}, timeout=9)
    assert reply.status_code == 404


def test_points_are_removed_by_their_payload(client, versions):
    make(client)
    stamped = [models.PointStruct(id=i, vector={}, payload={"s": {"h": h}}) for i, h in ((1, "a"), (2, "b"), (3, "a"))]
    client.upsert("c", stamped, wait=True)
    client.delete("c", models.Filter(must=[models.HasIdCondition(has_id=[1, 2]),
                                           models.FieldCondition(key="s.h", match=models.MatchAny(any=["a", "c"]))]), wait=True)
    assert {point.id for point in client.scroll("c")[0]} == {2, 3}
    client.delete("c", [3], wait=True)
    assert client.count("c").count == 1
