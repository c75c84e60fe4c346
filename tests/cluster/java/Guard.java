import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;

/**
 * Runs the main class named by the first argument and ends the process when standard input ends.
 * The launcher holds the other end of that pipe: however it dies, no server outlives it.
 */
public final class Guard {
    private Guard() {
    }

    public static void main(String[] args) throws Throwable {
        Thread watch = new Thread(Guard::haltAtEndOfInput, "launcher-watch");
        watch.setDaemon(true);
        watch.start();
        String[] rest = Arrays.copyOfRange(args, 1, args.length);
        try {
            Class.forName(args[0]).getMethod("main", String[].class).invoke(null, (Object) rest);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static void haltAtEndOfInput() {
        try {
            while (System.in.read() >= 0) {
                continue;
            }
        } catch (IOException e) {
            System.err.println("launcher-watch: " + e);
        }
        Runtime.getRuntime().halt(1);
    }
}
