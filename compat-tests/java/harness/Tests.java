package quoll;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** Runs tests one after the other and prints "ok - NAME" or "not ok - NAME" for each, with the reason below it. */
public final class Tests {
    private static final long WAIT_MS = 30_000;
    private static final BufferedReader INPUT =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    private int failures = 0;

    /** What a test does; it fails by throwing. */
    public interface Body {
        void run() throws Exception;
    }

    public void test(String name, Body body) {
        Throwable failure = null;
        try {
            body.run();
        } catch (Exception | AssertionError error) {
            failure = error;
        }
        System.out.println((failure == null ? "ok - " : "not ok - ") + name);
        if (failure != null) {
            failures++;
            System.out.println("  # " + failure);
            for (StackTraceElement frame : failure.getStackTrace()) System.out.println("  #   at " + frame);
        }
        System.out.flush();
    }

    /** Ends the process; its code says whether all tests passed. No thread of a client can hold it back. */
    public void end() {
        Runtime.getRuntime().halt(failures == 0 ? 0 : 1);
    }

    /** Asks the process that started us for something, such as a restart of the server, and waits until it is done. */
    public static void ask(String word) throws IOException {
        System.out.println("@" + word);
        System.out.flush();
        if (INPUT.readLine() == null) throw new IOException("no answer to @" + word);
    }

    public static void equal(Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) throw new AssertionError("expected " + expected + ", got " + actual);
    }

    public static void holds(boolean condition, String what) {
        if (!condition) throw new AssertionError(what + " does not hold");
    }

    /** The class of the exception that `body` throws. */
    public static String thrownBy(Body body) {
        try {
            body.run();
            return "nothing";
        } catch (Exception error) {
            return error.getClass().getSimpleName();
        }
    }

    /** Waits until `condition` is true; a condition that throws is not true yet. */
    public static void eventually(String what, Callable<Boolean> condition) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(WAIT_MS);
        Exception last = null;
        while (System.nanoTime() < deadline) {
            try {
                if (condition.call()) return;
                last = null;
            } catch (Exception error) {
                last = error;
            }
            Thread.sleep(20);
        }
        throw new AssertionError("not within " + WAIT_MS + " ms: " + what + (last == null ? "" : " (" + last + ")"));
    }
}
