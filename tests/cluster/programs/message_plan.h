/* What truth.c sends: bodies with every byte value from 1 byte to the broker's limit, and every kind of
 * attribute. */
#ifndef MESSAGE_PLAN_H
#define MESSAGE_PLAN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rmq.h>

#define PLANNED_MESSAGES 14
#define LONG_VALUE 20000

/* Around the sizes where something changes: one byte, one byte's values, a page, 64 KiB, the broker's limit. */
static const size_t body_sizes[PLANNED_MESSAGES] = {1,    2,    255,   256,   257,   4095,    4096,
                                                    4097, 8192, 65535, 65536, 65537, 1048576, 4194304};

static const char *const tag_choices[] = {NULL, "TagA", "tag-with_signs", "M\xC3\xA4rz"};

/* Everything one message points to. */
typedef struct planned_t {
    rmq_message_t message;
    const char *keys[3];
    char first_key[32];
    char serial[32];
    rmq_property_t properties[4];
    unsigned char *body;
    char *long_value;
} planned_t;

static void *must(void *pointer) {
    if (pointer == NULL) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return pointer;
}

/* Fills the body so that every message differs, with NUL bytes among the others. */
static void plan_body(planned_t *p, int serial, size_t size) {
    p->body = must(malloc(size));
    for (size_t i = 0; i < size; i++) {
        p->body[i] = (unsigned char)(i * 31 + i / 256 + (size_t)serial);
    }
    p->message.body = p->body;
    p->message.body_len = size;
}

static void plan_serial(planned_t *p, int serial, const char *topic) {
    memset(p, 0, sizeof *p);
    const rmq_message_t init = RMQ_MESSAGE_INIT;
    p->message = init;
    p->message.topic = topic;
    snprintf(p->serial, sizeof p->serial, "%d", serial);
    p->properties[0].name = "serial";
    p->properties[0].value = p->serial;
    p->message.properties = p->properties;
    p->message.property_count = 1;
}

/* One of the PLANNED_MESSAGES. */
static void plan(planned_t *p, int serial, const char *topic) {
    plan_serial(p, serial, topic);
    plan_body(p, serial, body_sizes[serial]);
    p->message.tags = tag_choices[serial % 4];
    snprintf(p->first_key, sizeof p->first_key, "order-%d", serial);
    p->keys[0] = p->first_key;
    p->keys[1] = "second";
    p->keys[2] = "Schl\xC3\xBCssel";
    p->message.keys = p->keys;
    p->message.key_count = (size_t)serial % 4;
    p->message.flag = serial % 2 == 0 ? serial * 1000 : -serial;
    p->message.wait_store_ok = serial % 5 != 4;
    p->properties[1].name = "Gr\xC3\xB6\xC3\x9F" "e";
    p->properties[1].value = "gr\xC3\xBCn \xE2\x98\x83 \xF0\x9D\x84\x9E \"\\ \t";
    p->properties[2].name = "\xE4\xB8\xAD\xE6\x96\x87";
    p->properties[2].value = "\xE6\x95\xB0\xE6\x8D\xAE=;,&";
    p->message.property_count = 1 + (size_t)serial % 3;
    if (serial == PLANNED_MESSAGES / 2) {
        p->long_value = must(malloc(LONG_VALUE + 1));
        memset(p->long_value, 'v', LONG_VALUE);
        p->long_value[LONG_VALUE] = '\0';
        p->properties[p->message.property_count].name = "long";
        p->properties[p->message.property_count].value = p->long_value;
        p->message.property_count++;
    }
}

/* One of many small ones. */
static void plan_small(planned_t *p, int serial, const char *topic) {
    plan_serial(p, serial, topic);
    plan_body(p, serial, 64 + (size_t)serial % 300);
}

static void plan_free(planned_t *p) {
    free(p->body);
    free(p->long_value);
}

#endif
