import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/** Sends with Apache's own producer and prints the outcome as its last line. */
public final class Peer {
    private static final int TIMEOUT_MS = 30_000;

    private final Work work;
    private final byte[] body;
    private final DefaultMQProducer producer = new DefaultMQProducer("rmq-bench");
    /** Slowest thread's share of the messages divided by the mean share. */
    private Double slowest;

    public static void main(String[] words) throws Exception {
        Peer peer = new Peer(Work.from(words));
        peer.run(peer.work.warmUp());
        System.out.println(peer.run(peer.work.count()).json(peer.work, peer.slowest));
        System.out.flush();
        // The client's threads would only delay the end.
        Runtime.getRuntime().halt(0);
    }

    private Peer(Work work) throws Exception {
        this.work = work;
        body = new byte[work.body()];
        Arrays.fill(body, (byte) 'x');
        producer.setNamesrvAddr(work.nameServer());
        producer.setSendMsgTimeout(TIMEOUT_MS);
        producer.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE);
        producer.setAutoBatch(work.autoBatch());
        producer.start();
    }

    private Section run(int count) throws Exception {
        switch (work.mode()) {
            case "lone":
                return lone(count);
            case "threads":
                return threads(count);
            case "async":
                return async(count);
            case "oneway":
                return oneway(count);
            case "batch":
                return batch(count);
            default:
                throw new IllegalArgumentException("no mode " + work.mode());
        }
    }

    private Section lone(int count) {
        Section section = new Section(count);
        for (int i = 0; i < count; i++) {
            send(section, i);
        }
        section.stop(count);
        return section;
    }

    private Section threads(int count) throws InterruptedException {
        Section section = new Section(count);
        AtomicInteger next = new AtomicInteger();
        int[] shares = new int[work.threads()];
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < shares.length; t++) {
            int number = t;
            Thread thread = new Thread(() -> {
                int share = 0;
                for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                    send(section, i);
                    share++;
                }
                shares[number] = share;
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        section.stop(count);
        slowest = (double) Arrays.stream(shares).min().orElse(0) * shares.length / Math.max(count, 1);
        return section;
    }

    private Section async(int count) throws Exception {
        Section section = new Section(count);
        Semaphore room = new Semaphore(work.window());
        for (int i = 0; i < count; i++) {
            room.acquire();
            producer.send(message(), new Report(section, i, 1, room));
        }
        room.acquire(work.window());
        section.stop(count);
        return section;
    }

    /**
     * The last message is an asynchronous one: its answer says that the connection has carried all before it. A blocking
     * one would overtake them inside of the client.
     */
    private Section oneway(int count) throws Exception {
        Section section = new Section(count);
        Semaphore room = new Semaphore(0);
        for (int i = 0; i < count - 1; i++) {
            producer.sendOneway(message());
            section.count(i, 1, null);
        }
        if (count > 0) {
            producer.send(message(), new Report(section, count - 1, 1, room));
            room.acquire();
        }
        section.stop(0);
        return section;
    }

    /** As many batches at once as the window has room for, at least one. */
    private Section batch(int count) throws Exception {
        int sends = (count + work.batch() - 1) / work.batch();
        int most = Math.max(work.window() / work.batch(), 1);
        Section section = new Section(sends);
        Semaphore room = new Semaphore(most);
        for (int i = 0; i < sends; i++) {
            int size = Math.min(work.batch(), count - i * work.batch());
            List<Message> messages = new ArrayList<>(size);
            for (int j = 0; j < size; j++) {
                messages.add(message());
            }
            if (most == 1) {
                long sentAt = System.nanoTime();
                section.report(i, size, sentAt, attempt(() -> producer.send(messages)));
            } else {
                room.acquire();
                producer.send(messages, new Report(section, i, size, room));
            }
        }
        room.acquire(most);
        section.stop(sends);
        return section;
    }

    private Message message() {
        return new Message(work.topic(), body);
    }

    private void send(Section section, int number) {
        Message message = message();
        long sentAt = System.nanoTime();
        section.report(number, 1, sentAt, attempt(() -> producer.send(message)));
    }

    private interface Action {
        void run() throws Exception;
    }

    private static Exception attempt(Action action) {
        try {
            action.run();
            return null;
        } catch (Exception error) {
            return error;
        }
    }

    /** Reports one asynchronous send and gives its place in the window free. */
    private static final class Report implements SendCallback {
        private final Section section;
        private final int number;
        private final int messages;
        private final Semaphore room;
        private final long sentAt = System.nanoTime();

        Report(Section section, int number, int messages, Semaphore room) {
            this.section = section;
            this.number = number;
            this.messages = messages;
            this.room = room;
        }

        @Override
        public void onSuccess(SendResult result) {
            section.report(number, messages, sentAt, null);
            room.release();
        }

        @Override
        public void onException(Throwable error) {
            section.report(number, messages, sentAt, error);
            room.release();
        }
    }
}
