package quoll;

import static quoll.Tests.ask;
import static quoll.Tests.equal;
import static quoll.Tests.eventually;
import static quoll.Tests.holds;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/** A Kafka broker's life on a coordination server. Arguments: the broker's host:port, the server's host:port. */
public final class KafkaTest {
    private static final int RECORDS = 1000;
    private static final String TOPIC = "events";
    private final String broker;
    private final ZooKeeper zooKeeper;
    private final Tests tests = new Tests();

    private KafkaTest(String broker, String server) throws Exception {
        this.broker = broker;
        this.zooKeeper = new ZooKeeper(server, 10_000, event -> {});
    }

    public static void main(String[] arguments) throws Exception {
        new KafkaTest(arguments[0], arguments[1]).run();
    }

    private void run() {
        tests.test("the broker registers itself, becomes controller and answers", () -> {
            awaitBroker();
            equal(List.of("0"), children("/kafka/brokers/ids"));
            Stat stat = zooKeeper.exists("/kafka/brokers/ids/0", false);
            holds(stat.getEphemeralOwner() != 0, "the broker's znode is ephemeral");
            holds(zooKeeper.exists("/kafka/controller", false) != null, "there is a controller");
        });
        tests.test("a topic of three partitions is created", () -> {
            admin(admin -> admin.createTopics(List.of(new NewTopic(TOPIC, 3, (short) 1))).all().get(30, TimeUnit.SECONDS));
            equal(List.of(TOPIC), children("/kafka/brokers/topics"));
            awaitLeaders(TOPIC, 3);
        });
        tests.test("1,000 records are produced and consumed, in order within their partition", () -> {
            produce(0, RECORDS);
            consume("first", RECORDS);
        });
        tests.test("the server restarts under the broker, which keeps its session and goes on", () -> {
            Stat before = zooKeeper.exists("/kafka/brokers/ids/0", false);
            ask("restart-server");
            eventually("our client is back", () -> zooKeeper.exists("/kafka/brokers/ids/0", false) != null);
            equal(before, zooKeeper.exists("/kafka/brokers/ids/0", false));
            produce(RECORDS, 100);
            consume("second", RECORDS + 100);
        });
        tests.test("the server is killed and comes back: topics, configurations and partitions still change", () -> {
            ask("kill-server");
            eventually("our client is back", () -> zooKeeper.exists("/kafka", false) != null);
            admin(admin -> {
                admin.createTopics(List.of(new NewTopic("later", 1, (short) 1))).all().get(60, TimeUnit.SECONDS);
                ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "later");
                AlterConfigOp retention =
                        new AlterConfigOp(new ConfigEntry("retention.ms", "123456"), AlterConfigOp.OpType.SET);
                admin.incrementalAlterConfigs(Map.of(topic, List.of(retention))).all().get(30, TimeUnit.SECONDS);
                eventually("the topic has its new retention", () -> "123456"
                        .equals(admin.describeConfigs(List.of(topic)).all().get().get(topic).get("retention.ms").value()));
                admin.createPartitions(Map.of("later", NewPartitions.increaseTo(4))).all().get(30, TimeUnit.SECONDS);
            });
            awaitLeaders("later", 4);
        });
        tests.test("the broker restarts and serves the old records, new ones, and its groups' offsets", () -> {
            ask("restart-broker");
            awaitBroker();
            awaitLeaders(TOPIC, 3);
            consume("third", RECORDS + 100);
            produce(RECORDS + 100, 10);
            consume("first", 110);
        });
        tests.test("topics are deleted and gone", () -> {
            admin(admin -> admin.deleteTopics(List.of(TOPIC, "later")).all().get(30, TimeUnit.SECONDS));
            eventually("the topics' znodes are gone", () -> zooKeeper.exists("/kafka/brokers/topics/" + TOPIC, false) == null
                    && zooKeeper.exists("/kafka/brokers/topics/later", false) == null
                    && children("/kafka/admin/delete_topics").isEmpty());
            admin(admin -> equal(Set.of(), admin.listTopics().names().get(30, TimeUnit.SECONDS)));
        });
        tests.end();
    }

    private interface AdminAction {
        void run(Admin admin) throws Exception;
    }

    private void admin(AdminAction action) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker, "default.api.timeout.ms", "60000"))) {
            action.run(admin);
        }
    }

    private void awaitBroker() throws Exception {
        admin(admin -> eventually("the cluster has a node and a controller", () -> {
            Collection<?> nodes = admin.describeCluster().nodes().get(10, TimeUnit.SECONDS);
            return nodes.size() == 1 && admin.describeCluster().controller().get(10, TimeUnit.SECONDS) != null;
        }));
    }

    private void awaitLeaders(String topic, int partitions) throws Exception {
        admin(admin -> eventually("each partition has a leader", () -> {
            var description = admin.describeTopics(List.of(topic)).allTopicNames().get(10, TimeUnit.SECONDS).get(topic);
            return description.partitions().size() == partitions
                    && description.partitions().stream().allMatch(partition -> partition.leader() != null);
        }));
    }

    private List<String> children(String path) throws Exception {
        List<String> names = new ArrayList<>(zooKeeper.getChildren(path, false));
        names.removeIf(name -> name.startsWith("__"));
        names.sort(null);
        return names;
    }

    private void produce(int from, int count) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", broker);
        properties.put("acks", "all");
        properties.put("key.serializer", StringSerializer.class.getName());
        properties.put("value.serializer", StringSerializer.class.getName());
        List<Exception> failures = new ArrayList<>();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties)) {
            for (int i = from; i < from + count; i++) {
                producer.send(new ProducerRecord<>(TOPIC, "key-" + i % 30, String.valueOf(i)), (metadata, error) -> {
                    if (error != null) failures.add(error);
                });
            }
        }
        equal(List.of(), failures);
    }

    /** Reads `count` records that the group has not seen yet, and checks that they are all there and in order. */
    private void consume(String group, int count) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", broker);
        properties.put("group.id", group);
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        properties.put("key.deserializer", StringDeserializer.class.getName());
        properties.put("value.deserializer", StringDeserializer.class.getName());
        Set<String> values = new HashSet<>();
        int[] last = {-1, -1, -1};
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties)) {
            consumer.subscribe(List.of(TOPIC));
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (values.size() < count && System.nanoTime() < deadline) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    int value = Integer.parseInt(record.value());
                    holds(value > last[record.partition()], "records of a partition come in their order");
                    last[record.partition()] = value;
                    values.add(record.value());
                }
            }
            equal(count, values.size());
            equal(0, consumer.poll(Duration.ofMillis(200)).count());
            consumer.commitSync();
        }
    }
}
