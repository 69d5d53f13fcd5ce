"""A server that speaks HTTP/2: requests share one connection, each gets its own reply, and a connection that ends early
loses none."""

import json
import socket
import ssl
import threading

import certificates
import fake as fakes
import h2.config
import h2.connection
import h2.events
import numpy
import pytest
from test_command import MODELS, vecmill  # noqa: F401

TEXTS = [f"text {i}" for i in range(24)]


class Http2Fake(fakes.Fake):
    """Answers no stream before `together` of them are open; a connection ends after so many, where `goodbye` says it."""

    def __init__(self, folder, together=1, goodbye=0):
        super().__init__("voyage")
        self.together, self.goodbye = together, goodbye
        self.connections = self.most_at_once = self.cut = 0
        certificate, key = certificates.self_signed(folder)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.set_alpn_protocols(["h2"])
        self.env = {"SSL_CERT_FILE": str(certificate)}

    def __enter__(self):
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.env["VOYAGE_BASE_URL"] = f"https://localhost:{self.listener.getsockname()[1]}/v1"
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        with raw, self.context.wrap_socket(raw, server_side=True) as peer:
            assert peer.selected_alpn_protocol() == "h2"
            with self.lock:
                self.connections += 1
            http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
            http.initiate_connection()
            peer.sendall(http.data_to_send())
            heads, bodies, ended, answered = {}, {}, [], 0
            while data := peer.recv(65_536):
                for event in http.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        heads[event.stream_id], bodies[event.stream_id] = dict(event.headers), b""
                    elif isinstance(event, h2.events.DataReceived):
                        bodies[event.stream_id] += event.data
                        http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    elif isinstance(event, h2.events.StreamEnded):
                        ended.append(event.stream_id)
                self.most_at_once = max(self.most_at_once, len(ended))
                while len(ended) >= min(self.together, len(TEXTS) - len(self.seen)) and ended:
                    for stream in ended:
                        self.answer_stream(http, stream, heads.pop(stream), bodies.pop(stream))
                    answered += len(ended)
                    ended.clear()
                peer.sendall(http.data_to_send())
                if self.goodbye and answered >= self.goodbye and not self.cut:
                    self.cut += 1
                    http.close_connection()
                    peer.sendall(http.data_to_send())
                    return

    def answer_stream(self, http, stream, head, raw):
        class Handler:
            path, headers = head[":path"], head

        with self.lock:
            status, body, _ = self.reply(Handler, raw)
        http.send_headers(stream, [(":status", str(status)), ("content-type", "application/json")])
        payload = json.dumps(body).encode()
        while payload:
            size = min(http.local_flow_control_window(stream), http.max_outbound_frame_size)
            assert size > 0, "a reply of these tests fits into the first window"
            http.send_data(stream, payload[:size])
            payload = payload[size:]
        http.end_stream(stream)


@pytest.fixture(params=["voyage"])
def vendor(request):
    return request.param


def embed(vecmill, server):  # noqa: F811
    (vecmill.folder / "texts.txt").write_text("\n".join(TEXTS) + "\n")
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--batch-size", "1", "--dims", "256", **server.env)
    assert done.returncode == 0, done.stderr
    body = {"model": MODELS["voyage"], "input_type": "document"}
    expected = numpy.float32([fakes.vector_of(text, body, 256) for text in TEXTS])
    assert numpy.array_equal(numpy.load(vecmill.folder / "a.npy"), expected)


def test_requests_share_a_connection(fake, vecmill, tmp_path):  # noqa: F811
    with Http2Fake(tmp_path, together=2) as server:
        embed(vecmill, server)
        assert server.connections == 1 and server.most_at_once >= 2 and len(server.seen) == len(TEXTS)


def test_a_connection_that_ends_loses_nothing(fake, vecmill, tmp_path):  # noqa: F811
    with Http2Fake(tmp_path, goodbye=3) as server:
        embed(vecmill, server)
        assert server.cut == 1 and server.connections >= 2
        assert {text for seen in server.seen for text in seen.body["input"]} == set(TEXTS)
