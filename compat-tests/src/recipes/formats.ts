import assert from "node:assert/strict";
import { connect } from "@quoll/client";
import {
  AtomicNumber,
  Barrier,
  DelayQueue,
  DoubleBarrier,
  GroupMember,
  type Held,
  IdGenerator,
  IdQueue,
  KazooQueue,
  LeaderLatch,
  LeaderSelector,
  LockingQueue,
  Mutex,
  Party,
  PriorityQueue,
  parseUriSpec,
  Queue,
  ReadWriteLock,
  Semaphore,
  ServiceDiscovery,
  ShallowParty,
  SharedCount,
  SimpleQueue,
  textSerializer,
  uriOf,
} from "@quoll/recipes";
import { runTestProgram, type Suite } from "../suite.js";
import { kazooProgram, kazooPython, programsClasspath } from "./peer-process.js";

const serializer = textSerializer;
const TIMEOUT_MS = 120_000;

/** Quoll writes, Curator reads and writes, Quoll reads. */
export async function checkFormatsWithCurator(suite: Suite, servers: string): Promise<void> {
  // First, as it may compile for longer than a session lives.
  const classpath = programsClasspath();
  await using zk = await connect(servers);
  const at = (name: string) => `/formats/${name}`;
  const count = await new SharedCount(zk, at("count"), 41).start();
  const number = new AtomicNumber(zk, at("long"));
  await number.add(-5n);
  const small = new AtomicNumber(zk, at("integer"), { format: "int32" });
  await small.set(7n);
  const ids = new IdGenerator(zk, at("ids"), { blockSize: 10 });
  await ids.take();

  const simple = new SimpleQueue(zk, at("simple"));
  await simple.offer("simple");
  const queue = new Queue(zk, at("queue"), { serializer, lockPath: at("queue-locks") });
  await queue.put("one");
  await queue.putAll(["two", "three"]);
  const priority = new PriorityQueue(zk, at("priority"), { serializer });
  await priority.putWithPriority("high", 70_000);
  await priority.putWithPriority("low", -2);
  await priority.putWithPriority("middle", 0);
  const delay = new DelayQueue(zk, at("delay"), { serializer });
  await delay.putUntil("due", Date.now() - 1000);
  const idQueue = new IdQueue(zk, at("id"), { serializer });
  await idQueue.putWithId("never read", "x/y");

  const barrier = new Barrier(zk, at("barrier"));
  await barrier.set();
  const double = new DoubleBarrier(zk, at("double"), 2);
  const lock = await new Mutex(zk, at("lock")).acquire();
  lock.revokeRequested.addEventListener("abort", () => void lock.release());
  const readWrite = new ReadWriteLock(zk, at("read-write"));
  const written = await readWrite.write.acquire();
  const latch = new LeaderLatch(zk, at("latch"), { id: "quoll" }).start();
  await latch.waitForLeadership();
  const selector = new LeaderSelector(zk, at("selector"), (_, stopping) => aborted(stopping), { id: "quoll" }).start();
  const group = await new GroupMember(zk, at("group"), "quoll", { data: "from Quoll" }).start();
  const discovery = new ServiceDiscovery<Record<string, unknown>>(zk, at("services"));
  await discovery.register({
    name: "api",
    id: "q1",
    address: "10.0.0.1",
    port: 8080,
    payload: { "@class": "quoll.Formats$Details", zone: "x" },
    registrationTimeUTC: 1_700_000_000_000,
    uriSpec: parseUriSpec("{scheme}://{address}:{port}"),
  });

  let pending: Promise<void> = Promise.resolve();
  let read: Held | null = null;
  const requests: Record<string, () => Promise<void>> = {
    "barrier-removed": () => barrier.wait({ timeoutMs: 10_000 }),
    "double-enter": async () => {
      pending = double.enter({ timeoutMs: 20_000 });
    },
    "double-leave": async () => {
      await pending;
      pending = double.leave({ timeoutMs: 20_000 });
    },
    "double-left": () => pending,
    downgrade: async () => {
      read = await readWrite.downgrade(written);
    },
    "latch-close": () => latch.close(),
    "latch-curator": async () => assert.equal((await latch.leader())?.data, "curator"),
    group: async () => {
      await until(() => group.members().size === 2);
      assert.equal(new TextDecoder().decode(group.members().get("curator")!), "hello");
    },
    discovery: async () => {
      const found = await discovery.instance("api", "c1");
      assert.ok(found !== null);
      assert.equal(found.payload?.["zone"], "y");
      assert.equal(found.port, null);
      assert.equal(uriOf(found), "https://10.0.0.2:8443");
    },
  };
  await runTestProgram(suite, "java", ["-Xmx96m", "-cp", classpath, "quoll.Formats", servers], {
    timeoutMs: TIMEOUT_MS,
    onRequest: (word) => requests[word]!(),
  });

  await suite.test("Quoll reads what Curator has written", async () => {
    await until(() => count.value.value === 42);
    assert.equal(await number.get(), 999_999_999_995n);
    assert.equal(await small.get(), 8n);
    for (let i = 2n; i <= 10n; i++) assert.equal(await ids.take(), i);
    assert.equal(await ids.take(), 16n);
    assert.equal(new TextDecoder().decode((await simple.poll())!), "from Curator");
    assert.deepEqual(await consumed(queue, 1), ["from Curator"]);
    assert.deepEqual(await consumed(priority, 2), ["first", "second"]);
    assert.deepEqual(await consumed(delay, 2), ["now", "later"]);
    assert.equal(await idQueue.remove("b/c"), 1);
    assert.deepEqual(await consumed(idQueue, 1), ["kept"]);
  });
  await (read as Held | null)?.release();
  await Promise.all([count.close(), selector.close(), group.close(), discovery.close()]);
}

/** The same with kazoo. */
export async function checkFormatsWithKazoo(suite: Suite, servers: string): Promise<void> {
  const python = kazooPython();
  await using zk = await connect(servers);
  const at = (name: string) => `/formats/kazoo/${name}`;
  const counter = new AtomicNumber(zk, at("counter"), { format: "decimal" });
  await counter.add(41n);
  const count = new AtomicNumber(zk, at("count"), { format: "int32" });
  await count.add(-3n);
  const queue = new KazooQueue(zk, at("queue"));
  await queue.put("second");
  await queue.put("first", 7);
  const locking = new LockingQueue(zk, at("locking"));
  await locking.putAll(["one", "two"]);
  const parties = [new Party(zk, at("party"), "quoll"), new ShallowParty(zk, at("shallow"), "quoll")];
  for (const party of parties) await party.join();
  const barrier = new Barrier(zk, at("barrier"));
  await barrier.set();
  const double = new DoubleBarrier(zk, at("double"), 2, { layout: "kazoo" });
  const mutex = new Mutex(zk, at("lock"), { naming: "kazoo", data: "quoll" });
  const held = await mutex.acquire();
  const reader = await new ReadWriteLock(zk, at("read-write"), { naming: "kazoo" }).read.acquire();
  const semaphore = new Semaphore(zk, at("semaphore"), 2, { layout: "kazoo", data: "quoll" });
  const lease = await semaphore.acquire();
  const selector = new LeaderSelector(zk, at("election"), (_, stopping) => aborted(stopping), {
    id: "quoll",
    naming: "kazoo",
  }).start();
  await until(() => selector.hasLeadership);

  let pending: Promise<void> = Promise.resolve();
  const requests: Record<string, () => Promise<void>> = {
    locking: async () => {
      const entry = await locking.take({ timeoutMs: 10_000 });
      assert.equal(new TextDecoder().decode(entry.data), "two");
      await entry.consume();
    },
    parties: async () => {
      for (const party of parties) assert.deepEqual((await party.members()).sort(), ["kazoo", "quoll"]);
    },
    "double-enter": async () => {
      pending = double.enter({ timeoutMs: 20_000 });
    },
    "double-leave": async () => {
      await pending;
      pending = double.leave({ timeoutMs: 20_000 });
    },
    "double-left": () => pending,
    unlock: () => held.release(),
    locked: async () => {
      assert.deepEqual(await dataOf(mutex.holders()), ["kazoo"]);
      assert.equal(await mutex.tryAcquire(), null);
    },
    semaphore: async () => {
      assert.deepEqual((await dataOf(semaphore.holders())).sort(), ["kazoo", "quoll"]);
      assert.equal(await semaphore.tryAcquire(), null);
    },
  };
  await runTestProgram(suite, python, [kazooProgram("formats.py"), servers], {
    timeoutMs: TIMEOUT_MS,
    onRequest: (word) => requests[word]!(),
  });

  await suite.test("Quoll reads what kazoo has written", async () => {
    assert.equal(await counter.get(), 42n);
    assert.equal(await count.get(), -4n);
    assert.equal(new TextDecoder().decode((await queue.get())!), "from kazoo");
    await using entry = await locking.take({ timeoutMs: 10_000 });
    assert.equal(new TextDecoder().decode(entry.data), "from kazoo");
    await barrier.wait({ timeoutMs: 0 });
  });
  await Promise.all([lease.release(), reader.release(), selector.close(), ...parties.map((party) => party.leave())]);
}

async function consumed(queue: Queue<string>, count: number): Promise<string[]> {
  const got: string[] = [];
  await using _consumer = queue.consume((entry) => void got.push(entry));
  await until(() => got.length >= count);
  return got;
}

async function dataOf(claims: Promise<readonly { readonly data: string }[]>): Promise<string[]> {
  return (await claims).map(({ data }) => data);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
