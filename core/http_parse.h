/* http_parse.h: from bytes to one whole request, as strictly as RFC 9112 allows a server to be.
 *
 * Why an adapter: Debian's http-parser 2.9.4 is a lenient build; everything it lets through that a
 * strict origin server must refuse is checked here, with the RFC section beside each check. The
 * head is scanned line by line as it arrives (so a bare LF is refused at once, not at a timeout)
 * and given to http-parser when it is complete; the body is framed here alone, because two framings
 * that can disagree are what request smuggling is made of.
 *
 * Use: parse_begin for each request, then parse_step after each read until it says something other
 * than PARSE_MORE. The caller owns `input`; the parser reads input->at[0 … len) and may move the
 * bytes of a body out of it (a short body stays where it is). After PARSE_WHOLE, input->used bytes
 * are the request's and what lies behind them belongs to the next one.
 *
 * Limits: the size of the head, the number of fields, the decoded body, each line that frames a
 * chunk, all chunk extensions together and the trailer section. A verdict never depends on how the
 * bytes were split.
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
    size_t scanned;       /* bytes of input looked at */
    size_t line_at;       /* start of the line being scanned, or of a body's bytes not yet taken */
    size_t head_len;      /* 0 until the head is whole */
    unsigned empty_lines; /* before the request line */
    unsigned field_lines;
    bool continued; /* PARSE_CONTINUE was said, or is not due */

    /* the body */
    uint64_t left;      /* of a moved body or a chunk: bytes still to come */
    size_t framing_len; /* of chunk extensions so far, then of the trailer section */
    char *body;         /* malloc'd, owned here until parse_end */
    size_t body_len, body_capacity;

    /* the decoded path, when it is not the target's own text */
    char *long_path; /* malloc'd when it does not fit in path_store */
    char path_store[256];
};

/* Process-wide, once, before threads start. */
void parse_init_process(void);

/* Makes both ready for a request that starts at input->at. Frees nothing: parse_end comes between
 * two of them. */
void parse_begin(struct parse *parse, struct request *request, struct parse_limits limits);

/* Looks at what came since the last call. After PARSE_REFUSED the request's members may be unset
 * (zero), keep_alive is false, and request->line holds what there is of the request line. After
 * PARSE_WHOLE or PARSE_REFUSED it is not called again before parse_begin. */
enum parse_verdict parse_step(struct parse *parse, struct request *request, struct input *input);

/* Has the head of this request been seen whole? Decides which timeout applies. */
static inline bool parse_in_body(const struct parse *parse)
{
    return parse->head_len != 0;
}

/* Frees what the parser allocated for this request (body, long path). Safe to call twice. */
void parse_end(struct parse *parse);

/* For the parser's own modules (http_head, http_body): notes why the request is refused; returns
 * false. */
static inline bool parse_refuse(struct parse *parse, int status, const char *reason)
{
    parse->status = status;
    parse->reason = reason;
    parse->phase = PARSE_ENDED;
    return false;
}

#endif
