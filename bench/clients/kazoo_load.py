# A contender of clients.ts: keeps DEPTH operations of one client in flight, and prints how many were answered.
import json
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.exceptions import NodeExistsError

address, operation, depth, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
PATH, DATA = "/bench-clients", bytes(100)
zk = KazooClient(hosts=address)
zk.start()
try:
    zk.create(PATH, DATA)
except NodeExistsError:
    pass

count = 0
is_over = False
ended = threading.Event()


def ask():
    asked = zk.get_async(PATH) if operation == "getData" else zk.set_async(PATH, DATA)
    asked.rawlink(answered)


# kazoo's one thread for answers calls this: nothing is counted twice.
def answered(_):
    global count
    count += 1
    if is_over:
        ended.set()
    else:
        ask()


for _ in range(depth):
    ask()
time.sleep(1)
before, cpu = count, time.process_time()
time.sleep(seconds)
print(json.dumps({"count": count - before, "cpuMicros": (time.process_time() - cpu) * 1e6}), flush=True)
is_over = True
ended.wait(10)
zk.stop()
