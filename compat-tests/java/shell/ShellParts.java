package quoll;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.ParseException;
import org.apache.zookeeper.cli.CliCommand;
import org.apache.zookeeper.cli.CommandFactory;
import org.apache.zookeeper.server.util.ConfigUtils;

/**
 * The pure parts of zkCli, asked line by line: {@code words TEXT}, {@code options COMMAND WORD...}, {@code date ZONE MS},
 * {@code hex BYTES}, {@code config TEXT}. Texts come and go in Base64, a dash being the empty one.
 */
public class ShellParts {
    private static final Map<String, CliCommand> COMMANDS = new HashMap<>();

    public static void main(String[] args) throws Exception {
        for (CommandFactory.Command command : CommandFactory.Command.values()) {
            CliCommand instance = CommandFactory.getInstance(command);
            COMMANDS.put(instance.getCmdStr(), instance);
        }
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.print(answer(line.split(" ")));
            out.print('\n');
        }
        out.flush();
    }

    private static String answer(String[] question) throws Exception {
        switch (question[0]) {
            case "words":
                return encoded(words(decoded(question[1])));
            case "options":
                List<String> words = new ArrayList<>();
                for (int i = 2; i < question.length; i++) {
                    words.add(decoded(question[i]));
                }
                return options(COMMANDS.get(question[1]), words.toArray(new String[0]));
            case "date":
                TimeZone.setDefault(TimeZone.getTimeZone(question[1]));
                return new Date(Long.parseLong(question[2])).toString();
            case "hex":
                byte[] bytes = question[1].equals("-") ? new byte[0] : Base64.getDecoder().decode(question[1]);
                return encode(ByteBufUtil.prettyHexDump(Unpooled.wrappedBuffer(bytes)));
            case "config":
                return encode(ConfigUtils.getClientConfigStr(decoded(question[1])));
            default:
                throw new IllegalArgumentException(question[0]);
        }
    }

    private static List<String> words(String line) throws Exception {
        Class<?> type = Class.forName("org.apache.zookeeper.ZooKeeperMain$MyCommandOptions");
        Constructor<?> constructor = type.getDeclaredConstructor();
        constructor.setAccessible(true);
        Object options = constructor.newInstance();
        Method parse = type.getMethod("parseCommand", String.class);
        parse.setAccessible(true);
        if (!(Boolean) parse.invoke(options, line)) {
            return List.of();
        }
        Method words = type.getMethod("getArgArray");
        words.setAccessible(true);
        return List.of((String[]) words.invoke(options));
    }

    private static String options(CliCommand command, String[] words) throws Exception {
        Field field = command.getClass().getDeclaredField("options");
        field.setAccessible(true);
        try {
            CommandLine line = new DefaultParser().parse((Options) field.get(command), words);
            List<String> found = new ArrayList<>(line.getArgList());
            List<String> given = new ArrayList<>();
            for (Option option : ((Options) field.get(command)).getOptions()) {
                if (line.hasOption(option.getOpt())) {
                    given.add(option.getOpt() + "=" + line.getOptionValue(option.getOpt(), ""));
                }
            }
            given.sort(null);
            found.addAll(given);
            return encoded(found);
        } catch (ParseException problem) {
            return "error " + encode(problem.toString());
        }
    }

    private static String encoded(List<String> words) {
        List<String> codes = new ArrayList<>();
        for (String word : words) {
            codes.add(encode(word));
        }
        return String.join(" ", codes);
    }

    private static String encode(String text) {
        return text.isEmpty() ? "-" : Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String decoded(String code) {
        return code.equals("-") ? "" : new String(Base64.getDecoder().decode(code), StandardCharsets.UTF_8);
    }
}
