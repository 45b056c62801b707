/* parse_state.h: how far one request has been parsed, out of which input and within which limits.
 *
 * It is what the modules of the parser share: parse, which callers use, and the two that it calls,
 * head and body.
 */
#ifndef CORE_HTTP_PARSE_STATE_H
#define CORE_HTTP_PARSE_STATE_H

#include "core/http/request.h"

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
/* Bounds of what frames a chunked body; a line or section of that size fits into the slack. */
enum { CHUNK_LINE_MAX = 256, CHUNK_EXTENSIONS_MAX = 4096, TRAILER_SECTION_MAX = 2048 };
/* So much of an unfinished or overlong request line is kept for the access log. */
enum { REFUSED_LINE_MAX = 1024 };
/* RFC 9112 2.2: at least one empty line before a request should be ignored; endless ones need
 * not. */
enum { LEADING_EMPTY_LINES_MAX = 4 };

enum parse_verdict {
    PARSE_MORE,     /* read on; there is always room in the input for at least one byte */
    PARSE_CONTINUE, /* the head is whole and the client waits for 100 (RFC 9110 10.1.1): answer,
                       call again */
    PARSE_WHOLE,    /* one request is there */
    PARSE_REFUSED,  /* answer parse->status, then close; nothing behind this point is to be read */
};

/* Where the parser stands, in the order of a request. Not for callers. */
enum parse_phase {
    PARSE_REQUEST_LINE, /* and the empty lines before it */
    PARSE_FIELDS,
    PARSE_BODY_IN_PLACE, /* a short body of known length, left in the input */
    PARSE_BODY_MOVED,    /* a longer one, moved out of it */
    PARSE_CHUNK_SIZE,
    PARSE_CHUNK_DATA,
    PARSE_CHUNK_END, /* the CRLF behind the data */
    PARSE_TRAILER,
    PARSE_ENDED, /* whole, or refused */
};

struct parse {
    /* for the caller to read after PARSE_REFUSED */
    int status;         /* 400, 413, 414, 417, 431, 501, 505 */
    const char *reason; /* one line for the log, static text */

    /* where the parser stands; not for callers */
    struct parse_limits limits;
    enum parse_phase phase;
    size_t scanned;       /* bytes of input scanned */
    size_t line_at;       /* start of the line being scanned, or of a body's bytes not yet taken */
    size_t head_len;      /* 0 until the head is whole */
    unsigned empty_lines; /* before the request line */
    unsigned field_lines;
    bool continued; /* PARSE_CONTINUE was returned, or is not due */

    /* the body */
    uint64_t left;      /* of a moved body or a chunk: bytes still to come */
    size_t framing_len; /* of chunk extensions so far, then of the trailer section */
    char *body;         /* malloc'd, owned here until parse_end */
    size_t body_len, body_capacity;

    /* the decoded path, when it is not the target's own text */
    char *long_path; /* malloc'd when it does not fit in path_store */
    char path_store[256];
};

/* Has the head of this request been seen whole? Decides which timeout applies. */
static inline bool parse_in_body(const struct parse *parse)
{
    return parse->head_len != 0;
}

/* Not for callers: notes why the request is refused; returns
 * false. */
static inline bool parse_refuse(struct parse *parse, int status, const char *reason)
{
    parse->status = status;
    parse->reason = reason;
    parse->phase = PARSE_ENDED;
    return false;
}

#endif
