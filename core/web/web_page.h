/* web_page.h: the pages that the programs carry in themselves.
 *
 * Made at build time (tools/embed-page.c) from the parts in core/web/, with style, script and the
 * plotting library inside: a page requests nothing but its figures. The sender of a page replaces
 * two marks: @NONCE@ wherever a script or a style begins, and at most one @DATA@.
 */
#ifndef CORE_WEB_WEB_PAGE_H
#define CORE_WEB_WEB_PAGE_H

#include "core/base/bytes.h"

#include <stdio.h>

/* /server-status: draws the running server. */
extern const struct bytes web_status_page;

enum { WEB_NONCE = 33 };

/* 128 random bits as text: in a page and in the policy it is sent with, so that no other script
 * than the page's own may run. Any thread. */
void web_nonce(char nonce[WEB_NONCE]);

/* The page with the nonce in its places; `data` writes what belongs at @DATA@, and is not needed
 * where the page has none. Write errors show in ferror(out). */
typedef void web_data_fn(void *arg, FILE *out);
void web_page_print(FILE *out, struct bytes page, const char *nonce, web_data_fn *data, void *arg);

#endif
