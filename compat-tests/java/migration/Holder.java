package quoll;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryForever;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.data.Stat;

/** As compat-tests/kazoo/migration/holder.py, with Curator: Holder SERVERS PATH. */
public final class Holder {
  public static void main(String[] args) throws Exception {
    String path = args[1];
    CuratorFramework client = CuratorFrameworkFactory.newClient(args[0], 10_000, 15_000, new RetryForever(200));
    AtomicBoolean lost = new AtomicBoolean();
    client.getConnectionStateListenable().addListener((c, state) -> {
      if (state == ConnectionState.LOST) lost.set(true);
    });
    client.start();
    InterProcessMutex lock = new InterProcessMutex(client, path + "/lock");
    if (!lock.acquire(10, TimeUnit.SECONDS)) throw new IllegalStateException("no lock");
    String ephemeral = path + "/ephemeral";
    client.create().creatingParentsIfNeeded().withMode(CreateMode.EPHEMERAL).forPath(ephemeral);
    long session = client.getZookeeperClient().getZooKeeper().getSessionId();
    System.out.println("holds " + Long.toHexString(session));
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null && !line.equals("end"); line = in.readLine()) {
      client.sync().forPath(path);
      Stat stat = client.checkExists().forPath(ephemeral);
      if (lost.get()) System.out.println("the session was lost");
      else if (stat == null || stat.getEphemeralOwner() != session) System.out.println("the ephemeral znode is " + stat);
      else if (!lock.isAcquiredInThisProcess() || client.getChildren().forPath(path + "/lock").size() != 1) {
        System.out.println("the lock's znodes are " + client.getChildren().forPath(path + "/lock"));
      } else System.out.println("ok " + Long.toHexString(session));
    }
    lock.release();
    client.close();
  }
}
