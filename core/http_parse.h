/* http_parse.h: from bytes to one whole request, as strictly as RFC 9112 allows a server to be.
 *
 * Why an adapter: Debian's http-parser 2.9.4 is a lenient build; everything it lets through that a
 * strict origin server must refuse is checked here, with the RFC section beside each check. The
 * head is scanned line by line as it arrives (so a bare LF is refused at once, not at a timeout) and
 * given to http-parser when it is complete; the body is framed here alone, because two framings
 * that can disagree are what request smuggling is made of.
 *
 * Use: parse_begin for each request, then parse_step after each read until it says something other
 * than PARSE_MORE. The caller owns `input`; the parser reads input->at[0 … len) and may move the bytes
 * of a body out of it. After PARSE_WHOLE, input->used bytes are the request's and what lies behind
 * them belongs to the next one.
 *
 * Thread: one at a time, whoever holds the connection. Allocates for a body only. No clock, no I/O.
 */
#ifndef CORE_HTTP_PARSE_H
#define CORE_HTTP_PARSE_H

#include "core/request.h"

struct parse_limits {
    size_t header_size; /* bytes of request line and header fields together: 414, 431 */
    uint64_t body_size; /* decoded bytes of a body: 413 */
};

/* Bytes received and not yet used. The head never moves while its request lives. */
struct input {
    char *at;
    size_t capacity; /* at least header_size + INPUT_SLACK */
    size_t len;      /* received */
    size_t used;     /* of these, belonging to the current request */
};
/* Room beside the largest head, so that body bytes and chunk lines can pass through. */
enum { INPUT_SLACK = 4096 };

enum parse_verdict {
    PARSE_MORE,     /* read on; there is always room in the input for at least one byte */
    PARSE_CONTINUE, /* the head is whole and the client waits for 100 (RFC 9110 10.1.1): answer, call again */
    PARSE_WHOLE,    /* one request is there */
    PARSE_REFUSED,  /* answer parse->status, then close; nothing behind this point is to be read */
};

struct parse {
    /* for the caller to read after PARSE_REFUSED */
    int status;         /* 400, 413, 414, 417, 431, 501, 505 … */
    const char *reason; /* one line for the log, static text */
    /* where the parser stands; not for callers */
    struct parse_limits limits;
    size_t scanned;     /* bytes of input looked at */
    size_t line_at;     /* start of the line being scanned */
    size_t head_len;    /* 0 until the head is whole */
    uint64_t left;      /* of a body or chunk: bytes still to come */
    size_t line_bytes;  /* of a chunk-size line or trailer section: bytes so far */
    unsigned phase;
    bool continued;     /* PARSE_CONTINUE was said */
    char *body;         /* malloc'd, owned here until parse_end */
    size_t body_len, body_capacity;
    char *path;         /* decoded path: points into path_store or, when longer, is malloc'd */
    char path_store[256];
};

/* Process-wide, once, before threads start. */
void parse_init_process(void);

void parse_begin(struct parse *parse, struct request *request, struct parse_limits limits);

/* Looks at what came since the last call. After PARSE_REFUSED, request->method, line and keep_alive may be
 * unset (zero), and request->line holds what there is of the request line. */
enum parse_verdict parse_step(struct parse *parse, struct request *request, struct input *input);

/* Has the head of this request been seen whole? Decides which timeout applies. */
static inline bool parse_in_body(const struct parse *parse)
{
    return parse->head_len != 0;
}

/* Frees what the parser allocated for this request (body, long path). Safe to call twice. */
void parse_end(struct parse *parse);

#endif
