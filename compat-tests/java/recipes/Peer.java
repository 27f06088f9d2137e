package quoll;

import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.leader.CancelLeadershipException;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListener;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.locks.StandardLockInternalsDriver;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryForever;
import org.apache.zookeeper.data.Stat;

/**
 * One of several processes that contend for a recipe: `Peer SERVERS NAME HOLD_MS SESSION_MS`. On standard input it gets
 * `start SCENARIO PATH LEDGER` and `stop`, and answers `started` and `stopped`. What it does stands in the ledger, one line
 * per step; see compat-tests/src/recipes/ledger.ts.
 */
public final class Peer {
    private static final int LEASES = 3;

    private final CuratorFramework client;
    private final String path;
    private final Ledger ledger;
    private final int holdMs;
    private final Random random = new Random();
    private volatile boolean stopping = false;

    private Peer(String servers, String path, Ledger ledger, int holdMs, int sessionMs) throws Exception {
        this.path = path;
        this.ledger = ledger;
        this.holdMs = holdMs;
        client = CuratorFrameworkFactory.builder()
                .connectString(servers)
                .sessionTimeoutMs(sessionMs)
                .connectionTimeoutMs(sessionMs)
                .retryPolicy(new RetryForever(100))
                .build();
        client.getConnectionStateListenable().addListener((ignored, state) -> {
            if (state == ConnectionState.LOST && !stopping) ledger.write("lost");
        });
        client.start();
        client.blockUntilConnected();
    }

    public static void main(String[] args) throws Exception {
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        Peer peer = null;
        Thread thread = null;
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split(" ");
            if (words[0].equals("start")) {
                Ledger ledger = new Ledger(Path.of(words[3]), args[1]);
                peer = new Peer(args[0], words[2], ledger, Integer.parseInt(args[2]), Integer.parseInt(args[3]));
                Peer started = peer;
                thread = new Thread(() -> {
                    try {
                        started.run(words[1]);
                    } catch (Exception e) {
                        ledger.write("failed " + e.getClass().getSimpleName());
                        e.printStackTrace();
                    }
                });
                thread.start();
                System.out.println("started");
            } else {
                peer.stopping = true;
                thread.join();
                peer.client.close();
                System.out.println("stopped");
            }
        }
        System.exit(0);
    }

    private void run(String scenario) throws Exception {
        switch (scenario) {
            case "mutex":
                mutex();
                break;
            case "read-write":
                readWrite();
                break;
            case "semaphore":
                semaphore();
                break;
            case "selector":
                selector();
                break;
            case "latch":
                latch();
                break;
            case "produce":
                produce();
                break;
            case "consume":
                consume();
                break;
            default:
                throw new IllegalArgumentException(scenario);
        }
    }

    /** Its node's path is protected in Curator. Its driver orders by the number alone, and so knows kazoo's names too. */
    private static final class Mutex extends InterProcessMutex {
        Mutex(CuratorFramework client, String path) {
            super(client, path, new StandardLockInternalsDriver() {
                @Override
                public String fixForSorting(String name, String lockName) {
                    return name.length() < 10 ? name : name.substring(name.length() - 10);
                }
            });
        }

        String node() {
            return getLockPath();
        }
    }

    private void mutex() throws Exception {
        Mutex mutex = new Mutex(client, path);
        while (!stopping) {
            ledger.write("try");
            try {
                int waitMs = random.nextInt(10) < 2 ? 1 + random.nextInt(1000) : 6000;
                if (!mutex.acquire(waitMs, TimeUnit.MILLISECONDS)) continue;
                String node = mutex.node();
                try {
                    hold("W", node);
                } finally {
                    mutex.release();
                }
            } catch (Exception e) {
                ledger.write("failed " + e.getClass().getSimpleName());
            }
        }
    }

    private void readWrite() throws Exception {
        InterProcessReadWriteLock lock = new InterProcessReadWriteLock(client, path);
        while (!stopping) {
            boolean writes = random.nextInt(3) == 0;
            ledger.write("try");
            try {
                if (writes) {
                    if (!lock.writeLock().acquire(6, TimeUnit.SECONDS)) continue;
                    try {
                        hold("W", lock.writeLock().getLockPath());
                    } finally {
                        lock.writeLock().release();
                    }
                } else {
                    if (!lock.readLock().acquire(6, TimeUnit.SECONDS)) continue;
                    try {
                        hold("R", lock.readLock().getLockPath());
                    } finally {
                        lock.readLock().release();
                    }
                }
            } catch (Exception e) {
                ledger.write("failed " + e.getClass().getSimpleName());
            }
        }
    }

    private void semaphore() throws Exception {
        InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(client, path, LEASES);
        while (!stopping) {
            ledger.write("try");
            try {
                Lease lease = semaphore.acquire(6, TimeUnit.SECONDS);
                if (lease == null) continue;
                try {
                    hold("L", path + "/leases/" + lease.getNodeName());
                } finally {
                    semaphore.returnLease(lease);
                }
            } catch (Exception e) {
                ledger.write("failed " + e.getClass().getSimpleName());
            }
        }
    }

    private void selector() throws Exception {
        LeaderSelector selector = new LeaderSelector(client, path, new LeaderSelectorListener() {
            @Override
            public void takeLeadership(CuratorFramework ignored) throws Exception {
                ledger.write("try");
                // The oldest lock node of this session is the one that leads.
                long session = client.getZookeeperClient().getZooKeeper().getSessionId();
                long token = Long.MAX_VALUE;
                for (String child : client.getChildren().forPath(path)) {
                    Stat stat = client.checkExists().forPath(path + "/" + child);
                    if (stat != null && stat.getEphemeralOwner() == session) token = Math.min(token, stat.getCzxid());
                }
                if (token != Long.MAX_VALUE) holdWith("W", token);
            }

            @Override
            public void stateChanged(CuratorFramework ignored, ConnectionState state) {
                if (!state.isConnected()) throw new CancelLeadershipException();
            }
        });
        selector.setId(ledger.name);
        selector.autoRequeue();
        selector.start();
        while (!stopping) Thread.sleep(20);
        selector.close();
    }

    private void latch() throws Exception {
        while (!stopping) {
            LeaderLatch latch = new LeaderLatch(client, path, ledger.name);
            ledger.write("try");
            latch.start();
            try {
                if (latch.await(4, TimeUnit.SECONDS) && latch.hasLeadership()) {
                    String node = latch.getLastPathIsLeader();
                    if (node != null && client.checkExists().forPath(node) != null) hold("W", node);
                }
            } catch (Exception e) {
                ledger.write("failed " + e.getClass().getSimpleName());
            } finally {
                latch.close();
            }
        }
    }

    private static final QueueSerializer<String> TEXT = new QueueSerializer<>() {
        @Override
        public byte[] serialize(String item) {
            return item.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public String deserialize(byte[] bytes) {
            return new String(bytes, StandardCharsets.UTF_8);
        }
    };

    private void produce() throws Exception {
        DistributedQueue<String> queue = QueueBuilder.builder(client, null, TEXT, path + "/items")
                .lockPath(path + "/locks")
                .putInBackground(false)
                .buildQueue();
        queue.start();
        for (int i = 0; !stopping; i++) {
            String item = ledger.name + ":" + i;
            ledger.write("offer " + item);
            queue.put(item);
            ledger.write("put " + item);
            Thread.sleep(holdMs);
        }
        queue.close();
    }

    private void consume() throws Exception {
        DistributedQueue<String> queue = QueueBuilder.builder(
                        client,
                        new QueueConsumer<String>() {
                            @Override
                            public void consumeMessage(String item) throws Exception {
                                ledger.write("got " + item);
                                Thread.sleep(random.nextInt(holdMs + 1));
                            }

                            @Override
                            public void stateChanged(CuratorFramework ignored, ConnectionState state) {}
                        },
                        TEXT,
                        path + "/items")
                .lockPath(path + "/locks")
                .buildQueue();
        queue.start();
        while (!stopping) Thread.sleep(20);
        queue.close();
    }

    private void hold(String kind, String node) throws Exception {
        Stat stat = client.checkExists().forPath(node);
        if (stat == null) {
            ledger.write("failed gone");
            return;
        }
        holdWith(kind, stat.getCzxid());
    }

    private void holdWith(String kind, long token) throws Exception {
        if (!client.getZookeeperClient().isConnected()) return;
        long value = ledger.begin(kind, token);
        Thread.sleep(random.nextInt(holdMs + 1));
        ledger.end(kind, token, value + 1);
    }

    /** The file in which all processes write their steps. Each line is one append, and appends of one file have an order. */
    private static final class Ledger {
        final String name;
        private final Path file;
        private final FileOutputStream out;

        Ledger(Path file, String name) throws Exception {
            this.file = file;
            this.name = name;
            out = new FileOutputStream(file.toFile(), true);
        }

        synchronized void write(String step) {
            try {
                out.write((name + " " + step + "\n").getBytes(StandardCharsets.UTF_8));
            } catch (Exception e) {
                throw new RuntimeException(e);
            }
        }

        /** Opens a section under this token. Returns the counter: the highest that an end before this beginning says. */
        long begin(String kind, long token) throws Exception {
            String begin = name + " begin " + kind + " " + token;
            write("begin " + kind + " " + token);
            long counter = 0;
            for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
                if (line.equals(begin)) break;
                String[] words = line.split(" ");
                if (words.length == 5 && words[1].equals("end") && words[2].equals("W")) {
                    counter = Math.max(counter, Long.parseLong(words[4]));
                }
            }
            return counter;
        }

        void end(String kind, long token, long value) {
            write("end " + kind + " " + token + " " + value);
        }
    }
}
