// node-zookeeper-client 1.1.3 from npm: every function of its API.
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { startServer } from "../peers/server.js";
import { runSuite, type Suite } from "../suite.js";
import { type Library, loadLibrary, type WatchEvent } from "./client.js";
import { Gate } from "./gate.js";
import { long, Session, Watch } from "./promises.js";

const TICK_MS = 500;

await runSuite("node-zookeeper-client", async (suite) => {
  const library = loadLibrary();
  const { kind, dir } = suite;
  const cfg = { tickTime: TICK_MS };
  let server = await startServer({ kind, dir, cfg });
  const address = `${server.host}:${server.port}`;
  const root = await Session.open(library, address);

  await sessions(suite, library, address, root);
  await znodes(suite, library, address, root);
  await watches(suite, library, address, root);
  await transactions(suite, library, address, root);
  await acls(suite, library, address);
  await throughput(suite, root);

  // Java leaves a connection open for ever that comes at a certain moment of its start, and this client waits as long: it
  // is kept away until the server serves.
  const gate = await Gate.open(address);
  const restart = async (session: Session, end: () => Promise<void>) => {
    const disconnected = session.next("disconnected");
    await end();
    await disconnected;
    await gate.shut();
    const asked = session.exists("/");
    const connected = session.next("connected");
    server = await startServer({ kind, dir, cfg: { ...cfg, clientPort: server.port } });
    await gate.reopen();
    await connected;
    // What was asked for meanwhile is answered now.
    assert.ok((await asked) !== null);
  };

  await suite.test(
    "a server restart keeps sessions, ephemerals, data and zxids, and the client comes back by itself",
    async () => {
      const session = await Session.open(library, gate.address, { sessionTimeout: 30_000 });
      const sessionId = session.client.getSessionId();
      await session.create("/kept", "data");
      await session.create("/kept-ephemeral", null, library.CreateMode.EPHEMERAL);
      const before = await session.exists("/kept");
      const watch = new Watch();
      await session.getData("/kept", watch.watcher);

      await restart(session, () => server.stop());

      assert.deepEqual(session.client.getSessionId(), sessionId);
      assert.deepEqual(await session.exists("/kept"), before);
      assert.deepEqual((await session.exists("/kept-ephemeral"))!.ephemeralOwner, sessionId);
      const stat = await session.setData("/kept", "changed");
      assert.ok(long(stat.mzxid) > long(before!.mzxid));
      assert.deepEqual(await watch.seen(1), ["NODE_DATA_CHANGED /kept"]);
      assert.deepEqual(session.states, ["SYNC_CONNECTED", "DISCONNECTED", "SYNC_CONNECTED"]);
      await session.close();
    },
  );

  await suite.test("after a kill -9 everything that was acknowledged is there", async () => {
    const session = await Session.open(library, gate.address, { sessionTimeout: 30_000 });
    for (let i = 0; i < 100; i++)
      await session.create("/survivor-", String(i), library.CreateMode.PERSISTENT_SEQUENTIAL);
    await restart(session, () => server.kill());
    const { children } = await session.getChildren("/");
    const survivors = children.filter((name) => name.startsWith("survivor-"));
    assert.equal(survivors.length, 100);
    for (let i = 0; i < 100; i++) assert.equal(String((await session.getData(`/${survivors[i]}`)).data), String(i));
    await session.close();
  });

  root.abandon();
  await gate.shut();
  await server.stop();
});

async function sessions(suite: Suite, library: Library, address: string, root: Session): Promise<void> {
  await suite.test("connecting gives a session id, a password and the timeout asked for", async () => {
    const session = await Session.open(library, address, { sessionTimeout: 4000 });
    assert.equal(session.client.getState().getName(), "SYNC_CONNECTED");
    assert.equal(session.client.getSessionId().length, 8);
    assert.notEqual(session.client.getSessionId().readBigInt64BE(), 0n);
    assert.notDeepEqual(session.client.getSessionPassword(), Buffer.alloc(16));
    assert.equal(session.client.getSessionTimeout(), 4000);
    await session.close();
    assert.deepEqual(session.states, ["SYNC_CONNECTED", "DISCONNECTED"]);
  });

  await suite.test("a session timeout is kept between 2 and 20 ticks", async () => {
    const short = await Session.open(library, address, { sessionTimeout: 10 });
    assert.equal(short.client.getSessionTimeout(), 2 * TICK_MS);
    const long = await Session.open(library, address, { sessionTimeout: 3_600_000 });
    assert.equal(long.client.getSessionTimeout(), 20 * TICK_MS);
    await short.close();
    await long.close();
  });

  await suite.test("an idle client is kept alive by its pings for longer than its session timeout", async () => {
    const session = await Session.open(library, address, { sessionTimeout: 2 * TICK_MS });
    await session.create("/idle", null, library.CreateMode.EPHEMERAL);
    const gone = new Watch();
    await root.exists("/idle", gone.watcher);
    // Others' sessions of the same timeout expire meanwhile; that is our clock.
    for (let i = 0; i < 2; i++) await expireOne(library, address, root);
    assert.deepEqual(gone.events, []);
    assert.deepEqual(session.states, ["SYNC_CONNECTED"]);
    await session.close();
  });

  await suite.test("closing a session deletes its ephemerals and wakes their watchers", async () => {
    const session = await Session.open(library, address);
    await session.create("/closing", "x", library.CreateMode.EPHEMERAL);
    const watch = new Watch();
    await root.exists("/closing", watch.watcher);
    await session.close();
    assert.deepEqual(await watch.seen(1), ["NODE_DELETED /closing"]);
    assert.equal(await root.exists("/closing"), null);
  });

  await suite.test(
    "a client that vanishes loses its session and ephemerals after the timeout, and cannot take it up again",
    async () => {
      const { sessionId, sessionPassword } = await expireOne(library, address, root);
      const late = new Session(library, library.createClient(address, { sessionId, sessionPassword }));
      const expired = late.next("expired");
      late.client.connect();
      await expired;
      assert.equal(late.states[0], "EXPIRED");
    },
  );

  await suite.test("a session is taken up by its id and password, with its ephemerals", async () => {
    const first = await Session.open(library, address, { sessionTimeout: 30_000 });
    await first.create("/handed-over", null, library.CreateMode.EPHEMERAL);
    const sessionId = first.client.getSessionId();
    const sessionPassword = first.client.getSessionPassword();
    first.abandon();
    const second = await Session.open(library, address, { sessionTimeout: 10_000, sessionId, sessionPassword });
    assert.deepEqual(second.client.getSessionId(), sessionId);
    assert.deepEqual(second.client.getSessionPassword(), sessionPassword);
    assert.deepEqual((await second.exists("/handed-over"))!.ephemeralOwner, sessionId);
    await second.close();
    assert.equal(await root.exists("/handed-over"), null);
  });

  await suite.test("a session that a second client takes up is closed for the first one's connection", async () => {
    const first = await Session.open(library, address, { sessionTimeout: 30_000 });
    const disconnected = first.next("disconnected");
    const sessionId = first.client.getSessionId();
    const sessionPassword = first.client.getSessionPassword();
    const { connectionManager } = first.client as unknown as { connectionManager: { connect(): void } };
    connectionManager.connect = () => {};
    const second = await Session.open(library, address, { sessionTimeout: 10_000, sessionId, sessionPassword });
    await disconnected;
    assert.ok((await second.exists("/")) !== null);
    await second.close();
  });

  await suite.test("a wrong password is answered as an expired session, and does the session no harm", async () => {
    const session = await Session.open(library, address, { sessionTimeout: 30_000 });
    const sessionId = session.client.getSessionId();
    const thief = new Session(
      library,
      library.createClient(address, { sessionId, sessionPassword: Buffer.alloc(16, 7) }),
    );
    const expired = thief.next("expired");
    thief.client.connect();
    await expired;
    assert.ok((await session.exists("/")) !== null);
    await session.close();
  });

  await suite.test("an unknown session id is answered as an expired session", async () => {
    const sessionId = Buffer.from("0123456789abcdef", "hex");
    const session = new Session(
      library,
      library.createClient(address, { sessionId, sessionPassword: Buffer.alloc(16) }),
    );
    const expired = session.next("expired");
    session.client.connect();
    await expired;
    assert.deepEqual(session.states.slice(0, 1), ["EXPIRED"]);
  });

  await suite.test("requests made before the connection is there are sent once it is", async () => {
    const session = new Session(library, library.createClient(address));
    session.client.connect();
    const [path, stat] = await Promise.all([session.create("/early", "x"), session.exists("/early")]);
    assert.equal(path, "/early");
    assert.equal(stat!.dataLength, 1);
    await session.remove("/early");
    await session.close();
  });
}

async function znodes(suite: Suite, library: Library, address: string, root: Session): Promise<void> {
  const { CreateMode, Exception } = library;
  await root.create("/z", "root");

  await suite.test("a persistent znode keeps its data and starts with all versions at 0", async () => {
    const before = Date.now();
    assert.equal(await root.create("/z/persistent", "hello"), "/z/persistent");
    const { data, stat } = await root.getData("/z/persistent");
    assert.equal(String(data), "hello");
    assert.deepEqual([stat.version, stat.cversion, stat.aversion], [0, 0, 0]);
    assert.deepEqual([stat.dataLength, stat.numChildren, long(stat.ephemeralOwner)], [5, 0, 0]);
    assert.deepEqual([stat.mzxid, stat.pzxid, stat.mtime], [stat.czxid, stat.czxid, stat.ctime]);
    assert.ok(Math.abs(long(stat.ctime) - before) < 60_000);
  });

  await suite.test("create without data, ACLs and mode makes an empty open persistent znode", async () => {
    await new Promise<void>((resolve, reject) => {
      root.client.create("/z/bare", (error) => (error ? reject(error) : resolve()));
    });
    const { data, stat } = await root.getData("/z/bare");
    assert.equal(data?.length ?? 0, 0);
    assert.equal(stat.dataLength, 0);
    assert.deepEqual((await root.getAcl("/z/bare")).acls, library.ACL.OPEN_ACL_UNSAFE);
  });

  await suite.test("an ephemeral znode belongs to its session and has no children", async () => {
    const session = await Session.open(library, address);
    await session.create("/z/ephemeral", null, CreateMode.EPHEMERAL);
    const stat = await root.exists("/z/ephemeral");
    assert.deepEqual(stat!.ephemeralOwner, session.client.getSessionId());
    await fails(root.create("/z/ephemeral/child"), Exception.NO_CHILDREN_FOR_EPHEMERALS);
    await session.close();
  });

  await suite.test(
    "sequential names count up under their parent, across both sequential modes and other creations",
    async () => {
      await root.create("/z/seq");
      const session = await Session.open(library, address);
      assert.equal(await session.create("/z/seq/a-", null, CreateMode.PERSISTENT_SEQUENTIAL), "/z/seq/a-0000000000");
      assert.equal(await session.create("/z/seq/b-", null, CreateMode.EPHEMERAL_SEQUENTIAL), "/z/seq/b-0000000001");
      await session.create("/z/seq/plain");
      assert.equal(await session.create("/z/seq/c", null, CreateMode.PERSISTENT_SEQUENTIAL), "/z/seq/c0000000003");
      await session.close();
      assert.deepEqual((await root.getChildren("/z/seq")).children, ["a-0000000000", "c0000000003", "plain"]);
      assert.equal((await root.exists("/z/seq"))!.cversion, 5);
    },
  );

  await suite.test("creating what exists, or below what does not, is refused", async () => {
    await fails(root.create("/z/persistent"), Exception.NODE_EXISTS);
    await fails(root.create("/"), Exception.NODE_EXISTS);
    await fails(root.create("/z/missing/child"), Exception.NO_NODE);
  });

  await suite.test(
    "names of other scripts come back as they were sent, but characters beyond the basic plane are refused",
    async () => {
      const names = ["köln", "日本語", "a b", "ŭ…"];
      await fails(root.create("/z/𝄞"), Exception.BAD_ARGUMENTS);
      for (const name of names) assert.equal(await root.create(`/z/${name}`, name), `/z/${name}`);
      const { children } = await root.getChildren("/z");
      for (const name of names) {
        assert.ok(children.includes(name), name);
        assert.equal(String((await root.getData(`/z/${name}`)).data), name);
        await root.remove(`/z/${name}`);
      }
    },
  );

  await suite.test("setData raises the version and refuses a version that is not the current one", async () => {
    await root.create("/z/versioned", "0");
    const first = await root.setData("/z/versioned", "1");
    assert.equal(first.version, 1);
    const second = await root.setData("/z/versioned", "22", 1);
    assert.deepEqual([second.version, second.dataLength], [2, 2]);
    assert.ok(long(second.mzxid) > long(first.mzxid));
    assert.deepEqual(second.pzxid, second.czxid);
    await fails(root.setData("/z/versioned", "3", 1), Exception.BAD_VERSION);
    await fails(root.setData("/z/missing", "3"), Exception.NO_NODE);
    assert.equal(String((await root.getData("/z/versioned")).data), "22");
  });

  await suite.test("remove wants the current version, no children, and an existing znode", async () => {
    await root.create("/z/removed");
    await root.create("/z/removed/child");
    await fails(root.remove("/z/removed"), Exception.NOT_EMPTY);
    await root.remove("/z/removed/child", 0);
    const stat = await root.exists("/z/removed");
    assert.deepEqual([stat!.cversion, stat!.numChildren, stat!.version], [2, 0, 0]);
    await fails(root.remove("/z/removed", 3), Exception.BAD_VERSION);
    await root.remove("/z/removed", 0);
    await fails(root.remove("/z/removed"), Exception.NO_NODE);
    assert.equal(await root.exists("/z/removed"), null);
  });

  await suite.test("the root can be read but not removed", async () => {
    assert.ok((await root.getChildren("/")).children.includes("zookeeper"));
    await fails(root.remove("/"), Exception.BAD_ARGUMENTS);
  });

  await suite.test("reading what does not exist is refused with NO_NODE", async () => {
    await fails(root.getData("/z/missing"), Exception.NO_NODE);
    await fails(root.getChildren("/z/missing"), Exception.NO_NODE);
    await fails(root.getAcl("/z/missing"), Exception.NO_NODE);
    await fails(root.list("/z/missing"), Exception.NO_NODE);
  });

  await suite.test("data of a million bytes is written and read", async () => {
    const data = Buffer.alloc(1_000_000);
    for (let i = 0; i < data.length; i++) data[i] = i * 31;
    await root.create("/z/large", data);
    assert.ok(data.equals((await root.getData("/z/large")).data!));
    await root.remove("/z/large");
  });

  await suite.test("a request over jute.maxbuffer costs the connection, not the session", async () => {
    const session = await Session.open(library, address);
    const sessionId = session.client.getSessionId();
    const connected = session.next("disconnected").then(() => session.next("connected"));
    await fails(session.create("/z/huge", Buffer.alloc(1_048_576)), Exception.CONNECTION_LOSS);
    await connected;
    assert.deepEqual(session.client.getSessionId(), sessionId);
    assert.equal(await session.exists("/z/huge"), null);
    await session.close();
  });

  await suite.test("mkdirp makes all parents, and is content with those that exist", async () => {
    assert.equal(await root.mkdirp("/z/deep/er/still", "leaf"), "/z/deep/er/still");
    assert.equal(await root.mkdirp("/z/deep/er/other"), "/z/deep/er/other");
    assert.equal(String((await root.getData("/z/deep/er/still")).data), "leaf");
    assert.deepEqual((await root.getChildren("/z/deep/er")).children, ["other", "still"]);
  });

  // Both go one level deep only: the library's loop does not see what it adds to its own list.
  await suite.test("listSubTreeBFS lists a znode and its children, removeRecursive removes them", async () => {
    assert.deepEqual((await root.list("/z/deep/er")).sort(), ["/z/deep/er", "/z/deep/er/other", "/z/deep/er/still"]);
    await root.removeRecursive("/z/deep/er");
    assert.deepEqual(await root.list("/z/deep"), ["/z/deep"]);
    assert.ok((await root.list("/")).includes("/zookeeper"));
  });

  await suite.test("with a chroot, paths are seen below it, in replies, results and events", async () => {
    await root.create("/z/jail");
    const session = await Session.open(library, `${address}/z/jail`);
    assert.equal(await session.create("/cell"), "/cell");
    const watch = new Watch();
    await session.getChildren("/cell", watch.watcher);
    await root.create("/z/jail/cell/inmate");
    assert.deepEqual(await watch.seen(1), ["NODE_CHILDREN_CHANGED /cell"]);
    const { results } = await session.commit(session.client.transaction().create("/tx").remove("/tx"));
    assert.equal(results[0]!.path, "/tx");
    await session.close();
  });
}

async function watches(suite: Suite, library: Library, address: string, root: Session): Promise<void> {
  await root.create("/w");
  const session = await Session.open(library, address);

  await suite.test("exists on a missing znode: its creation fires the watch once", async () => {
    const watch = new Watch();
    assert.equal(await session.exists("/w/new", watch.watcher), null);
    await root.create("/w/new");
    await root.setData("/w/new", "again");
    assert.deepEqual(await watch.seen(1), ["NODE_CREATED /w/new"]);
    await session.exists("/w");
    assert.equal(watch.events.length, 1);
  });

  await suite.test("exists on a znode: a change of its data fires, and next time its removal", async () => {
    const watch = new Watch();
    await session.exists("/w/new", watch.watcher);
    await root.setData("/w/new", "1");
    await watch.seen(1);
    await session.exists("/w/new", watch.watcher);
    await root.remove("/w/new");
    assert.deepEqual(await watch.seen(2), ["NODE_DATA_CHANGED /w/new", "NODE_DELETED /w/new"]);
  });

  await suite.test("getData: a change fires, even one that sets the same data, but a new child does not", async () => {
    await root.create("/w/data", "same");
    const watch = new Watch();
    await session.getData("/w/data", watch.watcher);
    await root.create("/w/data/child");
    await root.setData("/w/data", "same");
    assert.deepEqual(await watch.seen(1), ["NODE_DATA_CHANGED /w/data"]);
  });

  await suite.test("getChildren: a child's creation and removal fire, a child's data does not", async () => {
    const watch = new Watch();
    await session.getChildren("/w/data", watch.watcher);
    await root.setData("/w/data/child", "x");
    await root.create("/w/data/second");
    await watch.seen(1);
    await session.getChildren("/w/data", watch.watcher);
    await root.remove("/w/data/second");
    assert.deepEqual(await watch.seen(2), ["NODE_CHILDREN_CHANGED /w/data", "NODE_CHILDREN_CHANGED /w/data"]);
  });

  await suite.test("a removal reaches the watchers of data, of children and of the parent's children", async () => {
    await root.create("/w/all");
    const [data, children, parent] = [new Watch(), new Watch(), new Watch()];
    await session.getData("/w/all", data.watcher);
    await session.getChildren("/w/all", children.watcher);
    await session.getChildren("/w", parent.watcher);
    await root.remove("/w/all");
    assert.deepEqual(await data.seen(1), ["NODE_DELETED /w/all"]);
    assert.deepEqual(await children.seen(1), ["NODE_DELETED /w/all"]);
    assert.deepEqual(await parent.seen(1), ["NODE_CHILDREN_CHANGED /w"]);
  });

  await suite.test("a client hears of its own change before the answer to it", async () => {
    await root.create("/w/order");
    const order: string[] = [];
    await session.getData("/w/order", () => void order.push("event"));
    await session.setData("/w/order", "x").then(() => order.push("answer"));
    assert.deepEqual(order, ["event", "answer"]);
  });

  await suite.test("a watcher that failed to be set (getData on a missing znode) does not fire", async () => {
    const watch = new Watch();
    await fails(session.getData("/w/absent", watch.watcher), library.Exception.NO_NODE);
    await root.create("/w/absent");
    await session.exists("/w/absent");
    assert.deepEqual(watch.events, []);
  });

  await suite.test("an event names its type and path, as text too", async () => {
    const event = new Promise<WatchEvent>((resolve) => void session.exists("/w/text", resolve));
    await session.exists("/w");
    await root.create("/w/text");
    assert.equal((await event).getType(), library.Event.NODE_CREATED);
    assert.equal(String(await event), "NODE_CREATED[1]@/w/text");
  });

  await suite.test(
    "watches of all three kinds are set again on reconnect, and tell what happened meanwhile",
    async () => {
      const gate = await Gate.open(address);
      for (const name of ["changed", "removed", "parent", "quiet"]) await root.create(`/w/${name}`);
      const away = await Session.open(library, gate.address, { sessionTimeout: 30_000 });
      const [changed, removed, created, parent, quiet] = Array.from({ length: 5 }, () => new Watch());
      await away.getData("/w/changed", changed!.watcher);
      await away.exists("/w/removed", removed!.watcher);
      await away.exists("/w/created", created!.watcher);
      await away.getChildren("/w/parent", parent!.watcher);
      await away.getData("/w/quiet", quiet!.watcher);

      const disconnected = away.next("disconnected");
      await gate.shut();
      await disconnected;
      await root.setData("/w/changed", "x");
      await root.remove("/w/removed");
      await root.create("/w/created");
      await root.create("/w/parent/child");
      const connected = away.next("connected");
      await gate.reopen();
      await connected;

      assert.deepEqual(await changed!.seen(1), ["NODE_DATA_CHANGED /w/changed"]);
      assert.deepEqual(await removed!.seen(1), ["NODE_DELETED /w/removed"]);
      assert.deepEqual(await created!.seen(1), ["NODE_CREATED /w/created"]);
      assert.deepEqual(await parent!.seen(1), ["NODE_CHILDREN_CHANGED /w/parent"]);
      assert.deepEqual(quiet!.events, []);
      await root.setData("/w/quiet", "now");
      assert.deepEqual(await quiet!.seen(1), ["NODE_DATA_CHANGED /w/quiet"]);
      await away.close();
      await gate.shut();
    },
  );

  await session.close();
}

async function transactions(suite: Suite, library: Library, address: string, root: Session): Promise<void> {
  const { Exception, CreateMode } = library;
  await root.create("/t");

  await suite.test("a transaction does all its parts under one zxid and answers each", async () => {
    await root.create("/t/old", "1");
    await root.create("/t/doomed");
    const { error, results } = await root.commit(
      root.client
        .transaction()
        .check("/t/old", 0)
        .create("/t/new", Buffer.from("n"))
        .create("/t/seq-", null, library.ACL.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL)
        .setData("/t/old", Buffer.from("22"))
        .remove("/t/doomed"),
    );
    assert.equal(error, null);
    assert.deepEqual(
      results.map((result) => result.type),
      [13, 1, 1, 5, 2],
    );
    assert.equal(results[1]!.path, "/t/new");
    assert.equal(results[2]!.path, "/t/seq-0000000003");
    assert.deepEqual([results[3]!.stat!.version, results[3]!.stat!.dataLength], [1, 2]);
    assert.deepEqual((await root.exists("/t/new"))!.czxid, results[3]!.stat!.mzxid);
    assert.equal(await root.exists("/t/doomed"), null);
  });

  await suite.test("a later part sees what an earlier one did", async () => {
    const { error } = await root.commit(
      root.client
        .transaction()
        .create("/t/a")
        .create("/t/a/b")
        .setData("/t/a/b", Buffer.from("x"), 0)
        .remove("/t/a/b")
        .remove("/t/a"),
    );
    assert.equal(error, null);
    assert.equal(await root.exists("/t/a"), null);
  });

  await suite.test("one part that fails undoes all, and each part's result says which it was", async () => {
    const { error, results } = await root.commit(
      root.client.transaction().create("/t/undone").remove("/t/nothing").create("/t/after"),
    );
    assert.equal(error!.getCode(), Exception.NO_NODE);
    assert.deepEqual(
      results.map((result) => [result.type, result.err]),
      [
        [-1, 0],
        [-1, Exception.NO_NODE],
        [-1, Exception.RUNTIME_INCONSISTENCY],
      ],
    );
    assert.equal(await root.exists("/t/undone"), null);
  });

  await suite.test("a check of the wrong version fails the transaction", async () => {
    const { error } = await root.commit(root.client.transaction().check("/t/old", 7).create("/t/checked"));
    assert.equal(error!.getCode(), Exception.BAD_VERSION);
    assert.equal(await root.exists("/t/checked"), null);
  });

  await suite.test("an empty transaction succeeds with no results", async () => {
    const { error, results } = await root.commit(root.client.transaction());
    assert.equal(error, null);
    assert.deepEqual(results, []);
  });

  await suite.test("a transaction fires watches as single operations do", async () => {
    const session = await Session.open(library, address);
    const watch = new Watch();
    await session.getData("/t/old", watch.watcher);
    await session.exists("/t/fired", watch.watcher);
    await root.commit(root.client.transaction().setData("/t/old", Buffer.from("3")).create("/t/fired"));
    assert.deepEqual((await watch.seen(2)).sort(), ["NODE_CREATED /t/fired", "NODE_DATA_CHANGED /t/old"]);
    await session.close();
  });
}

async function acls(suite: Suite, library: Library, address: string): Promise<void> {
  const { ACL, Id, Permission, Exception } = library;
  const alice = await Session.open(library, address);
  alice.client.addAuthInfo("digest", Buffer.from("alice:secret"));
  const mallory = await Session.open(library, address);
  const digest = createHash("sha1").update("alice:secret").digest("base64");

  await suite.test("CREATOR_ALL_ACL becomes the creator's digest id, and only the creator gets in", async () => {
    await alice.create("/acl", "private", 0, ACL.CREATOR_ALL_ACL);
    const { acls, stat } = await alice.getAcl("/acl");
    assert.deepEqual(acls, [new ACL(Permission.ALL, new Id("digest", `alice:${digest}`))]);
    assert.equal(stat.aversion, 0);
    assert.equal(String((await alice.getData("/acl")).data), "private");
    await fails(mallory.getData("/acl"), Exception.NO_AUTH);
    await fails(mallory.setData("/acl", "x"), Exception.NO_AUTH);
    await fails(mallory.create("/acl/x"), Exception.NO_AUTH);
    await fails(mallory.getChildren("/acl"), Exception.NO_AUTH);
    await fails(mallory.setAcl("/acl", ACL.OPEN_ACL_UNSAFE), Exception.NO_AUTH);
    await fails(mallory.getAcl("/acl"), Exception.NO_AUTH);
    await fails(mallory.exists("/acl"), Exception.NO_AUTH);
  });

  await suite.test(
    "the wrong password does not open, the right one does, also when given before connecting",
    async () => {
      mallory.client.addAuthInfo("digest", Buffer.from("alice:guess"));
      await fails(mallory.getData("/acl"), Exception.NO_AUTH);
      const second = new Session(library, library.createClient(address));
      second.client.addAuthInfo("digest", Buffer.from("alice:secret"));
      const connected = second.next("connected");
      second.client.connect();
      await connected;
      assert.equal(String((await second.getData("/acl")).data), "private");
      await second.close();
    },
  );

  await suite.test("CREATOR_ALL_ACL without having authenticated is an invalid ACL", async () => {
    const nobody = await Session.open(library, address);
    await fails(nobody.create("/acl-nobody", null, 0, ACL.CREATOR_ALL_ACL), Exception.INVALID_ACL);
    await nobody.close();
  });

  await suite.test("an unknown scheme and a malformed id are invalid ACLs", async () => {
    await fails(alice.create("/acl-bad", null, 0, [new ACL(31, new Id("nonsense", "x"))]), Exception.INVALID_ACL);
    await fails(alice.create("/acl-bad", null, 0, [new ACL(31, new Id("digest", "no-colon"))]), Exception.INVALID_ACL);
    await fails(alice.create("/acl-bad", null, 0, [new ACL(31, new Id("ip", "not-an-ip"))]), Exception.INVALID_ACL);
    await fails(alice.create("/acl-bad", null, 0, [new ACL(31, new Id("world", "noone"))]), Exception.INVALID_ACL);
  });

  await suite.test("setACL raises aversion, wants the right version and takes effect at once", async () => {
    const stat = await alice.setAcl("/acl", [
      new ACL(Permission.ALL, new Id("digest", `alice:${digest}`)),
      new ACL(Permission.READ, new Id("world", "anyone")),
    ]);
    assert.deepEqual([stat.aversion, stat.version], [1, 0]);
    assert.equal(String((await mallory.getData("/acl")).data), "private");
    await fails(mallory.setData("/acl", "x"), Exception.NO_AUTH);
    await fails(alice.setAcl("/acl", ACL.OPEN_ACL_UNSAFE, 0), Exception.BAD_VERSION);
  });

  await suite.test("permissions are told apart: CREATE without DELETE, WRITE without READ", async () => {
    await alice.create("/acl/create", null, 0, [
      new ACL(Permission.CREATE | Permission.READ, new Id("world", "anyone")),
    ]);
    await mallory.create("/acl/create/child");
    await fails(mallory.remove("/acl/create/child"), Exception.NO_AUTH);
    await alice.create("/acl/write", null, 0, [new ACL(Permission.WRITE, new Id("world", "anyone"))]);
    await mallory.setData("/acl/write", "blind");
    await fails(mallory.getData("/acl/write"), Exception.NO_AUTH);
  });

  await suite.test("ip: the client's address opens, alone or as a network", async () => {
    await alice.create("/acl/ip", "local", 0, [new ACL(Permission.READ, new Id("ip", "127.0.0.1"))]);
    assert.equal(String((await mallory.getData("/acl/ip")).data), "local");
    await alice.create("/acl/net", "local", 0, [new ACL(Permission.READ, new Id("ip", "127.0.0.0/8"))]);
    assert.equal(String((await mallory.getData("/acl/net")).data), "local");
    await alice.create("/acl/other", "remote", 0, [new ACL(Permission.READ, new Id("ip", "10.0.0.0/8"))]);
    await fails(mallory.getData("/acl/other"), Exception.NO_AUTH);
  });

  await suite.test("READ_ACL_UNSAFE lets everybody read and nobody change", async () => {
    await alice.create("/acl/readonly", "r", 0, ACL.READ_ACL_UNSAFE);
    assert.equal(String((await mallory.getData("/acl/readonly")).data), "r");
    await fails(alice.setData("/acl/readonly", "w"), Exception.NO_AUTH);
  });

  await suite.test("an ACL is part of a transaction's check", async () => {
    const { error } = await mallory.commit(
      mallory.client.transaction().create("/acl-tx").setData("/acl/readonly", Buffer.from("w")),
    );
    assert.equal(error!.getCode(), Exception.NO_AUTH);
    assert.equal(await mallory.exists("/acl-tx"), null);
  });

  await suite.test("authentication by an unknown scheme fails and ends the connection", async () => {
    const session = await Session.open(library, address);
    const failed = session.next("authenticationFailed");
    session.client.addAuthInfo("nonsense", Buffer.from("x"));
    await failed;
    assert.ok(session.states.includes("AUTH_FAILED"));
  });

  await alice.close();
  await mallory.close();
}

async function throughput(suite: Suite, root: Session): Promise<void> {
  await suite.test("5,000 requests in flight on one connection are answered in their order", async () => {
    await root.create("/many", "0");
    const versions: Promise<number>[] = [];
    for (let i = 0; i < 2500; i++) {
      versions.push(root.setData("/many", String(i)).then((stat) => stat.version));
      versions.push(root.getData("/many").then(({ data, stat }) => (String(data) === String(i) ? stat.version : -1)));
    }
    const answers = await Promise.all(versions);
    for (let i = 0; i < 2500; i++) assert.deepEqual([answers[2 * i], answers[2 * i + 1]], [i + 1, i + 1]);
  });

  await suite.test("a znode lists its 2,000 children", async () => {
    await root.create("/crowd");
    const names = Array.from({ length: 2000 }, (_, i) => `child-${String(i).padStart(5, "0")}`);
    await Promise.all(names.map((name) => root.create(`/crowd/${name}`)));
    const { children, stat } = await root.getChildren("/crowd");
    assert.deepEqual(children, names);
    assert.deepEqual([stat.numChildren, stat.cversion], [2000, 2000]);
    await root.removeRecursive("/crowd");
  });
}

/** Lets a session with an ephemeral expire, waits until it has, and returns its credentials. */
async function expireOne(
  library: Library,
  address: string,
  root: Session,
): Promise<{ sessionId: Buffer; sessionPassword: Buffer }> {
  const session = await Session.open(library, address, { sessionTimeout: 2 * TICK_MS });
  await session.create("/vanishing", null, library.CreateMode.EPHEMERAL);
  const sessionId = session.client.getSessionId();
  const sessionPassword = session.client.getSessionPassword();
  const watch = new Watch();
  await root.exists("/vanishing", watch.watcher);
  session.abandon();
  assert.deepEqual(await watch.seen(1), ["NODE_DELETED /vanishing"]);
  return { sessionId, sessionPassword };
}

async function fails(promise: Promise<unknown>, code: number | undefined): Promise<void> {
  await assert.rejects(promise, (error: { code?: number }) => {
    assert.equal(error.code, code);
    return true;
  });
}
