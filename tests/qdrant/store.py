"""Collections whose points are kept by Qdrant's own engine (qdrant-edge-py): what it takes, normalises, orders and finds is
its doing. Around it stands what the server checks before."""

import copy
import tempfile
import uuid

import qdrant_edge as edge

DISTANCES = {"Cosine": edge.Distance.Cosine, "Dot": edge.Distance.Dot, "Euclid": edge.Distance.Euclid,
             "Manhattan": edge.Distance.Manhattan}
DATATYPES = {"float32": edge.VectorStorageDatatype.Float32, "float16": edge.VectorStorageDatatype.Float16,
             "uint8": edge.VectorStorageDatatype.Uint8}
MOST_NUMBERS = 1024 * 1024


class Refusal(Exception):
    def __init__(self, status, message, headers=None):
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}


def point_key(value):
    """A point's id as the engine takes it."""
    if isinstance(value, int):
        if not 0 <= value < 1 << 64:
            raise Refusal(400, "Format error in JSON body: id is out of range")
        return value
    try:
        return uuid.UUID(value)
    except ValueError:
        raise Refusal(400, f"Format error in JSON body: value {value} is not a valid point ID") from None


def id_json(key):
    return key if isinstance(key, int) else str(key)


def vector_json(value):
    if isinstance(value, edge.SparseVector):
        return {"indices": value.indices, "values": value.values}
    return {name: vector_json(one) for name, one in value.items()} if isinstance(value, dict) else value


def checked(value):
    """A vector as the engine takes it, after the checks that the server makes before."""
    if isinstance(value, dict):
        if len(set(value["indices"])) != len(value["indices"]) or len(value["indices"]) != len(value["values"]):
            raise Refusal(422, "Validation error: indices: must be unique and as many as the values")
        return edge.SparseVector(value["indices"], value["values"])
    if value and isinstance(value[0], list):
        if len({len(row) for row in value}) != 1 or not value[0]:
            raise Refusal(422, "Validation error: multivectors of different sizes")
        if len(value) * len(value[0]) >= MOST_NUMBERS:
            raise Refusal(422, "Validation error: total size of all vectors must be less than 1048576")
    elif not value:
        raise Refusal(422, "Validation error: vectors cannot be empty")
    return value


def vector_params(params):
    multi = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim) if params.get("multivector_config") else None
    return edge.EdgeVectorParams(params["size"], DISTANCES[params["distance"]], multivector_config=multi,
                                 datatype=DATATYPES[params.get("datatype") or "float32"])


def condition(body):
    if "has_id" in body:
        return edge.HasIdCondition({point_key(one) for one in body["has_id"]})
    return edge.FieldCondition(body["key"], match=edge.MatchAny(body["match"]["any"]))


class Collection:
    def __init__(self, body):
        self.params = {"vectors": body.get("vectors") or {}, "shard_number": 1, "replication_factor": 1,
                       "write_consistency_factor": 1, "on_disk_payload": True}
        if body.get("sparse_vectors"):
            self.params["sparse_vectors"] = body["sparse_vectors"]
        self.metadata = body.get("metadata")
        self.optimizers = {"deleted_threshold": 0.2, "vacuum_min_vector_number": 1000, "default_segment_number": 0,
                           "flush_interval_sec": 5, "indexing_threshold": 10000, **(body.get("optimizers_config") or {})}
        vectors = self.params["vectors"]
        named = {"": vectors} if "size" in vectors else vectors
        config = edge.EdgeConfig(vectors={name: vector_params(one) for name, one in named.items()},
                                 sparse_vectors={name: edge.EdgeSparseVectorParams()
                                                 for name in self.params.get("sparse_vectors", {})},
                                 wal_enabled=False)
        self.folder = tempfile.TemporaryDirectory(prefix="vecmill-qdrant-")
        self.shard = edge.EdgeShard.create(self.folder.name, config)
        self.operations = 0

    def change(self, body):
        """None leaves a setting as it is; of metadata, null takes a field away."""
        for name, value in (body.get("optimizers_config") or {}).items():
            if value is not None:
                self.optimizers[name] = value
        for name, value in (body.get("metadata") or {}).items():
            self.metadata = self.metadata or {}
            self.metadata.pop(name, None)
            if value is not None:
                self.metadata[name] = value

    def info(self):
        config = {"params": self.params, "optimizer_config": self.optimizers,
                  "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000},
                  "wal_config": {"wal_capacity_mb": 32, "wal_segments_ahead": 0}}
        if self.metadata is not None:
            config["metadata"] = self.metadata
        return copy.deepcopy({"status": "green", "optimizer_status": "ok", "segments_count": 1,
                              "points_count": self.count(), "config": config, "payload_schema": {}})

    def update(self, operation):
        try:
            self.shard.update(operation)
        except Exception as wrong:  # the engine's only type
            raise Refusal(400, f"Wrong input: {wrong}") from None
        self.operations += 1
        return self.operations

    def upsert(self, points):
        made = []
        for point in points:
            vector = point["vector"]
            if not isinstance(vector, dict):
                vector = {"": vector}
            made.append(edge.Point(point_key(point["id"]), {name: checked(one) for name, one in vector.items()},
                                   point.get("payload") or {}))
        return self.update(edge.UpdateOperation.upsert_points(made))

    def delete(self, ids):
        return self.update(edge.UpdateOperation.delete_points([point_key(one) for one in ids]))

    def delete_selected(self, body):
        """By ids, or by a filter of all that must hold of a point: its id, and what a field of its payload is."""
        if "points" in body:
            return self.delete(body["points"])
        return self.update(edge.UpdateOperation.delete_points_by_filter(
            edge.Filter(must=[condition(one) for one in body["filter"]["must"]])))

    def record(self, record, payload, vector):
        out = {"id": id_json(record.id)}
        if payload:
            out["payload"] = record.payload
        if vector:
            out["vector"] = vector_json(record.vector or {})
        return out

    def retrieve(self, body):
        payload, vector = body.get("with_payload", True), body.get("with_vector", False)
        found = self.shard.retrieve([point_key(one) for one in body["ids"]], payload, vector)
        return [self.record(one, payload, vector) for one in found]

    def scroll(self, body):
        payload, vector = body.get("with_payload", True), body.get("with_vector", False)
        offset = body.get("offset")
        found, after = self.shard.scroll(edge.ScrollRequest(
            offset=None if offset is None else point_key(offset), limit=body.get("limit") or 10,
            with_payload=payload, with_vector=vector))
        return {"points": [self.record(one, payload, vector) for one in found],
                "next_page_offset": None if after is None else id_json(after)}

    def count(self):
        return self.shard.count(edge.CountRequest())

    def query(self, body):
        asked = body["query"]
        asked = asked.get("nearest", asked) if isinstance(asked, dict) else asked
        payload = body.get("with_payload", False)
        found = self.shard.query(edge.QueryRequest(
            limit=body.get("limit") or 10, query=edge.Query.Nearest(checked(asked), body.get("using")),
            with_payload=payload, with_vector=False))
        return {"points": [{**self.record(one, payload, False), "version": one.version, "score": one.score}
                           for one in found]}
