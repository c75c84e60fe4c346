/* Prints what was sent, and the receipt, as one JSON object per line. */
#ifndef MESSAGE_JSON_H
#define MESSAGE_JSON_H

#include <stdio.h>

#include <rmq.h>

static void json_text(const char *text) {
    if (text == NULL) {
        fputs("null", stdout);
        return;
    }
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++) {
        if (*c < 0x20 || *c == '"' || *c == '\\') {
            printf("\\u%04x", *c);
        } else {
            putchar(*c);
        }
    }
    putchar('"');
}

static void json_member(const char *name, const char *text) {
    printf(",\"%s\":", name);
    json_text(text);
}

static void json_hex(const void *bytes, size_t count) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *b = bytes;
    putchar('"');
    for (size_t i = 0; i < count; i++) {
        putchar(digits[b[i] >> 4]);
        putchar(digits[b[i] & 15]);
    }
    putchar('"');
}

static void json_receipt(const rmq_receipt_t *receipt) {
    if (receipt == NULL) {
        fputs(",\"receipt\":null", stdout);
        return;
    }
    printf(",\"receipt\":{\"status\":%d,\"queue_id\":%d,\"queue_offset\":%lld", (int)receipt->status,
           (int)receipt->queue_id, (long long)receipt->queue_offset);
    json_member("topic", receipt->topic);
    json_member("message_id", receipt->message_id);
    json_member("offset_message_id", receipt->offset_message_id);
    json_member("broker_name", receipt->broker_name);
    json_member("broker_address", receipt->broker_address);
    putchar('}');
}

static void json_message(const rmq_message_t *message, const rmq_receipt_t *receipt) {
    fputs("{\"body\":", stdout);
    json_hex(message->body, message->body_len);
    printf(",\"flag\":%d", (int)message->flag);
    json_member("topic", message->topic);
    json_member("tags", message->tags);
    fputs(",\"keys\":[", stdout);
    for (size_t i = 0; i < message->key_count; i++) {
        fputs(i == 0 ? "" : ",", stdout);
        json_text(message->keys[i]);
    }
    fputs("],\"properties\":{", stdout);
    for (size_t i = 0; i < message->property_count; i++) {
        fputs(i == 0 ? "" : ",", stdout);
        json_text(message->properties[i].name);
        putchar(':');
        json_text(message->properties[i].value);
    }
    putchar('}');
    json_receipt(receipt);
    fputs("}\n", stdout);
}

#endif
