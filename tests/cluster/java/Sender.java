import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.MessageQueueSelector;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByRandom;
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

    private final List<Message> batch = new ArrayList<>();
    private DefaultMQProducer producer;

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
            case "add":
                batch.add(message(arguments));
                break;
            case "send_batch":
                sendBatch(arguments);
                break;
            case "close":
                producer.shutdown();
                break;
            default:
                throw new IllegalArgumentException("no command " + words[0]);
        }
    }

    /** The settings have the names that librmq's have. */
    private void open(Map<String, String> settings) throws Exception {
        // Each producer reads the first when it is made, and the others with every request.
        String compressType = settings.getOrDefault("compress.type", "zlib").toUpperCase(Locale.ROOT);
        systemProperty("rocketmq.message.compressType", compressType);
        systemProperty("rocketmq.zone", settings.get("zone.name"));
        systemProperty("rocketmq.zone.mode", settings.get("zone.mode"));
        producer = new DefaultMQProducer(settings.get("producer.group"));
        producer.setSendMsgTimeout(TIMEOUT_MS);
        for (Map.Entry<String, String> setting : settings.entrySet()) {
            set(setting.getKey(), setting.getValue());
        }
        producer.start();
    }

    private static void systemProperty(String name, String value) {
        if (value == null) {
            System.clearProperty(name);
        } else {
            System.setProperty(name, value);
        }
    }

    private void set(String key, String value) throws Exception {
        switch (key) {
            case "name.server":
                producer.setNamesrvAddr(value);
                break;
            case "client.ip":
                producer.setClientIP(value);
                break;
            case "instance.name":
                producer.setInstanceName(value);
                break;
            case "unit.name":
                producer.setUnitName(value);
                break;
            case "unit.mode":
                producer.setUnitMode(Boolean.parseBoolean(value));
                break;
            case "namespace":
                producer.setNamespace(value);
                break;
            case "namespace.v2":
                ofVersion5(producer, "setNamespaceV2", String.class, value);
                break;
            case "stream.request.type":
                ofVersion5(producer, "setEnableStreamRequestType", boolean.class, Boolean.valueOf(value));
                break;
            case "vip.channel.enabled":
                producer.setVipChannelEnabled(Boolean.parseBoolean(value));
                break;
            case "producer.group":
            case "compress.type":
            case "zone.name":
            case "zone.mode":
                break;
            default:
                throw new IllegalArgumentException("no setting " + key);
        }
    }

    /** By name, because 4.x does not have it. */
    private static void ofVersion5(Object object, String setter, Class<?> type, Object value) throws Exception {
        object.getClass().getMethod(setter, type).invoke(object, value);
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
            case "buyer_id":
                message.setBuyerId(value);
                break;
            case "instance_id":
                message.setInstanceId(value);
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

    private static void timer(Message message, String setter, String value) throws Exception {
        ofVersion5(message, setter, long.class, Long.valueOf(value));
    }

    private void send(Message message, Map<String, String> arguments) throws Exception {
        String mode = arguments.get("mode");
        MessageQueue queue = queue(message.getTopic(), arguments);
        MessageQueueSelector selector = selector(arguments);
        if (queue != null) {
            sendTo(queue, message, mode);
        } else if (selector != null) {
            sendBy(selector, shardingKey(arguments), message, mode);
        } else {
            sendAnywhere(message, mode);
        }
    }

    private void sendAnywhere(Message message, String mode) throws Exception {
        switch (mode) {
            case "sync":
                producer.send(message);
                break;
            case "async":
                CompletableFuture<SendResult> result = new CompletableFuture<>();
                producer.send(message, completing(result));
                result.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
                break;
            default:
                producer.sendOneway(message);
        }
    }

    private void sendTo(MessageQueue queue, Message message, String mode) throws Exception {
        switch (mode) {
            case "sync":
                producer.send(message, queue);
                break;
            case "async":
                CompletableFuture<SendResult> result = new CompletableFuture<>();
                producer.send(message, queue, completing(result));
                result.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
                break;
            default:
                producer.sendOneway(message, queue);
        }
    }

    private void sendBy(MessageQueueSelector selector, Object key, Message message, String mode) throws Exception {
        switch (mode) {
            case "sync":
                producer.send(message, selector, key);
                break;
            case "async":
                CompletableFuture<SendResult> result = new CompletableFuture<>();
                producer.send(message, selector, key, completing(result));
                result.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
                break;
            default:
                producer.sendOneway(message, selector, key);
        }
    }

    /** Sends what was added, all at once. */
    private void sendBatch(Map<String, String> arguments) throws Exception {
        List<Message> messages = new ArrayList<>(batch);
        batch.clear();
        MessageQueue queue = queue(messages.get(0).getTopic(), arguments);
        boolean sync = arguments.get("mode").equals("sync");
        CompletableFuture<SendResult> result = new CompletableFuture<>();
        if (sync && queue == null) {
            producer.send(messages);
        } else if (sync) {
            producer.send(messages, queue);
        } else {
            if (queue == null) {
                producer.send(messages, completing(result));
            } else {
                producer.send(messages, queue, completing(result));
            }
            result.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
        }
    }

    private static MessageQueue queue(String topic, Map<String, String> arguments) {
        if (!arguments.containsKey("queue")) {
            return null;
        }
        String[] queue = arguments.get("queue").split("/");
        return new MessageQueue(topic, queue[0], Integer.parseInt(queue[1]));
    }

    private static MessageQueueSelector selector(Map<String, String> arguments) {
        if (shardingKey(arguments) != null) {
            return new SelectMessageQueueByHash();
        }
        switch (arguments.getOrDefault("selector", "")) {
            case "random":
                return new SelectMessageQueueByRandom();
            case "last":
                return (queues, message, key) -> queues.get(queues.size() - 1);
            default:
                return null;
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
