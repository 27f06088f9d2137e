"""A client that holds a lock and an ephemeral znode while the servers under it are replaced: holder.py SERVERS PATH.

It prints `holds SESSION` once it has both. On `check` it prints `ok SESSION` if both are still its own, in the session that it
began with, or what is wrong; on `end` it lets go.
"""

import sys

from kazoo.client import KazooClient
from kazoo.protocol.states import KazooState

servers, path = sys.argv[1:]
client = KazooClient(hosts=servers, timeout=10, connection_retry={"max_tries": -1, "max_delay": 0.5})
lost = []
client.start()
client.add_listener(lambda state: lost.append(state) if state == KazooState.LOST else None)
lock = client.Lock(path + "/lock", "holder")
assert lock.acquire(timeout=10)
ephemeral = path + "/ephemeral"
client.create(ephemeral, b"", ephemeral=True, makepath=True)
session = client.client_id[0]
print("holds %x" % session, flush=True)
for line in sys.stdin:
    if line.strip() == "end":
        break
    client.retry(client.sync, path)
    stat = client.retry(client.exists, ephemeral)
    held = client.retry(client.exists, path + "/lock/" + lock.node)
    if lost:
        print("the session was lost", flush=True)
    elif stat is None or stat.owner_session_id != session:
        print("the ephemeral znode is %r" % (stat,), flush=True)
    elif held is None or held.owner_session_id != session or not lock.is_acquired:
        print("the lock's znode is %r" % (held,), flush=True)
    else:
        print("ok %x" % session, flush=True)
lock.release()
client.stop()
