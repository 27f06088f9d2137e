"""One of several processes that contend for a recipe: peer.py SERVERS NAME HOLD_MS SESSION_MS.

On standard input it gets `start SCENARIO PATH LEDGER` and `stop`, and answers `started` and `stopped`. What it does stands in
the ledger, one line per step; see compat-tests/src/recipes/ledger.ts.
"""

import os
import random
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.protocol.states import KazooState
from kazoo.recipe.election import Election
from kazoo.recipe.lock import Lock, ReadLock, Semaphore, WriteLock
from kazoo.recipe.queue import LockingQueue

servers, name, hold_ms, session_ms = sys.argv[1:]
hold_s = int(hold_ms) / 1000
LEASES = 3


class CuratorLock(Lock):
    """kazoo's lock with the names that Curator's mutex knows."""

    _NODE_NAME = "-lock-"
    _EXCLUDE_NAMES = ["-lock-"]


class LatchLock(Lock):
    """kazoo's lock with the names of Curator's leader latch."""

    _NODE_NAME = "-latch-"
    _EXCLUDE_NAMES = ["-latch-"]


class CuratorWriteLock(WriteLock):
    _NODE_NAME = "-__WRIT__"
    _EXCLUDE_NAMES = ["-__WRIT__", "-__READ__"]


class CuratorReadLock(ReadLock):
    _NODE_NAME = "-__READ__"
    _EXCLUDE_NAMES = ["-__WRIT__"]


class Peer:
    def __init__(self, path, ledger_file):
        self.path = path
        self.ledger_file = ledger_file
        self.ledger = os.open(ledger_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.stopping = threading.Event()
        self.client = KazooClient(
            hosts=servers,
            timeout=int(session_ms) / 1000,
            connection_retry={"max_tries": -1, "max_delay": 0.5},
        )
        self.client.start()
        self.client.add_listener(self.listen)

    def listen(self, state):
        if state == KazooState.LOST and not self.stopping.is_set():
            self.write("lost")

    def write(self, step):
        os.write(self.ledger, ("%s %s\n" % (name, step)).encode())

    def counter(self, begin):
        """The counter is the highest that an end before this beginning says."""
        value = 0
        with open(self.ledger_file) as file:
            for line in file.read().splitlines():
                if line == begin:
                    break
                words = line.split(" ")
                if len(words) == 5 and words[1] == "end" and words[2] == "W":
                    value = max(value, int(words[4]))
        return value

    def hold(self, kind, node):
        stat = self.client.exists(node)
        if stat is None or self.client.state != KazooState.CONNECTED:
            self.write("failed gone")
            return
        begin = "begin %s %d" % (kind, stat.czxid)
        self.write(begin)
        value = self.counter("%s %s" % (name, begin))
        time.sleep(random.random() * hold_s)
        self.write("end %s %d %d" % (kind, stat.czxid, value + 1))

    def contend(self, make):
        """Acquires what `make` gives, again and again; a new one each time, as a failed one does not forget its node."""
        while not self.stopping.is_set():
            kind, lock, node = make()
            self.write("try")
            try:
                if not lock.acquire(timeout=6):
                    continue
                try:
                    self.hold(kind, node(lock))
                finally:
                    lock.release()
            except KazooException as error:
                self.write("failed " + type(error).__name__)

    def node(self, lock):
        return self.path + "/" + lock.node

    def mutex(self):
        self.contend(lambda: ("W", self.client.Lock(self.path, name, extra_lock_patterns=["-lock-"]), self.node))

    def read_write(self):
        def make():
            if random.randrange(3) == 0:
                return "W", CuratorWriteLock(self.client, self.path, name), self.node
            return "R", CuratorReadLock(self.client, self.path, name), self.node

        self.contend(make)

    def semaphore(self):
        # Curator's layout: the leases and the mutex that is taken to get one lie side by side.
        self.client.Lock = lambda lock_path, identifier: CuratorLock(self.client, lock_path, name)

        def make():
            lock = Semaphore(self.client, self.path + "/leases", name, max_leases=LEASES)
            lock.lock_path = self.path + "/locks"
            return "L", lock, lambda lock: lock.create_path

        self.contend(make)

    def selector(self):
        def lead(election):
            self.write("try")
            self.hold("W", self.node(election.lock))

        while not self.stopping.is_set():
            election = Election(self.client, self.path, name)
            election.lock = CuratorLock(self.client, self.path, name)
            self.election = election
            try:
                election.run(lead, election)
            except KazooException as error:
                self.write("failed " + type(error).__name__)
            time.sleep(0.01)

    def latch(self):
        self.contend(lambda: ("W", LatchLock(self.client, self.path, name), self.node))

    def produce(self):
        queue = LockingQueue(self.client, self.path)
        i = 0
        while not self.stopping.is_set():
            item = "%s:%d" % (name, i)
            self.write("offer " + item)
            try:
                queue.put(item.encode())
                self.write("put " + item)
            except KazooException as error:
                self.write("failed " + type(error).__name__)
            i += 1
            time.sleep(hold_s)

    def consume(self):
        while not self.stopping.is_set():
            queue = LockingQueue(self.client, self.path)
            try:
                item = queue.get(timeout=0.5)
                if item is None:
                    continue
                self.write("got " + item.decode())
                time.sleep(random.random() * hold_s)
                queue.consume()
            except KazooException as error:
                self.write("failed " + type(error).__name__)

    def stop(self):
        self.stopping.set()
        election = getattr(self, "election", None)
        if election is not None:
            election.cancel()


peer = None
thread = None
for line in sys.stdin:
    words = line.split()
    if words[0] == "start":
        peer = Peer(words[2], words[3])
        thread = threading.Thread(target=getattr(peer, words[1].replace("-", "_")))
        thread.start()
        print("started", flush=True)
    else:
        peer.stop()
        thread.join()
        peer.client.stop()
        print("stopped", flush=True)
os._exit(0)
