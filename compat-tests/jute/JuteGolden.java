import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarFile;
import org.apache.jute.BinaryInputArchive;
import org.apache.jute.BinaryOutputArchive;
import org.apache.jute.OutputArchive;
import org.apache.jute.Record;

/**
 * Asks ZooKeeper's own jute classes what Quoll's records must be.
 *
 * <pre>java JuteGolden OUR-RECORDS OUTPUT-FOLDER</pre>
 *
 * OUR-RECORDS has a line "class field type" per field of Quoll's records, in their order. The program fails if the set of
 * classes or the order or type of any field differs from what the Java classes write. It then writes into the folder:
 * records.txt, the bytes of every class with three sets of values, field by field;
 * utf8-decode.txt, what Java reads from malformed and well-formed bytes;
 * utf8-encode.txt, what Java writes for strings with and without surrogates.
 */
public final class JuteGolden {
    /** Which values a record gets. */
    private enum Fill { FULL, EMPTY, NULL }

    private static final List<String> TEXTS = List.of("/app/node-1", "h\u00e9llo", "\u65e5\u672c", "a\"b\\c", "x=1, y={2}");
    private static int counter;

    public static void main(String[] args) throws Exception {
        Map<String, Map<String, String>> ours = readOurs(Paths.get(args[0]));
        Path out = Paths.get(args[1]);
        TreeMap<String, Class<?>> java = javaRecords();
        compare(ours, java);
        writeRecords(out.resolve("records.txt"), ours, java);
        writeUtf8Decode(out.resolve("utf8-decode.txt"));
        writeUtf8Encode(out.resolve("utf8-encode.txt"));
    }

    private static Map<String, Map<String, String>> readOurs(Path file) throws IOException {
        Map<String, Map<String, String>> ours = new TreeMap<>();
        for (String line : Files.readAllLines(file)) {
            String[] words = line.split(" ");
            ours.computeIfAbsent(words[0], k -> new LinkedHashMap<>()).put(words[1], words[2]);
        }
        return ours;
    }

    private static TreeMap<String, Class<?>> javaRecords() throws Exception {
        String jar = Paths.get(Record.class.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
        TreeMap<String, Class<?>> found = new TreeMap<>();
        try (JarFile file = new JarFile(jar)) {
            for (String name : Collections.list(file.entries()).stream().map(e -> e.getName()).toList()) {
                if (!name.endsWith(".class")) continue;
                Class<?> type = Class.forName(name.substring(0, name.length() - 6).replace('/', '.'));
                if (type != Record.class && Record.class.isAssignableFrom(type)) found.put(type.getName(), type);
            }
        }
        return found;
    }

    private static void compare(Map<String, Map<String, String>> ours, TreeMap<String, Class<?>> java) throws Exception {
        int wrong = 0;
        int fields = 0;
        TreeSet<String> names = new TreeSet<>(ours.keySet());
        names.addAll(java.keySet());
        for (String name : names) {
            String mine = ours.getOrDefault(name, Map.of()).toString().replace("=bits", "=long");
            String theirs = "{}";
            if (java.containsKey(name)) {
                Shape shape = new Shape();
                make(java.get(name), Fill.FULL, Map.of()).serialize(shape, "");
                theirs = shape.fields.toString();
                fields += shape.fields.size();
            }
            if (!mine.equals(theirs)) {
                wrong++;
                System.err.println(name + "\n  ours " + mine + "\n  Java " + theirs);
            }
        }
        System.out.println(java.size() + " Java records with " + fields + " fields, " + wrong + " differ");
        if (wrong > 0) System.exit(1);
    }

    /** Makes a record whose fields have values that differ from each other. */
    private static Record make(Class<?> type, Fill fill, Map<String, String> ours) throws Exception {
        Record record = (Record) type.getDeclaredConstructor().newInstance();
        for (Field field : type.getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers())) continue;
            field.setAccessible(true);
            boolean bits = "bits".equals(ours.get(field.getName()));
            field.set(record, value(field.getGenericType(), fill, bits));
        }
        return record;
    }

    private static Object value(Type type, Fill fill, boolean bits) throws Exception {
        int n = ++counter;
        boolean full = fill == Fill.FULL;
        if (type == int.class) return full ? (n % 3 == 0 ? -n : 0x01020300 + n) : 0;
        // Bits use all 64; counts stay within 2^53.
        if (type == long.class) return !full ? 0L : bits ? 0xfedcba9876543200L + n : n % 3 == 0 ? -1L - n : 0x0003040506070800L + n;
        if (type == boolean.class) return full;
        if (type instanceof Class && Record.class.isAssignableFrom((Class<?>) type)) return make((Class<?>) type, fill, Map.of());
        if (fill == Fill.NULL) return null;
        if (type == String.class) return full ? TEXTS.get(n % TEXTS.size()) : "";
        if (type == byte[].class) return full ? new byte[] {0, (byte) n, (byte) 0x80, (byte) 0xff} : new byte[0];
        List<Object> list = new ArrayList<>();
        if (!full) return list;
        Type element = ((ParameterizedType) type).getActualTypeArguments()[0];
        for (int i = 0; i < 2; i++) list.add(value(element, fill, false));
        if (element == String.class) Collections.addAll(list, "", null);
        return list;
    }

    private static void writeRecords(Path file, Map<String, Map<String, String>> ours, TreeMap<String, Class<?>> java)
            throws Exception {
        try (PrintWriter out = new PrintWriter(file.toFile(), StandardCharsets.UTF_8)) {
            out.println("# Written by compat-tests/jute/JuteGolden.java with the classes of ZooKeeper 3.9.5.");
            out.println("# Each block is a record; each line is the bytes of one field, its name, and its value as JSON");
            out.println("# (longs as strings of digits, buffers as strings of hex).");
            for (Map.Entry<String, Class<?>> entry : java.entrySet()) {
                String previous = "";
                for (Fill fill : Fill.values()) {
                    counter = 0;
                    Record record = make(entry.getValue(), fill, ours.get(entry.getKey()));
                    Annotated annotated = new Annotated();
                    record.serialize(annotated, "");
                    String block = annotated.lines(record);
                    check(annotated, record);
                    if (!block.equals(previous)) {
                        out.println("\n" + entry.getKey() + ": " + fill.toString().toLowerCase());
                        out.print(block);
                    }
                    previous = block;
                }
            }
        }
    }

    /** The pieces together must be what the real archive writes, and Java must read them back as the same record. */
    private static void check(Annotated annotated, Record record) throws Exception {
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        record.serialize(BinaryOutputArchive.getArchive(whole), "");
        String bytes = hex(whole.toByteArray());
        if (!bytes.equals(hex(annotated.bytes.toByteArray()))) throw new AssertionError(record.getClass().getName());
        Record again = record.getClass().getDeclaredConstructor().newInstance();
        again.deserialize(BinaryInputArchive.getArchive(new java.io.ByteArrayInputStream(whole.toByteArray())), "");
        ByteArrayOutputStream copy = new ByteArrayOutputStream();
        again.serialize(BinaryOutputArchive.getArchive(copy), "");
        if (!bytes.equals(hex(copy.toByteArray()))) throw new AssertionError(record.getClass().getName());
    }

    private static void writeUtf8Decode(Path file) throws IOException {
        int[] bytes = {0x41, 0x80, 0xa0, 0xbf, 0xc1, 0xc3, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5};
        int[] seconds = {0x7f, 0x80, 0x8f, 0x90, 0xbf, 0xc0};
        List<byte[]> inputs = new ArrayList<>();
        for (int a : bytes) {
            inputs.add(new byte[] {(byte) a});
            for (int b : bytes) {
                inputs.add(new byte[] {(byte) a, (byte) b});
                for (int c : bytes) inputs.add(new byte[] {(byte) a, (byte) b, (byte) c});
            }
        }
        for (int a : new int[] {0xf0, 0xf3, 0xf4, 0xf8}) {
            for (int b : seconds) {
                for (int c : seconds) {
                    inputs.add(new byte[] {(byte) a, (byte) b, (byte) c, (byte) 0xbf, 0x41});
                    inputs.add(new byte[] {(byte) a, (byte) b, (byte) 0x9f, (byte) c, 0x41});
                }
            }
        }
        try (PrintWriter out = new PrintWriter(file.toFile(), StandardCharsets.UTF_8)) {
            out.println("# Written by compat-tests/jute/JuteGolden.java: bytes, and the UTF-16 units of Java's new String(bytes, UTF_8).");
            for (byte[] input : inputs) out.println(hex(input) + " " + units(new String(input, StandardCharsets.UTF_8)));
        }
    }

    private static void writeUtf8Encode(Path file) throws IOException {
        List<String> inputs = new ArrayList<>();
        for (int unit : new int[] {0, 0x41, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xfffd, 0xffff}) {
            inputs.add(String.valueOf((char) unit));
            inputs.add("a" + (char) unit + "b");
        }
        Collections.addAll(inputs, "\ud83d\ude00", "\ude00\ud83d", "\ud83d\ud83d", "x\ud83d\ude00y", "\udbff\udfff");
        try (PrintWriter out = new PrintWriter(file.toFile(), StandardCharsets.UTF_8)) {
            out.println("# Written by compat-tests/jute/JuteGolden.java: UTF-16 units, and what Java's jute archive writes behind the length.");
            for (String input : inputs) {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                BinaryOutputArchive.getArchive(bytes).writeString(input, "");
                out.println(units(input) + " " + hex(bytes.toByteArray()).substring(8));
            }
        }
    }

    private static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte b : bytes) text.append(String.format("%02x", b));
        return text.toString();
    }

    private static String units(String input) {
        StringBuilder text = new StringBuilder();
        for (char c : input.toCharArray()) text.append(String.format("%04x", (int) c));
        return text.toString();
    }

    /** An archive that tells its subclass when a field of the outermost record begins. */
    private abstract static class FieldArchive implements OutputArchive {
        private int depth;

        abstract void write(String type, String tag, int depth, IoAction action) throws IOException;

        interface IoAction {
            void to(OutputArchive archive) throws IOException;
        }

        public void writeByte(byte v, String tag) throws IOException { write("byte", tag, depth, a -> a.writeByte(v, tag)); }
        public void writeBool(boolean v, String tag) throws IOException { write("boolean", tag, depth, a -> a.writeBool(v, tag)); }
        public void writeInt(int v, String tag) throws IOException { write("int", tag, depth, a -> a.writeInt(v, tag)); }
        public void writeLong(long v, String tag) throws IOException { write("long", tag, depth, a -> a.writeLong(v, tag)); }
        public void writeFloat(float v, String tag) throws IOException { write("float", tag, depth, a -> a.writeFloat(v, tag)); }
        public void writeDouble(double v, String tag) throws IOException { write("double", tag, depth, a -> a.writeDouble(v, tag)); }
        public void writeString(String v, String tag) throws IOException { write("ustring", tag, depth, a -> a.writeString(v, tag)); }
        public void writeBuffer(byte[] v, String tag) throws IOException { write("buffer", tag, depth, a -> a.writeBuffer(v, tag)); }

        public void writeRecord(Record r, String tag) throws IOException {
            write(r.getClass().getName(), tag, depth, a -> { });
            r.serialize(this, tag);
        }

        public void startRecord(Record r, String tag) { depth++; }
        public void endRecord(Record r, String tag) { depth--; }

        public void startVector(List<?> v, String tag) throws IOException {
            write("vector", tag, depth, a -> a.startVector(v, tag));
            depth++;
        }

        public void endVector(List<?> v, String tag) { depth--; }
        public void startMap(TreeMap<?, ?> v, String tag) throws IOException { throw new IOException("no record has a map"); }
        public void endMap(TreeMap<?, ?> v, String tag) { }
        public long getDataSize() { return 0; }
    }

    /** Notes the name and type of every field in the order in which it is written. */
    private static final class Shape extends FieldArchive {
        final Map<String, String> fields = new LinkedHashMap<>();
        private String vector;

        void write(String type, String tag, int depth, IoAction action) {
            if (depth == 1) {
                vector = type.equals("vector") ? tag : null;
                fields.put(tag, type);
            } else if (depth == 2 && vector != null) {
                fields.put(vector, "vector<" + type + ">");
            }
        }
    }

    /** Writes the real bytes, and remembers where each field of the outermost record begins. */
    private static final class Annotated extends FieldArchive {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final BinaryOutputArchive archive = new BinaryOutputArchive(new DataOutputStream(bytes));
        private final Map<String, Integer> starts = new LinkedHashMap<>();

        void write(String type, String tag, int depth, IoAction action) throws IOException {
            if (depth == 1) starts.put(tag, bytes.size());
            action.to(archive);
        }

        String lines(Record record) throws Exception {
            byte[] all = bytes.toByteArray();
            List<String> names = new ArrayList<>(starts.keySet());
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < names.size(); i++) {
                int end = i + 1 < names.size() ? starts.get(names.get(i + 1)) : all.length;
                byte[] part = java.util.Arrays.copyOfRange(all, starts.get(names.get(i)), end);
                Field field = record.getClass().getDeclaredField(names.get(i));
                field.setAccessible(true);
                text.append(hex(part)).append("  ").append(names.get(i)).append(" = ").append(json(field.get(record))).append("\n");
            }
            return text.toString();
        }
    }

    private static String json(Object value) throws Exception {
        if (value == null || value instanceof Integer || value instanceof Boolean) return String.valueOf(value);
        if (value instanceof Long) return "\"" + value + "\"";
        if (value instanceof byte[]) return "\"" + hex((byte[]) value) + "\"";
        if (value instanceof String) return "\"" + ((String) value).replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
        List<String> parts = new ArrayList<>();
        if (value instanceof List) {
            for (Object element : (List<?>) value) parts.add(json(element));
            return "[" + String.join(", ", parts) + "]";
        }
        for (Field field : value.getClass().getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers())) continue;
            field.setAccessible(true);
            parts.add("\"" + field.getName() + "\": " + json(field.get(value)));
        }
        return "{" + String.join(", ", parts) + "}";
    }
}
