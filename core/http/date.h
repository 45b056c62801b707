/* date.h: the dates of HTTP (RFC 9110 5.6.7). Any thread. */
#ifndef CORE_HTTP_DATE_H
#define CORE_HTTP_DATE_H

#include <stddef.h>
#include <time.h>

enum { HTTP_DATE_LEN = 29 };

/* Writes IMF-fixdate (RFC 9110 5.6.7), 29 characters and no NUL. `at` is a wall time in seconds. */
void http_date_format(char out[HTTP_DATE_LEN], time_t at);

/* Reads any of the three HTTP-date forms (RFC 9110 5.6.7); returns (time_t)-1 when it is none. */
time_t http_date_parse(const char *text, size_t len);

/* The current Date value, formatted once a second and thread. Valid until this thread's next
 * call. */
const char *http_date_now(void);

#endif
