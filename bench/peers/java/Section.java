import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.atomic.LongAdder;

/**
 * A number of sends of which each brings the same number of messages: clocks, and what became of every send.
 * Any thread may report.
 */
final class Section {
    /** Unit of processor times in {@code /proc} on Linux, whatever the kernel's own tick. */
    private static final double TICKS_PER_SECOND = 100;
    private static final VarHandle BYTES = MethodHandles.arrayElementVarHandle(byte[].class);

    private final long[] latencies;
    private final byte[] completed;
    private final LongAdder succeeded = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder doubled = new LongAdder();
    private final double[] cpu = processor();
    private final long start = System.nanoTime();
    private double seconds;
    private int timed;
    private int threads;

    Section(int sends) {
        latencies = new long[sends];
        completed = new byte[sends];
    }

    /** The send has an outcome, {@code error} or none; {@code sentAt} is of {@link System#nanoTime}. */
    void report(int send, int messages, long sentAt, Throwable error) {
        latencies[send] = System.nanoTime() - sentAt;
        count(send, messages, error);
    }

    /** The same for a send that has no answer, and so no latency. */
    void count(int send, int messages, Throwable error) {
        if ((byte) BYTES.getAndSet(completed, send, (byte) 1) != 0) {
            doubled.add(messages);
        } else if (error == null) {
            succeeded.add(messages);
        } else {
            if (failed.sum() == 0) {
                System.err.println("send: " + error);
            }
            failed.add(messages);
        }
    }

    /** Ends the section; the first {@code timed} sends have latencies. */
    void stop(int timed) {
        seconds = (System.nanoTime() - start) / 1e9;
        double[] now = processor();
        cpu[0] = now[0] - cpu[0];
        cpu[1] = now[1] - cpu[1];
        threads = Integer.parseInt(status("Threads"));
        this.timed = timed;
    }

    /** The outcome as the harness reads it; {@code slowest} is null where there is one sender. */
    String json(Work work, Double slowest) {
        return String.format(
            Locale.ROOT,
            "{\"count\":%d,\"warm_up\":%d,\"succeeded\":%d,\"failed\":%d,\"doubled\":%d,\"seconds\":%.9f,"
                + "\"user_seconds\":%.6f,\"system_seconds\":%.6f,\"latency\":%s,\"peak_rss_kib\":%s,\"threads\":%d%s}",
            work.count(), work.warmUp(), succeeded.sum(), failed.sum(), doubled.sum(), seconds, cpu[0], cpu[1],
            latency(), status("VmHWM"), threads,
            slowest == null ? "" : String.format(Locale.ROOT, ",\"slowest_thread\":%.4f", slowest));
    }

    private String latency() {
        if (timed == 0) {
            return "null";
        }
        long[] sorted = Arrays.copyOf(latencies, timed);
        Arrays.sort(sorted);
        return String.format(
            Locale.ROOT,
            "{\"samples\":%d,\"p50_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f,\"max_us\":%.3f}",
            timed, at(sorted, 500), at(sorted, 990), at(sorted, 999), sorted[timed - 1] / 1e3);
    }

    private static double at(long[] sorted, long thousandths) {
        return sorted[(int) (sorted.length * thousandths / 1000)] / 1e3;
    }

    /** User and system seconds of this process. */
    private static double[] processor() {
        String stat = read("/proc/self/stat");
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return new double[] {
            Long.parseLong(fields[11]) / TICKS_PER_SECOND, Long.parseLong(fields[12]) / TICKS_PER_SECOND};
    }

    /** The number in a line of the process's status. */
    private static String status(String name) {
        for (String line : read("/proc/self/status").split("\n")) {
            if (line.startsWith(name + ":")) {
                return line.replaceAll("[^0-9]", "");
            }
        }
        throw new IllegalStateException("/proc/self/status has no " + name);
    }

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
