"""A collection of a server, fake or real, looked at without Vecmill."""

import os
import urllib.parse

import numpy as np
import requests

KEY = os.environ.get("QDRANT_API_KEY")


class Place:
    def ask(self, method, path="", body=None):
        reply = requests.request(method, f"{self.address}/collections/{self.collection}{path}", json=body, timeout=60,
                                 headers={"api-key": KEY} if KEY else {})
        reply.raise_for_status()
        return reply.json()["result"]

    def points(self):
        """All points by their own id, those of the record left out."""
        found, offset = {}, None
        while True:
            page = self.ask("POST", "/points/scroll", {"limit": 500, "offset": offset, "with_payload": True, "with_vector": True})
            for point in page["points"]:
                stamp = (point["payload"] or {}).get("_vecmill", {})
                if "record" not in stamp:
                    found[stamp.get("id", str(point["id"]))] = point
            offset = page["next_page_offset"]
            if offset is None:
                return found

    def info(self):
        return self.ask("GET")["config"]

    def create(self, body):
        return self.ask("PUT", "", body)

    def upsert(self, points):
        return self.ask("PUT", "/points?wait=true", {"points": points})

    def env(self):
        return {"QDRANT_API_KEY": KEY} if KEY else {}


class FakePlace(Place):
    def __init__(self, fake, collection):
        self.fake, self.address, self.collection = fake, fake.address, collection

    def url(self, **parameters):
        return self.fake.url(self.collection, **parameters)


class RealPlace(Place):
    def __init__(self, address, collection):
        self.address, self.collection = address.rstrip("/"), collection

    def url(self, **parameters):
        parts = urllib.parse.urlsplit(self.address)
        scheme = "qdrants" if parts.scheme == "https" else "qdrant"
        query = urllib.parse.urlencode({**parameters, **({"plain": "yes"} if KEY else {})})
        return f"{scheme}://{parts.netloc}{parts.path}/{self.collection}" + ("?" + query if query else "")

    def remove(self):
        self.ask("DELETE")


def check_points(vecmill, points, texts, vector="dense"):
    """`texts` by id: each is there with its own vector, and nothing else is."""
    assert sorted(points) == sorted(texts)
    ids = list(texts)
    expected = vecmill.vectors([texts[i] for i in ids]).astype(np.float64)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = np.array([points[i]["vector"][vector] for i in ids])
    assert np.abs(found - expected).max() < 1e-6
