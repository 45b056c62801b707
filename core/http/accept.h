/* accept.h: how much a client wants a media type (RFC 9110 12.5.1), and the weights that all Accept
 * fields have. Any thread. */
#ifndef CORE_HTTP_ACCEPT_H
#define CORE_HTTP_ACCEPT_H

#include "core/http/request.h"

/* Weights in thousandths. */
enum { WEIGHT_BAD = -2, WEIGHT_FULL = 1000 };

/* qvalue (RFC 9110 12.4.2): "0" or "1", with at most three digits behind the point, none over
 * 1.000; WEIGHT_BAD for anything else. */
int accept_qvalue(struct bytes text);

/* How narrow a range of Accept is; a narrower one counts, whatever a wider one says. */
enum accept_width {
    ACCEPT_UNSAID,
    ACCEPT_ANY,     /* any type at all */
    ACCEPT_FAMILY,  /* "text" and any subtype */
    ACCEPT_TYPE,    /* the type itself */
    ACCEPT_VERSION, /* the type and its version */
};

struct accept_match {
    enum accept_width width; /* of the narrowest range that matches */
    int weight;              /* its weight; 0 where none matches */
};

/* What the client says of a type ("text/plain") that we make in this version ("0.0.4"). A range
 * that names another version does not match; parameters other than `version` and `q` are ignored. A
 * client that sends no Accept takes anything. */
struct accept_match accept_type(const struct request *request, struct bytes type,
                                struct bytes version);

#endif
