/* answer.h: for tests of handlers: a request made by hand, and the answer as the bytes of its
 * brigade. */
#ifndef TESTS_CORE_ANSWER_H
#define TESTS_CORE_ANSWER_H

#include "core/exchange/exchange.h"
#include "core/exchange/response.h"
#include "core/handlers/handler.h"
#include "core/options/settings.h"
#include "tests/test.h"

#include <unistd.h>

enum { ANSWER_MAX = 1 << 20 };

struct client {
    struct settings settings;
    struct exchange_pool pool;
    struct exchange *x;
    enum handler_verdict verdict;
    size_t len;
    char answer[ANSWER_MAX + 1]; /* head and body; a NUL follows */
};

static inline void client_init(struct client *client)
{
    client->settings.max_header_size = 16384;
    client->settings.max_body_size = 1 << 20;
    parse_init_process();
    exchange_pool_init(&client->pool, &client->settings, 1);
    client->x = NULL;
}

static inline void client_drop(struct client *client)
{
    if (client->x != NULL) {
        exchange_end(client->x);
        exchange_put(&client->pool, client->x);
        client->x = NULL;
    }
}

static inline void client_deinit(struct client *client)
{
    client_drop(client);
    exchange_pool_deinit(&client->pool);
}

/* A new request; fields may be added before it is run. The strings are the caller's. */
static inline void client_ask(struct client *client, enum method method, const char *path,
                              const char *query)
{
    client_drop(client);
    client->len = 0;
    client->x = exchange_take(&client->pool, NULL);
    struct request *request = &client->x->request;
    request->method = method;
    request->minor = 1;
    request->keep_alive = true;
    request->path = bytes_of(path);
    request->query = bytes_of(query);
    request->field_count = 0;
    request->body = (struct bytes){"", 0};
}

static inline void client_field(struct client *client, const char *name, const char *value)
{
    struct request *request = &client->x->request;
    request->fields[request->field_count++] = (struct field){bytes_of(name), bytes_of(value)};
}

static inline void client_read_bucket(struct client *client, const struct bucket *bucket)
{
    char *out = client->answer + client->len;
    expect(client->len + bucket->len <= ANSWER_MAX);
    for (uint64_t i = 0; bucket->kind == BUCKET_PATTERN && i < bucket->len; i++) {
        out[i] = bucket->at[(bucket->offset + i) % bucket->period];
    }
    if (bucket->kind == BUCKET_MEMORY) {
        memcpy(out, bucket->at + bucket->offset, bucket->len);
    }
    if (bucket->kind == BUCKET_FILE) {
        expect_int(pread(bucket->fd, out, bucket->len, (off_t)bucket->offset), bucket->len);
    }
    client->len += bucket->len;
    client->answer[client->len] = '\0';
}

/* What was made since the last call is added to the answer, as a writer would send it. */
static inline void client_take(struct client *client)
{
    struct brigade *made = response_made(client->x);
    for (struct bucket *bucket = made->head; bucket != NULL; bucket = bucket->next) {
        client_read_bucket(client, bucket);
    }
    brigade_clear(made);
}

/* One call of the handler. */
static inline void client_run(struct client *client, enum handler_verdict (*run)(struct exchange *))
{
    client->verdict = run(client->x);
    client_take(client);
}

static inline bool client_has(const struct client *client, const char *text)
{
    return strstr(client->answer, text) != NULL;
}

static inline int client_status(const struct client *client)
{
    return client->len > 12 ? atoi(client->answer + 9) : 0;
}

static inline struct bytes client_body(const struct client *client)
{
    const char *end = strstr(client->answer, "\r\n\r\n");
    expect(end != NULL);
    end += 4;
    return (struct bytes){end, (size_t)(client->answer + client->len - end)};
}

/* The value of a field of the answer, copied into `out`; empty when there is none. */
static inline const char *client_value(const struct client *client, const char *name, char out[256])
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\r\n%s: ", name);
    const char *at = strstr(client->answer, wanted);
    out[0] = '\0';
    if (at != NULL && at < client_body(client).at) {
        at += strlen(wanted);
        snprintf(out, 256, "%.*s", (int)strcspn(at, "\r"), at);
    }
    return out;
}

#endif
