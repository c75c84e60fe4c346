import java.util.HashMap;
import java.util.Map;

/** What to send, and to whom: the words that every driver of the benchmark gets. */
record Work(String nameServer, String topic, int count, int warmUp, int window, int body, boolean autoBatch, String mode,
            int batch, int threads) {

    static Work from(String[] words) {
        Map<String, String> values = new HashMap<>();
        for (int i = 0; i + 1 < words.length; i += 2) {
            values.put(words[i], words[i + 1]);
        }
        int count = number(values, "--count", 20_000);
        return new Work(
            values.get("--name-server"),
            values.getOrDefault("--topic", "bench"),
            count,
            number(values, "--warm-up", count / 10),
            number(values, "--window", 1_024),
            number(values, "--body", 256),
            values.getOrDefault("--batch-auto", "off").equals("pressure"),
            values.getOrDefault("--mode", "lone"),
            number(values, "--batch", 32),
            number(values, "--threads", 64));
    }

    private static int number(Map<String, String> values, String name, int otherwise) {
        String text = values.get(name);
        return text == null ? otherwise : Integer.parseInt(text);
    }
}
