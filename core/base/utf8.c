/* utf8.c: the table of well-formed sequences. See utf8.h. */
#include "core/base/utf8.h"

size_t utf8_sequence(struct bytes text)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t len;
    } forms[] = {
        {0x01, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const unsigned char *at = (const unsigned char *)text.at;
    size_t form = 0, count = sizeof forms / sizeof *forms;
    if (text.len == 0) {
        return 0;
    }
    while (form < count && (*at < forms[form].first_low || *at > forms[form].first_high)) {
        form++;
    }
    if (form == count || forms[form].len > text.len) {
        return 0;
    }
    size_t len = forms[form].len;
    if (len > 1 && (at[1] < forms[form].second_low || at[1] > forms[form].second_high)) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf) {
            return 0;
        }
    }
    return len;
}

bool utf8_is_control(struct bytes text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    if (text.len == 0) {
        return false;
    }
    return *at < 0x20 || *at == 0x7f ||
           (text.len > 1 && *at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0);
}
