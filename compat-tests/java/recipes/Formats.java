package quoll;

import static quoll.Tests.ask;
import static quoll.Tests.equal;
import static quoll.Tests.eventually;
import static quoll.Tests.holds;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.atomic.CachedAtomicLong;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.Revoker;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedIdQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryOneTime;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.UriSpec;

/** Curator reads what `@quoll/recipes` has written below `/formats`, and leaves something of its own there. */
public final class Formats {
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

    /** The payload of an instance. */
    public static final class Details {
        public String zone;
    }

    private static final class Got implements QueueConsumer<String> {
        final List<String> items = Collections.synchronizedList(new ArrayList<>());

        @Override
        public void consumeMessage(String item) {
            items.add(item);
        }

        @Override
        public void stateChanged(CuratorFramework client, ConnectionState state) {}
    }

    public static void main(String[] arguments) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.newClient(arguments[0], new RetryOneTime(100));
        client.start();
        client.blockUntilConnected();
        Tests tests = new Tests();

        tests.test("Curator reads and changes Quoll's counts and numbers", () -> {
            SharedCount count = new SharedCount(client, "/formats/count", 1);
            count.start();
            equal(41, count.getCount());
            count.setCount(42);
            DistributedAtomicLong number = new DistributedAtomicLong(client, "/formats/long", new RetryOneTime(10));
            equal(-5L, number.get().postValue());
            number.add(1_000_000_000_000L);
            DistributedAtomicInteger small =
                    new DistributedAtomicInteger(client, "/formats/integer", new RetryOneTime(10));
            equal(7, small.get().postValue());
            small.increment();
            DistributedAtomicLong ids = new DistributedAtomicLong(client, "/formats/ids", new RetryOneTime(10));
            equal(11L, new CachedAtomicLong(ids, 5).next().postValue());
        });

        tests.test("Curator consumes Quoll's items, in their order", () -> {
            equal("simple", new String(
                    new SimpleDistributedQueue(client, "/formats/simple").poll(1, TimeUnit.SECONDS),
                    StandardCharsets.UTF_8));
            Got plain = new Got();
            DistributedQueue<String> queue =
                    QueueBuilder.builder(client, plain, TEXT, "/formats/queue").lockPath("/formats/queue-locks").buildQueue();
            queue.start();
            eventually("all entries", () -> plain.items.size() == 3);
            equal(List.of("one", "two", "three"), plain.items);
            queue.close();
            Got priorities = new Got();
            // One at a time, and no look at what has come since.
            DistributedPriorityQueue<String> priority = QueueBuilder.builder(client, priorities, TEXT, "/formats/priority")
                    .executor(Runnable::run)
                    .buildPriorityQueue(0);
            priority.start();
            eventually("all priorities", () -> priorities.items.size() == 3);
            equal(List.of("low", "middle", "high"), priorities.items);
            priority.close();
            Got delays = new Got();
            DistributedDelayQueue<String> delay =
                    QueueBuilder.builder(client, delays, TEXT, "/formats/delay").buildDelayQueue();
            delay.start();
            eventually("what is due", () -> delays.items.size() == 1);
            equal(List.of("due"), delays.items);
            delay.close();
            DistributedIdQueue<String> ids = QueueBuilder.builder(client, null, TEXT, "/formats/id").buildIdQueue();
            ids.start();
            equal(1, ids.remove("x_y"));
            ids.close();
        });

        tests.test("Curator leaves items", () -> {
            new SimpleDistributedQueue(client, "/formats/simple").offer("from Curator".getBytes(StandardCharsets.UTF_8));
            DistributedQueue<String> queue = QueueBuilder.builder(client, null, TEXT, "/formats/queue").buildQueue();
            queue.start();
            queue.put("from Curator");
            queue.flushPuts(5, TimeUnit.SECONDS);
            queue.close();
            DistributedPriorityQueue<String> priority =
                    QueueBuilder.builder(client, null, TEXT, "/formats/priority").buildPriorityQueue(0);
            priority.start();
            priority.put("second", 3);
            priority.put("first", -3);
            priority.flushPuts(5, TimeUnit.SECONDS);
            priority.close();
            DistributedDelayQueue<String> delay =
                    QueueBuilder.builder(client, null, TEXT, "/formats/delay").buildDelayQueue();
            delay.start();
            delay.put("later", System.currentTimeMillis() + 500);
            delay.put("now", 1);
            delay.flushPuts(5, TimeUnit.SECONDS);
            delay.close();
            DistributedIdQueue<String> ids = QueueBuilder.builder(client, null, TEXT, "/formats/id").buildIdQueue();
            ids.start();
            ids.put("kept", "a");
            ids.put("taken back", "b/c");
            ids.flushPuts(5, TimeUnit.SECONDS);
            ids.close();
        });

        tests.test("Curator waits at Quoll's barrier, and removes it", () -> {
            DistributedBarrier barrier = new DistributedBarrier(client, "/formats/barrier");
            holds(!barrier.waitOnBarrier(200, TimeUnit.MILLISECONDS), "the barrier is up");
            barrier.removeBarrier();
            ask("barrier-removed");
        });

        tests.test("Curator and Quoll enter a double barrier together, and leave it together", () -> {
            DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(client, "/formats/double", 2);
            ask("double-enter");
            holds(barrier.enter(20, TimeUnit.SECONDS), "both entered");
            ask("double-leave");
            holds(barrier.leave(20, TimeUnit.SECONDS), "both left");
            ask("double-left");
        });

        tests.test("Curator asks Quoll to let a lock go, and gets it", () -> {
            InterProcessMutex mutex = new InterProcessMutex(client, "/formats/lock");
            Collection<String> nodes = mutex.getParticipantNodes();
            equal(1, nodes.size());
            Revoker.attemptRevoke(client, nodes.iterator().next());
            holds(mutex.acquire(20, TimeUnit.SECONDS), "the lock was let go");
            mutex.release();
        });

        tests.test("Curator's reader waits for Quoll's writer, and comes in beside it when it has become a reader", () -> {
            InterProcessReadWriteLock lock = new InterProcessReadWriteLock(client, "/formats/read-write");
            holds(!lock.readLock().acquire(300, TimeUnit.MILLISECONDS), "a writer holds");
            ask("downgrade");
            holds(lock.readLock().acquire(20, TimeUnit.SECONDS), "readers hold together");
            holds(!lock.writeLock().acquire(300, TimeUnit.MILLISECONDS), "a reader holds");
            lock.readLock().release();
        });

        tests.test("Curator sees who leads, and takes over", () -> {
            LeaderLatch latch = new LeaderLatch(client, "/formats/latch", "curator");
            latch.start();
            eventually("two take part", () -> latch.getParticipants().size() == 2);
            equal("quoll", latch.getLeader().getId());
            ask("latch-close");
            holds(latch.await(20, TimeUnit.SECONDS), "Curator leads");
            ask("latch-curator");
            latch.close();
            LeaderSelector selector = new LeaderSelector(client, "/formats/selector", new LeaderSelectorListenerAdapter() {
                @Override
                public void takeLeadership(CuratorFramework ignored) {}
            });
            equal("quoll", selector.getLeader().getId());
        });

        tests.test("Curator and Quoll are members of one group", () -> {
            GroupMember member =
                    new GroupMember(client, "/formats/group", "curator", "hello".getBytes(StandardCharsets.UTF_8));
            member.start();
            eventually("both are members", () -> member.getCurrentMembers().size() == 2);
            equal("from Quoll", new String(member.getCurrentMembers().get("quoll"), StandardCharsets.UTF_8));
            ask("group");
            member.close();
        });

        tests.test("curator-x-discovery finds Quoll's instance, and registers one", () -> {
            ServiceDiscovery<Details> discovery = ServiceDiscoveryBuilder.builder(Details.class)
                    .client(client)
                    .basePath("/formats/services")
                    .build();
            discovery.start();
            ServiceInstance<Details> found =
                    discovery.queryForInstances("api").iterator().next();
            equal("q1", found.getId());
            equal("10.0.0.1", found.getAddress());
            equal(8080, found.getPort());
            equal(null, found.getSslPort());
            equal("x", found.getPayload().zone);
            equal(1_700_000_000_000L, found.getRegistrationTimeUTC());
            equal("http://10.0.0.1:8080", found.buildUriSpec());
            Details details = new Details();
            details.zone = "y";
            discovery.registerService(ServiceInstance.<Details>builder()
                    .name("api")
                    .id("c1")
                    .address("10.0.0.2")
                    .sslPort(8443)
                    .payload(details)
                    .uriSpec(new UriSpec("{scheme}://{address}:{ssl-port}"))
                    .build());
            ask("discovery");
            discovery.close();
        });
        tests.end();
    }
}
