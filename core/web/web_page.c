/* web_page.c: filling in what a page leaves open. See web_page.h. */
#include "core/web/web_page.h"

#include "core/base/check.h"

#include <stdint.h>
#include <sys/random.h>

void web_nonce(char nonce[WEB_NONCE])
{
    uint64_t bits[2];
    CHECK(getrandom(bits, sizeof bits, 0) == (ssize_t)sizeof bits); /* so few never come in part */
    (void)snprintf(nonce, WEB_NONCE, "%016llx%016llx", (unsigned long long)bits[0],
                   (unsigned long long)bits[1]);
}

/* Cuts the text before the next mark and the mark off; false, and nothing cut, when there is
 * none. */
static bool next_mark(struct bytes *rest, struct bytes *before, struct bytes *mark)
{
    static const struct bytes marks[] = {{"@NONCE@", 7}, {"@DATA@", 6}};
    const char *at = rest->at, *end = rest->at + rest->len;
    while ((at = memchr(at, '@', (size_t)(end - at))) != NULL) {
        for (unsigned i = 0; i < 2; i++) {
            if (bytes_start_with((struct bytes){at, (size_t)(end - at)}, marks[i])) {
                *before = (struct bytes){rest->at, (size_t)(at - rest->at)};
                *mark = (struct bytes){at, marks[i].len};
                *rest = (struct bytes){at + mark->len, (size_t)(end - at) - mark->len};
                return true;
            }
        }
        at++;
    }
    return false;
}

void web_page_print(FILE *out, struct bytes page, const char *nonce, web_data_fn *data, void *arg)
{
    struct bytes before, mark;
    while (next_mark(&page, &before, &mark)) {
        (void)fwrite(before.at, 1, before.len, out);
        if (mark.at[1] == 'N') {
            fputs(nonce, out);
        } else {
            data(arg, out);
        }
    }
    (void)fwrite(page.at, 1, page.len, out);
}
