import java.io.BufferedWriter;
import java.io.IOException;
import java.io.Writer;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.common.message.MessageClientExt;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Reads topics back with Apache's own client and writes one JSON object per message.
 * Arguments: name server, output file, seconds to wait, then {@code topic=count} pairs. A store answers a send a moment
 * before its consume queue shows the message, so each topic is read only when {@code count} messages are visible or the
 * time is over; what is there beyond the count is read as well.
 */
public final class Reader {
    private static final char[] HEX = "0123456789abcdef".toCharArray();

    private final DefaultMQPullConsumer consumer;
    private final Writer out;
    private final long deadline;

    private Reader(DefaultMQPullConsumer consumer, Writer out, long deadline) {
        this.consumer = consumer;
        this.out = out;
        this.deadline = deadline;
    }

    public static void main(String[] args) {
        int status = 0;
        try {
            readAll(args);
        } catch (Exception e) {
            e.printStackTrace();
            status = 1;
        }
        // The client's threads would keep a failed reader alive, and only delay the end of another.
        Runtime.getRuntime().halt(status);
    }

    private static void readAll(String[] args) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("cluster_reader");
        consumer.setNamesrvAddr(args[0]);
        consumer.start();
        long deadline = System.nanoTime() + Long.parseLong(args[2]) * 1_000_000_000L;
        try (BufferedWriter out = Files.newBufferedWriter(Paths.get(args[1]), StandardCharsets.UTF_8)) {
            Reader reader = new Reader(consumer, out, deadline);
            for (int i = 3; i < args.length; i++) {
                int split = args[i].lastIndexOf('=');
                reader.readTopic(args[i].substring(0, split), Long.parseLong(args[i].substring(split + 1)));
            }
        }
    }

    private void readTopic(String topic, long count) throws Exception {
        Map<MessageQueue, Long> ends = new TreeMap<>();
        long visible = visibleMessages(topic, ends);
        while (visible < count && System.nanoTime() < deadline) {
            Thread.sleep(50);
            visible = visibleMessages(topic, ends);
        }
        for (Map.Entry<MessageQueue, Long> end : ends.entrySet()) {
            readQueue(end.getKey(), end.getValue());
        }
    }

    private long visibleMessages(String topic, Map<MessageQueue, Long> ends) throws MQClientException {
        Set<MessageQueue> queues;
        try {
            queues = consumer.fetchSubscribeMessageQueues(topic);
        } catch (MQClientException e) {
            if (System.nanoTime() > deadline) {
                throw e;
            }
            return -1;
        }
        long visible = 0;
        for (MessageQueue queue : queues) {
            long end = consumer.maxOffset(queue);
            ends.put(queue, end);
            visible += end - consumer.minOffset(queue);
        }
        return visible;
    }

    private void readQueue(MessageQueue queue, long end) throws Exception {
        long offset = consumer.minOffset(queue);
        while (offset < end) {
            PullResult result = consumer.pull(queue, "*", offset, 32);
            if (result.getPullStatus() != PullStatus.FOUND) {
                throw new IOException(queue + " at " + offset + " of " + end + ": " + result);
            }
            for (MessageExt message : result.getMsgFoundList()) {
                if (message.getQueueOffset() < end) {
                    write(message);
                }
            }
            offset = result.getNextBeginOffset();
        }
    }

    private void write(MessageExt message) throws IOException {
        StringBuilder json = new StringBuilder("{");
        text(json, "topic", message.getTopic());
        number(json, "queue_id", message.getQueueId());
        number(json, "queue_offset", message.getQueueOffset());
        text(json, "body", hex(message.getBody()));
        text(json, "tags", message.getTags());
        text(json, "keys", message.getKeys());
        text(json, "unique_id", message.getMsgId());
        text(json, "offset_message_id", ((MessageClientExt) message).getOffsetMsgId());
        text(json, "born_host", address(message.getBornHost()));
        text(json, "store_host", address(message.getStoreHost()));
        number(json, "born_timestamp", message.getBornTimestamp());
        number(json, "store_timestamp", message.getStoreTimestamp());
        number(json, "store_size", message.getStoreSize());
        number(json, "sys_flag", message.getSysFlag());
        number(json, "flag", message.getFlag());
        number(json, "reconsume_times", message.getReconsumeTimes());
        quote(json, "properties");
        json.append(":{");
        for (Map.Entry<String, String> property : message.getProperties().entrySet()) {
            text(json, property.getKey(), property.getValue());
        }
        dropComma(json);
        json.append("}}\n");
        out.write(json.toString());
    }

    private static String address(SocketAddress socket) {
        InetSocketAddress address = (InetSocketAddress) socket;
        return address.getAddress().getHostAddress() + ":" + address.getPort();
    }

    private static String hex(byte[] bytes) {
        if (bytes == null) {
            return "";
        }
        StringBuilder text = new StringBuilder(bytes.length * 2);
        for (byte b : bytes) {
            text.append(HEX[(b >> 4) & 15]).append(HEX[b & 15]);
        }
        return text.toString();
    }

    private static void number(StringBuilder json, String name, long value) {
        quote(json, name);
        json.append(':').append(value).append(',');
    }

    private static void text(StringBuilder json, String name, String value) {
        quote(json, name);
        json.append(':');
        if (value == null) {
            json.append("null");
        } else {
            quote(json, value);
        }
        json.append(',');
    }

    private static void dropComma(StringBuilder json) {
        if (json.charAt(json.length() - 1) == ',') {
            json.setLength(json.length() - 1);
        }
    }

    private static void quote(StringBuilder json, String value) {
        json.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c < ' ' || c == '"' || c == '\\') {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        json.append('"');
    }
}
