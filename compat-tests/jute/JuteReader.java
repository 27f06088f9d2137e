import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.HexFormat;
import org.apache.jute.BinaryInputArchive;
import org.apache.jute.BinaryOutputArchive;
import org.apache.jute.Record;

/**
 * Reads lines "class hex" and prints what ZooKeeper's own class makes of these bytes: "refused", or "N HEX", the number of
 * bytes left over and what it writes for the record that it has read. Strings and buffers may have up to 64 bytes.
 */
public final class JuteReader {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        PrintStream out = new PrintStream(new java.io.BufferedOutputStream(System.out));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            int space = line.indexOf(' ');
            Class<?> type = Class.forName(line.substring(0, space));
            out.println(read(type, HexFormat.of().parseHex(line.substring(space + 1))));
        }
        out.flush();
    }

    private static String read(Class<?> type, byte[] bytes) throws Exception {
        Record record = (Record) type.getDeclaredConstructor().newInstance();
        ByteArrayInputStream in = new ByteArrayInputStream(bytes);
        try {
            record.deserialize(new BinaryInputArchive(new DataInputStream(in), 64, 0), "");
        } catch (IOException e) {
            return "refused";
        }
        ByteArrayOutputStream again = new ByteArrayOutputStream();
        record.serialize(BinaryOutputArchive.getArchive(again), "");
        return in.available() + " " + HexFormat.of().formatHex(again.toByteArray());
    }
}
