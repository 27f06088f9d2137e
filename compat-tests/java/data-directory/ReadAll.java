import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.Scanner;
import org.apache.zookeeper.server.SnapshotFormatter;
import org.apache.zookeeper.server.persistence.TxnLogToolkit;

/**
 * Reads every snapshot and log of a version-2 folder with ZooKeeper's own tools, as their command lines would, but in
 * one process. One line per file: its name, then "ok" or the complaint.
 */
public class ReadAll {
    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        File[] files = new File(args[0]).listFiles();
        Arrays.sort(files);
        for (File file : files) {
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            System.setOut(new PrintStream(printed, true));
            String result = "ok";
            try {
                if (file.getName().startsWith("snapshot.")) {
                    new SnapshotFormatter().run(file.getPath(), true, false);
                } else if (file.getName().startsWith("log.")) {
                    try (TxnLogToolkit toolkit = new TxnLogToolkit(false, true, file.getPath(), false)) {
                        toolkit.dump(new Scanner(System.in));
                    }
                } else {
                    continue;
                }
                if (printed.toString().contains("CRC ERROR")) {
                    result = "CRC ERROR";
                }
            } catch (Throwable t) {
                result = t.toString().replace('\n', ' ');
            }
            out.println(file.getName() + " " + result);
        }
    }
}
