package quoll;

import java.lang.management.ManagementFactory;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;

/** A contender of bench/src/clients.ts: keeps DEPTH operations of one client in flight, and prints how many were answered. */
public final class AsyncLoad {
    private static final String PATH = "/bench-clients";
    private static final byte[] DATA = new byte[100];
    private static final AtomicLong count = new AtomicLong();
    private static volatile boolean isOver;
    private static ZooKeeper zk;
    private static String operation;

    public static void main(String[] args) throws Exception {
        operation = args[1];
        CountDownLatch connected = new CountDownLatch(1);
        zk = new ZooKeeper(args[0], 30_000, event -> {
            if (event.getState() == Watcher.Event.KeeperState.SyncConnected) {
                connected.countDown();
            }
        });
        connected.await();
        try {
            zk.create(PATH, DATA, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        } catch (KeeperException.NodeExistsException e) {
            // of the run before
        }
        for (int i = 0; i < Integer.parseInt(args[2]); i++) {
            ask();
        }
        // The virtual machine compiles for a while.
        Thread.sleep(3_000);
        com.sun.management.OperatingSystemMXBean os =
            (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long cpu = os.getProcessCpuTime();
        long before = count.get();
        Thread.sleep((long) (Double.parseDouble(args[3]) * 1_000));
        System.out.println("{\"count\":" + (count.get() - before)
            + ",\"cpuMicros\":" + (os.getProcessCpuTime() - cpu) / 1_000 + "}");
        isOver = true;
        zk.close();
        System.exit(0);
    }

    private static void ask() {
        if (operation.equals("getData")) {
            zk.getData(PATH, false, (rc, path, context, data, stat) -> answered(), null);
        } else {
            zk.setData(PATH, DATA, -1, (rc, path, context, stat) -> answered(), null);
        }
    }

    private static void answered() {
        count.incrementAndGet();
        if (!isOver) {
            ask();
        }
    }
}
