/* answer.h: is this the answer that was expected? Status, length, hash, in this order. */
#ifndef TOOLS_LOAD_ANSWER_H
#define TOOLS_LOAD_ANSWER_H

#include "tools/load/errors.h"
#include "tools/load/plan.h"
#include "tools/load/response_parse.h"

/* A whole response, to a request for this target. `words` says what is wrong. The digest (NULL
 * where none is expected) is ended here. */
enum load_error answer_error(const struct plan *plan, const struct response_parse *parse,
                             struct digest *digest, unsigned target, char words[ERROR_EXAMPLE_MAX]);

#endif
