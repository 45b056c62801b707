/* files.h: the handler that serves the files below --root.
 *
 * Use: files_init before threads start, files_deinit after they have ended; files_run is the
 * handler. In: a GET or HEAD. Out: a whole answer, always in one call. Nothing outside the root is
 * ever opened: the kernel resolves each path below the root's descriptor (openat2,
 * RESOLVE_BENEATH).
 *
 *   path segment that begins with '.'      404, except /.well-known (RFC 8615)
 *   directory without a final '/'          301 to itself with one; with it: its index.html or 404
 *   a.txt.br, a.txt.gz beside a.txt        sent instead by Accept-Encoding, when not older than a.txt
 *   not there, no regular file, a link out 404
 *   no permission                          403
 *   out of descriptors or memory           503 with Retry-After
 *
 * Preconditions (RFC 9110 13) and ranges (RFC 9110 14) apply to the representation that is chosen.
 * Thread: any.
 */
#ifndef CORE_HANDLERS_FILES_H
#define CORE_HANDLERS_FILES_H

#include "core/handlers/handler.h"

struct settings;

enum { FILES_ERROR_MAX = 512 };

/* Opens the root. False: `error` holds one line that says what is wrong with it. */
bool files_init(const struct settings *settings, char error[FILES_ERROR_MAX]);
/* Every exchange has ended. */
void files_deinit(void);

enum handler_verdict files_run(struct exchange *x);
/* The file is not in the cache: files_run may have to wait for the disk. */
bool files_would_wait(const struct exchange *x);

#endif
