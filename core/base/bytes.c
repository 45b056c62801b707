/* bytes.c: walking a list of tokens. See bytes.h. */
#include "core/base/bytes.h"

bool bytes_next_member(struct bytes *list, struct bytes *member)
{
    while (list->len > 0) {
        const char *comma = memchr(list->at, ',', list->len);
        size_t len = comma != NULL ? (size_t)(comma - list->at) : list->len;
        *member = bytes_trim((struct bytes){list->at, len});
        size_t used = comma != NULL ? len + 1 : len;
        list->at += used;
        list->len -= used;
        if (member->len > 0) {
            return true;
        }
    }
    return false;
}
