import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooDefs.OpCode;
import org.apache.zookeeper.server.DataTree;
import org.apache.zookeeper.server.Request;
import org.apache.zookeeper.server.ZooKeeperServer;
import org.apache.zookeeper.server.persistence.FileTxnLog;
import org.apache.zookeeper.server.persistence.FileTxnSnapLog;
import org.apache.zookeeper.server.persistence.SnapStream;
import org.apache.zookeeper.txn.CreateSessionTxn;
import org.apache.zookeeper.txn.CreateTxn;
import org.apache.zookeeper.txn.SetDataTxn;
import org.apache.zookeeper.txn.TxnDigest;
import org.apache.zookeeper.txn.TxnHeader;
import org.apache.jute.Record;

/**
 * Writes and reads data directories with ZooKeeper's own classes.
 *
 * write DIR FIRST LAST COMPRESSION: loads the directory, logs and applies the txns FIRST to LAST, takes a snapshot half-way.
 * read DIR: loads it, prints the last zxid, the number of znodes, the digest, how many digests did not match, the sessions.
 */
public class StorageCheck {
    public static void main(String[] args) throws Exception {
        File dir = new File(args[1]);
        FileTxnSnapLog files = new FileTxnSnapLog(dir, dir);
        DataTree tree = new DataTree();
        ConcurrentHashMap<Long, Integer> sessions = new ConcurrentHashMap<>();
        List<Long> mismatches = new ArrayList<>();
        tree.addDigestWatcher(mismatches::add);
        tree.addConfigNode();
        if (args[0].equals("write")) {
            SnapStream.setStreamMode(SnapStream.StreamMode.fromString(args[4]));
        }
        long zxid = files.restore(tree, sessions, (hdr, txn, digest) -> { });
        if (args[0].equals("write")) {
            write(files, tree, sessions, Long.parseLong(args[2]), Long.parseLong(args[3]));
            zxid = tree.lastProcessedZxid;
        }
        System.out.println(
            "zxid=" + zxid + " nodes=" + tree.getNodeCount() + " digest=" + Long.toHexString(tree.getTreeDigest())
            + " mismatches=" + mismatches.size() + " sessions=" + sessions.size());
        files.close();
    }

    private static void write(
        FileTxnSnapLog files, DataTree tree, ConcurrentHashMap<Long, Integer> sessions, long first, long last) throws Exception {
        for (long zxid = first; zxid <= last; zxid++) {
            int type = zxid == first ? OpCode.createSession : zxid % 3 == 0 ? OpCode.setData : OpCode.create;
            TxnHeader header = new TxnHeader(0x1000000000000L + first, (int) zxid, zxid, 1700000000000L + zxid, type);
            Record txn;
            if (type == OpCode.createSession) {
                txn = new CreateSessionTxn(30000);
            } else if (type == OpCode.create) {
                int parentCVersion = tree.getNode("/").stat.getCversion() + 1;
                txn = new CreateTxn("/n" + zxid, ("data of " + zxid).getBytes(), ZooDefs.Ids.OPEN_ACL_UNSAFE, zxid % 5 == 0, parentCVersion);
            } else {
                txn = new SetDataTxn("/zookeeper/quota", new byte[(int) (zxid % 700)], (int) zxid);
            }
            files.processTransaction(header, tree, sessions, txn);
            Request request = new Request(header.getClientId(), header.getCxid(), type, header, txn, zxid);
            request.setTxnDigest(new TxnDigest(2, tree.getTreeDigest()));
            files.append(request);
            if (zxid % 10 == 0) {
                files.commit();
            }
            if (zxid == (first + last) / 2) {
                files.commit();
                files.rollLog();
                files.save(tree, sessions, zxid % 2 == 0);
            }
        }
        files.commit();
    }
}
