package quoll;

import static quoll.Tests.ask;
import static quoll.Tests.equal;
import static quoll.Tests.eventually;
import static quoll.Tests.holds;
import static quoll.Tests.thrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/**
 * ZooKeeper's own Java client, with what every version since 3.4 has. Arguments: the server's host:port, the version (it
 * goes into the tests' names and paths, so that all versions can work on one server).
 */
public final class OldClientTest {
    private static final int SESSION_MS = 8000;
    private static final long WAIT_S = 20;
    private final String server;
    private final String version;
    private final String root;
    private final BlockingQueue<String> events = new LinkedBlockingQueue<>();
    private final Tests tests = new Tests();
    private final ZooKeeper client;

    private OldClientTest(String server, String version) throws Exception {
        this.server = server;
        this.version = version;
        this.root = "/client-" + version;
        this.client = open();
    }

    public static void main(String[] arguments) throws Exception {
        new OldClientTest(arguments[0], arguments[1]).run();
    }

    private void run() {
        test("connects, with the timeout asked for, and makes its root", () -> {
            equal(SESSION_MS, client.getSessionTimeout());
            equal(root, client.create(root, bytes("root"), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        });
        test("create, read, set, list and delete, with stats and errors", () -> {
            create("a", "1", CreateMode.PERSISTENT);
            equal("NodeExistsException", thrownBy(() -> create("a", "1", CreateMode.PERSISTENT)));
            equal("NoNodeException", thrownBy(() -> create("missing/child", "1", CreateMode.PERSISTENT)));
            equal(root + "/s-0000000001", create("s-", "", CreateMode.PERSISTENT_SEQUENTIAL));
            create("e", "", CreateMode.EPHEMERAL);
            equal("NoChildrenForEphemeralsException", thrownBy(() -> create("e/child", "", CreateMode.PERSISTENT)));
            Stat stat = new Stat();
            equal("1", text(client.getData(root + "/a", false, stat)));
            equal(1, client.setData(root + "/a", bytes("22"), stat.getVersion()).getVersion());
            equal("BadVersionException", thrownBy(() -> client.setData(root + "/a", bytes("3"), 0)));
            List<String> names = new ArrayList<>(client.getChildren(root, false, stat));
            Collections.sort(names);
            equal(Arrays.asList("a", "e", "s-0000000001"), names);
            equal(3, stat.getNumChildren());
            equal(client.getSessionId(), client.exists(root + "/e", false).getEphemeralOwner());
            client.delete(root + "/s-0000000001", 0);
            equal("NotEmptyException", thrownBy(() -> client.delete(root, -1)));
            equal(null, client.exists(root + "/s-0000000001", false));
        });
        test("one-shot watches of data, existence and children", () -> {
            Watcher watcher = this::keep;
            client.getData(root + "/a", watcher, null);
            client.exists(root + "/new", watcher);
            client.getChildren(root, watcher);
            client.setData(root + "/a", bytes("x"), -1);
            create("new", "", CreateMode.PERSISTENT);
            client.delete(root + "/new", -1);
            expect("NodeDataChanged " + root + "/a", "NodeCreated " + root + "/new", "NodeChildrenChanged " + root);
        });
        test("multi, whole or not at all", () -> {
            List<OpResult> results = client.multi(Arrays.asList(
                    Op.check(root + "/a", -1),
                    Op.create(root + "/m", bytes("m"), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
                    Op.setData(root + "/m", bytes("n"), 0),
                    Op.delete(root + "/m", 1)));
            equal(4, results.size());
            equal(1, ((OpResult.SetDataResult) results.get(2)).getStat().getVersion());
            equal("BadVersionException", thrownBy(() -> client.multi(Arrays.asList(
                    Op.create(root + "/m", bytes("m"), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
                    Op.check(root + "/a", 99)))));
            equal(null, client.exists(root + "/m", false));
        });
        test("digest authentication and ACLs", () -> {
            ZooKeeper alice = open();
            alice.addAuthInfo("digest", bytes("alice:secret"));
            alice.create(root + "/acl", bytes("x"), ZooDefs.Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
            equal("digest", alice.getACL(root + "/acl", new Stat()).get(0).getId().getScheme());
            equal("NoAuthException", thrownBy(() -> client.getData(root + "/acl", false, null)));
            alice.setACL(root + "/acl", ZooDefs.Ids.OPEN_ACL_UNSAFE, 0);
            equal("x", text(client.getData(root + "/acl", false, null)));
            alice.close();
        });
        test("500 asynchronous calls come back in order", () -> {
            List<Integer> versions = Collections.synchronizedList(new ArrayList<>());
            CountDownLatch done = new CountDownLatch(500);
            int first = client.exists(root + "/a", false).getVersion() + 1;
            for (int i = 0; i < 500; i++) {
                client.setData(root + "/a", bytes("x" + i), -1, (code, path, context, stat) -> {
                    versions.add(stat == null ? code : stat.getVersion());
                    done.countDown();
                }, null);
            }
            holds(done.await(WAIT_S, TimeUnit.SECONDS), "all came back");
            for (int i = 0; i < 500; i++) equal(first + i, versions.get(i));
        });
        test("a session is taken over by id and password, and its end ends its ephemerals", () -> {
            ZooKeeper old = open();
            old.create(root + "/session", bytes(""), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
            ZooKeeper next = new ZooKeeper(server, SESSION_MS, event -> {}, old.getSessionId(), old.getSessionPasswd());
            equal(old.getSessionId(), next.exists(root + "/session", false).getEphemeralOwner());
            next.close();
            equal(null, client.exists(root + "/session", false));
            old.close();
        });
        test("the server restarts: session, ephemerals and watches remain", () -> {
            long session = client.getSessionId();
            client.getData(root + "/a", this::keep, null);
            ask("restart");
            eventually("the client is back", () -> client.exists(root + "/e", false) != null);
            equal(session, client.getSessionId());
            equal(session, client.exists(root + "/e", false).getEphemeralOwner());
            events.removeIf(event -> event.startsWith("None"));
            client.setData(root + "/a", bytes("after"), -1);
            eventually("the watch fires", () -> events.contains("NodeDataChanged " + root + "/a"));
        });
        test("closes", () -> {
            client.close();
            equal("SessionExpiredException", thrownBy(() -> client.exists("/", false)));
        });
        tests.end();
    }

    private void test(String name, Tests.Body body) {
        tests.test(version + ": " + name, body);
    }

    private ZooKeeper open() throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper opened = new ZooKeeper(server, SESSION_MS, event -> {
            if (event.getState() == Watcher.Event.KeeperState.SyncConnected) connected.countDown();
        });
        holds(connected.await(WAIT_S, TimeUnit.SECONDS), "connected");
        return opened;
    }

    private String create(String name, String data, CreateMode mode) throws Exception {
        return client.create(root + "/" + name, bytes(data), ZooDefs.Ids.OPEN_ACL_UNSAFE, mode);
    }

    private void keep(WatchedEvent event) {
        events.add(event.getType() + " " + event.getPath());
    }

    private void expect(String... expected) throws InterruptedException {
        for (String event : expected) equal(event, events.poll(WAIT_S, TimeUnit.SECONDS));
        equal(null, events.peek());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }
}
