/* response_parse.h: one response after another out of the bytes of a connection: http-parser, and
 * what a client must know beside it (an answer to HEAD, interim answers, the end of the connection
 * as the end of a body).
 *
 *   response_begin(&parse, is_head);
 *   while (len > 0 && (verdict = response_step(&parse, at, len, &used)) == RESPONSE_WHOLE) { ... }
 *
 * Nothing is kept of the bytes: a body goes to body_fn in pieces. One thread each.
 */
#ifndef TOOLS_LOAD_RESPONSE_PARSE_H
#define TOOLS_LOAD_RESPONSE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum response_verdict { RESPONSE_MORE, RESPONSE_WHOLE, RESPONSE_MALFORMED };

typedef void response_body_fn(void *arg, const char *at, size_t len);

/* Room for http-parser's state, checked in the source. */
enum { RESPONSE_PARSER_SIZE = 32 };

struct response_parse {
    _Alignas(8) unsigned char parser[RESPONSE_PARSER_SIZE];
    bool head;       /* answers a HEAD: no body, whatever its fields say */
    bool begun;      /* a byte of the response has come */
    bool whole;      /* its end was seen */
    bool has_length; /* Content-Length: `length` */
    bool keep_alive; /* once whole: the connection may be used again */
    int status;      /* 0 before the end of the head */
    uint64_t length;
    uint64_t body;             /* bytes of body so far */
    response_body_fn *body_fn; /* NULL: not needed; kept by response_begin, as is body_arg */
    void *body_arg;
    const char *fault; /* once malformed: what is wrong */
};

void response_begin(struct response_parse *parse, bool head);

/* Reads at most to the end of one response; *used says how far. After WHOLE comes response_begin,
 * after MALFORMED nothing. Interim responses (1xx, but 101) are skipped. */
enum response_verdict response_step(struct response_parse *parse, const char *at, size_t len,
                                    size_t *used);

/* The connection has ended. WHOLE: that was the end of the body, as announced; MALFORMED
 * otherwise. */
enum response_verdict response_end(struct response_parse *parse);

#endif
