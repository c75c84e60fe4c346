import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Map;
import org.apache.rocketmq.common.message.MessageClientExt;
import org.apache.rocketmq.common.message.MessageExt;

/** JSON as the Rust side of these programs reads it: one message is one object. */
final class MessageJson {
    private static final char[] HEX = "0123456789abcdef".toCharArray();

    private MessageJson() {
    }

    static String of(MessageExt message) {
        StringBuilder json = new StringBuilder("{");
        text(json, "topic", message.getTopic());
        number(json, "queue_id", message.getQueueId());
        number(json, "queue_offset", message.getQueueOffset());
        text(json, "body", hex(message.getBody()));
        number(json, "body_crc", message.getBodyCRC());
        text(json, "tags", message.getTags());
        text(json, "keys", message.getKeys());
        text(json, "unique_id", message.getMsgId());
        text(json, "offset_message_id", offsetMessageId(message));
        text(json, "born_host", address(message.getBornHost()));
        text(json, "store_host", address(message.getStoreHost()));
        number(json, "born_timestamp", message.getBornTimestamp());
        number(json, "store_timestamp", message.getStoreTimestamp());
        number(json, "store_size", message.getStoreSize());
        number(json, "sys_flag", message.getSysFlag());
        number(json, "flag", message.getFlag());
        number(json, "reconsume_times", message.getReconsumeTimes());
        number(json, "prepared_offset", message.getPreparedTransactionOffset());
        quote(json, "properties");
        json.append(":{");
        for (Map.Entry<String, String> property : message.getProperties().entrySet()) {
            text(json, property.getKey(), property.getValue());
        }
        dropComma(json);
        return json.append("}}").toString();
    }

    static String offsetMessageId(MessageExt message) {
        return ((MessageClientExt) message).getOffsetMsgId();
    }

    /** Appends a member and a comma. */
    static void number(StringBuilder json, String name, long value) {
        quote(json, name);
        json.append(':').append(value).append(',');
    }

    /** Appends a member and a comma. */
    static void text(StringBuilder json, String name, String value) {
        quote(json, name);
        json.append(':');
        if (value == null) {
            json.append("null");
        } else {
            quote(json, value);
        }
        json.append(',');
    }

    static void quote(StringBuilder json, String value) {
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

    private static void dropComma(StringBuilder json) {
        if (json.charAt(json.length() - 1) == ',') {
            json.setLength(json.length() - 1);
        }
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
}
