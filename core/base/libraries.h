/* libraries.h: which versions of the libraries run: those that were loaded, and not those that the
 * program was compiled with. Another libuv may poll in another way, so a measurement names them.
 *
 * libuv and http-parser: what server and load generator run on. Any thread.
 */
#ifndef CORE_BASE_LIBRARIES_H
#define CORE_BASE_LIBRARIES_H

#include "core/base/json.h"

/* "libuv 1.44.2, http-parser 2.9.4". */
enum { LIBRARIES_TEXT = 64 };
void libraries_format(char out[LIBRARIES_TEXT]);

/* An object: the version by name. */
void libraries_to_json(struct json *json, const char *key);

#endif
