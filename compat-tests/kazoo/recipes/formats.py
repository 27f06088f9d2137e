"""kazoo reads what `@quoll/recipes` has written below /formats, and leaves something of its own there: formats.py SERVERS."""

import sys
import traceback

from kazoo.client import KazooClient
from kazoo.recipe.barrier import DoubleBarrier

client = KazooClient(hosts=sys.argv[1])
client.start()
failures = 0


def test(name, body):
    global failures
    try:
        body()
        print("ok - " + name, flush=True)
    except Exception:
        failures += 1
        print("not ok - " + name, flush=True)
        print("  # " + traceback.format_exc().replace("\n", "\n  # "), flush=True)


def ask(word):
    print("@" + word, flush=True)
    sys.stdin.readline()


def equal(expected, actual):
    if expected != actual:
        raise AssertionError("expected %r, got %r" % (expected, actual))


def counters():
    counter = client.Counter("/formats/kazoo/counter")
    equal(41, counter.value)
    counter += 1
    shared = client.Counter("/formats/kazoo/count", support_curator=True)
    equal(-3, shared.value)
    shared -= 1


def queues():
    queue = client.Queue("/formats/kazoo/queue")
    equal(b"first", queue.get())
    equal(b"second", queue.get())
    equal(None, queue.get())
    queue.put(b"from kazoo", priority=5)
    locking = client.LockingQueue("/formats/kazoo/locking")
    equal(b"one", locking.get(timeout=10))
    ask("locking")
    equal(True, locking.consume())
    locking.put(b"from kazoo", priority=1)


def parties():
    party = client.Party("/formats/kazoo/party", "kazoo")
    party.join()
    equal(["kazoo", "quoll"], sorted(party))
    shallow = client.ShallowParty("/formats/kazoo/shallow", "kazoo")
    shallow.join()
    equal(["kazoo", "quoll"], sorted(shallow))
    ask("parties")
    party.leave()
    shallow.leave()


def barriers():
    barrier = client.Barrier("/formats/kazoo/barrier")
    equal(False, barrier.wait(0.2))
    barrier.remove()
    double = DoubleBarrier(client, "/formats/kazoo/double", 2)
    ask("double-enter")
    double.enter()
    ask("double-leave")
    double.leave()
    ask("double-left")


def locks():
    lock = client.Lock("/formats/kazoo/lock", "kazoo")
    equal(["quoll"], lock.contenders())
    equal(False, lock.acquire(blocking=False))
    ask("unlock")
    equal(True, lock.acquire(timeout=20))
    ask("locked")
    lock.release()
    reader = client.ReadLock("/formats/kazoo/read-write", "kazoo")
    equal(True, reader.acquire(timeout=20))
    writer = client.WriteLock("/formats/kazoo/read-write", "kazoo")
    equal(False, writer.acquire(blocking=False))
    reader.release()
    semaphore = client.Semaphore("/formats/kazoo/semaphore", "kazoo", max_leases=2)
    equal(["quoll"], semaphore.lease_holders())
    equal(True, semaphore.acquire(timeout=20))
    ask("semaphore")
    semaphore.release()
    election = client.Election("/formats/kazoo/election", "kazoo")
    equal(["quoll"], election.contenders())


test("kazoo reads and changes Quoll's counters", counters)
test("kazoo takes Quoll's entries, and leaves some", queues)
test("kazoo and Quoll are of one party", parties)
test("kazoo waits at Quoll's barriers", barriers)
test("kazoo contends with Quoll's kazoo-named locks, leases and elections", locks)
client.stop()
sys.exit(1 if failures else 0)
