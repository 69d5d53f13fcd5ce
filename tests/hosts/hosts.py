"""A host as a network namespace: nothing of this machine's network is there, only what is relayed into it."""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import threading

import fake as fakes
import program

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def refusal():
    done = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True)
    return done.stderr.strip() or f"status {done.returncode}" if done.returncode else None


class Host(program.Program):
    """Where the program runs, with a home of its own."""

    def __init__(self, folder, api):
        (folder / "home").mkdir(parents=True)
        super().__init__(folder, folder / "home")
        self.env |= {"VOYAGE_API_KEY": fakes.KEYS["voyage"], "VOYAGE_BASE_URL": api.url, "no_proxy": "127.0.0.1"}
        self.keeper = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self.network = f"/proc/{self.keeper.pid}/ns/net"
        while os.readlink(self.network) == os.readlink("/proc/self/ns/net"):
            assert self.keeper.poll() is None
        self.listener = self.listen(api.server.server_port)
        self.relaying = threading.Thread(target=self.relay, args=(api.server.server_port,))
        self.relaying.start()
        self.running = []

    def listen(self, port):
        """A socket belongs to the network of the thread that made it, and so does every one that it accepts."""
        found = []

        def make():
            with open(self.network) as network:
                assert ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET) == 0
            one = socket.socket()
            fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
            one.bind(("127.0.0.1", port))
            one.listen(64)
            found.append(one)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        return found[0]

    def relay(self, port):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", port))
            except OSError:  # the test is over
                return
            for pair in ((client, server), (server, client)):
                threading.Thread(target=pass_on, args=pair, daemon=True).start()

    def start(self, *words, **options):
        words = ["nsenter", f"--net={self.network}", program.BINARY, *map(str, words)]
        self.running.append(subprocess.Popen(words, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
                                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options))
        return self.running[-1]

    def end(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes who waits on it; its number may be another's soon
        self.relaying.join()
        self.listener.close()
        for process in [*self.running, self.keeper]:
            process.kill()
            process.communicate()


def pass_on(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        target.close()
