import java.io.BufferedWriter;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Consumes the same topics in every way Apache's client has and writes one JSON object for each message that it was
 * given, and for each record that a tracing consumer left behind. Arguments: name server, output file, seconds to wait,
 * messages in each topic, tag expression, messages of each topic that it selects, SQL expression, the same of it, topics
 * whose traces are waited for, other topics; the lists are separated by commas.
 */
public final class Consumers {
    private static final String TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC";
    private static final int MOST_FOUND = 64;
    private static final int ONE_SECOND = 1;
    private static final long POLL_MS = 25;
    private static final int LOOK_AGAIN_MS = 1_000;
    /** The servers may be busy. */
    private static final int API_TIMEOUT_MS = 30_000;
    /** ResponseCode.NO_MESSAGE, which stands in another package in 4.9. */
    private static final int NO_MESSAGE = 208;
    private static final int RECORDS_OF_A_TRACE = 2;

    private final String nameServer;
    private final Writer out;
    private final long deadline;
    private final int count;
    private final List<String> traced;
    private final List<String> topics;
    private final Map<String, Integer> given = new LinkedHashMap<>();

    private Consumers(String[] args, Writer out) {
        this.nameServer = args[0];
        this.out = out;
        this.deadline = System.nanoTime() + Long.parseLong(args[2]) * 1_000_000_000L;
        this.count = Integer.parseInt(args[3]);
        this.traced = list(args[8]);
        this.topics = new ArrayList<>(traced);
        this.topics.addAll(list(args[9]));
    }

    public static void main(String[] args) {
        int status = 0;
        // Read by the client's classes when they are loaded.
        System.setProperty("rocketmq.client.rebalance.waitInterval", Integer.toString(LOOK_AGAIN_MS));
        try (BufferedWriter out = Files.newBufferedWriter(Paths.get(args[1]), StandardCharsets.UTF_8)) {
            Consumers consumers = new Consumers(args, out);
            consumers.run(args[4], Integer.parseInt(args[5]), args[6], Integer.parseInt(args[7]));
        } catch (Exception e) {
            e.printStackTrace();
            status = 1;
        }
        // The clients' threads would only delay the end.
        Runtime.getRuntime().halt(status);
    }

    private static List<String> list(String names) {
        return names.isEmpty() ? new ArrayList<>() : Arrays.asList(names.split(","));
    }

    private void run(String tags, int tagged, String sql, int selected) throws Exception {
        DefaultMQPullConsumer pull = new DefaultMQPullConsumer("consumers_pull");
        pull.setNamesrvAddr(nameServer);
        pull.setMqClientApiTimeout(API_TIMEOUT_MS);
        pull.start();
        for (String topic : topics) {
            waitUntilVisible(pull, topic);
        }
        startPush("push", true, MessageSelector.byTag("*"));
        startPush("tag_filter", false, MessageSelector.byTag(tags));
        startPush("sql_filter", false, MessageSelector.bySql(sql));
        startOrderly();
        startRetry();
        DefaultLitePullConsumer lite = startLitePull();
        List<MessageExt> messages = new ArrayList<>();
        for (String topic : topics) {
            messages.addAll(pullAll(pull, topic));
        }
        for (MessageExt message : messages) {
            lookUpIds(pull, message);
        }
        lookUpKeys(pull, messages);
        while (!isGiven("lite_pull", count) && System.nanoTime() < deadline) {
            for (MessageExt message : lite.poll(POLL_MS)) {
                write("lite_pull", null, message);
            }
        }
        for (String way : Arrays.asList("push", "orderly", "retry")) {
            waitUntilGiven(way, count);
        }
        waitUntilGiven("tag_filter", tagged);
        waitUntilGiven("sql_filter", selected);
        for (MessageExt message : messages) {
            lookUpTrace(pull, message);
        }
    }

    private DefaultMQPushConsumer pushConsumer(String way, boolean traced, MessageSelector selector)
        throws MQClientException {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(
            "consumers_" + way, null, new AllocateMessageQueueAveragely(), traced, traced ? TRACE_TOPIC : null);
        consumer.setNamesrvAddr(nameServer);
        consumer.setMqClientApiTimeout(API_TIMEOUT_MS);
        // The retry topic of a new group has no route when its consumer starts.
        consumer.setPollNameServerInterval(LOOK_AGAIN_MS);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        // One thread takes the messages of a queue in their order, so that one too many comes before the last.
        consumer.setConsumeThreadMin(1);
        consumer.setConsumeThreadMax(1);
        for (String topic : topics) {
            consumer.subscribe(topic, selector);
        }
        return consumer;
    }

    private void startPush(String way, boolean traced, MessageSelector selector) throws MQClientException {
        DefaultMQPushConsumer consumer = pushConsumer(way, traced, selector);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                write(way, null, message);
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
    }

    private void startOrderly() throws MQClientException {
        DefaultMQPushConsumer consumer = pushConsumer("orderly", false, MessageSelector.byTag("*"));
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            for (MessageExt message : messages) {
                write("orderly", null, message);
            }
            return ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
    }

    /** Gives every message back once; what counts is how it comes the second time. */
    private void startRetry() throws MQClientException {
        DefaultMQPushConsumer consumer = pushConsumer("retry", false, MessageSelector.byTag("*"));
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            if (messages.get(0).getReconsumeTimes() == 0) {
                context.setDelayLevelWhenNextConsume(ONE_SECOND);
                return ConsumeConcurrentlyStatus.RECONSUME_LATER;
            }
            for (MessageExt message : messages) {
                write("retry", null, message);
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
    }

    private DefaultLitePullConsumer startLitePull() throws MQClientException {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer("consumers_lite_pull");
        consumer.setNamesrvAddr(nameServer);
        consumer.setMqClientApiTimeout(API_TIMEOUT_MS);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        for (String topic : topics) {
            consumer.subscribe(topic, "*");
        }
        consumer.start();
        return consumer;
    }

    private List<MessageExt> pullAll(DefaultMQPullConsumer pull, String topic) throws Exception {
        List<MessageExt> messages = new ArrayList<>();
        for (MessageQueue queue : pull.fetchSubscribeMessageQueues(topic)) {
            long offset = 0;
            while (offset < pull.maxOffset(queue)) {
                PullResult result = pull.pull(queue, "*", offset, 32);
                if (result.getPullStatus() != PullStatus.FOUND) {
                    throw new IOException(queue + " at " + offset + ": " + result);
                }
                for (MessageExt message : result.getMsgFoundList()) {
                    write("pull", null, message);
                    messages.add(message);
                }
                offset = result.getNextBeginOffset();
            }
        }
        return messages;
    }

    private void lookUpIds(DefaultMQPullConsumer pull, MessageExt message) throws Exception {
        String offsetId = MessageJson.offsetMessageId(message);
        write("offset_id", offsetId, pull.viewMessage(message.getTopic(), offsetId));
        String uniqueId = message.getMsgId();
        write("unique_id", uniqueId, pull.viewMessage(message.getTopic(), uniqueId));
    }

    private void lookUpKeys(DefaultMQPullConsumer pull, List<MessageExt> messages) throws Exception {
        for (String topic : topics) {
            Set<String> keys = new LinkedHashSet<>();
            for (MessageExt message : messages) {
                if (message.getTopic().equals(topic) && message.getKeys() != null) {
                    keys.addAll(Arrays.asList(message.getKeys().split(" ")));
                }
            }
            for (String key : keys) {
                for (MessageExt found : query(pull, topic, key)) {
                    write("key", key, found);
                }
            }
        }
    }

    /** A store answers a moment before its index finds the message. */
    private List<MessageExt> query(DefaultMQPullConsumer pull, String topic, String key) throws Exception {
        List<MessageExt> found = find(pull, topic, key);
        while (found.isEmpty()) {
            if (System.nanoTime() > deadline) {
                throw new IOException("nothing in " + topic + " for key " + key);
            }
            Thread.sleep(POLL_MS);
            found = find(pull, topic, key);
        }
        return found;
    }

    private static List<MessageExt> find(DefaultMQPullConsumer pull, String topic, String key) throws Exception {
        try {
            return pull.queryMessage(topic, key, MOST_FOUND, 0, Long.MAX_VALUE).getMessageList();
        } catch (MQClientException e) {
            if (e.getResponseCode() != NO_MESSAGE) {
                throw e;
            }
            return new ArrayList<>();
        }
    }

    private void lookUpTrace(DefaultMQPullConsumer pull, MessageExt message) throws Exception {
        String id = message.getMsgId();
        Set<String> records = records(pull, id);
        // The dispatcher of the tracing consumer sends within five seconds.
        boolean awaited = traced.contains(message.getTopic());
        while (awaited && records.size() < RECORDS_OF_A_TRACE && System.nanoTime() < deadline) {
            Thread.sleep(POLL_MS);
            records = records(pull, id);
        }
        for (String record : records) {
            StringBuilder json = new StringBuilder("{");
            MessageJson.text(json, "kind", "trace");
            MessageJson.text(json, "unique_id", id);
            MessageJson.quote(json, "fields");
            json.append(":[");
            for (String field : record.split("\1")) {
                MessageJson.quote(json, field);
                json.append(',');
            }
            json.setCharAt(json.length() - 1, ']');
            line(json.append("}"));
        }
    }

    /** Found as the admin tool finds them, by the message's id among the keys of the trace messages. */
    private static Set<String> records(DefaultMQPullConsumer pull, String id) throws Exception {
        Set<String> records = new LinkedHashSet<>();
        for (MessageExt trace : find(pull, TRACE_TOPIC, id)) {
            for (String record : new String(trace.getBody(), StandardCharsets.UTF_8).split("\2")) {
                if (Arrays.asList(record.split("\1")).contains(id)) {
                    records.add(record);
                }
            }
        }
        return records;
    }

    private void waitUntilVisible(DefaultMQPullConsumer pull, String topic) throws Exception {
        long visible = 0;
        while (visible < count) {
            if (System.nanoTime() > deadline) {
                throw new IOException(topic + " shows " + visible + " of " + count + " messages");
            }
            Thread.sleep(POLL_MS);
            visible = 0;
            try {
                for (MessageQueue queue : pull.fetchSubscribeMessageQueues(topic)) {
                    visible += pull.maxOffset(queue);
                }
            } catch (MQClientException e) {
                System.err.println(topic + " has no route yet: " + e);
            }
        }
    }

    private synchronized boolean isGiven(String way, int countPerTopic) {
        return given.getOrDefault(way, 0) >= countPerTopic * topics.size();
    }

    private synchronized void waitUntilGiven(String way, int countPerTopic) throws InterruptedException {
        while (!isGiven(way, countPerTopic) && System.nanoTime() < deadline) {
            wait(1 + Math.max(0, (deadline - System.nanoTime()) / 1_000_000));
        }
    }

    private void write(String way, String asked, MessageExt message) {
        StringBuilder json = new StringBuilder("{");
        MessageJson.text(json, "kind", "message");
        MessageJson.text(json, "way", way);
        MessageJson.text(json, "asked", asked);
        MessageJson.text(json, "reply_topic", replyTopic(message));
        MessageJson.quote(json, "message");
        line(json.append(':').append(MessageJson.of(message)).append('}'));
        synchronized (this) {
            given.merge(way, 1, Integer::sum);
            notifyAll();
        }
    }

    private synchronized void line(StringBuilder json) {
        try {
            out.append(json).append('\n');
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Where a reply to this message would go; null if Apache's client cannot make one. */
    private static String replyTopic(MessageExt message) {
        try {
            return MessageUtil.createReplyMessage(message, new byte[] {1}).getTopic();
        } catch (MQClientException e) {
            return null;
        }
    }
}
