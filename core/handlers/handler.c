/* handler.c: what handlers share: forwarding and lists of methods. See handler.h. */
#include "core/handlers/handler.h"

#include "core/http/line.h"
#include "core/http/target.h"

#include <stdlib.h>

/* --- forwarding --- */

static bool is_origin_form(struct bytes target)
{
    return target.len <= FORWARD_TARGET_MAX && http_is_all(target, CHAR_TARGET) &&
           target.at[0] == '/';
}

/* Takes the target in text[0 .. len) apart; a path that must be decoded is written behind it. */
static bool split_target(char *text, size_t len, struct http_target *parts)
{
    if (http_target_split((struct bytes){text, len}, false, parts) != NULL) {
        return false;
    }
    if (http_path_is_plain(parts->path)) {
        return true;
    }
    const char *fault = http_path_decode(parts->path, text + len, &parts->path.len);
    parts->path.at = text + len;
    return fault == NULL;
}

/* The old text is freed last: `target` may lie in it. */
bool handler_forward(struct exchange *x, struct bytes target)
{
    struct http_target parts;
    CHECK(x->response.status == 0);
    if (!is_origin_form(target)) {
        return false;
    }
    char *text = must_alloc(2 * target.len);
    memcpy(text, target.at, target.len);
    if (!split_target(text, target.len, &parts)) {
        free(text);
        return false;
    }
    x->request.path = parts.path;
    x->request.query = parts.query;
    x->cursor = 0;
    free(x->forward_text);
    x->forward_text = text;
    return true;
}

size_t methods_list(unsigned methods, char out[64])
{
    static const struct {
        enum method method;
        struct bytes name;
    } names[] = {
        {METHOD_GET, {"GET", 3}}, {METHOD_HEAD, {"HEAD", 4}},     {METHOD_POST, {"POST", 4}},
        {METHOD_PUT, {"PUT", 3}}, {METHOD_DELETE, {"DELETE", 6}}, {METHOD_OPTIONS, {"OPTIONS", 7}},
    };
    size_t len = 0;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if ((methods & names[i].method) == 0) {
            continue;
        }
        if (len > 0) {
            memcpy(out + len, ", ", 2);
            len += 2;
        }
        memcpy(out + len, names[i].name.at, names[i].name.len);
        len += names[i].name.len;
    }
    out[len] = '\0';
    return len;
}
