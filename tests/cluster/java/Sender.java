import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Sends with Apache's own producer what standard input says, one command per line: a verb and {@code name=value} pairs,
 * all separated by tabs. Each line is answered by one line on standard output, {@code ok} or {@code failed} and why.
 * Ends when its input ends.
 */
public final class Sender {
    private static final int TIMEOUT_MS = 10_000;
    private static final String PROPERTY = "property.";

    private DefaultMQProducer producer;
    private int opened;

    private Sender() {
    }

    public static void main(String[] args) throws IOException {
        PrintStream answers = new PrintStream(System.out, true, "UTF-8");
        // What the client prints must not be taken for an answer.
        System.setOut(System.err);
        Sender sender = new Sender();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String answer;
            try {
                sender.obey(line.split("\t"));
                answer = "ok";
            } catch (Exception e) {
                e.printStackTrace();
                answer = "failed " + e.toString().replaceAll("\\s+", " ");
            }
            answers.println(answer);
        }
        // The client's threads would only delay the end.
        Runtime.getRuntime().halt(0);
    }

    private void obey(String[] words) throws Exception {
        Map<String, String> arguments = new LinkedHashMap<>();
        for (String word : Arrays.asList(words).subList(1, words.length)) {
            int split = word.indexOf('=');
            arguments.put(word.substring(0, split), word.substring(split + 1));
        }
        switch (words[0]) {
            case "open":
                open(arguments);
                break;
            case "send":
                send(message(arguments), arguments);
                break;
            case "close":
                producer.shutdown();
                break;
            default:
                throw new IllegalArgumentException("no command " + words[0]);
        }
    }

    private void open(Map<String, String> arguments) throws Exception {
        // Each producer reads these when it is made.
        System.setProperty("rocketmq.message.compressType", arguments.get("compress_type"));
        producer = new DefaultMQProducer(arguments.get("group"));
        producer.setNamesrvAddr(arguments.get("name_server"));
        producer.setInstanceName("sender-" + ++opened);
        producer.setSendMsgTimeout(TIMEOUT_MS);
        producer.start();
    }

    private static Message message(Map<String, String> arguments) throws Exception {
        Message message = new Message(arguments.get("topic"), bytes(arguments.get("body")));
        for (Map.Entry<String, String> argument : arguments.entrySet()) {
            set(message, argument.getKey(), argument.getValue());
        }
        return message;
    }

    private static void set(Message message, String name, String value) throws Exception {
        if (name.startsWith(PROPERTY)) {
            message.putUserProperty(name.substring(PROPERTY.length()), value);
            return;
        }
        switch (name) {
            case "tags":
                message.setTags(value);
                break;
            case "keys":
                message.setKeys(Arrays.asList(value.split(" ")));
                break;
            case "flag":
                message.setFlag(Integer.parseInt(value));
                break;
            case "wait_store_ok":
                message.setWaitStoreMsgOK(Boolean.parseBoolean(value));
                break;
            case "delay_level":
                message.setDelayTimeLevel(Integer.parseInt(value));
                break;
            case "delay_seconds":
                timer(message, "setDelayTimeSec", value);
                break;
            case "delay_ms":
                timer(message, "setDelayTimeMs", value);
                break;
            case "deliver_at_ms":
                timer(message, "setDeliverTimeMs", value);
                break;
            default:
                // Topic, body and what says how the message is sent.
        }
    }

    /** By name, because 4.x has no timers. */
    private static void timer(Message message, String setter, String value) throws Exception {
        Message.class.getMethod(setter, long.class).invoke(message, Long.parseLong(value));
    }

    private void send(Message message, Map<String, String> arguments) throws Exception {
        if (arguments.containsKey("queue")) {
            String[] queue = arguments.get("queue").split("/");
            producer.send(message, new MessageQueue(message.getTopic(), queue[0], Integer.parseInt(queue[1])));
            return;
        }
        Object key = shardingKey(arguments);
        if (key != null) {
            producer.send(message, new SelectMessageQueueByHash(), key);
            return;
        }
        switch (arguments.get("mode")) {
            case "sync":
                producer.send(message);
                break;
            case "async":
                CompletableFuture<SendResult> result = new CompletableFuture<>();
                producer.send(message, completing(result));
                result.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
                break;
            case "oneway":
                producer.sendOneway(message);
                break;
            default:
                throw new IllegalArgumentException("no mode " + arguments.get("mode"));
        }
    }

    private static SendCallback completing(CompletableFuture<SendResult> result) {
        return new SendCallback() {
            @Override
            public void onSuccess(SendResult sendResult) {
                result.complete(sendResult);
            }

            @Override
            public void onException(Throwable e) {
                result.completeExceptionally(e);
            }
        };
    }

    private static Object shardingKey(Map<String, String> arguments) {
        if (arguments.containsKey("sharding_integer")) {
            return Integer.valueOf(arguments.get("sharding_integer"));
        }
        if (arguments.containsKey("sharding_long")) {
            return Long.valueOf(arguments.get("sharding_long"));
        }
        return arguments.get("sharding_text");
    }

    private static byte[] bytes(String hex) {
        byte[] bytes = new byte[hex.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        }
        return bytes;
    }
}
