import java.io.BufferedWriter;
import java.io.IOException;
import java.io.Writer;
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
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Reads topics back with Apache's own client and writes one JSON object per message.
 * Arguments: name server, output file, seconds to wait, then {@code topic=count} pairs. A store answers a send a moment
 * before its consume queue shows the message, so each topic is read only when {@code count} messages are visible or the
 * time is over; what is there beyond the count is read as well.
 */
public final class Reader {
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
        // The servers may be busy.
        consumer.setMqClientApiTimeout(30_000);
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
                    out.write(MessageJson.of(message) + "\n");
                }
            }
            offset = result.getNextBeginOffset();
        }
    }
}
