/* answer.c: see answer.h. Where http-parser says that a response is whole, it has as many bytes as
 * it declared; a body that ended early never gets here, it is LOAD_LENGTH in connection.c. */
#include "tools/load/answer.h"

#include <stdio.h>

static bool status_good(const struct plan *plan, int status)
{
    return plan->expect_status != 0 ? status == plan->expect_status : status >= 200 && status < 400;
}

static bool hash_good(const struct plan *plan, struct digest *digest)
{
    unsigned char hash[DIGEST_SIZE];
    digest_end(digest, hash);
    return memcmp(hash, plan->hash, DIGEST_SIZE) == 0;
}

enum load_error answer_error(const struct plan *plan, const struct response_parse *parse,
                             struct digest *digest, unsigned target, char words[ERROR_EXAMPLE_MAX])
{
    const char *url = plan->targets[target].text;
    bool same_hash = digest == NULL || hash_good(plan, digest);
    if (!status_good(plan, parse->status)) {
        snprintf(words, ERROR_EXAMPLE_MAX, "%d for %.120s", parse->status, url);
        return LOAD_STATUS;
    }
    if (!same_hash) {
        snprintf(words, ERROR_EXAMPLE_MAX, "%llu bytes for %.120s", (unsigned long long)parse->body,
                 url);
        return LOAD_HASH;
    }
    return LOAD_GOOD;
}
