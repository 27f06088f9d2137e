package quoll;

import static quoll.Tests.ask;
import static quoll.Tests.equal;
import static quoll.Tests.eventually;
import static quoll.Tests.holds;
import static quoll.Tests.thrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.transaction.CuratorOp;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.CachedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMultiLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.shared.SharedCountListener;
import org.apache.curator.framework.recipes.shared.SharedCountReader;
import org.apache.curator.framework.recipes.shared.VersionedValue;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;
import org.apache.curator.retry.RetryOneTime;
import org.apache.curator.utils.ZKPaths;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/** Curator 5.9: its framework, its recipes, and the Java client below. Argument: the server's host:port. */
public final class CuratorTest {
    private static final int SESSION_MS = 8000;
    private static final int CONNECT_MS = 8000;
    private static final long WAIT_S = 20;
    private final String server;
    private final CuratorFramework first;
    private final CuratorFramework second;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Tests tests = new Tests();

    private CuratorTest(String server) {
        this.server = server;
        this.first = open();
        this.second = open();
    }

    public static void main(String[] arguments) {
        new CuratorTest(arguments[0]).run();
    }

    private void run() {
        framework();
        javaClient();
        locks();
        leaders();
        caches();
        nodes();
        counters();
        barriers();
        queues();
        sessions();
        tests.end();
    }

    private void framework() {
        tests.test("framework: create, read, set, delete, with stats and versions", () -> {
            equal("/f", first.create().forPath("/f", bytes("1")));
            Stat stat = new Stat();
            equal("1", text(first.getData().storingStatIn(stat).forPath("/f")));
            equal(0, stat.getVersion());
            equal(1, first.setData().withVersion(0).forPath("/f", bytes("22")).getVersion());
            equal("BadVersionException", thrownBy(() -> first.setData().withVersion(0).forPath("/f", bytes("3"))));
            equal("NodeExistsException", thrownBy(() -> first.create().forPath("/f")));
            equal("NoNodeException", thrownBy(() -> first.getData().forPath("/nothing")));
            first.delete().withVersion(1).forPath("/f");
            equal(null, first.checkExists().forPath("/f"));
        });
        tests.test("framework: parents, containers for parents, protection, orSetData, quiet and recursive deletes", () -> {
            first.create().creatingParentsIfNeeded().forPath("/p/a/b", bytes("x"));
            first.create().orSetData().forPath("/p/a/b", bytes("y"));
            equal("y", text(first.getData().forPath("/p/a/b")));
            String path = first.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath("/p/s-");
            holds(path.startsWith("/p/_c_") && path.endsWith("-s-0000000001"), path + " is protected and sequential");
            equal("NotEmptyException", thrownBy(() -> first.delete().forPath("/p")));
            first.delete().guaranteed().deletingChildrenIfNeeded().forPath("/p");
            first.delete().quietly().forPath("/p");
            first.create().creatingParentContainersIfNeeded().forPath("/containers/child");
            first.delete().forPath("/containers/child");
            eventually("the container is reaped", () -> first.checkExists().forPath("/containers") == null);
        });
        tests.test("framework: all create modes", () -> {
            first.create().forPath("/modes");
            for (CreateMode mode : CreateMode.values()) {
                var create = first.create();
                String path = (mode.isTTL() ? create.withTtl(600_000) : create).withMode(mode).forPath("/modes/" + mode.name());
                equal("/modes/" + mode.name(), mode.isSequential() ? path.substring(0, path.length() - 10) : path);
                long owner = first.checkExists().forPath(path).getEphemeralOwner();
                equal(mode.isEphemeral(), owner == first.getZookeeperClient().getZooKeeper().getSessionId());
            }
            equal(CreateMode.values().length, first.getChildren().forPath("/modes").size());
            first.create().withTtl(200).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath("/modes/short");
            eventually("a TTL node is reaped", () -> first.checkExists().forPath("/modes/short") == null);
        });
        tests.test("framework: transactions, whole or not at all", () -> {
            List<CuratorTransactionResult> results = first.transaction().forOperations(
                    first.transactionOp().create().forPath("/tx", bytes("1")),
                    first.transactionOp().create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath("/tx/s-"),
                    first.transactionOp().setData().withVersion(0).forPath("/tx", bytes("2")),
                    first.transactionOp().check().withVersion(1).forPath("/tx"),
                    first.transactionOp().delete().forPath("/tx/s-0000000000"));
            equal("/tx/s-0000000000", results.get(1).getResultPath());
            equal(1, results.get(2).getResultStat().getVersion());
            List<CuratorOp> failing = List.of(
                    first.transactionOp().create().forPath("/tx/undone"),
                    first.transactionOp().check().withVersion(9).forPath("/tx"));
            equal("BadVersionException", thrownBy(() -> first.transaction().forOperations(failing)));
            equal(null, first.checkExists().forPath("/tx/undone"));
        });
        tests.test("framework: background calls come back in order", () -> {
            first.create().forPath("/background", bytes("0"));
            List<Integer> versions = Collections.synchronizedList(new ArrayList<>());
            CountDownLatch done = new CountDownLatch(1000);
            for (int i = 0; i < 1000; i++) {
                first.setData().inBackground((client, event) -> {
                    versions.add(event.getStat().getVersion());
                    done.countDown();
                }).forPath("/background", bytes(String.valueOf(i)));
            }
            holds(done.await(WAIT_S, TimeUnit.SECONDS), "all came back");
            for (int i = 0; i < 1000; i++) equal(i + 1, versions.get(i));
        });
        tests.test("framework: namespaces", () -> {
            CuratorFramework space = first.usingNamespace("space");
            space.create().forPath("/inside", bytes("x"));
            equal("x", text(first.getData().forPath("/space/inside")));
            equal(List.of("inside"), space.getChildren().forPath("/"));
        });
        tests.test("framework: digest authentication and ACLs", () -> {
            CuratorFramework alice = CuratorFrameworkFactory.builder().connectString(server)
                    .authorization("digest", bytes("alice:secret")).retryPolicy(new RetryOneTime(100)).build();
            alice.start();
            alice.create().withACL(ZooDefs.Ids.CREATOR_ALL_ACL).forPath("/private", bytes("x"));
            equal("digest", alice.getACL().forPath("/private").get(0).getId().getScheme());
            equal("NoAuthException", thrownBy(() -> first.getData().forPath("/private")));
            equal("InvalidACLException",
                    thrownBy(() -> first.create().withACL(ZooDefs.Ids.CREATOR_ALL_ACL).forPath("/private2")));
            List<ACL> readable = new ArrayList<>(alice.getACL().forPath("/private"));
            readable.add(new ACL(ZooDefs.Perms.READ, new Id("world", "anyone")));
            equal(1, alice.setACL().withACL(readable).forPath("/private").getAversion());
            equal("x", text(first.getData().forPath("/private")));
            alice.close();
        });
    }

    private void javaClient() {
        tests.test("java client: persistent and recursive watches, and their removal", () -> {
            BlockingQueue<String> persistent = new LinkedBlockingQueue<>();
            BlockingQueue<String> recursive = new LinkedBlockingQueue<>();
            Watcher one = event -> persistent.add(describe(event));
            Watcher all = event -> recursive.add(describe(event));
            ZooKeeper client = first.getZookeeperClient().getZooKeeper();
            client.addWatch("/watch", one, AddWatchMode.PERSISTENT);
            client.addWatch("/watch", all, AddWatchMode.PERSISTENT_RECURSIVE);
            second.create().forPath("/watch", bytes("1"));
            second.setData().forPath("/watch", bytes("2"));
            second.create().forPath("/watch/child");
            second.setData().forPath("/watch/child", bytes("3"));
            second.delete().forPath("/watch/child");
            second.delete().forPath("/watch");
            expect(persistent, "NodeCreated /watch", "NodeDataChanged /watch", "NodeChildrenChanged /watch",
                    "NodeChildrenChanged /watch", "NodeDeleted /watch");
            expect(recursive, "NodeCreated /watch", "NodeDataChanged /watch", "NodeCreated /watch/child",
                    "NodeDataChanged /watch/child", "NodeDeleted /watch/child", "NodeDeleted /watch");
            client.removeWatches("/watch", one, Watcher.WatcherType.Any, false);
            second.create().forPath("/watch", bytes("1"));
            expect(recursive, "NodeCreated /watch");
            client.removeWatches("/watch", all, Watcher.WatcherType.Any, false);
            equal("NoWatcherException", thrownBy(() -> client.removeWatches("/watch", all, Watcher.WatcherType.Any, false)));
        });
        tests.test("java client: one-shot watches of each kind, and the removal of one", () -> {
            BlockingQueue<String> data = new LinkedBlockingQueue<>();
            BlockingQueue<String> children = new LinkedBlockingQueue<>();
            first.create().forPath("/oneshot");
            Watcher watcher = event -> data.add(describe(event));
            first.getData().usingWatcher(watcher).forPath("/oneshot");
            first.getChildren().usingWatcher((Watcher) event -> children.add(describe(event))).forPath("/oneshot");
            second.setData().forPath("/oneshot", bytes("1"));
            second.setData().forPath("/oneshot", bytes("2"));
            second.create().forPath("/oneshot/child");
            expect(data, "NodeDataChanged /oneshot");
            expect(children, "NodeChildrenChanged /oneshot");
            first.getData().usingWatcher(watcher).forPath("/oneshot");
            first.watches().remove(watcher).ofType(Watcher.WatcherType.Data).forPath("/oneshot");
            expect(data, "DataWatchRemoved /oneshot");
            equal("NoWatcherException",
                    thrownBy(() -> first.watches().remove(watcher).ofType(Watcher.WatcherType.Data).forPath("/oneshot")));
        });
        tests.test("java client: ephemerals, children counts, whoAmI, config, sync", () -> {
            ZooKeeper client = new ZooKeeper(server, SESSION_MS, event -> {});
            client.create("/count", null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            for (String name : List.of("a", "b", "c")) {
                client.create("/count/" + name, null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
            }
            equal(3, client.getAllChildrenNumber("/count"));
            List<String> ephemerals = new ArrayList<>(client.getEphemerals("/count"));
            Collections.sort(ephemerals);
            equal(List.of("/count/a", "/count/b", "/count/c"), ephemerals);
            equal("[ip: 127.0.0.1]", describe(client.whoAmI()));
            client.addAuthInfo("digest", bytes("bob:secret"));
            equal("[digest: bob, ip: 127.0.0.1]", describe(client.whoAmI()));
            CompletableFuture<Integer> synced = new CompletableFuture<>();
            client.sync("/count", (code, path, context) -> synced.complete(code), null);
            equal(0, synced.get(WAIT_S, TimeUnit.SECONDS));
            byte[] config = client.getConfig(false, new Stat());
            equal(0, config == null ? 0 : config.length);
            client.close();
        });
        tests.test("java client: multi reads", () -> {
            ZooKeeper client = first.getZookeeperClient().getZooKeeper();
            var results = client.multi(List.of(
                    org.apache.zookeeper.Op.getData("/oneshot"),
                    org.apache.zookeeper.Op.getChildren("/oneshot"),
                    org.apache.zookeeper.Op.getData("/nothing")));
            equal("2", text(((org.apache.zookeeper.OpResult.GetDataResult) results.get(0)).getData()));
            equal(List.of("child"), ((org.apache.zookeeper.OpResult.GetChildrenResult) results.get(1)).getChildren());
            equal(-101, ((org.apache.zookeeper.OpResult.ErrorResult) results.get(2)).getErr());
        });
    }

    private void locks() {
        tests.test("InterProcessMutex: five threads of two clients never hold it together", () -> {
            AtomicInteger holders = new AtomicInteger();
            AtomicInteger rounds = new AtomicInteger();
            List<Future<?>> workers = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                InterProcessMutex mutex = new InterProcessMutex(i % 2 == 0 ? first : second, "/locks/mutex");
                workers.add(threads.submit(() -> {
                    for (int round = 0; round < 20; round++) {
                        mutex.acquire();
                        mutex.acquire();
                        equal(1, holders.incrementAndGet());
                        rounds.incrementAndGet();
                        holders.decrementAndGet();
                        mutex.release();
                        mutex.release();
                    }
                    return null;
                }));
            }
            for (Future<?> worker : workers) worker.get(60, TimeUnit.SECONDS);
            equal(100, rounds.get());
        });
        tests.test("InterProcessMutex: a waiter with a time limit gives up, then gets it", () -> {
            InterProcessMutex ours = new InterProcessMutex(first, "/locks/limited");
            InterProcessMutex theirs = new InterProcessMutex(second, "/locks/limited");
            ours.acquire();
            equal(false, theirs.acquire(200, TimeUnit.MILLISECONDS));
            Future<Boolean> waiter = threads.submit(() -> theirs.acquire(WAIT_S, TimeUnit.SECONDS));
            eventually("the waiter stands in the queue", () -> ours.getParticipantNodes().size() == 2);
            ours.release();
            equal(true, waiter.get(WAIT_S, TimeUnit.SECONDS));
        });
        tests.test("InterProcessReadWriteLock: readers share, a writer waits for them", () -> {
            InterProcessReadWriteLock ours = new InterProcessReadWriteLock(first, "/locks/rw");
            InterProcessReadWriteLock theirs = new InterProcessReadWriteLock(second, "/locks/rw");
            ours.readLock().acquire();
            equal(true, theirs.readLock().acquire(WAIT_S, TimeUnit.SECONDS));
            equal(false, threads.submit(() -> theirs.writeLock().acquire(200, TimeUnit.MILLISECONDS)).get());
            theirs.readLock().release();
            ours.readLock().release();
            equal(true, theirs.writeLock().acquire(WAIT_S, TimeUnit.SECONDS));
            equal(false, ours.readLock().acquire(200, TimeUnit.MILLISECONDS));
            theirs.readLock().acquire();
            theirs.writeLock().release();
            equal(true, ours.readLock().acquire(WAIT_S, TimeUnit.SECONDS));
            theirs.readLock().release();
            ours.readLock().release();
        });
        tests.test("InterProcessSemaphoreV2: as many leases as allowed, not one more", () -> {
            InterProcessSemaphoreV2 ours = new InterProcessSemaphoreV2(first, "/locks/semaphore", 3);
            InterProcessSemaphoreV2 theirs = new InterProcessSemaphoreV2(second, "/locks/semaphore", 3);
            Collection<Lease> leases = ours.acquire(2);
            Lease third = theirs.acquire();
            equal(null, theirs.acquire(200, TimeUnit.MILLISECONDS));
            ours.returnAll(leases);
            Lease fourth = theirs.acquire(WAIT_S, TimeUnit.SECONDS);
            holds(fourth != null, "a lease is free");
            equal(2, theirs.getParticipantNodes().size());
            theirs.returnLease(third);
            theirs.returnLease(fourth);
        });
        tests.test("InterProcessSemaphoreMutex and InterProcessMultiLock", () -> {
            InterProcessSemaphoreMutex a = new InterProcessSemaphoreMutex(first, "/locks/a");
            InterProcessSemaphoreMutex theirs = new InterProcessSemaphoreMutex(second, "/locks/a");
            InterProcessMutex b = new InterProcessMutex(first, "/locks/b");
            InterProcessMultiLock both = new InterProcessMultiLock(List.of(a, b));
            both.acquire();
            equal(false, theirs.acquire(200, TimeUnit.MILLISECONDS));
            both.release();
            equal(true, theirs.acquire(WAIT_S, TimeUnit.SECONDS));
            theirs.release();
        });
    }

    private void leaders() {
        tests.test("LeaderLatch: one leads, and when it closes another does", () -> {
            List<LeaderLatch> latches = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                LeaderLatch latch = new LeaderLatch(i % 2 == 0 ? first : second, "/leaders/latch", "id-" + i);
                latch.start();
                latches.add(latch);
            }
            while (!latches.isEmpty()) {
                eventually("one leads", () -> latches.stream().filter(LeaderLatch::hasLeadership).count() == 1);
                LeaderLatch leader = latches.stream().filter(LeaderLatch::hasLeadership).findFirst().orElseThrow();
                for (LeaderLatch latch : latches) equal(leader.getId(), latch.getLeader().getId());
                latches.remove(leader);
                leader.close();
            }
        });
        tests.test("LeaderSelector: each of three leads in turn, alone", () -> {
            AtomicInteger leading = new AtomicInteger();
            CountDownLatch led = new CountDownLatch(9);
            List<LeaderSelector> selectors = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                LeaderSelector selector =
                        new LeaderSelector(i % 2 == 0 ? first : second, "/leaders/selector", new LeaderSelectorListenerAdapter() {
                            @Override
                            public void takeLeadership(CuratorFramework client) {
                                if (leading.incrementAndGet() == 1) led.countDown();
                                leading.decrementAndGet();
                            }
                        });
                selector.autoRequeue();
                selector.start();
                selectors.add(selector);
            }
            holds(led.await(WAIT_S, TimeUnit.SECONDS), "nine terms have passed");
            for (LeaderSelector selector : selectors) selector.close();
        });
    }

    private void caches() {
        tests.test("CuratorCache: follows a tree by a persistent recursive watch", () -> {
            BlockingQueue<String> events = new LinkedBlockingQueue<>();
            first.create().creatingParentsIfNeeded().forPath("/caches/tree/old", bytes("0"));
            CuratorCache cache = CuratorCache.build(first, "/caches/tree");
            CountDownLatch initialized = new CountDownLatch(1);
            cache.listenable().addListener(CuratorCacheListener.builder()
                    .forInitialized(initialized::countDown)
                    .forAll((type, before, after) -> events.add(type + " " + (after == null ? before : after).getPath()))
                    .build());
            cache.start();
            holds(initialized.await(WAIT_S, TimeUnit.SECONDS), "the cache is filled");
            events.clear();
            second.create().forPath("/caches/tree/new", bytes("1"));
            eventually("new is there", () -> cache.get("/caches/tree/new").isPresent());
            second.setData().forPath("/caches/tree/new", bytes("2"));
            eventually("new has changed", () -> "2".equals(text(cache.get("/caches/tree/new").get().getData())));
            second.delete().forPath("/caches/tree/new");
            eventually("new is gone", () -> cache.get("/caches/tree/new").isEmpty());
            expect(events, "NODE_CREATED /caches/tree/new", "NODE_CHANGED /caches/tree/new", "NODE_DELETED /caches/tree/new");
            equal(2, cache.size());
            cache.close();
        });
        tests.test("TreeCache, PathChildrenCache and NodeCache: follow by one-shot watches", () -> {
            first.create().creatingParentsIfNeeded().forPath("/caches/old/a", bytes("a"));
            TreeCache tree = new TreeCache(first, "/caches/old");
            PathChildrenCache children = new PathChildrenCache(first, "/caches/old", true);
            NodeCache node = new NodeCache(first, "/caches/old/a");
            tree.start();
            children.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
            node.start(true);
            equal(1, children.getCurrentData().size());
            second.create().forPath("/caches/old/b", bytes("b"));
            second.create().forPath("/caches/old/b/deep", bytes("d"));
            second.setData().forPath("/caches/old/a", bytes("aa"));
            eventually("the tree cache has the deep znode", () -> tree.getCurrentData("/caches/old/b/deep") != null);
            eventually("the children's cache has both", () -> children.getCurrentData().size() == 2);
            eventually("the node's cache has the new data", () -> text(node.getCurrentData().getData()).equals("aa"));
            second.delete().deletingChildrenIfNeeded().forPath("/caches/old/b");
            eventually("both have lost b", () -> tree.getCurrentData("/caches/old/b") == null && children.getCurrentData().size() == 1);
            tree.close();
            children.close();
            node.close();
        });
        tests.test("PersistentWatcher: sees what happens in a subtree", () -> {
            BlockingQueue<String> events = new LinkedBlockingQueue<>();
            PersistentWatcher watcher = new PersistentWatcher(first, "/caches/persistent", true);
            watcher.getListenable().addListener(event -> {
                if (event.getPath() != null) events.add(describe(event));
            });
            CountDownLatch set = new CountDownLatch(1);
            watcher.getResetListenable().addListener(set::countDown);
            watcher.start();
            holds(set.await(WAIT_S, TimeUnit.SECONDS), "the watch is set");
            second.create().creatingParentsIfNeeded().forPath("/caches/persistent/a/b");
            expect(events, "NodeCreated /caches/persistent", "NodeCreated /caches/persistent/a", "NodeCreated /caches/persistent/a/b");
            watcher.close();
        });
        tests.test("CuratorCache of 1,000 znodes fills up", () -> {
            first.create().forPath("/caches/many");
            CountDownLatch created = new CountDownLatch(1000);
            for (int i = 0; i < 1000; i++) {
                first.create().inBackground((client, event) -> created.countDown()).forPath("/caches/many/" + i, bytes("" + i));
            }
            holds(created.await(WAIT_S, TimeUnit.SECONDS), "all are created");
            CuratorCache cache = CuratorCache.build(second, "/caches/many");
            cache.start();
            eventually("the cache has them all", () -> cache.size() == 1001);
            cache.close();
        });
    }

    private void nodes() {
        tests.test("PersistentNode: comes back when it is deleted", () -> {
            PersistentNode node = new PersistentNode(first, CreateMode.EPHEMERAL, false, "/nodes/persistent", bytes("x"), true);
            node.start();
            holds(node.waitForInitialCreate(WAIT_S, TimeUnit.SECONDS), "it is created");
            long czxid = second.checkExists().forPath("/nodes/persistent").getCzxid();
            second.delete().forPath("/nodes/persistent");
            eventually("it is back", () -> second.checkExists().forPath("/nodes/persistent").getCzxid() > czxid);
            node.setData(bytes("y"));
            eventually("it has new data", () -> text(second.getData().forPath("/nodes/persistent")).equals("y"));
            node.close();
            equal(null, second.checkExists().forPath("/nodes/persistent"));
        });
        tests.test("PersistentTtlNode: lives as long as it is touched", () -> {
            PersistentTtlNode node = new PersistentTtlNode(first, "/nodes/ttl", 600, bytes("x"));
            node.start();
            holds(node.waitForInitialCreate(WAIT_S, TimeUnit.SECONDS), "it is created");
            eventually("it is touched twice", () -> second.checkExists().forPath("/nodes/ttl/touch").getVersion() >= 2);
            node.close();
            eventually("it goes", () -> second.checkExists().forPath("/nodes/ttl") == null);
        });
        tests.test("GroupMember: members come and go", () -> {
            GroupMember ours = new GroupMember(first, "/nodes/group", "one");
            GroupMember theirs = new GroupMember(second, "/nodes/group", "two");
            ours.start();
            theirs.start();
            eventually("both see both", () -> ours.getCurrentMembers().size() == 2 && theirs.getCurrentMembers().size() == 2);
            theirs.close();
            eventually("one is left", () -> ours.getCurrentMembers().size() == 1);
            ours.close();
        });
    }

    private void counters() {
        tests.test("SharedCount: versioned changes reach the other client", () -> {
            SharedCount ours = new SharedCount(first, "/counters/shared", 7);
            SharedCount theirs = new SharedCount(second, "/counters/shared", 7);
            CountDownLatch heard = new CountDownLatch(1);
            theirs.addListener(new SharedCountListener() {
                @Override
                public void countHasChanged(SharedCountReader reader, int count) {
                    if (count == 8) heard.countDown();
                }

                @Override
                public void stateChanged(CuratorFramework client, ConnectionState state) {}
            });
            ours.start();
            theirs.start();
            VersionedValue<Integer> stale = ours.getVersionedValue();
            equal(7, stale.getValue());
            equal(true, ours.trySetCount(stale, 8));
            equal(false, ours.trySetCount(stale, 9));
            holds(heard.await(WAIT_S, TimeUnit.SECONDS), "the other client heard of it");
            equal(8, theirs.getCount());
            ours.close();
            theirs.close();
        });
        tests.test("DistributedAtomicLong and -Integer: no increment is lost", () -> {
            List<Future<Integer>> workers = new ArrayList<>();
            for (CuratorFramework client : List.of(first, second, first, second)) {
                DistributedAtomicLong counter = new DistributedAtomicLong(client, "/counters/long", new RetryNTimes(1000, 1));
                workers.add(threads.submit(() -> {
                    int succeeded = 0;
                    for (int i = 0; i < 50; i++) {
                        AtomicValue<Long> value = counter.increment();
                        if (value.succeeded()) succeeded++;
                    }
                    return succeeded;
                }));
            }
            long total = 0;
            for (Future<Integer> worker : workers) total += worker.get(60, TimeUnit.SECONDS);
            equal(total, new DistributedAtomicLong(first, "/counters/long", new RetryOneTime(1)).get().postValue());
            DistributedAtomicInteger integer = new DistributedAtomicInteger(first, "/counters/int", new RetryOneTime(1));
            equal(5, integer.add(5).postValue());
            equal(true, integer.compareAndSet(5, 6).succeeded());
            equal(false, integer.compareAndSet(5, 7).succeeded());
            equal(1, new CachedAtomicInteger(new DistributedAtomicInteger(first, "/counters/cached", new RetryOneTime(1)), 10)
                    .next().postValue());
        });
    }

    private void barriers() {
        tests.test("DistributedBarrier: opens for who waits", () -> {
            DistributedBarrier barrier = new DistributedBarrier(first, "/barriers/single");
            barrier.setBarrier();
            DistributedBarrier theirs = new DistributedBarrier(second, "/barriers/single");
            equal(false, theirs.waitOnBarrier(200, TimeUnit.MILLISECONDS));
            Future<Boolean> waiter = threads.submit(() -> theirs.waitOnBarrier(WAIT_S, TimeUnit.SECONDS));
            barrier.removeBarrier();
            equal(true, waiter.get(WAIT_S, TimeUnit.SECONDS));
        });
        tests.test("DistributedDoubleBarrier: all enter together and leave together", () -> {
            AtomicInteger inside = new AtomicInteger();
            List<Future<?>> workers = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                CuratorFramework client = i % 2 == 0 ? first : second;
                workers.add(threads.submit(() -> {
                    DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(client, "/barriers/double", 5);
                    equal(true, barrier.enter(WAIT_S, TimeUnit.SECONDS));
                    inside.incrementAndGet();
                    equal(true, barrier.leave(WAIT_S, TimeUnit.SECONDS));
                    equal(5, inside.get());
                    return null;
                }));
            }
            for (Future<?> worker : workers) worker.get(60, TimeUnit.SECONDS);
        });
    }

    private void queues() {
        tests.test("DistributedQueue: 200 messages arrive once, in their order", () -> {
            BlockingQueue<String> received = new LinkedBlockingQueue<>();
            DistributedQueue<String> consumer =
                    QueueBuilder.builder(second, into(received), SERIALIZER, "/queues/plain").buildQueue();
            DistributedQueue<String> producer =
                    QueueBuilder.builder(first, null, SERIALIZER, "/queues/plain").buildQueue();
            consumer.start();
            producer.start();
            for (int i = 0; i < 200; i++) producer.put(String.valueOf(i));
            for (int i = 0; i < 200; i++) equal(String.valueOf(i), received.poll(WAIT_S, TimeUnit.SECONDS));
            producer.close();
            consumer.close();
        });
        tests.test("DistributedPriorityQueue: the most urgent first", () -> {
            DistributedPriorityQueue<String> producer =
                    QueueBuilder.builder(first, null, SERIALIZER, "/queues/priority").buildPriorityQueue(0);
            producer.start();
            for (int priority : new int[] {5, 1, 9, 3}) producer.put("p" + priority, priority);
            producer.flushPuts(WAIT_S, TimeUnit.SECONDS);
            BlockingQueue<String> received = new LinkedBlockingQueue<>();
            DistributedPriorityQueue<String> consumer =
                    QueueBuilder.builder(second, into(received), SERIALIZER, "/queues/priority").buildPriorityQueue(0);
            consumer.start();
            for (String expected : List.of("p1", "p3", "p5", "p9")) equal(expected, received.poll(WAIT_S, TimeUnit.SECONDS));
            producer.close();
            consumer.close();
        });
        tests.test("SimpleDistributedQueue: two takers share the messages", () -> {
            SimpleDistributedQueue queue = new SimpleDistributedQueue(first, "/queues/simple");
            SimpleDistributedQueue theirs = new SimpleDistributedQueue(second, "/queues/simple");
            Future<List<String>> a = threads.submit(() -> take(queue, 25));
            Future<List<String>> b = threads.submit(() -> take(theirs, 25));
            List<String> offered = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                queue.offer(bytes(String.format("%03d", i)));
                offered.add(String.format("%03d", i));
            }
            List<String> taken = new ArrayList<>(a.get(WAIT_S, TimeUnit.SECONDS));
            taken.addAll(b.get(WAIT_S, TimeUnit.SECONDS));
            Collections.sort(taken);
            equal(offered, taken);
            equal(null, queue.poll(100, TimeUnit.MILLISECONDS));
        });
    }

    private void sessions() {
        tests.test("a session is taken over by id and password; the old client loses its connection", () -> {
            CountDownLatch connected = new CountDownLatch(1);
            ZooKeeper old = new ZooKeeper(server, SESSION_MS, event -> connected.countDown());
            holds(connected.await(WAIT_S, TimeUnit.SECONDS), "connected");
            old.create("/session", null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
            ZooKeeper next = new ZooKeeper(server, SESSION_MS, event -> {}, old.getSessionId(), old.getSessionPasswd());
            equal(old.getSessionId(), next.exists("/session", false).getEphemeralOwner());
            next.close();
            equal(null, first.checkExists().forPath("/session"));
            eventually("the old client learns that its session is over", () -> old.getState() == ZooKeeper.States.CLOSED);
            old.close();
        });
        tests.test("the server restarts: locks, latches, caches and ephemerals live on", () -> {
            InterProcessMutex mutex = new InterProcessMutex(first, "/restart/mutex");
            mutex.acquire();
            LeaderLatch latch = new LeaderLatch(first, "/restart/latch", "us");
            latch.start();
            latch.await(WAIT_S, TimeUnit.SECONDS);
            first.create().orSetData().creatingParentsIfNeeded().forPath("/restart/tree", bytes("0"));
            CuratorCache cache = CuratorCache.build(first, "/restart/tree");
            cache.start();
            eventually("the cache is filled", () -> cache.size() == 1);
            List<String> lockNodes = new ArrayList<>(mutex.getParticipantNodes());
            long session = first.getZookeeperClient().getZooKeeper().getSessionId();
            List<ConnectionState> states = Collections.synchronizedList(new ArrayList<>());
            first.getConnectionStateListenable().addListener((client, state) -> states.add(state));

            ask("restart");

            eventually("both clients are back", () -> states.contains(ConnectionState.RECONNECTED)
                    && second.getZookeeperClient().isConnected());
            equal(session, first.getZookeeperClient().getZooKeeper().getSessionId());
            equal(lockNodes, new ArrayList<>(mutex.getParticipantNodes()));
            equal(false, new InterProcessMutex(second, "/restart/mutex").acquire(200, TimeUnit.MILLISECONDS));
            mutex.release();
            eventually("the latch leads again", latch::hasLeadership);
            second.create().forPath("/restart/tree/new", bytes("1"));
            eventually("the cache follows again", () -> cache.get("/restart/tree/new").isPresent());
            equal(List.of(ConnectionState.SUSPENDED, ConnectionState.RECONNECTED), states);
            latch.close();
            cache.close();
        });
        tests.test("a session expires when its client is gone, and a lock it held is free", () -> {
            CuratorFramework victim =
                    CuratorFrameworkFactory.newClient(server, 1000, CONNECT_MS, new RetryOneTime(100));
            victim.start();
            new InterProcessMutex(victim, "/expiry/mutex").acquire();
            Future<Boolean> waiter =
                    threads.submit(() -> new InterProcessMutex(second, "/expiry/mutex").acquire(WAIT_S, TimeUnit.SECONDS));
            eventually("the waiter stands in the queue", () -> first.getChildren().forPath("/expiry/mutex").size() == 2);
            List<ConnectionState> states = Collections.synchronizedList(new ArrayList<>());
            victim.getConnectionStateListenable().addListener((client, state) -> states.add(state));
            // The client library's own way to simulate an expiry: its session ends as if the server had said so.
            victim.getZookeeperClient().getZooKeeper().getTestable().injectSessionExpiration();
            eventually("the victim has lost its session", () -> states.contains(ConnectionState.LOST));
            equal(true, waiter.get(WAIT_S, TimeUnit.SECONDS));
            victim.close();
        });
    }

    private static final QueueSerializer<String> SERIALIZER = new QueueSerializer<>() {
        @Override
        public byte[] serialize(String item) {
            return bytes(item);
        }

        @Override
        public String deserialize(byte[] data) {
            return text(data);
        }
    };

    private static QueueConsumer<String> into(BlockingQueue<String> received) {
        return new QueueConsumer<>() {
            @Override
            public void consumeMessage(String message) {
                received.add(message);
            }

            @Override
            public void stateChanged(CuratorFramework client, ConnectionState state) {}
        };
    }

    private static List<String> take(SimpleDistributedQueue queue, int count) throws Exception {
        List<String> taken = new ArrayList<>();
        while (taken.size() < count) taken.add(text(queue.take()));
        return taken;
    }

    private CuratorFramework open() {
        CuratorFramework client =
                CuratorFrameworkFactory.newClient(server, SESSION_MS, CONNECT_MS, new RetryNTimes(50, 100));
        client.start();
        return client;
    }

    private static void expect(BlockingQueue<String> events, String... expected) throws InterruptedException {
        List<String> got = new ArrayList<>();
        for (String ignored : expected) got.add(events.poll(WAIT_S, TimeUnit.SECONDS));
        equal(Arrays.asList(expected), got);
        equal(null, events.peek());
    }

    private static String describe(WatchedEvent event) {
        return event.getType() + " " + event.getPath();
    }

    private static String describe(List<org.apache.zookeeper.data.ClientInfo> infos) {
        List<String> texts = new ArrayList<>();
        for (var info : infos) texts.add(info.getAuthScheme() + ": " + info.getUser());
        Collections.sort(texts);
        return texts.toString();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }
}
