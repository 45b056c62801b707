/* bucket.c: lists of buckets. See bucket.h. */
#include "core/exchange/bucket.h"

#include <stdlib.h>

void brigade_append(struct brigade *brigade, struct bucket *bucket)
{
    bucket->next = NULL;
    if (brigade->tail != NULL) {
        brigade->tail->next = bucket;
    } else {
        brigade->head = bucket;
    }
    brigade->tail = bucket;
    brigade->len += bucket->len;
}

void brigade_splice(struct brigade *to, struct brigade *from)
{
    if (from->head == NULL) {
        return;
    }
    if (to->tail != NULL) {
        to->tail->next = from->head;
    } else {
        to->head = from->head;
    }
    to->tail = from->tail;
    to->len += from->len;
    *from = (struct brigade){0};
}

static void bucket_free(struct bucket *bucket)
{
    if (bucket->owned) {
        free((char *)bucket->at);
    }
    if (bucket->hold != NULL) {
        hold_release(bucket->hold);
    }
    if (bucket->allocated) {
        free(bucket);
    }
}

static void drop_head(struct brigade *brigade)
{
    struct bucket *bucket = brigade->head;
    brigade->head = bucket->next;
    if (brigade->head == NULL) {
        brigade->tail = NULL;
    }
    brigade->len -= bucket->len;
    bucket_free(bucket);
}

/* An owned bucket is freed by its first byte, so its `at` must not move: consumed bytes are counted
 * in `offset` instead, for memory as for files. */
void brigade_consume(struct brigade *brigade, uint64_t sent)
{
    while (brigade->head != NULL && brigade->head->kind != BUCKET_END) {
        struct bucket *bucket = brigade->head;
        if (sent < bucket->len) {
            bucket->offset += sent;
            bucket->len -= sent;
            brigade->len -= sent;
            return;
        }
        sent -= bucket->len;
        drop_head(brigade);
    }
    CHECK(sent == 0);
}

void brigade_clear(struct brigade *brigade)
{
    while (brigade->head != NULL) {
        drop_head(brigade);
    }
}
